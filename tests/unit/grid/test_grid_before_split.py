"""Splitting a perimeter, alone or among others, never lowers the sum of capability (DTL-5)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.quantities import Colour, Direction
from registry.grid.before_split import BeforeSplit
from registry.grid.day_capability import DayCapability, whole_kw
from registry.grid.faults import GridInvalid
from registry.grid.lights import day_lights
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_providers import SupportTerms
from registry.grid.reactive_support import HourSupport
from registry.grid.results import LocalActivation, PerimeterDayLights
from registry.grid.state import ExpectedState, expected_state, only_hours, with_activations, with_perimeters
from registry.grid.violations import TOLERANCE, Limits
from tests.unit.grid.grid_house import Floats, figure_12
from tests.unit.grid.reactive_house import feeder

SEEDS = st.integers(0, 2**32 - 1)
PRICES = (50_000,)
LOWERED = (27, 28, 30)
"""Seeds whose parts, allocated on their own, have less than the whole."""


def whole_and_parts(seed: int) -> tuple[ExpectedState, ExpectedState]:
    """An hour of a random feeder in two perimeters, and with the near one cut in two."""
    random = np.random.default_rng(seed)
    state = only_hours(feeder(random, nodes=6), [0])
    keys = [pod.key for pod in state.pods]
    near, far, cut = keys[:9], keys[9:], int(random.integers(1, 9))
    mixed = list(random.permutation(near)) if not seed % 2 else near
    whole = with_perimeters(state, {"near": near, "far": far})
    return whole, with_perimeters(state, {"one": mixed[:cut], "other": mixed[cut:], "far": far})


def groups(state: ExpectedState) -> dict[str, tuple[str, ...]]:
    partition = state.partition
    return {
        name: tuple(state.pods[i].key for i in members)
        for name, members in zip(partition.names, partition.members, strict=True)
    }


def lights(
    state: ExpectedState,
    before: Mapping[str, tuple[str, ...]] | None = None,
    terms: SupportTerms | None = None,
) -> tuple[PerimeterDayLights, ...]:
    flow = PowerFlow(state.network, threads=1)
    return day_lights(state, flow, Limits(state.network), terms=terms, before=before)


def sums(state: ExpectedState, found: tuple[PerimeterDayLights, ...]) -> Floats:
    """Sum of capability, ``[direction, hour]``; a green cell counts with what its PODs can move."""
    total = np.zeros((2, state.hours))
    for day, members in zip(found, state.partition.members, strict=True):
        for way in Direction:
            for hour, light in enumerate(day.side(way)):
                moved = state.range_kw[way][list(members), 4 * hour : 4 * hour + 4].sum(axis=0).max()
                green = light.colour is Colour.GREEN
                total[way, hour] += math.ceil(moved - 1e-6) if green else light.limit_kw
    return total


@pytest.mark.rule("DTL-5")
@settings(max_examples=12, deadline=None)
@given(seed=SEEDS)
def test_a_split_among_others_never_lowers_the_sum(seed: int) -> None:
    whole, parts = whole_and_parts(seed)
    assert (sums(parts, lights(parts, groups(whole))) >= sums(whole, lights(whole))).all()


@pytest.mark.rule("DTL-5")
@pytest.mark.parametrize("seed", LOWERED)
def test_fair_shares_of_the_parts_alone_would_lower_it(seed: int) -> None:
    whole, parts = whole_and_parts(seed)
    before = sums(whole, lights(whole))
    assert (sums(parts, lights(parts)) < before).any()
    kept = lights(parts, groups(whole))
    assert (sums(parts, kept) >= before).all()
    assert_safe(parts, kept, seed)


def assert_safe(state: ExpectedState, found: tuple[PerimeterDayLights, ...], seed: int) -> None:
    """No random placement of all capabilities at once breaks by AC what the expected state keeps."""
    random, limits = np.random.default_rng(seed), Limits(state.network)
    flow = PowerFlow(state.network, threads=1)
    quarters = np.repeat(np.arange(state.quarters), 60)
    moves = np.zeros((len(quarters), len(state.pods)))
    for move, quarter in zip(moves, quarters, strict=True):
        for day, members in zip(found, state.partition.members, strict=True):
            way = Direction(int(random.integers(2)))
            left = float(day.side(way)[quarter // 4].limit_kw)
            for i in random.permutation(members):
                moved = min(left, float(state.range_kw[way][i, quarter]))
                move[i] = moved if way is Direction.UP else -moved
                left -= moved
    base = limits.values(flow.solve(*state.scenarios(quarters, np.zeros_like(moves))))
    values = limits.values(flow.solve(*state.scenarios(quarters, moves)))
    assert not ((values > limits.bounds + TOLERANCE) & (base <= limits.bounds)).any()


@pytest.mark.rule("DTL-5")
@pytest.mark.parametrize("seed", [1, 10, 29])
def test_with_reactive_support_neither(seed: int) -> None:
    terms = SupportTerms(PRICES)
    whole, parts = whole_and_parts(seed)
    before = sums(whole, lights(whole, terms=terms))
    assert (sums(parts, lights(parts, groups(whole), terms)) >= before).all()


@pytest.mark.rule("DTL-5", "DTL-3")
def test_a_part_against_its_local_activation_stays_red() -> None:
    network, pods, forecast = figure_12()
    state = expected_state(network, pods, {"P": [pod.key for pod in pods]}, forecast)
    parts = with_perimeters(only_hours(state, [0]), {"x": ("a_1", "b_1"), "y": ("a_2", "b_2")})
    planned = with_activations(parts, [LocalActivation("y", 0, Direction.UP, 100)])
    found = {day.perimeter: day for day in lights(planned, {"P": ("a_1", "b_1", "a_2", "b_2")})}
    assert found["y"].down[0].colour is Colour.RED
    assert found["x"].down[0].colour is Colour.YELLOW


@pytest.mark.rule("DTL-5")
def test_perimeters_that_are_no_parts_are_refused() -> None:
    network, pods, forecast = figure_12()
    state = expected_state(network, pods, {"x": ["a_1", "a_2"], "y": ["b_1", "b_2"]}, forecast)
    with pytest.raises(GridInvalid, match="x: found PODs of one, other") as caught:
        lights(state, {"one": ("a_1", "b_1"), "other": ("a_2", "b_2")})
    assert caught.value.rule == "DTL-5"


def day_before(random: np.random.Generator, cells: int) -> DayCapability:
    """An hour with random capabilities and support for some cells."""
    full = random.uniform(0.0, 40.0, (cells, 1))
    without = full * np.minimum(random.uniform(0.0, 1.4, (cells, 1)), 1.0)
    power = without + (full - without) * random.uniform(0.0, 1.0, (cells, 1))
    gains = (whole_kw(power) > whole_kw(without))[:, 0]
    power = np.where(gains[:, None], power, without)
    support = {0: HourSupport(power[:, 0], gains, np.ones((4, 1)), ("a limit",) * cells)}
    strained = random.random((cells, 1)) < 0.2
    return DayCapability(power, without, full, strained, (("a limit",),) * cells, support)


@pytest.mark.rule("DTL-5")
@settings(max_examples=80, deadline=None)
@given(seed=SEEDS)
def test_shares_of_the_parts_add_up_to_the_whole(seed: int) -> None:
    """To the whole kW, none of them more than its PODs can move; also where support is kept."""
    random = np.random.default_rng(seed)
    day = day_before(random, cells=4)
    whole = np.array([0, 0, 0, 1])
    parts = random.uniform(0.0, 1.0, (3, 2)) + 1e-6
    full = np.concatenate([(parts / parts.sum(axis=0) * day.full_kw[:2, 0]).ravel(), day.full_kw[2:, 0]])
    before = BeforeSplit(day, whole)
    floors = before.floors(0, full)
    nothing = np.zeros((8, 1))
    strained = np.asarray(day.strained.reshape(2, 2)[whole].reshape(8, 1))
    texts = (("",),) * 8
    poor = DayCapability(nothing, nothing, full[:, None], strained, texts, {})
    kept = before.kept(poor)
    for way in Direction:
        mine = np.array([0, 2, 4]) + way
        if day.without_kw[way, 0] < day.full_kw[way, 0]:
            assert floors[mine].sum() == pytest.approx(day.without_kw[way, 0])
        else:
            assert (floors[mine] >= full[mine]).all()
        assert (floors[mine] < np.ceil(full[mine]) + 1.0).all()
        assert kept.published_kw(support=True)[mine].sum() >= day.published_kw(support=True)[way].sum() - 1e-9
        assert not before.lowered(kept, 0, support=True) and not before.lowered(kept, 0, support=False)
    assert (kept.power_kw >= kept.without_kw).all()
