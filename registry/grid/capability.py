"""The capabilities of a delivery day: robust, joint, corrected and verified by AC power flow (GRD-1, DTL-2).

1. Expected state of every quarter-hour; where it does not converge the hour is blocked.
2. Sensitivities per hour, linear rows of every limit in reach (``sensitivity.py``, ``linearise.py``).
3. Where the expected state itself violates a limit, the cells that worsen it are barred; those that relieve
   it go on.
4. Robust joint allocation (``robust.py``). An hour's capability holds in all four quarter-hours.
5. Correction: the worst placements of each row that binds are solved by AC; the row's margin is set so that
   it leaves what AC leaves; allocate again.
6. Verification: worst and random placements are solved by AC; while one breaks a limit, a row of its own cuts
   it off, and the hour is allocated again. Of what is limited in the end, half a percent is held back.
7. Where there are providers of reactive power, what they add for the limited cells (``reactive_support.py``).

After a split, hours that have less than before it do steps 4 to 6 again from what they had then
(``before_split.py``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from registry.grid.ac_steps import AcSteps
from registry.grid.before_split import BeforeSplit
from registry.grid.day_capability import DayCapability
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.hour_work import HourWork, held_back, hour_problem
from registry.grid.linearise import hour_rows
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_providers import Providers
from registry.grid.reactive_support import HourSupport, SupportRun
from registry.grid.results import DIRECTIONS
from registry.grid.robust import Cell
from registry.grid.sensitivity import sensitivities
from registry.grid.state import ExpectedState
from registry.grid.verification import NOT_CONVERGED
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]


class CapabilityRun:
    """Computes the capabilities of one expected state; ``seed`` makes the random placements repeatable."""

    def __init__(self, state: ExpectedState, flow: PowerFlow, limits: Limits, *, seed: int = 1) -> None:
        self._state, self._flow, self._limits = state, flow, limits
        self._random = np.random.default_rng(seed)
        self._cells = tuple(Cell(pods, way) for pods in state.partition.members for way in DIRECTIONS)

    def run(self, providers: Providers, before: BeforeSplit | None = None) -> DayCapability:
        """All steps, for the whole day, each step in one batch; no lower in the sum than ``before`` a split
        (DTL-5).
        """
        state, limits = self._state, self._limits
        p_w, q_var = state.scenarios(np.arange(state.quarters), np.zeros((state.quarters, len(state.pods))))
        phasors = self._flow.solve_phasors(p_w, q_var)
        sens = sensitivities(state, self._flow)
        values = limits.values(phasors.plain)
        allowed = np.maximum(limits.bounds, np.where(np.isfinite(values), values, -np.inf))
        hours: list[HourWork] = []
        blocked: dict[int, str] = {}
        for hour in range(state.hours):
            quarters = range(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
            failed = [q for q in quarters if not phasors.converged[q]]
            if failed or not sens.valid[hour]:
                at = f"quarter-hours {failed}" if failed else "close to the expected state"
                blocked[hour] = f"{NOT_CONVERGED} ({at})"
                continue
            rows = hour_rows(state, limits, phasors, sens, hour)
            problem = hour_problem(state, self._cells, rows, self._full(hour))
            work = HourWork(hour, problem, rows.margin.copy())
            work.bar_local(state)
            work.bar_violations(limits, values, allowed)
            work.allocate()
            hours.append(work)
        steps = AcSteps(state, self._flow, limits, self._cells, self._random)
        steps.settle(hours, sens, allowed)
        if before is not None:
            steps.settle(self._lowered(hours, before), sens, allowed)
        day = self._collect(hours, blocked)
        if not len(providers.pods):
            return day
        support = SupportRun(providers, self._flow, limits, self._cells, sens, allowed, self._random)
        day = _with_support(day, support.run(hours, [day.power_kw[:, work.hour] for work in hours]))
        return day if before is None else before.kept(day)

    def _full(self, hour: int) -> Floats:
        quarters = slice(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
        ranges = [self._state.range_kw[cell.direction][list(cell.pods), quarters] for cell in self._cells]
        return np.array([each.sum(axis=0).max() for each in ranges])

    def _lowered(self, hours: Sequence[HourWork], before: BeforeSplit) -> list[HourWork]:
        """The hours that have less than before the split, allocated anew from what they had."""
        day = self._collect(hours, {})
        lowered = [work for work in hours if before.lowered(day, work.hour, support=False)]
        for work in lowered:
            work.floor_kw = np.where(work.barred, 0.0, before.floors(work.hour, work.problem.full_kw))
            work.allocate()
        return lowered

    def _collect(self, hours: Sequence[HourWork], blocked: dict[int, str]) -> DayCapability:
        shape = (len(self._cells), self._state.hours)
        power, full, strained = np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.bool_)
        reasons = [[""] * self._state.hours for _ in self._cells]
        for hour, text in blocked.items():
            full[:, hour], strained[:, hour] = self._full(hour), True
            for row in reasons:
                row[hour] = text
        for work in hours:
            safe, whole = work.allocation.power_kw, work.problem.full_kw
            power[:, work.hour] = np.maximum(held_back(safe, whole), work.floor_kw)
            full[:, work.hour] = whole
            strained[:, work.hour] = work.strained | work.barred
            for cell, text in enumerate(work.reasons):
                stop = int(work.allocation.stopped_by[cell])
                if not text and stop >= 0:
                    text = self._limits.describe(int(work.problem.rows.limit[stop]))
                reasons[cell][work.hour] = text
        return DayCapability(power, power, full, strained, tuple(tuple(row) for row in reasons), {})


def _with_support(day: DayCapability, support: Mapping[int, HourSupport]) -> DayCapability:
    """The day with what reactive support adds."""
    power = day.power_kw.copy()
    reasons = [list(row) for row in day.reason]
    for hour, found in support.items():
        for cell in np.flatnonzero(found.gains):
            power[cell, hour] = found.power_kw[cell]
            reasons[cell][hour] = found.reason[cell] or reasons[cell][hour]
    return replace(day, power_kw=power, reason=tuple(tuple(row) for row in reasons), support=support)
