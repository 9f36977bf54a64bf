"""What is proved of a day's lights by AC power flow, by means that they were not computed with (GRD-1).

* ``violations``: random placements of the published capabilities, all perimeters at once. None may break a
  limit that the expected state keeps.
* ``mixtures``: the same of placements that are sought out: the cells that lead a limit at their capability as
  its row has it worst, all others in steps from all down to all up.
* ``tightness``: for each limited cell the worst placements, at 1.05 times its capability (and 1 kW more,
  because kW are published whole), the others at their own; and at 1.05 times all capabilities of the hour,
  because cells that share a limit are raised together, and one alone may be one that hardly uses it. Some
  placement should break a limit.
* ``reds``: operating points that stay red in spite of reactive support, given to an optimal power flow of
  another kind (``ac_optimum.py``). Nearly all should be infeasible for it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import Colour, Direction
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.linearise import hour_rows
from registry.grid.operating_points import Allowed, operating_points
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_opf import Points, Verdict
from registry.grid.reactive_providers import SupportTerms
from registry.grid.results import PerimeterDayLights
from registry.grid.robust import Cell, HourProblem
from registry.grid.sensitivity import sensitivities
from registry.grid.state import ExpectedState
from registry.grid.supported_day import quarters_of
from registry.grid.verification import NOT_CONVERGED
from registry.grid.violations import TOLERANCE, Limits
from registry.grid.worst_cases import Task, worst_cases
from tools.ac_optimum import least_excess

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Lights = Sequence[PerimeterDayLights]

MORE: Final = 1.05
_ROWS: Final = 12
"""Worst rows of a cell that are solved by AC."""
_MIXED_ROWS: Final = 100
_MIXED_STEPS: Final = 9
_HAIR: Final = 0.02
"""Thousandths of p.u. that the other solver finds to spare; loadings count a twentieth."""
_PURCHASE: Final = 50_000
"""Milli-euro per MWh: only costs depend on it."""


@dataclass(frozen=True, slots=True)
class Placements:
    """How many placements were solved and how many broke a limit."""

    solved: int
    broken: int


@dataclass(frozen=True, slots=True)
class Tight:
    """Limited cells, how many of them break a limit with a twentieth more, alone or all together, and the
    names of those that do not; hours whose expected state breaks a limit are counted apart (``strained``).
    """

    cells: int
    broken: int
    strained_cells: int
    strained_broken: int
    slack: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reds:
    """Operating points, how many are red with providers, how many of those were asked, are infeasible, or
    would keep all limits with no more than a hair to spare (0.00002 p.u., 0.04 % of a rating).
    """

    points: int
    red: int
    asked: int
    infeasible: int
    by_a_hair: int


class Proof:
    """The proofs of one day."""

    def __init__(self, state: ExpectedState, flow: PowerFlow, limits: Limits, lights: Lights) -> None:
        self._state, self._flow, self._limits = state, flow, limits
        quarters = np.arange(state.quarters)
        p_w, q_var = state.scenarios(quarters, np.zeros((state.quarters, len(state.pods))))
        self._phasors = flow.solve_phasors(p_w, q_var)
        self._kept = limits.values(self._phasors.plain) <= limits.bounds
        self._sens = sensitivities(state, flow)
        self._cells = tuple(Cell(pods, way) for pods in state.partition.members for way in Direction)
        self._lights = [day.side(way) for day in lights for way in Direction]
        self._binding = [day.binding(way) for day in lights for way in Direction]
        self._limit_kw = np.array([[float(light.limit_kw) for light in side] for side in self._lights])

    def violations(self, each: int, seed: int, block: int = 4096) -> Placements:
        """``each`` random placements in every quarter-hour."""
        random, broken = np.random.default_rng(seed), 0
        quarters = np.repeat(np.arange(self._state.quarters), each)
        for start in range(0, len(quarters), block):
            chosen = quarters[start : start + block]
            values = self._solved(chosen, self._random_moves(chosen, random))
            broken += int(self._breaks(chosen, values).sum())
        return Placements(len(quarters), broken)

    def mixtures(self) -> Placements:
        """The rows nearest to their bounds in every hour that limits somebody, one per limit and
        quarter-hour; the other cells in steps.
        """
        solved, broken = 0, 0
        steps = np.linspace(-1.0, 1.0, _MIXED_STEPS)[:, None]
        for hour in range(self._state.hours):
            if all(side[hour].colour is Colour.GREEN for side in self._lights):
                continue
            problem = self._problem(hour)
            power = np.minimum(self._limit_kw[:, hour], problem.full_kw)
            rows = self._nearest(problem, problem.effects(power), by_quarter=True)[:_MIXED_ROWS]
            moves = []
            for _, alone, up, down in problem.worst_placements(rows, power):
                moves.append(
                    alone + np.maximum(steps, 0.0) * (up - alone) + np.maximum(-steps, 0.0) * (down - alone)
                )
            if moves:
                quarters = np.repeat(problem.rows.quarter[rows], len(steps))
                broken += int(self._breaks(quarters, self._solved(quarters, np.concatenate(moves))).sum())
                solved += len(quarters)
        return Placements(solved, broken)

    def tightness(self) -> Tight:
        """Every limited cell that does not merely relieve a violation, or is barred by one."""
        cells = [
            (cell, hour)
            for cell, side in enumerate(self._lights)
            for hour, light in enumerate(side)
            if light.colour is not Colour.GREEN
            and not self._binding[cell][hour].startswith(
                ("expected state", "local activation", NOT_CONVERGED)
            )
        ]
        found = self._tight(cells, together=False)
        left = np.flatnonzero(~found)
        found[left] = self._tight([cells[number] for number in left], together=True)
        sound = np.array([bool(self._kept[quarters_of(hour)].all()) for _, hour in cells], dtype=np.bool_)
        names = self._state.partition.names
        slack = tuple(
            f"{names[cell // 2]} {Direction(cell % 2).name.lower()} {hour}"
            for (cell, hour), tight, held in zip(cells, found, sound, strict=True)
            if held and not tight
        )
        cells_of = (sound, found & sound, ~sound, found & ~sound)
        kept_cells, kept_broken, strained, strained_broken = (int(each.sum()) for each in cells_of)
        return Tight(kept_cells, kept_broken, strained, strained_broken, slack)

    def reds(self, steps: int, sample: int, seed: int) -> Reds:
        """Red operating points of perimeters with providers; the half of the sample nearest to their limits,
        the rest at random.
        """
        state, limits = self._state, self._limits
        terms = SupportTerms((_PURCHASE,) * state.hours)
        points = operating_points(state, self._flow, limits, terms, steps=steps)
        red = np.flatnonzero(np.isin(points.verdict, (Verdict.LP_INFEASIBLE, Verdict.AC_FAILED)))
        if not len(red):
            return Reds(len(points.quarter), 0, 0, 0, 0)
        allowed, everyone = Allowed(state, self._flow, limits), terms.providers(state)
        bounds = allowed.of(points.perimeter[red], points.quarter[red])
        values = limits.values(self._flow.solve(*state.scenarios(points.quarter[red], points.moves_kw[red])))
        order = red[np.argsort((values - bounds).max(axis=1))]
        half = (sample + 1) // 2
        near, far = order[:half], order[half:]
        chosen = np.random.default_rng(seed).permutation(far)[: sample - len(near)]
        excesses = []
        for point in [*near, *chosen]:
            providers = everyone.of_perimeters([int(points.perimeter[point])])
            quarter, moves = points.quarter[[point]], points.moves_kw[[point]]
            low, high = providers.at_moves(quarter, moves)
            bound = allowed.of(points.perimeter[[point]], quarter)
            asked = Points(*state.scenarios(quarter, moves), bound, low, high, np.zeros(1, dtype=np.int64))
            excesses.append(least_excess(asked, 0, providers, self._flow, limits))
        infeasible = sum(excess > 0.0 for excess in excesses)
        by_a_hair = sum(-_HAIR < excess <= 0.0 for excess in excesses)
        return Reds(len(points.quarter), len(red), len(excesses), infeasible, by_a_hair)

    # ------------------------------------------------------------------------------------------- placements

    def _solved(self, quarters: Ints, moves: Floats) -> Floats:
        """What each limit reaches, ``[placement, K]``."""
        return self._limits.values(self._flow.solve(*self._state.scenarios(quarters, moves)))

    def _breaks(self, quarters: Ints, values: Floats) -> Bools:
        """Which placements break a limit that the expected state keeps, or do not converge where it does."""
        beyond = ~(values <= self._limits.bounds + TOLERANCE)
        return np.asarray((beyond & self._kept[quarters]).any(axis=1))

    def _random_moves(self, quarters: Ints, random: np.random.Generator) -> Floats:
        """Placements ``[scenario, POD]``: a quarter all up, a quarter all down, else each perimeter up, down
        or both; PODs in random order, in every second scenario by their effect on a random node; in every
        fourth a random part of the capability.
        """
        state, count = self._state, len(quarters)
        kind, perimeters = random.integers(0, 4, count), len(self._cells) // 2
        way = np.where(
            kind[:, None] < 2, np.minimum(kind, 1)[:, None], random.integers(0, 3, (count, perimeters))
        )
        part = np.where(random.random(count) < 0.25, random.random(count), 1.0)
        node = random.integers(0, self._limits.nodes, count)
        sign = random.choice([-1.0, 1.0], count)[:, None]
        effect = sign * self._sens.voltage[quarters // QUARTERS_PER_HOUR, node]
        by_effect = random.random(count) < 0.5
        moves = np.zeros((count, len(state.pods)))
        for number, cell in enumerate(self._cells):
            chosen = np.flatnonzero((way[:, number // 2] == cell.direction) | (way[:, number // 2] == 2))
            if not cell.pods or not len(chosen):
                continue
            pods = np.array(cell.pods)
            key = np.where(
                by_effect[chosen, None], effect[chosen][:, pods], random.random((len(chosen), len(pods)))
            )
            order = key.argsort(axis=1)
            idle = np.take_along_axis(moves[chosen][:, pods], order, axis=1) == 0.0
            ranges = state.range_kw[cell.direction][pods[order], quarters[chosen, None]] * idle
            before = np.cumsum(ranges, axis=1) - ranges
            target = part[chosen] * self._limit_kw[number, quarters[chosen] // QUARTERS_PER_HOUR]
            moves[chosen[:, None], pods[order]] += cell.sign * np.clip(target[:, None] - before, 0.0, ranges)
        return moves

    # -------------------------------------------------------------------------------------------- tightness

    def _tight(self, cells: Sequence[tuple[int, int]], *, together: bool) -> Bools:
        """Per (cell, hour), whether some placement breaks a limit with a twentieth more."""
        problems: dict[int, HourProblem] = {}
        owner, tasks = [], []
        for number, (cell, hour) in enumerate(cells):
            problem = problems.setdefault(hour, self._problem(hour))
            power = np.minimum(self._limit_kw[:, hour], problem.full_kw)
            raised = power < problem.full_kw if together else np.arange(len(power)) == cell
            power = np.where(raised, MORE * power + 1.0, power)
            for row in self._worst_rows(problem, power, cell):
                owner.append(number)
                tasks.append(Task(problem, int(row), power))
        worst = worst_cases(tasks, self._state, self._flow, self._limits)
        broken = self._breaks(worst.quarter, worst.values)
        found = np.zeros(len(cells), dtype=np.bool_)
        found[np.array(owner, dtype=np.int64)[worst.task[broken]]] = True
        return found

    def _problem(self, hour: int) -> HourProblem:
        state = self._state
        rows = hour_rows(state, self._limits, self._phasors, self._sens, hour)
        ranges = [state.range_kw[cell.direction][list(cell.pods)][:, rows.quarter].T for cell in self._cells]
        quarters = slice(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
        full = [state.range_kw[c.direction][list(c.pods), quarters].sum(axis=0).max() for c in self._cells]
        return HourProblem(self._cells, rows, ranges, np.array(full))

    def _worst_rows(self, problem: HourProblem, power_kw: Floats, cell: int) -> Ints:
        """For the limits that a cell brings nearest to their bounds, the row of each that is used up most."""
        use = problem.effects(power_kw)
        return self._nearest(problem, np.where(use[:, [cell]] > 0.0, use, 0.0), by_quarter=False)[:_ROWS]

    def _nearest(self, problem: HourProblem, use: Floats, *, by_quarter: bool) -> Ints:
        """Rows that are used at all, the fullest first; one per limit, or per limit and quarter-hour. Those
        of limits that the expected state breaks already are left out: they cannot be broken by more.
        """
        rows = problem.rows
        used = np.where(self._kept[rows.quarter, rows.limit], use.sum(axis=1), 0.0)
        order = np.argsort((rows.margin - used) / np.maximum(used, 1e-9), kind="stable")
        order = order[used[order] > 0.0]
        quarter = rows.quarter[order] if by_quarter else np.zeros(len(order), dtype=np.int64)
        _, first = np.unique(np.stack([rows.limit[order], quarter]), axis=1, return_index=True)
        return np.asarray(order[np.sort(first)])
