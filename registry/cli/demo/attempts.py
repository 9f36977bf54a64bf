"""What must fail in each session pair, and the rule by which the ledger refuses it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations

from registry.cli.demo import procuring
from registry.cli.demo.book import MarketBook
from registry.cli.demo.pools import global_order, local_order, pool_kw
from registry.cli.demo.scenario import (
    BSPS,
    CONGESTION,
    DAY,
    DSO,
    FAST,
    GLOBAL,
    LOCAL,
    OTHER_DSO,
    TSO,
)
from registry.cli.demo.sessions import AFTER_GATE, light_of
from registry.cli.demo.stage import Stage
from registry.cli.outcome import DemoFailed
from registry.domain.calendar import from_unix
from registry.domain.commands import SelectGlobal, SelectLocal
from registry.domain.identifiers import owner_of_aggregate
from registry.domain.lights import Colour
from registry.domain.market import Selection
from registry.domain.quantities import Direction, pack_selection
from registry.services.publish_lights import DayLights, publish_lights
from registry.services.select_flexibility import Order

Cell = tuple[int, int, Direction]
NOTHING = bytes(32)
"""What the orders here rest on: they fail for other reasons, whatever is paid."""


def in_local_session(stage: Stage, session: int) -> None:
    """Attempts while LFP ``session`` is open."""
    if session == 1:
        perimeter = next(iter(stage.facts["perimeters"].values()))
        stage.refused(
            "SES-4",
            "MSD 1 selects before its window opens",
            lambda: _select_global(stage, 1, _one_kw(stage, perimeter)),
        )
        procuring.pass_over(stage)
    if session == 3:
        _both_directions(stage)
    if session == 5:
        light = next(iter(stage.facts["lights"].values()))
        perimeter = stage.facts["perimeters"][light.perimeter]
        stage.refused(
            "ACT-1",
            f"the key of DSO {OTHER_DSO} publishes lights in the name of DSO {DSO}",
            lambda: publish_lights(
                stage.node.recorder,
                DSO,
                stage.signer(OTHER_DSO),
                DAY,
                5,
                [DayLights(perimeter, light.up, light.down, {})],
            ),
        )
    if session == 6:
        aggregate, perimeter = next(iter(stage.facts["local"].kw))
        kw = list(stage.facts["local"].kw[aggregate, perimeter])
        hour = next(hour for hour, power in enumerate(kw) if power)
        kw[hour] += 1 if kw[hour] > 0 else -1
        stage.refused(
            "SES-2",
            f"LFP 6 changes hour {hour}, which is definitive",
            lambda: _select_local(stage, 6, local_order(aggregate, perimeter, kw, NOTHING)),
        )


def _both_directions(stage: Stage) -> None:
    """The DSO against its own plan."""
    cell, order = _against_own_plan(stage)
    stage.refused(
        "DTL-3",
        f"the DSO selects 1 kW {_name(stage, cell)}, against its own plan",
        lambda: _select_local(stage, 3, order),
    )


def _against_own_plan(stage: Stage) -> tuple[Cell, Order]:
    """A planned hour and 1 kW the other way, of another aggregate."""
    local: MarketBook = stage.facts["local"]
    for (planned, perimeter), kw in local.kw.items():
        for hour in range(DAY.first_hour(3), DAY.hours):
            sign = -1 if kw[hour] > 0 else 1
            way = Direction.UP if sign > 0 else Direction.DOWN
            others = [a for a in LOCAL.values() if a != planned and pool_kw(stage, a, perimeter, way)]
            if kw[hour] and others:
                against = [*local.selected(others[0], perimeter)]
                against[hour] = sign
                return (perimeter, hour, way), local_order(others[0], perimeter, against, NOTHING)
    raise DemoFailed("found no hour with a local plan and another aggregate")


def between_gates(stage: Stage, session: int) -> None:
    """Attempts once LFP ``session`` has closed and MSD ``session`` is open, before the TSO has selected."""
    stage.at(from_unix(stage.facts["schedule"].lfp_gates[session - 1]) + AFTER_GATE)
    for attempt in ATTEMPTS.get(session, ()):
        attempt(stage, session)


def after_global_session(stage: Stage, session: int) -> None:
    """Attempts once the TSO has selected."""
    if session == 6:
        aggregate, perimeter = next(place for place, kw in stage.facts["global"].kw.items() if any(kw))
        kw = stage.facts["global"].kw[aggregate, perimeter]
        stage.refused(
            "SES-4",
            "the TSO sends a second outcome of the same session",
            lambda: _select_global(stage, 6, global_order(aggregate, perimeter, kw, NOTHING)),
        )


def _unqualified(stage: Stage, session: int) -> None:
    perimeter = next(iter(stage.facts["perimeters"].values()))
    aggregate = GLOBAL[BSPS[0]]
    unqualified = Order(aggregate, perimeter, _hour(0, 1), (FAST,), aggregate, NOTHING)
    stage.refused(
        "PRQ-1",
        f"the TSO selects aggregate {aggregate}, not qualified for the fast reserve",
        lambda: _select_global(stage, session, unqualified),
    )
    other = GLOBAL[BSPS[1]]
    not_twin = Order(other, perimeter, _hour(0, 1), (CONGESTION, FAST - 1), LOCAL[BSPS[1]], NOTHING)
    stage.refused(
        "TOE-2",
        f"the TSO takes {other} for qualified by the test of {LOCAL[BSPS[1]]}, which has other PODs",
        lambda: _select_global(stage, session, not_twin),
    )


def _red(stage: Stage, session: int) -> None:
    def red(cell: Cell) -> bool:
        return light_of(stage, *cell).colour is Colour.RED

    cell, aggregate = _find(stage, session, red, "red")
    stage.refused(
        "DTL-2",
        f"the TSO selects 1 kW {_name(stage, cell)}, where the light is red",
        lambda: _select_global(stage, session, _at(stage, aggregate, cell, 1)),
    )


def _late(stage: Stage, session: int) -> None:
    aggregate, perimeter = next(iter(stage.facts["local"].kw))
    kw = stage.facts["local"].kw[aggregate, perimeter]
    stage.refused(
        "SES-4",
        f"the DSO sends the outcome of LFP {session} after its gate",
        lambda: _select_local(stage, session, local_order(aggregate, perimeter, kw, NOTHING)),
    )


def _too_much(stage: Stage, session: int) -> None:
    """Two aggregates, each within the light, together beyond it."""
    cell, orders, kw, room = _overfilling(stage, session)
    stage.refused(
        "DTL-4",
        f"the TSO selects {kw[0]} + {kw[1]} kW more of two aggregates {_name(stage, cell)}, "
        f"where the grid takes {room} kW more",
        lambda: _select_global(stage, session, *orders),
    )


def _overfilling(stage: Stage, session: int) -> tuple[Cell, tuple[Order, Order], tuple[int, int], int]:
    """A yellow cell, orders of two aggregates that together exceed its room by 1 kW, their kW, the room."""
    book: MarketBook = stage.facts["global"]
    for cell in _cells(stage, session):
        perimeter, hour, way = cell
        light = light_of(stage, *cell)
        room = light.limit_kw - abs(book.total(perimeter, hour))
        if light.colour is not Colour.YELLOW or room < 2 or stage.facts["local"].total(perimeter, hour):
            continue
        for first, second in combinations(GLOBAL.values(), 2):
            before = [abs(book.selected(a, perimeter)[hour]) for a in (first, second)]
            one = min(pool_kw(stage, first, perimeter, way) - before[0], room)
            two = room - one + 1
            if one > 0 and pool_kw(stage, second, perimeter, way) - before[1] >= two:
                orders = (
                    _at(stage, first, cell, before[0] + one),
                    _at(stage, second, cell, before[1] + two),
                )
                return cell, orders, (one, two), room
    raise DemoFailed("found no yellow cell that two aggregates could overfill")


def _taken(stage: Stage, session: int) -> None:
    """All of an aggregate whose PODs serve the DSO in that hour."""
    cell, twin = _serving_the_dso(stage, session)
    whole = pool_kw(stage, twin, cell[0], cell[2])
    stage.refused(
        "SES-2",
        f"the TSO selects all {whole} kW of {twin} {_name(stage, cell)}, of which PODs serve the DSO",
        lambda: _select_global(stage, session, _at(stage, twin, cell, whole)),
    )


def _serving_the_dso(stage: Stage, session: int) -> tuple[Cell, int]:
    """A cell in which PODs of a global aggregate are declared to the local market, and that aggregate."""
    local: MarketBook = stage.facts["local"]
    for (aggregate, perimeter), kw in local.kw.items():
        twin = GLOBAL[owner_of_aggregate(aggregate)]
        shared = set(local.declared[aggregate, perimeter]) & set(stage.facts["members"][twin])
        for hour in range(DAY.first_hour(session), DAY.hours):
            if kw[hour] and any(local.serves(pod_id, hour) for pod_id in shared):
                return (perimeter, hour, Direction.UP if kw[hour] > 0 else Direction.DOWN), twin
    raise DemoFailed("found no hour in which PODs of a global aggregate serve the DSO")


def _stranger(stage: Stage, session: int) -> None:
    perimeter = next(iter(stage.facts["perimeters"].values()))
    selection = _selection(_one_kw(stage, perimeter))
    stage.refused(
        "ACT-1",
        f"BSP {BSPS[0]} writes a market outcome",
        lambda: stage.node.recorder.record(
            SelectGlobal(TSO, DAY.number, session, (selection,)), stage.signer(BSPS[0])
        ),
    )


ATTEMPTS: dict[int, tuple[Callable[[Stage, int], None], ...]] = {
    1: (_unqualified, _red),
    2: (_late,),
    3: (_too_much,),
    4: (_taken,),
    5: (_stranger,),
}
"""Pair 6 has its attempts while LFP 6 is open and after MSD 6 has selected."""


def _select_global(stage: Stage, session: int, *orders: Order) -> None:
    command = SelectGlobal(TSO, DAY.number, session, tuple(map(_selection, orders)))
    stage.node.recorder.record(command, stage.signer(TSO))


def _select_local(stage: Stage, session: int, *orders: Order) -> None:
    command = SelectLocal(DSO, DAY.number, session, tuple(map(_selection, orders)))
    stage.node.recorder.record(command, stage.signer(DSO))


def _selection(order: Order) -> Selection:
    """Straight onto the ledger: no software of the operator stops it before."""
    cells = pack_selection(order.kw)
    return Selection(
        order.aggregate, order.perimeter, order.tested_aggregate, order.chain, cells, order.rests_on
    )


def _cells(stage: Stage, session: int) -> Iterator[Cell]:
    for perimeter in stage.facts["perimeters"].values():
        for hour in range(DAY.first_hour(session), DAY.hours):
            for way in Direction:
                yield perimeter, hour, way


def _find(stage: Stage, session: int, fits: Callable[[Cell], bool], what: str) -> tuple[Cell, int]:
    """A cell that fits and an aggregate that has power there."""
    for cell in _cells(stage, session):
        for aggregate in GLOBAL.values():
            if fits(cell) and pool_kw(stage, aggregate, cell[0], cell[2]):
                return cell, aggregate
    raise DemoFailed(f"found no {what} cell with power of a global aggregate")


def _at(stage: Stage, aggregate: int, cell: Cell, power_kw: int) -> Order:
    perimeter, hour, way = cell
    kw = list(stage.facts["global"].selected(aggregate, perimeter))
    kw[hour] = power_kw if way is Direction.UP else -power_kw
    return global_order(aggregate, perimeter, kw, NOTHING)


def _one_kw(stage: Stage, perimeter: int) -> Order:
    return global_order(GLOBAL[BSPS[0]], perimeter, _hour(DAY.hours - 1, 1), NOTHING)


def _hour(hour: int, kw: int) -> tuple[int, ...]:
    return tuple(kw if number == hour else 0 for number in range(DAY.hours))


def _name(stage: Stage, cell: Cell) -> str:
    names = {number: name for name, number in stage.facts["perimeters"].items()}
    return f"{cell[2].name.lower()} in {names[cell[0]]}, hour {cell[1]}"
