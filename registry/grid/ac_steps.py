"""The two steps that hold the hours of a capability run against AC power flow (GRD-1).

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
from registry.grid.hour_work import HourWork
from registry.grid.placements import reached
from registry.grid.powerflow import PowerFlow
from registry.grid.robust import Cell
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
from registry.grid.worst_cases import Task, worst_cases

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_CORRECTIONS: Final = 8
_SETTLED: Final = 0.003
"""Part of a capability: what a further correction has to change for another one."""
_ATTEMPTS: Final = 12


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
        """Step 5 for hours that it still moves, then step 6."""
        moving = hours
        for _ in range(_CORRECTIONS):
            before = [work.allocation.power_kw for work in moving]
            self.correct(moving, allowed)
            moving = [
                work
                for work, power in zip(moving, before, strict=True)
                if not np.allclose(work.allocation.power_kw, power, rtol=_SETTLED, atol=1.0)
            ]
        self.verify(hours, sens, allowed)

    def correct(self, hours: list[HourWork], allowed: Floats) -> None:
        """Step 5 for the given hours, in one batch.

        ``allowed`` is what each limit may reach, ``[quarter-hour, K]``: more than its bound where the
        expected state does.
        """
        tasks = [(work, int(row)) for work in hours for row in work.tight_rows(thorough=work.thorough)]
        if not tasks:
            return
        found = worst_cases(
            [Task(work.problem, row, work.allocation.power_kw) for work, row in tasks],
            self._state,
            self._flow,
            self._limits,
        )
        limits = np.array([work.problem.rows.limit[row] for work, row in tasks])
        met = found.values[np.arange(len(found.task)), limits[found.task]]
        worst = np.full(len(tasks), -np.inf)
        np.maximum.at(worst, found.task, met)  # NaN of a failed power flow stays
        told: dict[int, list[int]] = {work.hour: [] for work in hours}
        for number, (work, row) in enumerate(tasks):
            if np.isfinite(worst[number]):
                bound = allowed[work.problem.rows.quarter[row], limits[number]]
                work.learn(row, float(bound), float(met[4 * number + 1]), float(worst[number]))
                told[work.hour].append(row)
        for work in hours:
            work.spread(told[work.hour], self._limits)
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
        quarters, moves, tasks = [], [], []
        for work in hours:
            power = work.allocation.power_kw
            limited = (power < work.problem.full_kw).any()
            at, placed = random_placements(
                self._state, self._cells, work.hour, power, MANY if limited else FEW, sens, self._random
            )
            quarters.append(at)
            moves.append(placed)
            tasks += [Task(work.problem, int(row), power) for row in work.tight_rows(thorough=True)]
        if not moves:
            return []
        at, placed = np.concatenate(quarters), np.concatenate(moves)
        values = reached(at, placed, self._state, self._flow, self._limits)
        worst = worst_cases(tasks, self._state, self._flow, self._limits)
        return [
            *failures(at, placed, values, allowed),
            *failures(worst.quarter, worst.moves_kw, worst.values, allowed),
        ]

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
            rows, shares = cuts(
                limited, work.problem, work.allocation.power_kw, self._limits, sens, work.hour
            )
            work.cut(rows, shares, self._state)

    def _moved(self, failure: Failure) -> Bools:
        return np.array(
            [(cell.sign * failure.moves_kw[list(cell.pods)]).max(initial=0.0) > 0.0 for cell in self._cells]
        )
