"""Suggested splits: D4.1 Figure 12, a real grid, and when there is nothing to gain (DTL-1, DTL-5)."""

from __future__ import annotations

import pytest

from registry.domain.quantities import Direction
from registry.grid.faults import GridInvalid
from registry.grid.perimeters import Perimeter, assign_by_node, partition
from registry.grid.powerflow import PowerFlow
from registry.grid.results import LocalActivation
from registry.grid.splits import cuts_of, split_areas, suggest_splits
from registry.grid.state import (
    ExpectedState,
    expected_state,
    only_hours,
    with_activations,
    with_perimeters,
)
from registry.grid.violations import Limits
from tests.unit.grid.grid_house import Line, figure_12, flat_day, grid, pod, simbench

UP, DOWN = Direction.UP, Direction.DOWN
ALL = ["a_1", "b_1", "a_2", "b_2"]


def small() -> ExpectedState:
    """Figure 12, its PODs in one perimeter."""
    network, pods, forecast = figure_12()
    return only_hours(expected_state(network, pods, {"P1": ALL}, forecast), [0, 1])


@pytest.mark.rule("DTL-5")
def test_figure_12_is_cut_where_its_bottleneck_is() -> None:
    """Down 100 kW for the whole, 100 and 450 for the parts; up 500, and 500 and 800 (all there is)."""
    state = small()
    found = suggest_splits(state, PowerFlow(state.network, threads=1), Limits(state.network))
    (split,) = found.splits
    assert split.perimeter == "P1"
    assert {split.above_pods, split.below_pods} == {("a_1", "b_1"), ("a_2", "b_2")}
    assert split.branch in {"MV-SS_1", "MV-SS_2"}
    hours = state.hours
    assert found.before_kwh == pytest.approx(hours * 0.995 * (100 + 500), rel=0.01)
    assert found.after_kwh == pytest.approx(hours * (0.995 * (100 + 450 + 500) + 800), rel=0.01)
    assert (split.before_kwh, split.after_kwh) == (found.before_kwh, found.after_kwh)
    partition(state.pods, found.pods)
    areas = split_areas([Perimeter("P1", tuple(range(4)))], found.splits)
    names = [[state.network.node_names[node] for node in area.nodes] for area in areas]
    cut = split.branch.removeprefix("MV-")
    assert names == [[name for name in ("PS", "MV", "SS_1", "SS_2") if name != cut], [cut]]
    assert assign_by_node(state.network, state.pods, areas) == found.pods


@pytest.mark.rule("DTL-5")
def test_nothing_limited_is_left_alone() -> None:
    network = grid(
        [Line("PS", "A", 9_000.0), Line("A", "B", 9_000.0)], loads={}, generators={"a": "A", "b": "B"}
    )
    pods = (pod("a", "A", "storage", 100), pod("b", "B", "storage", 100))
    state = only_hours(expected_state(network, pods, {"P": ["a", "b"]}, flat_day(network, {})), [0])
    calls: list[tuple[int, int]] = []
    found = suggest_splits(
        state, PowerFlow(network, threads=1), Limits(network), progress=lambda *at: calls.append(at)
    )
    assert found.splits == () and found.before_kwh == found.after_kwh == 400.0
    assert found.pods == {"P": ("a", "b")}
    assert calls == [(1, 1)]


@pytest.mark.rule("DTL-5")
def test_a_bottleneck_above_all_pods_is_no_reason_to_split() -> None:
    network = grid([Line("PS", "A", 150.0), Line("A", "B", 900.0)], loads={}, generators={"a": "A", "b": "B"})
    pods = (pod("a", "A", "storage", 200), pod("b", "B", "storage", 200))
    state = only_hours(expected_state(network, pods, {"P": ["a", "b"]}, flat_day(network, {})), [0])
    found = suggest_splits(state, PowerFlow(network, threads=1), Limits(network))
    assert found.splits == () and found.before_kwh == pytest.approx(0.995 * 300, rel=0.01)


@pytest.mark.rule("DTL-5")
def test_a_suggestion_for_the_fixture_only_adds() -> None:
    """Three hours of the fixture: what looked good beside other cuts and adds nothing alone is left out."""
    house = simbench()
    state = only_hours(house.state, [9, 10, 12])
    progress: list[tuple[int, int]] = []
    found = suggest_splits(state, house.flow, house.limits(), progress=lambda *at: progress.append(at))
    partition(state.pods, found.pods)
    assert found.splits
    for split in found.splits:
        assert split.total_after_kwh - split.total_before_kwh > max(1.0, 1e-3 * split.before_kwh)
        assert split.above in found.pods and split.below in found.pods
        assert split.perimeter not in found.pods
    assert found.after_kwh == found.splits[-1].total_after_kwh
    assert [done for done, _ in progress] == list(range(1, len(progress) + 1))
    assert all(done <= total for done, total in progress)


@pytest.mark.rule("DTL-1")
def test_cuts_leave_pods_on_both_sides_and_name_the_nearest_branch() -> None:
    """A chain PS-A-B-C with a mesh behind C: branches of the mesh cut nothing off."""
    lines = [
        Line("PS", "A", 9_000.0),
        Line("A", "B", 9_000.0),
        Line("B", "C", 9_000.0),
        Line("C", "D", 9_000.0),
        Line("D", "E", 9_000.0),
        Line("E", "C", 9_000.0),
    ]
    network = grid(lines, loads={}, generators={"a": "A", "d": "D", "e": "E"})
    pods = (pod("a", "A", "storage", 9), pod("d", "D", "storage", 9), pod("e", "E", "storage", 9))
    state = expected_state(network, pods, {"P": ["a", "d", "e"]}, flat_day(network, {}))
    (cut,) = cuts_of(state, ["P"])["P"]
    assert (cut.branch, cut.below) == ("B-C", ("d", "e"))


@pytest.mark.rule("DTL-1", "DTL-3")
def test_a_local_plan_stays_with_every_part() -> None:
    network, pods, forecast = figure_12()
    state = expected_state(network, pods, {"P": ALL}, forecast)
    planned = with_activations(state, [LocalActivation("P", 5, UP, 100)])
    parted = with_perimeters(planned, {"x": ALL[:2], "y": ALL[2:]})
    assert parted.local == {(0, 5): (UP, 100), (1, 5): (UP, 100)}
    assert only_hours(parted, [4, 5]).local == {(0, 1): (UP, 100), (1, 1): (UP, 100)}
    assert only_hours(parted, [4]).local == {}
    with pytest.raises(GridInvalid, match="not_one_perimeter"):
        with_perimeters(planned, {"x": ALL[:2]})


def test_some_hours_of_a_state_are_those_hours() -> None:
    state = simbench().state
    part = only_hours(state, [3, 20])
    assert part.hours == 2
    assert (part.p_w[:, 4:] == state.p_w[:, 80:84]).all()
    assert (part.range_kw[DOWN][:, :4] == state.range_kw[DOWN][:, 12:16]).all()
