"""What selections rest on: one BSP has availability agreements, the others bid, the cheapest first
(SES-5).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations, product

from registry.cli.demo.book import MarketBook
from registry.cli.demo.pools import free_kw, local_order, pool_kw
from registry.cli.demo.scenario import (
    AGREED_KW,
    AGREED_PRICE,
    AGREEING,
    AVAILABILITY_PRICE,
    BALANCING,
    CONGESTION,
    DAY,
    DSO,
    GLOBAL,
    GLOBAL_PRICE,
    LOCAL,
    LOCAL_PRICE,
    TSO_DIRECTION,
)
from registry.cli.demo.stage import Stage
from registry.cli.outcome import DemoFailed
from registry.domain.events import OfferRecorded
from registry.domain.procurement import Agreement, Bid
from registry.domain.quantities import Direction
from registry.domain.sessions import Market
from registry.grid.results import LocalNeed
from registry.services.merit import merit_list
from registry.services.procurement import accept_agreement, offer_bids, propose_agreement
from registry.services.select_flexibility import Order, select_flexibility

Place = tuple[int, int]
"""Aggregate and perimeter."""
SEASON_DAYS = 90


def agree(stage: Stage) -> None:
    """The DSO and one BSP agree on a season, per perimeter and direction in which the BSP has power."""
    aggregate, recorder = LOCAL[AGREEING], stage.node.recorder
    agreed: dict[tuple[int, Direction], bytes] = {}
    for perimeter in stage.facts["perimeters"].values():
        for way in Direction:
            kw = min(pool_kw(stage, aggregate, perimeter, way), AGREED_KW)
            if not kw:
                continue
            terms = Agreement(
                CONGESTION,
                aggregate,
                perimeter,
                way,
                DAY.number,
                DAY.number + SEASON_DAYS,
                kw,
                AVAILABILITY_PRICE,
                AGREED_PRICE,
            )
            name, _ = propose_agreement(recorder, DSO, stage.signer(DSO), terms)
            accept_agreement(recorder, AGREEING, stage.signer(AGREEING), name)
            agreed[perimeter, way] = name
    stage.facts["agreements"] = agreed
    stage.facts |= {"global bids": {}, "local bids": {}, "local bid names": {}}
    stage.report["agreements"] = len(agreed)
    stage.say(
        f"{len(agreed)} availability agreements of BSP {AGREEING}, up to {AGREED_KW} kW per perimeter: "
        f"{AVAILABILITY_PRICE / 1000:.2f} EUR/MW and hour, {AGREED_PRICE / 1000:.0f} EUR/MWh used"
    )


def offer_global(stage: Stage) -> None:
    """All BSPs bid for the TSO's sessions: the first bid of the day stands for the later ones, too."""
    for bsp, aggregate in GLOBAL.items():
        bids = []
        for perimeter in stage.facts["perimeters"].values():
            kw = tuple(_wanted_by_tso(stage, aggregate, perimeter, hour) for hour in range(DAY.hours))
            if any(kw):
                market, price = Market.MSD, GLOBAL_PRICE[bsp]
                bids.append(Bid(BALANCING, aggregate, perimeter, DAY.number, market, 1, kw, price))
        stage.facts["global bids"] |= _offer(stage, bsp, bids)
    stage.say(f"{len(stage.facts['global bids'])} bids for the TSO's sessions, paid as bid")


def local_orders(stage: Stage, book: MarketBook, session: int, needs: Sequence[LocalNeed]) -> list[Order]:
    """Cover each need: first what is agreed on, then the bids of the others, the cheapest first."""
    bids: dict[Place, bytes] = {}
    for bsp in LOCAL_PRICE:
        offered = _local_bids(stage, book, session, bsp, needs)
        bids |= _offer(stage, bsp, offered)
        stage.facts["local bids"] |= {(one.aggregate, one.perimeter): one for one in offered}
    stage.facts["local bid names"] = bids
    touched: dict[Place, bytes] = {}
    for need in needs:
        perimeter = stage.facts["perimeters"][need.perimeter]
        left = _take_agreed(stage, book, session, need, touched)
        if not left:
            continue
        entries = merit_list(
            stage.node.recorder, DAY, session, perimeter, CONGESTION, need.hour, need.direction, left
        )
        for entry in entries:
            aggregate = entry.offer.bid.aggregate
            taken = book.take(aggregate, perimeter, need, left, entry.kw)
            if taken:
                touched[aggregate, perimeter] = bids[aggregate, perimeter]
            left -= taken
    return [
        local_order(aggregate, perimeter, book.kw[aggregate, perimeter], rests_on)
        for (aggregate, perimeter), rests_on in sorted(touched.items())
    ]


def pass_over(stage: Stage) -> None:
    """1 kW of a bid while the same hour has a cheaper one with power left: the DSO's own software stops
    it.
    """
    order, prices, room_kw = _cheaper_left(stage)
    stage.refused(
        "SES-5",
        f"the DSO takes 1 kW at {prices[0] // 1000} EUR/MWh, though {room_kw} kW at {prices[1] // 1000} "
        "are left",
        lambda: select_flexibility(stage.node.recorder, DSO, stage.signer(DSO), Market.LFP, DAY, 1, [order]),
    )


def _cheaper_left(stage: Stage) -> tuple[Order, tuple[int, int], int]:
    """An order of 1 kW more of a dear bid, both prices in milli-euro per MWh, and what is left of the
    cheap one.
    """
    book: MarketBook = stage.facts["local"]
    bids: dict[tuple[int, int], Bid] = stage.facts["local bids"]
    for (dear, cheap), hour in product(permutations(bids.values(), 2), range(DAY.hours)):
        prices = dear.use_price_milli_eur_per_mwh, cheap.use_price_milli_eur_per_mwh
        sign = 1 if dear.kw[hour] > 0 else -1
        room = [abs(one.kw[hour]) - abs(_planned(book, one)[hour]) for one in (dear, cheap)]
        same = dear.perimeter == cheap.perimeter and sign * cheap.kw[hour] > 0
        if same and prices[0] > prices[1] and min(room) > 0:
            kw = _planned(book, dear)
            kw[hour] += sign
            name = stage.facts["local bid names"][dear.aggregate, dear.perimeter]
            return local_order(dear.aggregate, dear.perimeter, kw, name), prices, room[1]
    raise DemoFailed("found no hour with two bids of which the cheaper one has power left")


def _planned(book: MarketBook, bid: Bid) -> list[int]:
    return [*book.selected(bid.aggregate, bid.perimeter)]


def _take_agreed(
    stage: Stage, book: MarketBook, session: int, need: LocalNeed, touched: dict[Place, bytes]
) -> int:
    """Take what the agreement gives; what is left of the need, kW. One deal is for one direction."""
    perimeter, aggregate = stage.facts["perimeters"][need.perimeter], LOCAL[AGREEING]
    name = stage.facts["agreements"].get((perimeter, need.direction))
    sign = 1 if need.direction is Direction.UP else -1
    planned = book.selected(aggregate, perimeter)[DAY.first_hour(session) :]
    if name is None or any(sign * kw < 0 for kw in planned):
        return need.power_kw
    agreed = min(pool_kw(stage, aggregate, perimeter, need.direction), AGREED_KW)
    free = free_kw(stage, aggregate, perimeter, need.hour, need.direction, stage.facts["global"])
    taken = book.take(aggregate, perimeter, need, need.power_kw, min(agreed, free))
    if taken:
        touched[aggregate, perimeter] = name
    return need.power_kw - taken


def _local_bids(
    stage: Stage, book: MarketBook, session: int, bsp: int, needs: Sequence[LocalNeed]
) -> list[Bid]:
    """All that is free of an aggregate in the hours that the DSO needs or has selected already."""
    bids, aggregate = [], LOCAL[bsp]
    for name in sorted({need.perimeter for need in needs}):
        perimeter = stage.facts["perimeters"][name]
        ways = {need.hour: need.direction for need in needs if need.perimeter == name}
        selected = book.selected(aggregate, perimeter)
        kw = []
        for hour in range(DAY.hours):
            way = ways.get(hour)
            if selected[hour]:
                way = Direction.UP if selected[hour] > 0 else Direction.DOWN
            if way is None:
                kw.append(0)
                continue
            free = free_kw(stage, aggregate, perimeter, hour, way, stage.facts["global"])
            kw.append(max(free, abs(selected[hour])) * (-1 if way is Direction.DOWN else 1))
        if any(kw):
            market, price = Market.LFP, LOCAL_PRICE[bsp]
            bids.append(Bid(CONGESTION, aggregate, perimeter, DAY.number, market, session, tuple(kw), price))
    return bids


def _offer(stage: Stage, bsp: int, bids: Sequence[Bid]) -> dict[Place, bytes]:
    """Commitments of the recorded bids."""
    found: dict[Place, bytes] = {}
    for receipt in offer_bids(stage.node.recorder, bsp, stage.signer(bsp), bids):
        for recorded in receipt.events:
            if isinstance(recorded.event, OfferRecorded):
                found[recorded.event.aggregate, recorded.event.perimeter] = recorded.event.commitment
    return found


def _wanted_by_tso(stage: Stage, aggregate: int, perimeter: int, hour: int) -> int:
    sign = TSO_DIRECTION.get(hour, 0)
    way = Direction.UP if sign > 0 else Direction.DOWN
    return sign * pool_kw(stage, aggregate, perimeter, way) if sign else 0
