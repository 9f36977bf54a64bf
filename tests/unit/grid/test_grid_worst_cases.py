"""Worst placements by AC: between the ends where a limit bends, and the rows that failures leave (GRD-1)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.quantities import Direction
from registry.grid.hour_work import hour_problem
from registry.grid.linearise import hour_rows
from registry.grid.network import parse_network
from registry.grid.placements import reached
from registry.grid.powerflow import PowerFlow, Solution
from registry.grid.robust import Cell, HourProblem, Rows
from registry.grid.sensitivity import Sensitivities, sensitivities
from registry.grid.state import ExpectedState, expected_state, only_hours
from registry.grid.verification import cuts, failures
from registry.grid.violations import Limits
from registry.grid.worst_cases import Task, between, worst_cases
from tests.unit.grid.grid_house import Floats, Line, document, flat_day, pod
from tests.unit.grid.reactive_house import feeder

SEEDS = st.integers(0, 2**32 - 1)


@pytest.mark.rule("GRD-1")
@settings(max_examples=80, deadline=None)
@given(seed=SEEDS)
def test_between_is_the_top_of_a_parabola(seed: int) -> None:
    """Wherever the top lies inside it is found, and nothing is asked where an end is highest."""
    random = np.random.default_rng(seed)
    up, down = random.uniform(0.0, 5.0, (2, 3)) * np.array([[0.0, 1.0, 1.0]])
    alone = np.array([random.uniform(0.0, 5.0), 0.0, 0.0])
    placed = np.stack([alone, alone, alone + up, alone - down])[None, :, :]
    top, bend = random.uniform(-12.0, 12.0), random.choice([-1.0, 1.0]) * random.uniform(0.001, 0.1)

    def value(moves: Floats) -> Floats:
        return bend * (moves.sum(axis=-1) - alone.sum() - top) ** 2

    chosen, moves = between(placed, value(placed))
    if bend < 0.0 and -down.sum() < top < up.sum():
        assert chosen.tolist() == [0]
        assert value(moves)[0] == pytest.approx(0.0, abs=1e-9)
        assert moves[0, 0] == alone[0], "those that lead stay where they are"
    else:
        assert not len(chosen)


def behind_a_reactance() -> ExpectedState:
    """Three feeders behind 20 ohm of reactance; one feeds in so much that the busbar is highest while the
    others take half of it.
    """
    lines = [
        Line("PS", "MV", 90_000.0),
        Line("MV", "A", 90_000.0, 60.0),
        Line("MV", "B", 90_000.0),
        Line("MV", "C", 90_000.0),
    ]
    grid = document(lines, {}, {"pv": "C", "a": "A", "b": "B"}, band=(0.8, 1.005))
    grid["data"]["line"][0] |= {"r1": 0.1, "x1": 20.0}
    network = parse_network(str(grid).replace("'", '"').replace("False", "false"), name="hand-made")
    pods = [pod("pv", "C", "pv", 6_000), pod("a", "A", "storage", 300), pod("b", "B", "storage", 4_000)]
    perimeters = {"A": ["a"], "B": ["b"], "C": ["pv"]}
    return expected_state(network, pods, perimeters, flat_day(network, {"pv": 3_000.0}, quarters=92))


def problem_of(state: ExpectedState, limits: Limits, flow: PowerFlow) -> tuple[HourProblem, Sensitivities]:
    """The first hour."""
    p_w, q_var = state.scenarios(np.arange(state.quarters), np.zeros((state.quarters, len(state.pods))))
    phasors = flow.solve_phasors(p_w, q_var)
    sens = sensitivities(state, flow)
    rows = hour_rows(state, limits, phasors, sens, 0)
    cells = tuple(Cell(pods, way) for pods in state.partition.members for way in Direction)
    full = [state.range_kw[cell.direction][list(cell.pods), :4].sum(axis=0).max() for cell in cells]
    return hour_problem(state, cells, rows, np.array(full)), sens


@pytest.mark.rule("GRD-1")
def test_a_busbar_is_highest_between_the_ends() -> None:
    state = behind_a_reactance()
    flow, limits = PowerFlow(state.network, threads=1), Limits(state.network)
    problem, _ = problem_of(state, limits, flow)
    node = state.network.node_index["A"]
    row = int(np.flatnonzero(problem.rows.limit == node)[0])
    found = worst_cases([Task(problem, row, problem.full_kw)], state, flow, limits)
    reached = found.values[:, node]
    assert len(reached) == 5
    assert reached[4] > reached[:4].max() + 0.001
    moves = found.moves_kw[1] + np.linspace(-1.0, 1.0, 101)[:, None] * np.array([0.0, 0.0, 4_000.0])
    values = limits.values(flow.solve(*state.scenarios(np.zeros(101, dtype=np.int64), moves)))[:, node]
    assert reached[4] == pytest.approx(values.max(), abs=5e-4)


@pytest.mark.rule("GRD-1")
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_a_cut_cuts_off_what_failed(seed: int) -> None:
    """The row that a failure leaves is one that the allocation breaks, whatever the shares of its effects."""
    random = np.random.default_rng(seed)
    state = only_hours(feeder(random), [0])
    flow, limits = PowerFlow(state.network, threads=1), Limits(state.network)
    problem, sens = problem_of(state, limits, flow)
    if not len(problem.rows.margin):
        return
    for row in range(len(problem.rows.margin)):
        problem.weaken(row, random.uniform(0.05, 1.0, len(problem.cells)))
    found = worst_cases(
        [Task(problem, row, problem.full_kw) for row in range(len(problem.rows.margin))], state, flow, limits
    )
    allowed = np.tile(limits.bounds, (state.quarters, 1))
    failed = [f for f in failures(found.quarter, found.moves_kw, found.values, allowed) if f.limit >= 0]
    if not failed:
        return
    rows, shares = cuts(failed, problem, problem.full_kw, limits, sens, 0)
    whole = hour_problem(state, problem.cells, rows, problem.full_kw)
    for row, share in enumerate(shares):
        whole.weaken(row, share)
    assert (whole.effects(problem.full_kw).sum(axis=1) > rows.margin).all()


@pytest.mark.rule("GRD-1")
def test_weaker_effects_use_less_and_place_the_same() -> None:
    cells = (Cell((0, 1), Direction.UP), Cell((2,), Direction.UP))
    rows = Rows(np.zeros(1, np.int64), np.zeros(1, np.int64), np.array([[1.0, 0.5, 0.05]]), np.array([9.0]))
    problem = HourProblem(cells, rows, [np.full((1, 2), 4.0), np.full((1, 1), 6.0)], np.array([8.0, 6.0]))
    assert problem.leads.tolist() == [[True, False]]
    power = np.array([5.0, 6.0])
    before = problem.worst_placements(np.array([0]), power)
    assert problem.effects(power) == pytest.approx(np.array([[4.5, 0.3]]))
    for share in (0.5, 0.2):  # of what the row says, not of what was left
        problem.weaken(0, np.array([1.0, share]))
        assert problem.effects(power) == pytest.approx(np.array([[4.5, 0.3 * share]]))
        assert problem.largest_alone(1, np.array([0]), np.array([0.1])) == pytest.approx(
            2.0 / share / 1.0, abs=4.0
        )
    assert (problem.worst_placements(np.array([0]), power) == before).all()


@pytest.mark.rule("GRD-1")
def test_the_same_placement_is_solved_once_and_reaches_the_same() -> None:
    state = behind_a_reactance()
    flow, limits = Counted(state.network, threads=1), Limits(state.network)
    moves = np.array([[0.0, 100.0, 0.0], [0.0, 0.0, 50.0], [0.0, 100.0, 0.0], [0.0, 100.0, 0.0]])
    quarters = np.array([3, 2, 3, 2])
    found = reached(quarters, moves, state, flow, limits)
    assert flow.solved == 3
    np.testing.assert_array_equal(found, limits.values(flow.solve(*state.scenarios(quarters, moves))))


class Counted(PowerFlow):
    """Counts the scenarios it is asked for."""

    solved = 0

    def solve(self, p_w: Floats, q_var: Floats) -> Solution:
        """As :class:`PowerFlow`."""
        self.solved += len(p_w)
        return super().solve(p_w, q_var)
