"""A day with reactive setpoints applied: AC power flow, linear rows and linear programs of its hours (GRD-1).

What ``reactive_support.py`` needs at each of its steps. Setpoints are kvar injected on top of the expected
state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import Direction
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.hour_work import HourWork, hour_problem
from registry.grid.linearise import linear_rows
from registry.grid.powerflow import PhasorSolution, PowerFlow
from registry.grid.reactive_plan import PlanTask
from registry.grid.reactive_program import LOADING_WEIGHT
from registry.grid.reactive_providers import Providers
from registry.grid.robust import Cell, Rows
from registry.grid.sensitivity import Response, Sensitivities, response
from registry.grid.state import ExpectedState
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(slots=True)
class Plan:
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
class Around:
    """The day with all setpoints so far: AC power flow and what one more kvar does."""

    state: ExpectedState
    phasors: PhasorSolution
    values: Floats
    effects: dict[int, Response]


class SupportedDay:
    """The expected state, its providers and limits.

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
    ) -> None:
        self._providers, self._state = providers, providers.state
        self._flow, self._limits, self._cells = flow, limits, tuple(cells)
        self._sens, self._allowed = sens, allowed

    def applied(self, plans: Sequence[Plan]) -> ExpectedState:
        """The expected state with all setpoints."""
        q_var = self._state.q_var.T.copy()
        for plan in plans:
            quarters = quarters_of(plan.without.hour)
            q_var[quarters] = self._providers.applied(q_var[quarters], 1000.0 * plan.support)
        return replace(self._state, q_var=q_var.T)

    def around(self, plans: Sequence[Plan]) -> Around:
        """AC power flow with the setpoints so far; an hour where it fails gets no support at all."""
        state = self.applied(plans)
        quarters = np.concatenate([quarters_of(plan.without.hour) for plan in plans])
        p_w, q_var = state.scenarios(quarters, np.zeros((len(quarters), len(state.pods))))
        phasors = self._flow.solve_phasors(p_w, q_var)
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
        u = np.full((state.quarters, phasors.u.shape[1]), np.nan, dtype=np.complex128)
        z = np.full((state.quarters, phasors.loading.shape[1]), np.nan, dtype=np.complex128)
        converged = np.zeros(state.quarters, dtype=np.bool_)
        u[quarters], z[quarters], converged[quarters] = phasors.u, phasors.loading, phasors.converged
        day = PhasorSolution(u, z, phasors.at_from, converged)
        lost = [
            plan
            for i, plan in enumerate(plans)
            if plan.high.any()
            and not (found.converged[i] and converged[quarters_of(plan.without.hour)].all())
        ]
        if lost:
            for plan in lost:
                plan.low, plan.high = np.zeros_like(plan.low), np.zeros_like(plan.high)
                plan.support = np.zeros_like(plan.support)
            return self.around(plans)
        return Around(state, day, self._limits.values(day.plain), effects)

    def work(self, plan: Plan, around: Around) -> tuple[HourWork, Floats]:
        """The hour's problem around the setpoints so far, and the effect of each provider on its rows."""
        hour, state = plan.without.hour, self._state
        quarters, effects = quarters_of(hour), around.effects[hour]
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
        own = Rows(rows.quarter, rows.limit, active, rows.margin)
        problem = hour_problem(state, self._cells, own, plan.without.problem.full_kw)
        work = HourWork(hour, problem, rows.margin.copy())
        work.floor_kw, work.target_kw, work.thorough = plan.safe_kw, plan.target_kw, True
        return work, reactive

    def bar(self, plans: Sequence[Plan], works: Sequence[HourWork], around: Around) -> Floats:
        """First allocation of the hours, cells barred that ask for nothing or worsen what support leaves
        violated.

        Gives back what limits may reach with support, never more than without.
        """
        values = np.where(np.isfinite(around.values), around.values, -np.inf)
        allowed = np.maximum(self._limits.bounds, values)
        for plan, work in zip(plans, works, strict=True):
            work.bar_violations(self._limits, values, allowed)
            work.barred |= ~plan.rising
            work.allocate()
        return np.minimum(allowed, self._allowed)

    def task(self, plan: Plan, work: HourWork, effect: Floats, around: Around, *, trust: float) -> PlanTask:
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
            kept=self._allowed[rows.quarter, rows.limit] <= self._limits.bounds[rows.limit],
        )


def whole_var(kvar: Floats) -> Floats:
    """Whole var, towards zero: never beyond what a provider has."""
    return np.trunc(1000.0 * kvar) / 1000.0


def quarters_of(hour: int) -> Ints:
    return np.arange(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
