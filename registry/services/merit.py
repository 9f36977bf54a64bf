"""The bids of a session in the order of their merit, and whether a selection owes anything to them
(SES-5).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product as product_of

from registry.domain.calendar import DeliveryDay
from registry.domain.deals import DealTerms, Form
from registry.domain.enums import Market
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import owner_of_product
from registry.domain.merit import (
    Slice,
    StandingBid,
    able_kw,
    in_force,
    merit_order,
    passed_over,
    risen_kw,
    slice_of,
    take,
)
from registry.domain.procurement import Agreement, Bid, Taken, agreement_violations, bid_violations
from registry.domain.quantities import Direction
from registry.domain.settlement_case import PerimeterCase
from registry.services.perimeter_cases import perimeter_case, selections_of
from registry.services.qualification import qualification_of
from registry.services.recorder import Recorder, every
from registry.services.sealing import opened_for

LOCAL = Market.LFP
"""Local services are merited by price, in each perimeter. The TSO's need is no perimeter's, so no list of one
perimeter says what it should have taken.
"""


@dataclass(frozen=True, slots=True)
class MeritEntry:
    """A bid in its place: what it offers of an hour and direction, and how much of it a need takes, kW."""

    offer: StandingBid
    price_milli_eur_per_mwh: int
    kw: int
    taken_kw: int


@dataclass(frozen=True, slots=True)
class HourOffer:
    """What an aggregate offers in an hour and direction, at one price."""

    aggregate: int
    hour: int
    direction: Direction
    kw: int
    price_milli_eur_per_mwh: int


def standing_bids(
    recorder: Recorder, day: DeliveryDay, market: Market, session: int, perimeter: int, product: int
) -> list[StandingBid]:
    """The bids for a product that stand in a session and that its operator can open on this node."""
    operator = owner_of_product(product)
    rows = every(
        lambda after, limit: recorder.mirror.offers(
            day.number, market=market, perimeter=perimeter, after=after, limit=limit
        )
    )
    bids = []
    for row in rows:
        opening = recorder.vault.opening(row.commitment)
        if opening is None or opening.kind != Form.BID.value or operator not in opening.owners:
            continue
        bid = Bid.from_payload(opening.payload)
        recorded = row.aggregate, row.perimeter, row.day, row.market, row.session
        if recorded == (bid.aggregate, bid.perimeter, bid.day, bid.market, bid.session):
            position = row.recorded.block_number, row.recorded.log_index
            bids.append(StandingBid(bid, row.commitment, position))
    return [one for one in in_force(bids, session).values() if one.bid.product == product]


def merit_list(
    recorder: Recorder,
    day: DeliveryDay,
    session: int,
    perimeter: int,
    product: int,
    hour: int,
    direction: Direction,
    need_kw: int,
) -> list[MeritEntry]:
    """The local bids of an hour and direction, cheapest first, and what a need takes of each (SES-5).

    Bids of aggregates that are not qualified, and power that the other market has, are left out.
    """
    bids = standing_bids(recorder, day, LOCAL, session, perimeter, product)
    by_name = {one.commitment: one for one in bids}
    slices = [one for one in _slices(_able(recorder, bids, day), hour, direction) if one.kw]
    taken = take(slices, need_kw)
    return [
        MeritEntry(by_name[one.commitment], one.price_milli_eur_per_mwh, one.kw, taken.get(one.commitment, 0))
        for one in merit_order(slices)
    ]


def local_offers(
    recorder: Recorder, day: DeliveryDay, session: int, perimeter: int, product: int
) -> Iterator[HourOffer]:
    """What the local bids for a product that stand in a session offer in the hours that it plans; as
    :func:`merit_list`.
    """
    bids = standing_bids(recorder, day, LOCAL, session, perimeter, product)
    able = _able(recorder, bids, day)
    aggregates = {one.commitment: one.bid.aggregate for one in bids}
    for hour, direction in product_of(range(day.first_hour(session), day.hours), Direction):
        for one in _slices(able, hour, direction):
            if one.kw:
                aggregate = aggregates[one.commitment]
                yield HourOffer(aggregate, hour, direction, one.kw, one.price_milli_eur_per_mwh)


def terms_of(recorder: Recorder, taken: Taken, rests_on: bytes) -> DealTerms:
    """What is paid for a selection by the agreement or bid that it rests on (SES-5).

    Raises:
        RuleViolation: PRIV-3, the operator cannot open it on this node; SES-5, it does not stand, or the
            selection is not what it is about: the first difference, and how many more there are.
    """
    operator = owner_of_product(taken.product)
    opening = opened_for(recorder.vault, operator, rests_on, "rests_on")
    if opening.kind == Form.AGREEMENT.value:
        agreement = Agreement.from_payload(opening.payload)
        view = recorder.mirror.agreement(rests_on)
        if view is None or not view.accepted:
            raise _not_standing(rests_on, "an agreement that both parties accepted")
        terms = agreement.terms(rests_on)
        raise_first(agreement_violations(taken, terms, agreement, rests_on))
        return terms
    bid = Bid.from_payload(opening.payload)
    day = DeliveryDay.from_number(taken.day)
    bids = standing_bids(recorder, day, taken.market, taken.session, taken.perimeter, taken.product)
    terms = bid.terms(rests_on)
    raise_first(bid_violations(taken, terms, bid, rests_on))
    if rests_on not in {one.commitment for one in bids}:
        raise _not_standing(rests_on, f"the bid that stands in session {taken.session}")
    return terms


def require_merit(recorder: Recorder, deals: Sequence[tuple[Taken, bytes]]) -> None:
    """Refuse local selections that buy power at a price while a cheaper bid is left (SES-5).

    Args:
        deals: what a session takes, and the agreement or bid that each rests on.

    Raises:
        RuleViolation: SES-5.
    """
    places = {(taken.perimeter, taken.product, taken.day, taken.session) for taken, _ in deals}
    for perimeter, product, number, session in sorted(places):
        day = DeliveryDay.from_number(number)
        bids = standing_bids(recorder, day, LOCAL, session, perimeter, product)
        orders = {one.aggregate: (one.kw, name) for one, name in deals if one.perimeter == perimeter}
        before = {one.bid.aggregate: _selected(recorder, day, perimeter, one.bid.aggregate) for one in bids}
        now = {**before, **{aggregate: kw for aggregate, (kw, _) in orders.items()}}
        able = _able(recorder, bids, day)
        for hour, direction in product_of(range(day.first_hour(session), day.hours), Direction):
            taken = {
                one.commitment: risen_kw(now[one.bid.aggregate], (0,) * day.hours, hour, direction)
                for one in bids
            }
            risen = {
                name
                for aggregate, (kw, name) in orders.items()
                if aggregate in before and risen_kw(kw, before[aggregate], hour, direction)
            }
            where = f"hour {hour} {direction.name.lower()}"
            raise_first(passed_over(_slices(able, hour, direction), taken, risen, where))


def raise_first(violations: list[RuleViolation]) -> None:
    """Raise the first of what was found, saying how many more there are."""
    if violations:
        first = violations[0]
        more = f"{len(violations) - 1} more of this kind" if len(violations) > 1 else ""
        raise RuleViolation(
            rule=first.rule, field=first.field, found=first.found, allowed=first.allowed, hint=more
        )


def _selected(recorder: Recorder, day: DeliveryDay, perimeter: int, aggregate: int) -> tuple[int, ...]:
    """What is selected of an aggregate in a perimeter now, signed kW per hour."""
    found = recorder.mirror.selection_in_force(aggregate, perimeter, day.number)
    return (0,) * day.hours if found is None else found.kw


def _able(
    recorder: Recorder, bids: Iterable[StandingBid], day: DeliveryDay
) -> list[tuple[StandingBid, PerimeterCase]]:
    """The bids of aggregates that are qualified now, as the ledger asks of a selection, with what their PODs
    are on the day and what the other market has of them.
    """
    mirror, now = recorder.mirror, recorder.clock.now()
    found = []
    for one in bids:
        bid = one.bid
        if qualification_of(mirror, bid.aggregate, bid.product, now, day).answer.qualified:
            selections = selections_of(mirror, bid.aggregate, bid.market, day)
            here = [selection for selection in selections if selection.perimeter == bid.perimeter]
            case = perimeter_case(mirror, bid.aggregate, bid.perimeter, bid.market, day, here)
            found.append((one, case))
    return found


def _slices(
    able: Iterable[tuple[StandingBid, PerimeterCase]], hour: int, direction: Direction
) -> list[Slice]:
    return [slice_of(one, hour, direction, able_kw(case, hour, direction)) for one, case in able]


def _not_standing(rests_on: bytes, allowed: str) -> RuleViolation:
    return RuleViolation(rule="SES-5", field="rests_on", found=rests_on, allowed=allowed)
