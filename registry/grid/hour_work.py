"""One hour of a capability run, and the two steps that hold it against AC power flow (GRD-1).

The steps are numbered in ``capability.py``: 5, correction of the rows that bind; 6, verification. Both take
the hours of a day together, in one batch of power flows. ``reactive_support.py`` runs them again with
reactive support applied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.powerflow import PowerFlow
from registry.grid.robust import Allocation, Cell, HourProblem, Rows
from registry.grid.sensitivity import Sensitivities
from registry.grid.state import ExpectedState
from registry.grid.verification import (
    FEW,
    MANY,
    NOT_CONVERGED,
    Failure,
    cuts,
    failures,
    random_placements,
)
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_CORRECTIONS: Final = 3
_TIGHT: Final = 0.2
_TIGHTEST: Final = 3
_ATTEMPTS: Final = 12
_SLIGHTLY: Final = 1e-4
_BEARS: Final = 0.1
_HEADROOM: Final = 0.005
"""Part of a limited capability that is held back: what a finite number of placements cannot prove."""


def held_back(safe_kw: Floats, full_kw: Floats) -> Floats:
    """Safe powers less what is held back of them where they are limited."""
    return np.where(safe_kw < full_kw - 1e-6, (1.0 - _HEADROOM) * safe_kw, safe_kw)


def hour_problem(state: ExpectedState, cells: Sequence[Cell], rows: Rows, full_kw: Floats) -> HourProblem:
    """The cells with what their PODs can move in each row's quarter-hour."""
    ranges = [state.range_kw[cell.direction][list(cell.pods)][:, rows.quarter].T for cell in cells]
    return HourProblem(cells, rows, ranges, full_kw)


class HourWork:
    """One hour on its way through the steps of ``capability.py``.

    Attributes:
        barred: cells that stay at their floor.
        exempt: rows that bind nobody.
        strained: cells whose perimeter bears on a limit that the expected state violates.
        reasons: per cell what limits it, where that is known before the allocation.
        floor_kw, target_kw: what each cell has in any case, and what the cells are raised to first.
        ceiling_kw: what each cell may have at most, for what rows cannot say.
        allocation: the capabilities so far.
        thorough: whether ``tight_rows`` looks at every quarter-hour.
    """

    def __init__(self, hour: int, problem: HourProblem, margin: Floats) -> None:
        self.hour, self.problem, self.margin = hour, problem, margin
        cells, rows = len(problem.cells), len(problem.rows.margin)
        self.barred = np.zeros(cells, dtype=np.bool_)
        self.exempt = np.zeros(rows, dtype=np.bool_)
        self.strained = np.zeros(cells, dtype=np.bool_)
        self.reasons = [""] * cells
        self.floor_kw = np.zeros(cells)
        self.target_kw = problem.full_kw
        self.ceiling_kw = np.full(cells, np.inf)
        self.allocation = Allocation(np.zeros(cells), np.full(cells, -1, dtype=np.int64))
        self.thorough = False

    def bar_local(self, state: ExpectedState) -> None:
        """The direction against a planned local activation is red (DTL-3)."""
        for perimeter in range(len(state.partition.names)):
            planned = state.local.get((perimeter, self.hour))
            if planned is not None:
                cell = 2 * perimeter + planned[0].opposite
                self.barred[cell] = True
                self.reasons[cell] = f"local activation of {planned[1]} kW {planned[0].name.lower()} planned"

    def bar_violations(self, limits: Limits, values: Floats, allowed: Floats) -> None:
        """Bar what worsens a limit that the expected state violates, mark who bears on it, let others'
        traces pass.
        """
        rows = self.problem.rows
        violated = np.flatnonzero(
            (rows.margin < 0.0) & (values[rows.quarter, rows.limit] > limits.bounds[rows.limit])
        )
        if not len(violated):
            return
        for row in violated[np.argsort(rows.margin[violated])]:  # the worst names the reason
            strength = np.array(
                [np.abs(rows.effect[row, list(c.pods)]).max(initial=0.0) for c in self.problem.cells]
            )
            bearing = strength >= _BEARS * max(strength.max(), 1e-300)
            for number in np.flatnonzero(bearing).tolist():
                cell = self.problem.cells[number]
                self.strained[number] = True
                worsens = (cell.sign * rows.effect[row, list(cell.pods)]).max(initial=0.0) > 0.0
                value = float(values[rows.quarter[row], rows.limit[row]])
                text = f"expected state: {limits.describe(int(rows.limit[row]), value)}"
                if worsens:
                    self.barred[number] = True
                self.reasons[number] = self.reasons[number] or text
        self.exempt[violated] = True
        traces = self.problem.effects(np.where(self.barred, 0.0, self.problem.full_kw), violated).sum(axis=1)
        for row, trace in zip(violated, traces, strict=True):
            at = (rows.quarter[row], rows.limit[row])
            allowed[at] = max(allowed[at], values[at] + 1.2 * trace + _SLIGHTLY)

    def allocate(self) -> None:
        """Raise the cells from their floors to their targets, then as far as the rows let them."""
        found = self.problem.allocate(
            self.margin, self.barred, self.exempt, floor_kw=self.floor_kw, target_kw=self.target_kw
        )
        if (self.target_kw < self.problem.full_kw).any():
            first = found
            then = self.problem.allocate(self.margin, self.barred, self.exempt, floor_kw=first.power_kw)
            by = np.where(then.stopped_by >= 0, then.stopped_by, first.stopped_by)
            found = Allocation(then.power_kw, by)
        self.allocation = Allocation(np.minimum(found.power_kw, self.ceiling_kw), found.stopped_by)

    def cut(self, rows: Rows, state: ExpectedState) -> None:
        """Hold the hour to further rows, and allocate again."""
        old = self.problem.rows
        whole = Rows(
            np.concatenate([old.quarter, rows.quarter]),
            np.concatenate([old.limit, rows.limit]),
            np.concatenate([old.effect, rows.effect]),
            np.concatenate([old.margin, rows.margin]),
        )
        self.problem = hour_problem(state, self.problem.cells, whole, self.problem.full_kw)
        self.margin = np.concatenate([self.margin, rows.margin])
        self.exempt = np.concatenate([self.exempt, np.zeros(len(rows.margin), dtype=np.bool_)])
        self.allocate()

    def give_up(self, cells: Bools, share: float, reason: str) -> None:
        """Leave some cells a share of what they have above their floor."""
        kept = self.floor_kw + share * (self.allocation.power_kw - self.floor_kw)
        self.ceiling_kw = np.where(cells, np.minimum(self.ceiling_kw, kept), self.ceiling_kw)
        for cell in np.flatnonzero(cells):
            self.reasons[cell] = self.reasons[cell] or reason
        self.allocate()

    def tight_rows(self) -> Ints:
        """Rows that stop a cell, and for each cell the tightest limits that it uses more than others do.

        In its worst quarter-hour, or in each if ``thorough``.
        """
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
            quarter = self.problem.rows.quarter[mine] if self.thorough else np.zeros(len(mine))
            for each in np.unique(quarter):
                part = mine[quarter == each]
                _, first = np.unique(limit[part], return_index=True)
                chosen.append(part[np.sort(first)[:_TIGHTEST]])
        return np.unique(np.concatenate(chosen))


class AcSteps:
    """Steps 5 and 6 for the cells of one state."""

    def __init__(
        self,
        state: ExpectedState,
        flow: PowerFlow,
        limits: Limits,
        cells: Sequence[Cell],
        random: np.random.Generator,
    ) -> None:
        self._state, self._flow, self._limits, self._cells = state, flow, limits, cells
        self._random = random

    def settle(self, hours: list[HourWork], sens: Sensitivities, allowed: Floats) -> None:
        """Step 5 as often as it takes, then step 6."""
        for _ in range(_CORRECTIONS):
            self.correct(hours)
        self.verify(hours, sens, allowed)

    def correct(self, hours: list[HourWork]) -> None:
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

    def verify(self, hours: list[HourWork], sens: Sensitivities, allowed: Floats) -> None:
        """Step 6. A placement that fails becomes a row that leaves what AC leaves there. Cells that still
        fail in the end stay at their floor, which is zero unless there was something before: a capability
        that cannot be shown safe is none.
        """
        open_hours = hours
        for attempt in range(_ATTEMPTS + 1):
            found = self.broken(open_hours, sens, allowed)
            failed = {failure.quarter // QUARTERS_PER_HOUR for failure in found}
            open_hours = [work for work in open_hours if work.hour in failed]
            for work in open_hours:
                mine = [failure for failure in found if failure.quarter // QUARTERS_PER_HOUR == work.hour]
                self._mend(work, mine, sens, last=attempt == _ATTEMPTS)

    def broken(self, hours: list[HourWork], sens: Sensitivities, allowed: Floats) -> list[Failure]:
        """Worst-case and random placements of the hours' capabilities that break a limit, in one batch."""
        quarters, moves = [], []
        for work in hours:
            power = work.allocation.power_kw
            limited = (power < work.problem.full_kw).any()
            at, placed = random_placements(
                self._state, self._cells, work.hour, power, MANY if limited else FEW, sens, self._random
            )
            tight = work.tight_rows()
            worst = [work.problem.worst_placements(int(row), power, len(self._state.pods)) for row in tight]
            quarters += [
                at,
                *(
                    np.full(len(each), work.problem.rows.quarter[row])
                    for row, each in zip(tight, worst, strict=True)
                ),
            ]
            moves += [placed, *worst]
        if not moves:
            return []
        batch = np.concatenate(moves)
        return failures(self._state, self._flow, self._limits, allowed, np.concatenate(quarters), batch)

    def _mend(self, work: HourWork, found: list[Failure], sens: Sensitivities, *, last: bool) -> None:
        """Cut off the placements that failed; where power flow did not converge, halve the cells that moved;
        at the last attempt all cells that moved give up.
        """
        lost = [failure for failure in found if failure.limit < 0]
        limited = [failure for failure in found if failure.limit >= 0]
        if last:
            for failure in found:
                named = NOT_CONVERGED if failure.limit < 0 else self._limits.describe(failure.limit)
                work.give_up(self._moved(failure), 0.0, named)
        elif lost:
            work.give_up(np.any([self._moved(failure) for failure in lost], axis=0), 0.5, NOT_CONVERGED)
        elif limited:
            work.cut(cuts(limited, self._state, self._limits, sens, work.hour), self._state)

    def _moved(self, failure: Failure) -> Bools:
        return np.array(
            [(cell.sign * failure.moves_kw[list(cell.pods)]).max(initial=0.0) > 0.0 for cell in self._cells]
        )
