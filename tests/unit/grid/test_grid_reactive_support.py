"""Lights with reactive support: robust, joint, verified by AC with the setpoints applied (GRD-1, DTL-2,
DTL-3).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.quantities import Colour, Direction
from registry.grid.lights import day_lights
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_providers import SupportTerms
from registry.grid.results import LocalActivation, PerimeterDayLights
from registry.grid.sensitivity import sensitivities
from registry.grid.state import ExpectedState, expected_state, with_activations
from registry.grid.violations import TOLERANCE, Limits
from tests.unit.grid.grid_house import Floats, Ints, Line, flat_day, grid, pod, simbench
from tests.unit.grid.reactive_house import PRICES, feeder

UP, DOWN = Direction.UP, Direction.DOWN
Found = dict[str, PerimeterDayLights]


def lights(state: ExpectedState, limits: Limits, keys: tuple[str, ...] | None, seed: int = 1) -> Found:
    flow = PowerFlow(state.network, threads=1)
    found = day_lights(state, flow, limits, terms=SupportTerms((50_000,) * state.hours, keys), seed=seed)
    return {day.perimeter: day for day in found}


@cache
def fixture(keys: tuple[str, ...] | None) -> Found:
    house = simbench()
    return lights(house.state, house.limits(), keys)


EVERY_THIRD = tuple(each.key for each in simbench().pods[::3])
EVERY_NINTH = tuple(each.key for each in simbench().pods[::9])


def applied(state: ExpectedState, found: Found) -> ExpectedState:
    """The state with all setpoints of all perimeters."""
    q_var = state.q_var.copy()
    index = {each.key: i for i, each in enumerate(state.pods)}
    for day in found.values():
        for setpoint in day.setpoints:
            carrier = state.carrier[index[setpoint.pod]]
            sign = state.network.element_sign[carrier]
            q_var[carrier, setpoint.quarter] += sign * setpoint.injected_var
    return dataclasses.replace(state, q_var=q_var)


def reactive_hours(found: Found) -> list[int]:
    cells = [light for day in found.values() for way in Direction for light in enumerate(day.side(way))]
    return sorted({hour for hour, light in cells if light.reactive})


def placed(
    state: ExpectedState,
    quarters: Ints,
    power: Callable[[str, Direction, int], float],
    order: Callable[[list[int]], list[int]],
    ways: Callable[[], list[Direction]],
) -> Floats:
    """Moves, ``[scenario, POD]``: each perimeter in its own direction, PODs filled in the order given."""
    moves = np.zeros((len(quarters), len(state.pods)))
    for move, quarter in zip(moves, quarters, strict=True):
        for name, members, way in zip(state.partition.names, state.partition.members, ways(), strict=True):
            left = power(name, way, int(quarter) // 4)
            for i in order(list(members)):
                moved = min(left, float(state.range_kw[way][i, quarter]))
                move[i] = moved if way is UP else -moved
                left -= moved
    return moves


def random_moves(
    state: ExpectedState, hours: list[int], power: Callable[[str, Direction, int], float], each: int
) -> tuple[Ints, Floats]:
    """Random placements with all perimeters at their power at once: all up, all down, or mixed."""
    random = np.random.default_rng(7)
    quarters = np.array(
        [4 * hour + q for hour in hours for q in range(4) for _ in range(each)], dtype=np.int64
    )

    def ways() -> list[Direction]:
        common = int(random.integers(-1, 2))
        count = len(state.partition.names)
        return [Direction(int(random.integers(2)) if common < 0 else common) for _ in range(count)]

    def order(members: list[int]) -> list[int]:
        return [int(i) for i in random.permutation(members)]

    return quarters, placed(state, quarters, power, order, ways)


def broken(
    state: ExpectedState, limits: Limits, quarters: Ints, moves: Floats, kept_by: ExpectedState
) -> bool:
    """Whether some placement breaks a limit that ``kept_by`` keeps with nobody moving."""
    flow = PowerFlow(state.network, threads=1)
    solution = flow.solve(*state.scenarios(quarters, moves))
    base = limits.values(flow.solve(*kept_by.scenarios(quarters, np.zeros_like(moves)))) <= limits.bounds
    return bool(
        (~solution.converged).any() or ((limits.values(solution) > limits.bounds + TOLERANCE) & base).any()
    )


# -------------------------------------------------------------------------------------------- the fixture


@pytest.mark.rule("GRD-1", "DTL-2")
@pytest.mark.parametrize("keys", [None, EVERY_THIRD], ids=["all providers", "every third"])
def test_random_placements_hold_with_the_setpoints_applied(keys: tuple[str, ...] | None) -> None:
    house, found = simbench(), fixture(keys)
    hours = reactive_hours(found)
    assert len(hours) >= 5
    supported = applied(house.state, found)
    quarters, moves = random_moves(
        house.state, hours, lambda name, way, hour: float(found[name].side(way)[hour].limit_kw), each=15
    )
    assert not broken(supported, house.limits(), quarters, moves, supported)
    assert not broken(supported, house.limits(), quarters, moves, house.state)


@pytest.mark.rule("GRD-1")
def test_until_support_is_called_the_lower_capability_holds_without_it() -> None:
    house, found = simbench(), fixture(None)
    quarters, moves = random_moves(
        house.state,
        reactive_hours(found),
        lambda name, way, hour: float(found[name].without_kw(way)[hour]),
        each=10,
    )
    assert not broken(house.state, house.limits(), quarters, moves, house.state)
    quarters, moves = random_moves(
        house.state,
        reactive_hours(found),
        lambda name, way, hour: float(found[name].side(way)[hour].limit_kw),
        each=10,
    )
    assert broken(house.state, house.limits(), quarters, moves, house.state), "support is needed"


@pytest.mark.rule("GRD-1")
def test_a_twentieth_more_breaks_a_limit_for_some_placement() -> None:
    """Tightness: in every orange cell that stays limited, with the PODs that bear most on some node."""
    house, found = simbench(), fixture(EVERY_NINTH)
    supported, sens = applied(house.state, found), sensitivities(house.state, house.flow)
    cells = [
        (name, way, hour)
        for name, day in found.items()
        for way in Direction
        for hour, light in enumerate(day.side(way))
        if light.reactive and light.limit_kw < full_kw(house.state, name, way, hour) - 5
    ]
    assert len(cells) >= 3
    for name, way, hour in cells[:6]:
        quarters, moves = [], []
        members = house.state.partition.members[house.state.partition.names.index(name)]
        for node in np.unique(house.network.element_node[house.state.carrier[list(members)]]):
            effect = sens.voltage[hour][node]
            at = np.arange(4 * hour, 4 * hour + 4)
            quarters.append(at)
            moves.append(
                placed(
                    house.state,
                    at,
                    lambda other, towards, hour, name=name: (
                        (1.05 if other == name else 1.0) * float(found[other].side(towards)[hour].limit_kw)
                    ),
                    lambda members, effect=effect: sorted(members, key=lambda i: -effect[i]),
                    lambda way=way: [way] * len(house.state.partition.names),
                )
            )
        assert broken(
            supported, house.limits(), np.concatenate(quarters), np.concatenate(moves), supported
        ), (name, way.name, hour)


def full_kw(state: ExpectedState, name: str, way: Direction, hour: int) -> float:
    members = list(state.partition.members[state.partition.names.index(name)])
    return float(state.range_kw[way][members, 4 * hour : 4 * hour + 4].sum(axis=0).max())


@pytest.mark.rule("DTL-2")
def test_support_only_ever_adds_and_says_what_it_costs() -> None:
    none, some = fixture(()), fixture(EVERY_THIRD)
    assert reactive_hours(none) == [] and not any(day.setpoints for day in none.values())
    for name, day in some.items():
        for way in Direction:
            for hour, (with_it, without) in enumerate(zip(day.side(way), none[name].side(way), strict=True)):
                if with_it.reactive:
                    assert with_it.colour is Colour.YELLOW
                    assert with_it.limit_kw > day.without_kw(way)[hour] == without.limit_kw
                    assert day.binding(way)[hour]
                    assert day.extra_milli_eur[hour] > 0
                else:
                    assert with_it == without
        for hour in range(24):
            if not any(day.side(way)[hour].reactive for way in Direction):
                assert day.extra_milli_eur[hour] == 0
    for hour in range(24):
        setpoints = [each for day in some.values() for each in day.setpoints if each.quarter // 4 == hour]
        varh = sum(abs(each.injected_var) for each in setpoints) / 4.0
        paid = sum(day.extra_milli_eur[hour] for day in some.values())
        assert varh / 1e6 * 2_500.0 <= paid + 1e-3 <= varh / 1e6 * 2_500.0 + 1.0 + len(some)


@pytest.mark.rule("GRD-3")
def test_setpoints_keep_to_the_curves_and_to_those_who_agreed() -> None:
    house = simbench()
    providers = SupportTerms(PRICES, EVERY_THIRD).providers(house.state)
    low, high = providers.any_move(np.arange(96))
    column = {house.pods[i].key: n for n, i in enumerate(providers.pods)}
    setpoints = [each for day in fixture(EVERY_THIRD).values() for each in day.setpoints]
    assert len(setpoints) > 50
    for each in setpoints:
        assert each.pod in EVERY_THIRD
        assert (
            low[each.quarter, column[each.pod]] - 1
            <= each.injected_var
            <= high[each.quarter, column[each.pod]] + 1
        )


@pytest.mark.rule("GRD-1")
def test_more_providers_never_give_more_red() -> None:
    none, few, many = fixture(()), fixture(EVERY_THIRD), fixture(None)
    reds = []
    for found in (none, few, many):
        reds.append(
            {
                (name, way, hour)
                for name, day in found.items()
                for way in Direction
                for hour, light in enumerate(day.side(way))
                if light.colour is Colour.RED
            }
        )
    assert reds[2] <= reds[1] <= reds[0]
    assert len(reds[2]) < len(reds[0])


# --------------------------------------------------------------------------------------- hand-made grids


@pytest.mark.rule("GRD-1")
@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_feeders_hold_and_more_providers_give_more(seed: int) -> None:
    """Never less than without support, never more red with more of it, all placements within limits by AC."""
    random = np.random.default_rng(seed)
    state = only_hours(feeder(random), range(2))
    limits = Limits(state.network)
    keys = [each.key for each in state.pods if not each.key.startswith("load")]
    few = tuple(key for key in keys if random.random() < 0.4)
    none, some, every = (lights(state, limits, chosen) for chosen in ((), few, None))
    for name in state.partition.names:
        for way in Direction:
            for hour in range(state.hours):
                first, second, third = (f[name].side(way)[hour] for f in (none, some, every))
                assert first.limit_kw <= second.limit_kw and first.limit_kw <= third.limit_kw
                assert not (third.colour is Colour.RED and second.colour is not Colour.RED)
    supported = applied(state, every)
    quarters, moves = random_moves(
        state,
        reactive_hours(every) or [0],
        lambda name, way, hour: float(every[name].side(way)[hour].limit_kw),
        each=10,
    )
    assert not broken(supported, limits, quarters, moves, supported)
    assert not broken(supported, limits, quarters, moves, state)


def only_hours(state: ExpectedState, hours: range) -> ExpectedState:
    """Nobody can move in the other hours, which then cost no time."""
    ranges = {way: values.copy() for way, values in state.range_kw.items()}
    for values in ranges.values():
        values[:, [q for q in range(state.quarters) if q // 4 not in hours]] = 0.0
    return dataclasses.replace(state, range_kw=ranges)


def overloaded() -> tuple[ExpectedState, Limits]:
    """A plant lifts node A above its band; node B hangs on another feeder."""
    network = grid(
        [Line("PS", "A", 9_000.0, 10.0), Line("PS", "B", 9_000.0, 10.0)],
        {"load": "A"},
        {"pv": "A", "store A": "A", "store B": "B"},
        (0.95, 1.05),
    )
    pods = [
        pod("pv", "A", "pv", 3_000),
        pod("store A", "A", "storage", 1_000),
        pod("store B", "B", "storage", 1_000),
    ]
    perimeters = {"PA": ["pv", "store A"], "PB": ["store B"]}
    state = expected_state(network, pods, perimeters, flat_day(network, {"pv": 2_200.0}))
    return only_hours(state, range(3, 10)), Limits(network)


@pytest.mark.rule("DTL-2")
def test_red_turns_orange_where_support_cures_the_expected_state() -> None:
    state, limits = overloaded()
    without, with_it = lights(state, limits, ()), lights(state, limits, ("pv", "store B"))
    assert without["PA"].up[3].colour is Colour.RED
    assert with_it["PA"].up[3].reactive and with_it["PA"].up[3].limit_kw > 0
    assert with_it["PA"].down[3] == without["PA"].down[3]
    assert with_it["PB"] == without["PB"], "nobody else is touched"
    assert lights(state, limits, ("store B",))["PA"].up[3].colour is Colour.RED, "another feeder's providers"


@pytest.mark.rule("DTL-3")
def test_against_a_local_activation_stays_red() -> None:
    state, limits = overloaded()
    planned = with_activations(state, [LocalActivation("PA", 5, DOWN, 300)])
    found = lights(planned, limits, None)["PA"]
    assert found.up[5].colour is Colour.RED and not found.up[5].reactive
    assert found.up_binding[5] == "local activation of 300 kW down planned"
    assert found.up[6].reactive


@pytest.mark.rule("GRD-1")
def test_an_hour_without_convergence_stays_red() -> None:
    state, limits = overloaded()
    p_w = state.p_w.copy()
    p_w[state.network.element_index["load"], 4 * 9 + 1] = 1e13
    found = lights(dataclasses.replace(state, p_w=p_w), limits, None)["PA"]
    assert found.up[9].colour is found.down[9].colour is Colour.RED
    assert "does not converge" in found.up_binding[9]
    assert found.extra_milli_eur[9] == 0
    assert found.up[8].reactive


@pytest.mark.rule("GRD-1")
def test_a_limited_neighbour_without_providers_stops_nobody() -> None:
    """Feeder B stands close to its own limit and cannot be helped; feeder A can, and is."""
    network = grid(
        [Line("PS", "A", 9_000.0, 10.0), Line("PS", "B", 9_000.0, 25.0)],
        {},
        {"pv": "A", "store B": "B", "fixed B": "B"},
        (0.95, 1.05),
    )
    pods = [pod("pv", "A", "pv", 3_000), pod("store B", "B", "storage", 1_000)]
    forecast = flat_day(network, {"pv": 2_050.0, "fixed B": 740.0})
    state = expected_state(network, pods, {"PA": ["pv"], "PB": ["store B"]}, forecast)
    state = only_hours(state, range(1))
    without = lights(state, Limits(network), ())
    found = lights(state, Limits(network), ("pv",))
    assert 0 < without["PB"].up[0].limit_kw < 150 and without["PA"].up[0].colour is Colour.YELLOW
    assert found["PA"].up[0].reactive
    assert found["PB"].up[0] == without["PB"].up[0]
