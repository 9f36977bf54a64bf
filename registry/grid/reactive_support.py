"""The capability with reactive support: what more is safe for any placement once providers hold setpoints (GRD-1,
DTL-2; the orange of Natale §4.3, made robust).

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

from registry.domain.quantities import Direction
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.hour_work import CORRECTIONS, AcSteps, HourWork
from registry.grid.linearise import linear_rows
from registry.grid.powerflow import PhasorSolution, PowerFlow, with_loadings
from registry.grid.reactive_opf import LOADING_WEIGHT
from registry.grid.reactive_plan import PlanTask, least_support, most_power
from registry.grid.reactive_providers import Providers
from registry.grid.robust import Cell, HourProblem, Rows
from registry.grid.sensitivity import Response, Sensitivities, response
from registry.grid.state import ExpectedState
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_ROUNDS: Final = 3
_BLENDS: Final = (1.0, 0.9, 0.6, 0.3)


@dataclass(frozen=True, eq=False)
class HourSupport:
    """Reactive support of one hour.

    Attributes:
        power_kw: largest safe power per cell with the setpoints applied.
        gains: cells that have more than without.
        support_var: injected on top of the expected state, whole var, ``[4, provider]``.
        reason: per gaining cell the limit that sets it, empty where nothing does.
    """

    power_kw: Floats
    gains: Bools
    support_var: Floats
    reason: tuple[str, ...]


@dataclass(slots=True)
class _Plan:
    """An hour on its way through the steps above; setpoints and their limits in kvar."""

    without: HourWork
    safe_kw: Floats
    rising: Bools
    low: Floats
    high: Floats
    support: Floats
    target_kw: Floats
    lost: set[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class _Around:
    """The day with all setpoints so far: AC power flow and what one more kvar does."""

    state: ExpectedState
    phasors: PhasorSolution
    values: Floats
    effects: dict[int, Response]


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
        self._providers, self._state = providers, providers.state
        self._flow, self._limits, self._cells = flow, limits, tuple(cells)
        self._sens, self._allowed, self._random = sens, allowed, random

    def run(self, hours: Sequence[HourWork], safe_kw: Sequence[Floats]) -> dict[int, HourSupport]:
        """The hours that gain, by hour; ``safe_kw`` is what each hour's cells have without support."""
        plans = [
            plan
            for work, safe in zip(hours, safe_kw, strict=True)
            if (plan := self._plan(work, safe, self._limited(work, safe))) is not None
        ]
        found: dict[int, HourSupport] = {}
        while plans:
            works, allowed = self._most(plans)
            again, settled = [], []
            for plan, work in zip(plans, works, strict=True):
                gains = np.floor(work.allocation.power_kw + 1e-9) > np.floor(plan.safe_kw + 1e-9)
                kept = {number // 2 for number in np.flatnonzero(gains)}
                asked = {number // 2 for number in np.flatnonzero(plan.rising)}
                if kept and kept != asked:
                    rising = plan.rising & np.isin(np.arange(len(self._cells)) // 2, list(kept))
                    smaller = self._plan(plan.without, plan.safe_kw, rising)
                    again += [smaller] if smaller is not None else []
                elif kept:
                    settled.append((plan, work, gains))
            self._cheapest([(plan, work) for plan, work, _ in settled], allowed)
            for plan, work, gains in settled:
                found[work.hour] = HourSupport(
                    work.allocation.power_kw,
                    gains,
                    np.rint(1000.0 * plan.support),
                    self._reasons(work, gains),
                )
            plans = again
        return found

    def _limited(self, work: HourWork, safe_kw: Floats) -> Bools:
        """Cells that could have more and whose perimeter has providers, unless a local activation bars them."""
        limited = work.problem.full_kw - safe_kw >= 1.0
        helped = np.isin(np.arange(len(self._cells)) // 2, self._providers.perimeter)
        against = np.zeros(len(self._cells), dtype=np.bool_)
        for perimeter in range(len(self._state.partition.names)):
            planned = self._state.local.get((perimeter, work.hour))
            if planned is not None:
                against[2 * perimeter + planned[0].opposite] = True
        return limited & helped & ~against

    def _plan(self, work: HourWork, safe_kw: Floats, rising: Bools) -> _Plan | None:
        if not rising.any():
            return None
        low, high = self._providers.any_move(_quarters(work.hour))
        helped = np.isin(self._providers.perimeter, np.flatnonzero(rising) // 2)
        low, high = np.where(helped, low, 0.0) / 1000.0, np.where(helped, high, 0.0) / 1000.0
        target = np.where(rising, work.problem.full_kw, safe_kw)
        return _Plan(work, safe_kw, rising, low, high, np.zeros_like(low), target, set())

    def _most(self, plans: list[_Plan]) -> tuple[list[HourWork], Floats]:
        """Steps 1 and 2: the hours with their setpoints found, capabilities verified, and what limits may reach."""
        for number in range(_ROUNDS):
            around = self._around(plans)
            prepared = [self._work(plan, around) for plan in plans]
            self._bar(plans, [work for work, _ in prepared], around)
            self._steps(around.state).correct([work for work, _ in prepared])
            for plan, (work, effect) in zip(plans, prepared, strict=True):
                task = self._task(plan, work, effect, around, trust=0.5**number)
                support, plan.target_kw, over = most_power(task, plan.target_kw)
                plan.support = _whole(support)
                if number > 0:
                    rows = work.problem.rows
                    plan.lost |= {
                        (int(rows.quarter[row]), int(rows.limit[row])) for row in np.flatnonzero(over > 1e-6)
                    }
        around = self._around(plans)
        works = [self._work(plan, around)[0] for plan in plans]
        allowed = self._bar(plans, works, around)
        steps = self._steps(around.state)
        for _ in range(CORRECTIONS):
            steps.correct(works)
        steps.verify(works, self._sens, allowed)
        return works, allowed

    def _cheapest(self, settled: list[tuple[_Plan, HourWork]], allowed: Floats) -> None:
        """Step 4: cheaper setpoints where AC power flow agrees."""
        if not settled:
            return
        plans = [plan for plan, _ in settled]
        around = self._around(plans)
        wanted, drifts = [], []
        for plan, work in settled:
            _, effect = self._work(plan, around)
            task = self._task(plan, work, effect, around, trust=1.0)
            task = replace(task, dropped=task.dropped | work.exempt)
            cheap = _whole(least_support(task, work.allocation.power_kw))
            less = np.abs(cheap).sum() < np.abs(plan.support).sum()
            wanted.append(cheap - plan.support if less else np.zeros_like(cheap))
            drifts.append((effect * wanted[-1][task.column]).sum(axis=1))
        first = [plan.support for plan in plans]
        margins = [work.margin for _, work in settled]
        open_hours = [number for number, change in enumerate(wanted) if change.any()]
        for blend in _BLENDS:
            if not open_hours:
                return
            for number in open_hours:
                plan, work = settled[number]
                plan.support = _whole(first[number] + blend * wanted[number])
                work.margin = margins[number] - blend * drifts[number]
            state = self._applied([plans[number] for number in open_hours])
            broken = self._steps(state).broken([settled[number][1] for number in open_hours], allowed)
            failed = {failure.quarter // QUARTERS_PER_HOUR for failure in broken}
            open_hours = [number for number in open_hours if settled[number][1].hour in failed]
        for number in open_hours:
            plans[number].support = first[number]

    def _steps(self, state: ExpectedState) -> AcSteps:
        return AcSteps(state, self._flow, self._limits, self._cells, self._random)

    def _applied(self, plans: Sequence[_Plan]) -> ExpectedState:
        """The expected state with all setpoints."""
        q_var = self._state.q_var.T.copy()
        for plan in plans:
            quarters = _quarters(plan.without.hour)
            q_var[quarters] = self._providers.applied(q_var[quarters], 1000.0 * plan.support)
        return replace(self._state, q_var=q_var.T)

    def _around(self, plans: Sequence[_Plan]) -> _Around:
        """AC power flow with the setpoints so far; an hour where it fails gets no support at all."""
        state = self._applied(plans)
        quarters = np.concatenate([_quarters(plan.without.hour) for plan in plans])
        p_w, q_var = state.scenarios(quarters, np.zeros((len(quarters), len(state.pods))))
        solution = self._flow.solve(p_w, q_var)
        phasors = with_loadings(self._flow.solve_phasors(p_w, q_var), solution)
        means = [each.reshape(len(plans), QUARTERS_PER_HOUR, -1).mean(axis=1) for each in (p_w, q_var)]
        found = response(self._flow, means[0], means[1], self._providers.carrier, reactive=True)
        effects = {
            plan.without.hour: Response(
                found.u_pu[i],
                found.loading[i],
                np.nan_to_num(found.voltage[i]),
                np.nan_to_num(found.turn[i]),
                found.converged[i],
            )
            for i, plan in enumerate(plans)
        }
        u = np.full((state.quarters, solution.u_pu.shape[1]), np.nan)
        z = np.full((state.quarters, solution.loading.shape[1]), np.nan, dtype=np.complex128)
        values = np.full((state.quarters, len(self._limits.bounds)), np.nan)
        converged = np.zeros(state.quarters, dtype=np.bool_)
        u[quarters], z[quarters] = phasors.u_pu, phasors.loading
        values[quarters], converged[quarters] = self._limits.values(solution), solution.converged
        lost = [
            plan
            for i, plan in enumerate(plans)
            if plan.high.any() and not (found.converged[i] and converged[_quarters(plan.without.hour)].all())
        ]
        if lost:
            for plan in lost:
                plan.low, plan.high = np.zeros_like(plan.low), np.zeros_like(plan.high)
                plan.support = np.zeros_like(plan.support)
            return self._around(plans)
        return _Around(state, PhasorSolution(u, z, converged), values, effects)

    def _work(self, plan: _Plan, around: _Around) -> tuple[HourWork, Floats]:
        """The hour's problem around the setpoints so far, and the effect of each provider on its rows."""
        hour, state = plan.without.hour, self._state
        quarters, effects = _quarters(hour), around.effects[hour]
        up, down = (state.range_kw[way][:, quarters] for way in Direction)
        rows = linear_rows(
            self._limits,
            around.phasors,
            np.concatenate([self._sens.voltage[hour], effects.voltage], axis=1),
            np.concatenate([self._sens.loading[hour], effects.turn], axis=1),
            quarters,
            np.concatenate([up, (plan.high - plan.support).T]),
            np.concatenate([down, (plan.support - plan.low).T]),
        )
        active, reactive = rows.effect[:, : len(state.pods)], rows.effect[:, len(state.pods) :]
        ranges = [state.range_kw[cell.direction][list(cell.pods)][:, rows.quarter].T for cell in self._cells]
        problem = HourProblem(
            self._cells,
            Rows(rows.quarter, rows.limit, active, rows.margin),
            ranges,
            plan.without.problem.full_kw,
        )
        work = HourWork(hour, problem, rows.margin.copy())
        work.floor_kw, work.target_kw = plan.safe_kw, plan.target_kw
        return work, reactive

    def _bar(self, plans: Sequence[_Plan], works: Sequence[HourWork], around: _Around) -> Floats:
        """First allocation of the hours, cells barred that ask for nothing or worsen what support leaves violated.

        Gives back what limits may reach with support, never more than without.
        """
        values = np.where(np.isfinite(around.values), around.values, -np.inf)
        allowed = np.maximum(self._limits.bounds, values)
        for plan, work in zip(plans, works, strict=True):
            work.bar_violations(self._limits, values, allowed)
            work.barred |= ~plan.rising
            work.allocate()
        return np.minimum(allowed, self._allowed)

    def _task(
        self, plan: _Plan, work: HourWork, effect: Floats, around: _Around, *, trust: float
    ) -> PlanTask:
        rows = work.problem.rows
        span = trust * (plan.high - plan.low)
        lost = np.array(
            [(int(q), int(k)) in plan.lost for q, k in zip(rows.quarter, rows.limit, strict=True)],
            dtype=np.bool_,
        )
        violated = around.values[rows.quarter, rows.limit] > self._limits.bounds[rows.limit]
        weight = np.where(rows.limit < 2 * self._limits.nodes, 1.0, LOADING_WEIGHT)
        return PlanTask(
            problem=work.problem,
            margin=work.margin,
            effect=effect,
            weight=weight,
            start=plan.support,
            low=np.maximum(plan.low, plan.support - span),
            high=np.minimum(plan.high, plan.support + span),
            floor_kw=plan.safe_kw,
            rising=plan.rising,
            soft=violated & (work.margin < 0.0) & ~lost,
            dropped=lost,
        )

    def _reasons(self, work: HourWork, gains: Bools) -> tuple[str, ...]:
        reasons = []
        for cell, stop in enumerate(work.allocation.stopped_by):
            text = work.reasons[cell]
            if not text and gains[cell] and stop >= 0:
                text = self._limits.describe(int(work.problem.rows.limit[stop]))
            reasons.append(text)
        return tuple(reasons)


def _whole(kvar: Floats) -> Floats:
    """Whole var, towards zero: never beyond what a provider has."""
    return np.trunc(1000.0 * kvar) / 1000.0


def _quarters(hour: int) -> Ints:
    return np.arange(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
