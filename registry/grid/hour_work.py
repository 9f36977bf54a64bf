"""One hour of a capability run: its rows as AC power flow corrects them, and what its cells get (GRD-1).

The steps that it goes through are numbered in ``capability.py``; those by AC are in ``ac_steps.py``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.robust import Allocation, Cell, HourProblem, Rows
from registry.grid.state import ExpectedState
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_TIGHT: Final = 0.2
_TIGHTEST: Final = 3
_LEAST_SHARE: Final = 0.01
"""What is left of traces that do nothing by AC: a row has to tell who might."""
_SLIGHTLY: Final = 1e-4
_BEARS: Final = 0.1
_NOTHING: Final = 1e-6
"""Part of the strongest effect on a limit: below it a POD is not connected to it but by rounding."""
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
        thorough: whether the correction looks at every quarter-hour.
        told: rows of which AC power flow has told what they leave.
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
        self.told = np.zeros(rows, dtype=np.bool_)

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
                worst = (cell.sign * rows.effect[row, list(cell.pods)]).max(initial=0.0)
                value = float(values[rows.quarter[row], rows.limit[row]])
                text = f"expected state: {limits.describe(int(rows.limit[row]), value)}"
                if worst > _NOTHING * strength.max():
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

    def cut(self, rows: Rows, shares: Floats, state: ExpectedState) -> None:
        """Hold the hour to further rows, given what is left of their effects, and allocate again."""
        old, before = self.problem.rows, self.problem.shares
        whole = Rows(
            np.concatenate([old.quarter, rows.quarter]),
            np.concatenate([old.limit, rows.limit]),
            np.concatenate([old.effect, rows.effect]),
            np.concatenate([old.margin, rows.margin]),
        )
        self.problem = hour_problem(state, self.problem.cells, whole, self.problem.full_kw)
        for row, share in enumerate(np.concatenate([before, shares])):
            if (share != 1.0).any():
                self.problem.weaken(row, share)
        more = len(rows.margin)
        self.margin = np.concatenate([self.margin, rows.margin])
        self.exempt = np.concatenate([self.exempt, np.zeros(more, dtype=np.bool_)])
        self.told = np.concatenate([self.told, np.ones(more, dtype=np.bool_)])
        self.allocate()

    def learn(self, row: int, bound: float, alone: float, worst: float) -> None:
        """Correct a row by what its limit reaches at the allocation, by AC: while only the cells move that
        lead, and at worst.

        What traces add to those that lead is shared out among them, so that the row neither lets them stop
        anybody for more than that, nor forgets it. The rest goes into the margin.
        """
        power, only = self.allocation.power_kw, np.array([row])
        trace = ~self.problem.leads[row]
        linear = float((self.problem.effects(power, only)[0] / self.problem.shares[row])[trace].sum())
        if linear > 0.0:
            share = float(np.clip((worst - alone) / linear, _LEAST_SHARE, 1.0))
            self.problem.weaken(row, np.where(trace, share, self.problem.shares[row]))
        self.margin[row] = bound - worst + float(self.problem.effects(power, only).sum())
        self.told[row] = True

    def spread(self, told: Sequence[int], limits: Limits) -> None:
        """What AC has just told of some rows is believed of voltages that the same cells lead the same way
        (the next node, the next quarter-hour) until AC tells of those themselves.
        """
        rows, problem = self.problem.rows, self.problem

        def kind(row: int) -> tuple[bool, bytes]:
            return bool(rows.limit[row] < limits.nodes), problem.leads[row].tobytes()

        voltage = rows.limit < 2 * limits.nodes
        model = {kind(row): row for row in told if voltage[row]}
        for row in np.flatnonzero(voltage & ~self.told).tolist() if model else ():
            like = model.get(kind(row))
            if like is not None:
                problem.weaken(row, problem.shares[like])
                self.margin[row] = rows.margin[row] + self.margin[like] - rows.margin[like]

    def give_up(self, cells: Bools, share: float, reason: str) -> None:
        """Leave some cells a share of what they have above their floor."""
        kept = self.floor_kw + share * (self.allocation.power_kw - self.floor_kw)
        self.ceiling_kw = np.where(cells, np.minimum(self.ceiling_kw, kept), self.ceiling_kw)
        for cell in np.flatnonzero(cells):
            self.reasons[cell] = self.reasons[cell] or reason
        self.allocate()

    def tight_rows(self, *, thorough: bool) -> Ints:
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
            quarter = self.problem.rows.quarter[mine] if thorough else np.zeros(len(mine))
            for each in np.unique(quarter):
                part = mine[quarter == each]
                _, first = np.unique(limit[part], return_index=True)
                chosen.append(part[np.sort(first)[:_TIGHTEST]])
        return np.unique(np.concatenate(chosen))
