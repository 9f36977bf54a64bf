"""The capabilities of a delivery day: robust, joint, corrected and verified by AC power flow (GRD-1, DTL-2).

1. Expected state of every quarter-hour; where it does not converge the hour is blocked.
2. Sensitivities per hour, linear rows of every limit in reach (``sensitivity.py``, ``linearise.py``).
3. Where the expected state itself violates a limit, the cells that worsen it are barred; those that relieve
   it go on.
4. Robust joint allocation (``robust.py``). An hour's capability holds in all four quarter-hours.
5. Correction: the worst placements of each row that binds are solved by AC; the row's margin is set so that
   it leaves what AC leaves; allocate again.
6. Verification: worst and random placements are solved by AC; while one breaks a limit, the cells that caused
   it shrink. Of what is limited in the end, half a percent is held back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.linearise import hour_rows
from registry.grid.powerflow import PowerFlow, with_loadings
from registry.grid.results import DIRECTIONS
from registry.grid.robust import Allocation, Cell, HourProblem
from registry.grid.sensitivity import Sensitivities, sensitivities
from registry.grid.state import ExpectedState
from registry.grid.verification import (
    FEW,
    MANY,
    NOT_CONVERGED,
    Failure,
    failures,
    random_placements,
    shrink_factors,
)
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_CORRECTIONS: Final = 3
_TIGHT: Final = 0.2
_TIGHTEST: Final = 3
_SHRINKS: Final = 12
_BEARS: Final = 0.1
_SLIGHTLY: Final = 1e-4
_HEADROOM: Final = 0.005
"""Part of a limited capability that is held back: what a finite number of placements cannot prove."""


@dataclass(frozen=True, eq=False)
class DayCapability:
    """Per cell (perimeter 0 up, perimeter 0 down, perimeter 1 up, ...) and hour of a day.

    Attributes:
        power_kw: largest safe power.
        full_kw: the most that the cell's PODs can move together in any quarter-hour of the hour.
        strained: whether the expected state violates a limit that the cell's perimeter bears on: never green.
        reason: what limits the cell; empty where nothing does.
    """

    power_kw: Floats
    full_kw: Floats
    strained: Bools
    reason: tuple[tuple[str, ...], ...]


class _Hour:
    """One hour on its way through the steps above."""

    def __init__(self, hour: int, problem: HourProblem, margin: Floats) -> None:
        self.hour, self.problem, self.margin = hour, problem, margin
        cells, rows = len(problem.cells), len(problem.rows.margin)
        self.barred = np.zeros(cells, dtype=np.bool_)
        self.exempt = np.zeros(rows, dtype=np.bool_)
        self.strained = np.zeros(cells, dtype=np.bool_)
        self.reasons = [""] * cells
        self.allocation = Allocation(np.zeros(cells), np.full(cells, -1, dtype=np.int64))

    def allocate(self) -> None:
        self.allocation = self.problem.allocate(self.margin, self.barred, self.exempt)

    def tight_rows(self) -> Ints:
        """Rows that stop a cell, and for each cell the tightest limits that it uses more than others do."""
        if not len(self.margin):
            return np.zeros(0, dtype=np.int64)
        uses = self.problem.effects(self.allocation.power_kw)
        use, leader, limit = uses.sum(axis=1), uses.argmax(axis=1), self.problem.rows.limit
        slack = np.where(self.exempt, np.inf, (self.margin - use) / np.maximum(use, _SLIGHTLY))
        order = np.argsort(slack, kind="stable")
        order = order[slack[order] < _TIGHT]
        stops = self.allocation.stopped_by
        chosen = [stops[stops >= 0]]
        for cell in np.unique(leader[order]):
            mine = order[leader[order] == cell]
            _, first = np.unique(limit[mine], return_index=True)
            chosen.append(mine[np.sort(first)[:_TIGHTEST]])
        return np.unique(np.concatenate(chosen))


class CapabilityRun:
    """Computes the capabilities of one expected state; ``seed`` makes the random placements repeatable."""

    def __init__(self, state: ExpectedState, flow: PowerFlow, limits: Limits, *, seed: int = 1) -> None:
        self._state, self._flow, self._limits = state, flow, limits
        self._random = np.random.default_rng(seed)
        self._cells = tuple(Cell(pods, way) for pods in state.partition.members for way in DIRECTIONS)

    def run(self) -> DayCapability:
        """All steps, for the whole day, each step in one batch."""
        state, limits = self._state, self._limits
        p_w, q_var = state.scenarios(np.arange(state.quarters), np.zeros((state.quarters, len(state.pods))))
        base = self._flow.solve(p_w, q_var)
        phasors = with_loadings(self._flow.solve_phasors(p_w, q_var), base)
        sens = sensitivities(state, self._flow)
        values = limits.values(base)
        allowed = np.maximum(limits.bounds, np.where(np.isfinite(values), values, -np.inf))
        hours: list[_Hour] = []
        blocked: dict[int, str] = {}
        for hour in range(state.hours):
            quarters = range(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
            failed = [q for q in quarters if not base.converged[q]]
            if failed or not sens.valid[hour]:
                at = f"quarter-hours {failed}" if failed else "close to the expected state"
                blocked[hour] = f"{NOT_CONVERGED} ({at})"
                continue
            rows = hour_rows(state, limits, phasors, sens, hour)
            ranges = [self._ranges(cell, rows.quarter) for cell in self._cells]
            problem = HourProblem(self._cells, rows, ranges, self._full(hour))
            work = _Hour(hour, problem, rows.margin.copy())
            self._bar_local(work)
            self._bar_violations(work, values, allowed)
            work.allocate()
            hours.append(work)
        for _ in range(_CORRECTIONS):
            self._correct(hours)
        self._verify(hours, sens, allowed)
        return self._collect(hours, blocked)

    def _ranges(self, cell: Cell, quarters: Ints) -> Floats:
        return self._state.range_kw[cell.direction][list(cell.pods)][:, quarters].T

    def _full(self, hour: int) -> Floats:
        quarters = np.arange(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
        return np.array([self._ranges(cell, quarters).sum(axis=1).max() for cell in self._cells])

    def _bar_local(self, work: _Hour) -> None:
        """The direction against a planned local activation is red (DTL-3)."""
        for perimeter in range(len(self._state.partition.names)):
            planned = self._state.local.get((perimeter, work.hour))
            if planned is not None:
                cell = 2 * perimeter + planned[0].opposite
                work.barred[cell] = True
                work.reasons[cell] = f"local activation of {planned[1]} kW {planned[0].name.lower()} planned"

    def _bar_violations(self, work: _Hour, values: Floats, allowed: Floats) -> None:
        """Bar what worsens a limit that the expected state violates, mark who bears on it, let others'
        traces pass.
        """
        rows, limits = work.problem.rows, self._limits
        violated = np.flatnonzero(
            (rows.margin < 0.0) & (values[rows.quarter, rows.limit] > limits.bounds[rows.limit])
        )
        if not len(violated):
            return
        for row in violated[np.argsort(rows.margin[violated])]:  # the worst names the reason
            strength = np.array(
                [np.abs(rows.effect[row, list(c.pods)]).max(initial=0.0) for c in self._cells]
            )
            bearing = strength >= _BEARS * max(strength.max(), 1e-300)
            for number in np.flatnonzero(bearing):
                cell = self._cells[number]
                work.strained[number] = True
                worsens = (cell.sign * rows.effect[row, list(cell.pods)]).max(initial=0.0) > 0.0
                value = float(values[rows.quarter[row], rows.limit[row]])
                text = f"expected state: {limits.describe(int(rows.limit[row]), value)}"
                if worsens:
                    work.barred[number] = True
                work.reasons[number] = work.reasons[number] or text
        work.exempt[violated] = True
        traces = work.problem.effects(np.where(work.barred, 0.0, work.problem.full_kw), violated).sum(axis=1)
        for row, trace in zip(violated, traces, strict=True):
            at = (rows.quarter[row], rows.limit[row])
            allowed[at] = max(allowed[at], values[at] + 1.2 * trace + _SLIGHTLY)

    def _correct(self, hours: list[_Hour]) -> None:
        """Step 5 for the given hours, in one batch."""
        tasks = [(work, int(row)) for work in hours for row in work.tight_rows()]
        if not tasks:
            return
        pods = len(self._state.pods)
        worst = [work.problem.worst_placements(row, work.allocation.power_kw, pods) for work, row in tasks]
        each = len(worst[0])
        quarters = np.repeat([work.problem.rows.quarter[row] for work, row in tasks], each)
        solution = self._flow.solve(*self._state.scenarios(quarters, np.concatenate(worst)))
        values = self._limits.values(solution)
        for number, (work, row) in enumerate(tasks):
            mine = slice(each * number, each * (number + 1))
            if solution.converged[mine].all():
                limit = work.problem.rows.limit[row]
                left = float((self._limits.bounds[limit] - values[mine, limit]).min())
                use = work.problem.effects(work.allocation.power_kw, np.array([row]))
                work.margin[row] = left + float(use.sum())
        for work in hours:
            work.allocate()

    def _verify(self, hours: list[_Hour], sens: Sensitivities, allowed: Floats) -> None:
        """Step 6. What still fails in the end is zero: a capability that cannot be shown safe is none."""
        open_hours, pods = hours, len(self._state.pods)
        for attempt in range(_SHRINKS + 1):
            quarters, moves = [], []
            for work in open_hours:
                power = work.allocation.power_kw
                limited = (power < work.problem.full_kw).any()
                at, placed = random_placements(
                    self._state, self._cells, work.hour, power, MANY if limited else FEW, self._random
                )
                tight = work.tight_rows()
                worst = [work.problem.worst_placements(int(row), power, pods) for row in tight]
                quarters += [
                    at,
                    *(
                        np.full(len(each), work.problem.rows.quarter[row])
                        for row, each in zip(tight, worst, strict=True)
                    ),
                ]
                moves += [placed, *worst]
            if not moves:
                return
            batch = np.concatenate(moves)
            found = failures(self._state, self._flow, self._limits, allowed, np.concatenate(quarters), batch)
            failed = {failure.quarter // QUARTERS_PER_HOUR for failure in found}
            open_hours = [work for work in open_hours if work.hour in failed]
            for work in open_hours:
                mine = [failure for failure in found if failure.quarter // QUARTERS_PER_HOUR == work.hour]
                self._shrink(work, mine, sens, to_zero=attempt == _SHRINKS)

    def _shrink(self, work: _Hour, found: list[Failure], sens: Sensitivities, *, to_zero: bool) -> None:
        """Shrink the cells that caused the failures found, each by the failure that asks most of it."""
        factors = np.ones(len(self._cells))
        for failure in found:
            asked = shrink_factors(failure, self._cells, self._limits, sens, work.hour)
            named = NOT_CONVERGED if failure.limit < 0 else self._limits.describe(failure.limit)
            for cell in np.flatnonzero(asked < 1.0):
                work.reasons[cell] = work.reasons[cell] or named
            factors = np.minimum(factors, asked)
        power = work.allocation.power_kw * (0.0 if to_zero else factors)
        work.allocation = Allocation(power, work.allocation.stopped_by)

    def _collect(self, hours: list[_Hour], blocked: dict[int, str]) -> DayCapability:
        shape = (len(self._cells), self._state.hours)
        power, full, strained = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.bool_)
        reasons = [[""] * self._state.hours for _ in self._cells]
        for hour, text in blocked.items():
            full[:, hour], strained[:, hour] = self._full(hour), True
            for row in reasons:
                row[hour] = text
        for work in hours:
            safe, whole = work.allocation.power_kw, work.problem.full_kw
            power[:, work.hour] = np.where(safe < whole - 1e-6, (1.0 - _HEADROOM) * safe, safe)
            full[:, work.hour] = whole
            strained[:, work.hour] = work.strained | work.barred
            for cell, text in enumerate(work.reasons):
                stop = int(work.allocation.stopped_by[cell])
                if not text and stop >= 0:
                    text = self._limits.describe(int(work.problem.rows.limit[stop]))
                reasons[cell][work.hour] = text
        return DayCapability(power, full, strained, tuple(tuple(row) for row in reasons))
