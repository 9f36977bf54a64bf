"""Operating points that break a limit, cured by reactive power at least cost (GRD-1; Natale §4.3, step 3b).

A linearised optimal power flow per point. The setpoints of the providers are found by linear programming on
the sensitivities of voltages and loadings to reactive power, least total kvar first (the price is one and
the same for all, Natale §5), and are then held against AC power flow:

1. linear rows of every limit in reach, around the setpoints so far (``reactive_program.py``);
2. least reactive power that keeps the rows, or else that exceeds them least; no setpoint moves further than
   the trust region;
3. AC power flow there. All limits kept: *cured*. Closer to it: go on from there with new sensitivities.
   Further away: halve the trust region. Beyond by traces only: the next program keeps that much more away;
4. where a loading is left over its limit by up to two hundredths, the rounds are made again from setpoints
   that circulate (``reactive_circulation.py``);
5. where the cure went further than it had to, the same part of all its setpoints is taken back, as much as AC
   power flow allows.

Two answers are red and differ: the last linear program found no setpoints (*LP infeasible*), or it found
some that AC power flow refused to the end (*AC check failed*).

Sensitivities of the first round are shared among points of one group; a point not cured by them gets its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_circulation import circulations
from registry.grid.reactive_program import LOADING_WEIGHT, linear_rows, linear_support
from registry.grid.reactive_providers import Providers
from registry.grid.sensitivity import Response, response
from registry.grid.violations import TOLERANCE, Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ROUNDS: Final = 5
_BACKOFF: Final = 2e-6
"""p.u. or fraction kept from every limit, so that the next AC power flow need not meet it exactly."""
_NEARLY: Final = 1e-4
"""An excess below it that AC power flow finds at the program's setpoints is kept from every limit as well."""
_STALLED: Final = 0.02
_TRIMMED: Final = 5e-6
_LEAST_SHARE: Final = 0.75
_BISECTIONS: Final = 8
_CIRCULATES: Final = 1e-3
"""Weighted excess, two hundredths of a rating, up to which circulation is tried: it gained 0.012 at most."""


class Verdict(IntEnum):
    """What became of an operating point; see the module's description."""

    FEASIBLE = 0
    CURED = 1
    NO_PROVIDERS = 2
    LP_INFEASIBLE = 3
    AC_FAILED = 4
    NOT_CONVERGED = 5


@dataclass(frozen=True, eq=False)
class Points:
    """Operating points to cure.

    Attributes:
        p_w, q_var: element powers, ``[point, element]``.
        allowed: what each limit may reach, ``[point, K]``; infinite where it does not count.
        low, high: least and most support of each provider, var, ``[point, provider]``.
        group: points with the same number share the sensitivities of the first round.
    """

    p_w: Floats
    q_var: Floats
    allowed: Floats
    low: Floats
    high: Floats
    group: Ints

    def only(self, chosen: Ints) -> Points:
        """Some of the points."""
        powers = self.p_w[chosen], self.q_var[chosen]
        return Points(*powers, self.allowed[chosen], self.low[chosen], self.high[chosen], self.group[chosen])


@dataclass(frozen=True, eq=False)
class Cures:
    """Per point the verdict (``CURED``, ``LP_INFEASIBLE`` or ``AC_FAILED``) and the last setpoints in var,
    ``[point, provider]``.
    """

    verdict: Ints
    support_var: Floats


def cure(
    points: Points, providers: Providers, flow: PowerFlow, limits: Limits, *, rounds: int = ROUNDS
) -> Cures:
    """Least support that makes AC power flow keep all limits of each point, each point on its own.

    The points converge without support; there is at least one provider.
    """
    run = _Run(points, providers, flow, limits, np.zeros_like(points.low))
    run.rounds(rounds, shared=True)
    left, starts = run.other_starts()
    for start in starts.transpose(1, 0, 2):
        still = np.flatnonzero(run.verdict[left] != Verdict.CURED)
        if not len(still):
            break
        again = _Run(points.only(left[still]), providers, flow, limits, start[still])
        again.rounds(rounds, shared=False)
        run.adopt(left[still], again)
    run.trim()
    return Cures(run.verdict, 1000.0 * run.support)


class _Run:
    """All points on their way through the rounds from some setpoints; in kvar."""

    def __init__(
        self, points: Points, providers: Providers, flow: PowerFlow, limits: Limits, start: Floats
    ) -> None:
        count = len(points.p_w)
        self._points, self._providers, self._flow, self._limits = points, providers, flow, limits
        self._low, self._high = points.low / 1000.0, points.high / 1000.0
        self._reach = np.ones(count)
        self._refused = np.zeros(count)
        self._weight = np.ones(len(limits.bounds))
        self._weight[2 * limits.nodes :] = LOADING_WEIGHT
        self.support = start.copy()
        self.verdict = np.full(count, Verdict.LP_INFEASIBLE, dtype=np.int64)
        self.open: Ints = np.arange(count)
        self._merit = self._excess(self.open, self.support)

    def _excess(self, chosen: Ints, support: Floats) -> Floats:
        """Weighted worst excess of the chosen points at the given setpoints; infinite where not converged."""
        q_var = self._providers.applied(self._points.q_var[chosen], 1000.0 * support)
        values = self._limits.values(self._flow.solve(self._points.p_w[chosen], q_var))
        excess = ((values - self._points.allowed[chosen] - TOLERANCE) * self._weight).max(axis=1)
        return np.where(np.isfinite(excess), excess, np.inf)

    def rounds(self, count: int, *, shared: bool) -> None:
        """At most so many rounds; ``shared``: points of a group share the sensitivities of the first."""
        for number in range(count):
            if not len(self.open):
                break
            self.round(shared=shared and number == 0)

    def other_starts(self) -> tuple[Ints, Floats]:
        """Points that are left with an excess of loading that circulation may cure, and setpoints to start
        from, ``[point, start, provider]``.
        """
        hopeful = (
            (self.verdict != Verdict.CURED)
            & (self._merit < _CIRCULATES)
            & (self._low < self._high).any(axis=1)
        )
        left = np.flatnonzero(hopeful)
        if not len(left):
            return left, np.zeros((0, 0, len(self._low.T)))
        around = self._around(left, shared=False)
        nodes = self._flow.network.element_node[self._providers.carrier]
        bounds = self._points.allowed[left, 2 * self._limits.nodes :]
        branch = (np.abs(around.loading) - bounds).argmax(axis=1)
        starts = [
            circulations(
                around.voltage[number][nodes],
                around.turn[number, branch[number]],
                self.support[point],
                self._low[point],
                self._high[point],
            )
            for number, point in enumerate(left)
        ]
        return left, np.array(starts)

    def adopt(self, chosen: Ints, other: _Run) -> None:
        """Take over what another run has cured of the chosen points."""
        cured = other.verdict == Verdict.CURED
        at = chosen[cured]
        self.support[at], self._merit[at] = other.support[cured], other._merit[cured]
        self.verdict[at] = Verdict.CURED

    def round(self, *, shared: bool) -> None:
        """One linear program and one AC power flow for every open point."""
        chosen = self.open
        around = self._around(chosen, shared=shared)
        trial, slack = self.support[chosen].copy(), np.zeros(len(chosen))
        for number, point in enumerate(chosen):
            trial[number], slack[number] = self._program(int(point), around, number)
        merit = self._excess(chosen, trial)
        better = merit < self._merit[chosen]
        stalled = (slack > _BACKOFF) & (slack > (1.0 - _STALLED) * self._merit[chosen]) & (not shared)
        self.support[chosen[better]] = trial[better]
        self._merit[chosen[better]] = merit[better]
        self._reach[chosen[~better]] /= 2.0
        self.verdict[chosen] = np.where(slack > _BACKOFF, Verdict.LP_INFEASIBLE, Verdict.AC_FAILED)
        short = (slack <= _BACKOFF) & (merit > 0.0) & (merit < _NEARLY)
        self._refused[chosen[short]] += 1.5 * merit[short]
        done = merit <= 0.0
        self.verdict[chosen[done]] = Verdict.CURED
        self.open = chosen[~done & ~stalled]

    def trim(self) -> None:
        """Take back what cured points have too much, by bisection on a common factor."""
        chosen = np.flatnonzero((self.verdict == Verdict.CURED) & (self._merit < -_TRIMMED))
        low, high = np.full(len(chosen), _LEAST_SHARE), np.ones(len(chosen))
        for _ in range(_BISECTIONS if len(chosen) else 0):
            middle = (low + high) / 2.0
            kept = self._excess(chosen, middle[:, None] * self.support[chosen]) <= 0.0
            low, high = np.where(kept, low, middle), np.where(kept, middle, high)
        self.support[chosen] *= high[:, None]

    def _around(self, chosen: Ints, *, shared: bool) -> Response:
        """The chosen points at their setpoints, with their own or their group's sensitivities."""
        p_w = self._points.p_w[chosen]
        q_var = self._providers.applied(self._points.q_var[chosen], 1000.0 * self.support[chosen])
        carriers = self._providers.carrier
        if not shared:
            return response(self._flow, p_w, q_var, carriers, reactive=True)
        phasors = self._flow.solve_phasors(p_w, q_var)
        _, first, inverse = np.unique(self._points.group[chosen], return_index=True, return_inverse=True)
        found = response(self._flow, p_w[first], q_var[first], carriers, reactive=True)
        voltage, turn = found.voltage[inverse], found.turn[inverse]
        return Response(phasors.u_pu, phasors.loading, voltage, turn, phasors.converged)

    def _program(self, point: int, around: Response, number: int) -> tuple[Floats, float]:
        start = self.support[point]
        span = self._reach[point] * (self._high[point] - self._low[point])
        low, high = np.maximum(self._low[point], start - span), np.minimum(self._high[point], start + span)
        effect, room = linear_rows(
            around.u_pu[number],
            around.loading[number],
            around.voltage[number],
            around.turn[number],
            self._points.allowed[point],
            np.maximum(high - start, start - low),
        )
        return linear_support(effect, room - _BACKOFF - self._refused[point], start, (low, high))
