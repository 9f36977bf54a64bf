"""Perimeters and dynamic lights (DTL-1..5), with the examples of D4.1 Figures 12 and 14."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.errors import InputInvalid, RuleViolation
from registry.domain.lights import (
    GREEN_LIGHT,
    RED_LIGHT,
    CellLight,
    Colour,
    DynamicLight,
    LightConflict,
    PerimeterLights,
    bottleneck_capability_kw,
    check_partition,
    check_split_capability,
    conflicts,
    derive_opposite_red,
)
from registry.domain.quantities import GREEN, Direction, HourCells, light_of_limit
from registry.domain.refusals import Refusal

DAY = 20_000
limits = st.one_of(st.just(0), st.just(GREEN), st.integers(1, GREEN - 1))
sides = st.lists(limits, min_size=24, max_size=24).map(
    lambda row: tuple(light_of_limit(limit) for limit in row)
)
plans = st.lists(st.integers(-500, 500), min_size=24, max_size=24)
yellow = CellLight(Colour.YELLOW, 40)


@pytest.mark.rule("DTL-3")
def test_figure_14_reduction_of_consumption_makes_more_consumption_red() -> None:
    """The DSO plans 50 kW less consumption (up) in hour 7; there down is red, up is what the DSO said."""
    lights = DynamicLight(1, DAY, up=(yellow,) * 24, down=(GREEN_LIGHT,) * 24)
    in_force = derive_opposite_red(lights, [50 if hour == 7 else 0 for hour in range(24)])
    assert in_force.down[7] == RED_LIGHT
    assert in_force.up == lights.up
    assert [hour for hour in range(24) if in_force.down[hour] != GREEN_LIGHT] == [7]


@pytest.mark.rule("DTL-3")
@given(sides, sides, plans)
def test_red_stands_exactly_against_the_plan(
    up: tuple[CellLight, ...], down: tuple[CellLight, ...], plan: list[int]
) -> None:
    lights = DynamicLight(1, DAY, up, down)
    in_force = derive_opposite_red(lights, plan)
    for hour, planned in enumerate(plan):
        assert in_force.up[hour] == (RED_LIGHT if planned < 0 else up[hour])
        assert in_force.down[hour] == (RED_LIGHT if planned > 0 else down[hour])
    assert derive_opposite_red(in_force, plan) == in_force


@pytest.mark.rule("DTL-3")
def test_the_plan_has_one_value_per_hour() -> None:
    with pytest.raises(InputInvalid, match="DTL-3: local_kw"):
        derive_opposite_red(DynamicLight(1, DAY, (yellow,) * 24, (yellow,) * 24), [0] * 23)
    with pytest.raises(InputInvalid, match="DTL-2: down"):
        DynamicLight(1, DAY, (yellow,), ())


@pytest.mark.rule("DTL-2")
@given(sides, sides)
def test_lights_pass_through_the_ledgers_cells(
    up: tuple[CellLight, ...], down: tuple[CellLight, ...]
) -> None:
    lights = DynamicLight(7, DAY, up, down)
    assert DynamicLight.unpacked(lights.packed(bytes(32)), DAY, 24) == lights


@pytest.mark.rule("DTL-2")
@pytest.mark.parametrize(
    "cells",
    [
        HourCells(1 << 17, 0),  # beyond 17 bits
        HourCells(0, 1 << 18 * 11),  # hour 24 of a day of 24 hours
        HourCells(1 << 234, 0),  # reactive flag on red
        HourCells(GREEN | 1 << 234, 0),  # reactive flag on green
        HourCells(0, 1 << 250),  # a bit that nobody owns
    ],
)
def test_malformed_cells_are_refused(cells: HourCells) -> None:
    for lights in (PerimeterLights(1, cells, HourCells(), b""), PerimeterLights(1, HourCells(), cells, b"")):
        with pytest.raises(Refusal, match="DTL-2") as refusal:
            DynamicLight.unpacked(lights, DAY, 24)
        assert refusal.value.name == "LightMalformed"


@pytest.mark.rule("DTL-4")
@given(sides, sides, st.lists(st.integers(0, GREEN), min_size=24, max_size=24))
def test_conflicts_are_the_cells_used_beyond_their_light(
    up: tuple[CellLight, ...], down: tuple[CellLight, ...], used: list[int]
) -> None:
    found = conflicts(DynamicLight(1, DAY, up, down), used, [0] * 24)
    expected = [hour for hour in range(24) if up[hour].limit_kw < used[hour]]
    assert [conflict.hour for conflict in found] == expected
    assert all(conflict.direction is Direction.UP for conflict in found)


@pytest.mark.rule("DTL-4")
def test_a_worse_light_shows_the_conflict() -> None:
    lights = DynamicLight(9, DAY, (GREEN_LIGHT, yellow), (RED_LIGHT, RED_LIGHT))
    assert conflicts(lights, [1_000, 41], [0, 1]) == (
        LightConflict(9, DAY, 1, Direction.UP, 41, 40),
        LightConflict(9, DAY, 1, Direction.DOWN, 1, 0),
    )


@pytest.mark.rule("DTL-1")
def test_each_pod_is_in_exactly_one_perimeter() -> None:
    a, b, c = b"a", b"b", b"c"
    check_partition({1: [a], 2: [b, c]}, [a, b, c])
    with pytest.raises(RuleViolation, match="POD 0x63: found none"):
        check_partition({1: [a], 2: [b]}, [a, b, c])
    with pytest.raises(RuleViolation, match=r"POD 0x61: found \[1, 2\]"):
        check_partition({1: [a], 2: [a, b]}, [a, b])


@pytest.mark.rule("DTL-5")
def test_figure_12_the_split_perimeter_has_more_room_than_the_bottleneck() -> None:
    """Secondary substation 1 takes 3, of which 2 are used; substation 2 takes 4, of which 2 are used."""
    substation_1, substation_2 = (3, 2), (4, 2)
    whole = bottleneck_capability_kw([substation_1, substation_2])
    parts = [bottleneck_capability_kw([substation_1]), bottleneck_capability_kw([substation_2])]
    assert (whole, parts) == (1, [1, 2])
    check_split_capability(whole, parts)


@pytest.mark.rule("DTL-5")
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=8).flatmap(
        lambda elements: st.tuples(st.just(elements), st.integers(1, len(elements) - 1))
    )
)
def test_no_split_has_less_than_the_whole(case: tuple[list[tuple[int, int]], int]) -> None:
    elements, cut = case
    parts = [bottleneck_capability_kw(elements[:cut]), bottleneck_capability_kw(elements[cut:])]
    check_split_capability(bottleneck_capability_kw(elements), parts)


@pytest.mark.rule("DTL-5")
def test_a_split_that_loses_capability_is_refused() -> None:
    with pytest.raises(RuleViolation, match="DTL-5: capability of the parts: found 4"):
        check_split_capability(5, [1, 3])
    with pytest.raises(InputInvalid, match="DTL-5: elements"):
        bottleneck_capability_kw([])
