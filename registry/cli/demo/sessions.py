"""Act 6: one session pair: the DSO's local planning and lights, then the TSO's selection, each declared by
the BSPs.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from rich.text import Text

from registry.cli.demo import procuring
from registry.cli.demo.book import HOUR_BITS, MarketBook
from registry.cli.demo.grid_day import GridDay
from registry.cli.demo.pools import global_order, granted_kw, members_in, pool_kw
from registry.cli.demo.registering import working_pods
from registry.cli.demo.scenario import DAY, DSO, GLOBAL, TSO, TSO_DIRECTION
from registry.cli.demo.stage import Stage
from registry.domain.calendar import QUARTERS_PER_HOUR, from_unix
from registry.domain.commands import DeclarePods
from registry.domain.identifiers import owner_of_aggregate
from registry.domain.lights import CellLight, Colour
from registry.domain.market import PodQuarters
from registry.domain.quantities import Direction
from registry.domain.sessions import DaySchedule, Market
from registry.grid.results import PerimeterDayLights
from registry.services.publish_lights import DayLights, publish_lights
from registry.services.select_flexibility import Order, select_flexibility

BEFORE_GATE = timedelta(minutes=20)
AFTER_GATE = timedelta(minutes=10)
TSO_SHARE = (25, 30, 30, 35, 35, 40)
"""Per cent of an aggregate's power in a perimeter that the TSO takes in sessions 1 to 6."""
MARKS = {Colour.GREEN: ("·", "green"), Colour.YELLOW: ("▒", "yellow"), Colour.RED: ("█", "red")}


def local_session(stage: Stage, session: int) -> None:
    """LFP: plan local flexibility from power flow, select it, publish the lights that follow."""
    schedule: DaySchedule = stage.facts["schedule"]
    stage.at(from_unix(schedule.lfp_gates[session - 1]) - BEFORE_GATE)
    grid: GridDay = stage.facts["grid"]
    book: MarketBook = stage.facts["local"]
    names = {number: name for name, number in stage.facts["perimeters"].items()}
    pods = [pod.grid for pod in working_pods(stage)]
    # 1. needs of the hours that can still be planned, and who covers them
    first = DAY.first_hour(session)
    needs = [n for n in grid.needs(session, pods, list(book.activations(names))) if n.hour >= first]
    orders = procuring.local_orders(stage, book, session, needs)
    if orders:
        select_flexibility(stage.node.recorder, DSO, stage.signer(DSO), Market.LFP, DAY, session, orders)
        declare(stage, book, stage.facts["global"], session, orders)
    for need in needs[:3]:
        way = need.direction.name.lower()
        stage.say(
            f"local need: {need.power_kw} kW {way} in {need.perimeter}, hour {need.hour}: {need.binding}"
        )
    stage.say(f"LFP {session}: {len(needs)} local needs, {len(orders)} selections, hours from {first}")
    # 2. lights over the state with the plan
    lights = grid.lights(session, pods, list(book.activations(names)))
    publish_lights(
        stage.node.recorder,
        DSO,
        stage.signer(DSO),
        DAY,
        session,
        [_day_lights(stage, light) for light in lights],
    )
    stage.facts["lights"] = {stage.facts["perimeters"][light.perimeter]: light for light in lights}
    _show_lights(stage, lights)


def global_session(stage: Stage, session: int) -> None:
    """MSD: the TSO selects within the lights, paid as bid; the BSPs declare."""
    schedule: DaySchedule = stage.facts["schedule"]
    stage.at(from_unix(schedule.lfp_gates[session - 1]) + AFTER_GATE)
    if session == 1:
        procuring.offer_global(stage)
    book: MarketBook = stage.facts["global"]
    orders = _global_orders(stage, book, session)
    if orders:
        select_flexibility(stage.node.recorder, TSO, stage.signer(TSO), Market.MSD, DAY, session, orders)
        declare(stage, book, stage.facts["local"], session, orders)
    energy = sum(abs(kw) for order in orders for kw in order.kw[DAY.first_hour(session) :])
    stage.say(
        f"MSD {session}: {len(orders)} selections, {energy / 1000:.1f} MWh "
        f"from hour {DAY.first_hour(session)} on"
    )


def declare(stage: Stage, book: MarketBook, other: MarketBook, session: int, orders: Sequence[Order]) -> None:
    """The BSPs say which PODs fulfil their orders: as many as are needed, the largest first (SES-3)."""
    for order in orders:
        place = (order.aggregate, order.perimeter)
        declared = book.declared.setdefault(place, {})
        fresh: dict[bytes, int] = {}
        for hour in range(DAY.first_hour(session), DAY.hours):
            for pod_id in _missing(stage, order, hour, declared, other):
                fresh[pod_id] = fresh.get(pod_id, 0) | HOUR_BITS << QUARTERS_PER_HOUR * hour
        for pod_id, bits in fresh.items():
            declared[pod_id] = declared.get(pod_id, 0) | bits
        bsp = owner_of_aggregate(order.aggregate)
        items = tuple(PodQuarters(pod_id, bits) for pod_id, bits in sorted(fresh.items()))
        stage.node.recorder.record(
            DeclarePods(bsp, order.aggregate, order.perimeter, DAY.number, items, True), stage.signer(bsp)
        )


def light_of(stage: Stage, perimeter: int, hour: int, way: Direction) -> CellLight:
    """The light last published."""
    light: PerimeterDayLights = stage.facts["lights"][perimeter]
    return light.side(way)[hour]


def _global_orders(stage: Stage, book: MarketBook, session: int) -> list[Order]:
    """What the TSO takes: a share of each aggregate, nothing where the DSO plans, never beyond the lights."""
    local: MarketBook = stage.facts["local"]
    orders = []
    for perimeter in stage.facts["perimeters"].values():
        if any(local.total(perimeter, hour) for hour in range(DAY.hours)):
            continue
        for aggregate in GLOBAL.values():
            before = book.selected(aggregate, perimeter)
            after = list(before)
            for hour in range(DAY.first_hour(session), DAY.hours):
                sign = TSO_DIRECTION.get(hour, 0)
                way = Direction.UP if sign > 0 else Direction.DOWN
                light = light_of(stage, perimeter, hour, way)
                room = light.limit_kw - abs(book.total(perimeter, hour)) + abs(before[hour])
                wanted = pool_kw(stage, aggregate, perimeter, way) * TSO_SHARE[session - 1] // 100
                after[hour] = sign * max(min(wanted, room), 0)
            if after != before:
                book.kw[aggregate, perimeter] = after
                rests_on = stage.facts["global bids"][aggregate, perimeter]
                orders.append(global_order(aggregate, perimeter, after, rests_on))
    return orders


def _missing(
    stage: Stage, order: Order, hour: int, declared: dict[bytes, int], other: MarketBook
) -> list[bytes]:
    """PODs to add so that the declared ones cover an hour."""
    way = Direction.UP if order.kw[hour] > 0 else Direction.DOWN
    left, added = abs(order.kw[hour]), []
    pods = members_in(stage, order.aggregate, order.perimeter)
    there = [pod for pod in pods if declared.get(pod.pod_id, 0) >> QUARTERS_PER_HOUR * hour & HOUR_BITS]
    left -= sum(granted_kw(pod, way) for pod in there)
    for pod in pods:
        if left <= 0:
            break
        if pod not in there and granted_kw(pod, way) and not other.serves(pod.pod_id, hour):
            added.append(pod.pod_id)
            left -= granted_kw(pod, way)
    return added


def _day_lights(stage: Stage, light: PerimeterDayLights) -> DayLights:
    reasons = {
        f"{way.name.lower()} {hour}": text
        for way in Direction
        for hour, text in enumerate(light.binding(way))
        if text
    }
    return DayLights(stage.facts["perimeters"][light.perimeter], light.up, light.down, reasons)


def _show_lights(stage: Stage, lights: Sequence[PerimeterDayLights]) -> None:
    for light in lights:
        if all(cell.colour is Colour.GREEN for cell in (*light.up, *light.down)):
            continue
        text = Text(f"  {light.perimeter:<20} up ")
        for way in Direction:
            for cell in light.side(way):
                mark, style = MARKS[cell.colour]
                text.append(mark, style=style)
            if way is Direction.UP:
                text.append("  down ")
        stage.console.print(text)
