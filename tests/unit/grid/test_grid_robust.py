"""Robust capability of one hour: the worst placement, joint shares, splitting (GRD-1, DTL-5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from registry.domain.quantities import Direction
from registry.grid.robust import Cell, HourProblem, Rows
from tests.unit.grid.grid_house import Floats

SEEDS = st.integers(0, 2**32 - 1)


def problem(
    random: np.random.Generator, groups: Sequence[Sequence[int]], pods: int, rows: int
) -> tuple[HourProblem, Floats, Floats]:
    """Random effects, ranges and margins over PODs grouped in perimeters, both directions each."""
    effect = random.normal(0.3, 1.0, (rows, pods)) * (random.random((rows, pods)) < 0.8)
    margin = random.uniform(0.0, 6.0, rows)
    up, down = random.uniform(0.0, 3.0, (2, pods)) * (random.random((2, pods)) < 0.9)
    return build(groups, effect, margin, up, down), up, down


def build(
    groups: Sequence[Sequence[int]], effect: Floats, margin: Floats, up: Floats, down: Floats
) -> HourProblem:
    cells = [Cell(tuple(group), way) for group in groups for way in Direction]
    ranges = [
        np.tile((up if cell.direction is Direction.UP else down)[list(cell.pods)], (len(margin), 1))
        for cell in cells
    ]
    full = np.array([part[0].sum() for part in ranges])
    numbers = np.arange(len(margin))
    return HourProblem(cells, Rows(numbers * 0, numbers, effect, margin), ranges, full)


def allocate(hour: HourProblem) -> Floats:
    none = np.zeros(len(hour.cells), dtype=np.bool_)
    return hour.allocate(hour.rows.margin, none, np.zeros(len(hour.rows.margin), dtype=np.bool_)).power_kw


@pytest.mark.rule("GRD-1")
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, part=st.floats(0.0, 1.0))
def test_greedy_filling_is_the_worst_placement(seed: int, part: float) -> None:
    random = np.random.default_rng(seed)
    hour, up, down = problem(random, [range(5)], pods=5, rows=3)
    power = part * hour.full_kw
    used = hour.effects(power)
    for cell, ranges in enumerate((up, down)):
        sign = hour.cells[cell].sign
        for row in range(3):
            worst = linprog(
                -sign * hour.rows.effect[row],
                A_ub=np.ones((1, 5)),
                b_ub=[power[cell]],
                bounds=[(0.0, limit) for limit in ranges],
            )
            assert used[row, cell] == pytest.approx(-worst.fun, abs=1e-7)


@pytest.mark.rule("GRD-1")
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS)
def test_shares_are_safe_and_leave_nothing_to_take(seed: int) -> None:
    random = np.random.default_rng(seed)
    hour, _, _ = problem(random, [(0, 1, 2), (3, 4), (5, 6, 7)], pods=8, rows=4)
    power = allocate(hour)
    assert (power <= hour.full_kw + 1e-9).all()
    assert (hour.effects(power).sum(axis=1) <= hour.rows.margin + 1e-6).all()
    for cell in np.flatnonzero(power < hour.full_kw - 1e-3):
        more = power.copy()
        more[cell] = min(more[cell] + 0.02 * hour.full_kw[cell], hour.full_kw[cell])
        assert (hour.effects(more).sum(axis=1) > hour.rows.margin - 1e-6).any(), (
            "a cell stopped short of its limit"
        )


@pytest.mark.rule("GRD-1")
def test_what_rounding_uses_of_a_used_up_row_stops_nobody() -> None:
    hour = build([(0,), (1,)], np.full((1, 2), 3e-13), np.zeros(1), np.full(2, 5.0), np.zeros(2))
    assert (allocate(hour)[[0, 2]] > 1.0).all()


@pytest.mark.rule("GRD-1")
def test_worst_placement_really_uses_what_is_said() -> None:
    random = np.random.default_rng(7)
    hour, _, _ = problem(random, [(0, 1, 2), (3, 4, 5)], pods=6, rows=4)
    power = allocate(hour)
    for row, (moves, *_) in enumerate(hour.worst_placements(np.arange(4), power)):
        assert hour.rows.effect[row] @ moves == pytest.approx(hour.effects(power)[row].sum())


@pytest.mark.rule("DTL-5")
@settings(max_examples=100, deadline=None)
@given(seed=SEEDS, cut=st.integers(1, 5))
def test_splitting_never_lowers_the_sum(seed: int, cut: int) -> None:
    random = np.random.default_rng(seed)
    effect, margin = np.abs(random.normal(0.5, 1.0, (3, 6))), random.uniform(0.0, 6.0, 3)
    ranges = random.uniform(0.1, 3.0, 6)
    one = allocate(build([range(6)], effect, margin, ranges, ranges))
    two = allocate(build([range(cut), range(cut, 6)], effect, margin, ranges, ranges))
    for way in Direction:
        assert two[way::2].sum() >= one[way::2].sum() - 1e-4


@pytest.mark.rule("GRD-1")
def test_equal_perimeters_share_an_upstream_limit_equally() -> None:
    power = allocate(build([(0,), (1,)], np.ones((1, 2)), np.array([3.0]), np.full(2, 4.0), np.zeros(2)))
    assert power[0] == pytest.approx(1.5, abs=1e-5) and power[2] == pytest.approx(1.5, abs=1e-5)


@pytest.mark.rule("GRD-1")
def test_a_weak_coupling_does_not_stop_the_neighbour() -> None:
    """The second perimeter uses a hundredth of what the first does per kW: it keeps its whole range."""
    effect = np.array([[1.0, 0.01]])
    power = allocate(build([(0,), (1,)], effect, np.array([1.0]), np.full(2, 10.0), np.zeros(2)))
    assert power[2] == pytest.approx(10.0)
    assert power[0] == pytest.approx(0.9, abs=1e-4)


@pytest.mark.rule("GRD-1")
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, part=st.floats(0.0, 1.0))
@example(seed=77, part=0.9)  # a row is over from the start when the traces of others are set aside
def test_what_cells_have_already_is_kept_and_the_rest_is_safe(seed: int, part: float) -> None:
    """Raised from floors that are safe: nobody below its floor or beyond its target, all rows kept."""
    random = np.random.default_rng(seed)
    hour, _, _ = problem(random, [range(3), range(3, 6)], pods=6, rows=4)
    none = np.zeros(len(hour.cells), dtype=np.bool_)
    exempt = np.zeros(4, dtype=np.bool_)
    floor = part * allocate(hour)
    target = floor + random.random(4) * (hour.full_kw - floor)
    barred = random.random(4) < 0.3
    found = hour.allocate(hour.rows.margin, barred, exempt, floor_kw=floor, target_kw=target).power_kw
    assert (found >= floor - 1e-9).all() and (found <= target + 1e-9).all()
    assert (found[barred] == floor[barred]).all()
    assert (hour.effects(found).sum(axis=1) <= hour.rows.margin + 1e-9).all()
    from_nothing = hour.allocate(hour.rows.margin, none, exempt, floor_kw=np.zeros(4)).power_kw
    assert from_nothing == pytest.approx(allocate(hour))


@pytest.mark.rule("GRD-1")
@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, part=st.floats(0.0, 1.0), other=st.floats(0.0, 1.0))
def test_a_tangent_is_never_below_the_worst_placement(seed: int, part: float, other: float) -> None:
    random = np.random.default_rng(seed)
    hour, _, _ = problem(random, [range(4), range(4, 7)], pods=7, rows=5)
    at, there = part * hour.full_kw, other * hour.full_kw
    tangent = hour.effects(at) + hour.slopes(at) * (there - at)
    assert (tangent >= hour.effects(there) - 1e-9).all()
