"""The capability with reactive support: what more is safe for any placement once providers hold setpoints
(GRD-1, DTL-2; the orange of Natale §4.3, made robust).

For every hour with a limited cell whose perimeter has providers:

1. A linear program finds setpoints, one per provider and quarter-hour, that let the limited cells reach most,
   and is repeated around its own answer: new AC power flow, new sensitivities, half the trust region, margins
   corrected by AC at the worst placements (``reactive_plan.py``).
2. With the setpoints applied, the capability is allocated, corrected and verified by AC power flow exactly as
   without them (``hour_work.py``). No cell falls below what it has without support, and cells that ask for
   none keep that.
3. Perimeters that gain nothing are left out, and the hour is done again without their providers.
4. Another linear program finds the cheapest setpoints that keep the result. They are verified by AC again;
   where they fail, setpoints between them and the first ones are taken.

The setpoints are applied as soon as the selections of an hour go beyond what is safe without. Until then the
capabilities without support hold, and those were verified without.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.ac_steps import AcSteps
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.hour_work import HourWork, held_back
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_plan import least_support, most_power
from registry.grid.reactive_providers import Providers
from registry.grid.robust import Cell
from registry.grid.sensitivity import Sensitivities
from registry.grid.state import ExpectedState
from registry.grid.supported_day import Around, Plan, SupportedDay, quarters_of, whole_var
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_ROUNDS: Final = 3
_BLENDS: Final = (1.0, 0.9, 0.6, 0.3)


@dataclass(frozen=True, eq=False)
class HourSupport:
    """Reactive support of one hour.

    Attributes:
        power_kw: capability per cell with the setpoints applied.
        gains: cells that have more than without.
        support_var: injected on top of the expected state, whole var, ``[4, provider]``.
        reason: per gaining cell the limit that sets it, empty where nothing does.
    """

    power_kw: Floats
    gains: Bools
    support_var: Floats
    reason: tuple[str, ...]


class SupportRun:
    """Adds reactive support to the hours of a capability run.

    ``allowed`` is what each limit may reach without support, ``[quarter, K]``.
    """

    def __init__(
        self,
        providers: Providers,
        flow: PowerFlow,
        limits: Limits,
        cells: Sequence[Cell],
        sens: Sensitivities,
        allowed: Floats,
        random: np.random.Generator,
    ) -> None:
        self._all, self._flow, self._limits, self._cells = providers, flow, limits, tuple(cells)
        self._sens, self._allowed, self._random = sens, allowed, random
        self._perimeter = np.arange(len(cells)) // 2

    def run(self, hours: Sequence[HourWork], safe_kw: Sequence[Floats]) -> dict[int, HourSupport]:
        """The hours that gain, by hour; ``safe_kw`` is what each hour's cells have without support."""
        limited = [self._limited(work, safe) for work, safe in zip(hours, safe_kw, strict=True)]
        asking = np.unique(self._perimeter[np.any(limited, axis=0)]) if limited else ()
        self._providers = self._all.of_perimeters(asking)
        self._day = SupportedDay(
            self._providers, self._flow, self._limits, self._cells, self._sens, self._allowed
        )
        plans = [
            self._plan(work, safe, rising)
            for work, safe, rising in zip(hours, safe_kw, limited, strict=True)
            if rising.any()
        ]
        found: dict[int, HourSupport] = {}
        while plans:
            works, around, allowed = self._most(plans)
            again, settled = [], []
            for plan, (work, effect) in zip(plans, works, strict=True):
                power = held_back(work.allocation.power_kw, work.problem.full_kw)
                gains = np.floor(power + 1e-9) > np.floor(plan.safe_kw + 1e-9)
                helped = np.isin(self._perimeter, self._perimeter[gains])
                if not gains.any():
                    continue
                if (plan.rising & ~helped).any():
                    again.append(self._plan(plan.without, plan.safe_kw, plan.rising & helped))
                else:
                    settled.append((plan, work, effect, gains))
            self._cheapest([(plan, work, effect) for plan, work, effect, _ in settled], around, allowed)
            for plan, work, _, gains in settled:
                found[work.hour] = HourSupport(
                    held_back(work.allocation.power_kw, work.problem.full_kw),
                    gains,
                    self._all.widened(self._providers, np.rint(1000.0 * plan.support)),
                    self._reasons(work, gains),
                )
            plans = again
        return found

    def _limited(self, work: HourWork, safe_kw: Floats) -> Bools:
        """Cells that could have more and have providers, unless a local activation bars them."""
        limited = work.problem.full_kw - safe_kw >= 1.0
        helped = np.isin(self._perimeter, self._all.perimeter)
        against = np.zeros(len(self._cells), dtype=np.bool_)
        state = self._all.state
        for perimeter in range(len(state.partition.names)):
            planned = state.local.get((perimeter, work.hour))
            if planned is not None:
                against[2 * perimeter + planned[0].opposite] = True
        return limited & helped & ~against

    def _plan(self, work: HourWork, safe_kw: Floats, rising: Bools) -> Plan:
        """The hour before its first step, with the providers of the perimeters that ask."""
        low, high = self._providers.any_move(quarters_of(work.hour))
        helped = np.isin(self._providers.perimeter, self._perimeter[rising])
        low, high = np.where(helped, low, 0.0) / 1000.0, np.where(helped, high, 0.0) / 1000.0
        target = np.where(rising, work.problem.full_kw, safe_kw)
        return Plan(work, safe_kw, rising, low, high, np.zeros_like(low), target, set())

    def _most(self, plans: list[Plan]) -> tuple[list[tuple[HourWork, Floats]], Around, Floats]:
        """Steps 1 and 2: the hours with their setpoints found and capabilities verified, the effects of
        providers on their rows, the day around the setpoints, and what limits may reach.
        """
        for number in range(_ROUNDS):
            around = self._day.around(plans)
            prepared = [self._day.work(plan, around) for plan in plans]
            works = [work for work, _ in prepared]
            allowed = self._day.bar(plans, works, around)
            self._steps(around.state).correct(works, allowed)
            for plan, (work, effect) in zip(plans, prepared, strict=True):
                task = self._day.task(plan, work, effect, around, trust=0.5**number)
                support, plan.target_kw, over = most_power(task, plan.target_kw)
                plan.support = whole_var(support)
                if number > 0:
                    rows = work.problem.rows
                    plan.lost |= {
                        (int(rows.quarter[row]), int(rows.limit[row])) for row in np.flatnonzero(over > 1e-6)
                    }
        around = self._day.around(plans)
        prepared = [self._day.work(plan, around) for plan in plans]
        works = [work for work, _ in prepared]
        allowed = self._day.bar(plans, works, around)
        self._steps(around.state).settle(works, self._sens, allowed)
        return prepared, around, allowed

    def _cheapest(
        self, settled: list[tuple[Plan, HourWork, Floats]], around: Around, allowed: Floats
    ) -> None:
        """Step 4: cheaper setpoints where AC power flow agrees."""
        plans = [plan for plan, _, _ in settled]
        wanted, drifts = [], []
        for plan, work, effect in settled:
            further = len(work.margin) - len(effect)  # rows cut by AC: what setpoints do to them AC will tell
            effect = np.pad(effect, ((0, further), (0, 0)))
            task = self._day.task(plan, work, effect, around, trust=1.0)
            task = replace(task, dropped=task.dropped | work.exempt)
            cheap = whole_var(least_support(task, work.allocation.power_kw))
            less = np.abs(cheap).sum() < np.abs(plan.support).sum()
            wanted.append(cheap - plan.support if less else np.zeros_like(cheap))
            drifts.append((effect * wanted[-1][task.column]).sum(axis=1))
        first = [plan.support for plan in plans]
        margins = [work.margin for _, work, _ in settled]
        open_hours = [number for number, change in enumerate(wanted) if change.any()]
        for blend in _BLENDS:
            if not open_hours:
                return
            for number in open_hours:
                plan, work, _ = settled[number]
                plan.support = whole_var(first[number] + blend * wanted[number])
                work.margin = margins[number] - blend * drifts[number]
            state = self._day.applied([plans[number] for number in open_hours])
            broken = self._steps(state).broken(
                [settled[number][1] for number in open_hours], self._sens, allowed
            )
            failed = {failure.quarter // QUARTERS_PER_HOUR for failure in broken}
            open_hours = [number for number in open_hours if settled[number][1].hour in failed]
        for number in open_hours:
            plans[number].support = first[number]

    def _steps(self, state: ExpectedState) -> AcSteps:
        return AcSteps(state, self._flow, self._limits, self._cells, self._random)

    def _reasons(self, work: HourWork, gains: Bools) -> tuple[str, ...]:
        reasons = []
        for cell, stop in enumerate(work.allocation.stopped_by):
            text = work.reasons[cell]
            if not text and gains[cell] and stop >= 0:
                text = self._limits.describe(int(work.problem.rows.limit[stop]))
            reasons.append(text)
        return tuple(reasons)
