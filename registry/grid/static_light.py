"""Static lights: what a POD alone can move in every expected quarter-hour without a violation (POD-2, GRD-2).

For every expected day and direction:

1. the POD alone moves its declared power, or what the quarter-hour leaves it if that is less; all else as
   expected;
2. the quarter-hours where linear sensitivities leave the least room are solved by AC power flow;
3. where a limit breaks, the largest power that keeps all limits there is found by bisection, whole kW.

A limit that the expected state violates without the POD, or comes as close to as the DSO's planning
reserve, is not held against it in that quarter-hour: there the DSO has to act anyway, by local activations
(``planning.py``) and dynamic lights. Those quarter-hours are counted in the advice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.domain.enums import StaticLight
from registry.domain.quantities import Direction
from registry.grid.faults import Fault
from registry.grid.forecast import QUARTERS_PER_HOUR, Forecast
from registry.grid.network import Network
from registry.grid.pods import GridPod, placement_faults
from registry.grid.powerflow import PowerFlow
from registry.grid.results import DIRECTIONS, StaticLightAdvice
from registry.grid.sensitivity import Sensitivities, sensitivities
from registry.grid.state import SIGN, ExpectedState, expected_state
from registry.grid.violations import TOLERANCE, Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_HARDEST: Final = 8
_BEARS: Final = 0.1


def static_lights(
    network: Network,
    pods: Sequence[GridPod],
    forecasts: Sequence[Forecast],
    flow: PowerFlow,
    limits: Limits,
    *,
    planning: Limits | None = None,
) -> tuple[StaticLightAdvice, ...]:
    """The advice for every POD, in the given order, over all expected days.

    ``planning`` are the limits with the DSO's planning reserve, as given to
    :func:`~registry.grid.planning.planned_needs`; without them only limits that are violated outright are
    left out.

    A POD that does not fit the grid (unknown node or element) is *invalidated* with that fault and keeps
    nobody else from an answer. A POD that declares more than all its elements together is *modulated* to
    that at most.
    """
    if not forecasts:
        raise ValueError("forecasts: found none, allowed at least one expected day")
    faults = _faults_by_pod(network, pods)
    fitting = [pod for pod in pods if pod.key not in faults]
    power = {(pod.key, way): float(_declared(pod, way)) for pod in fitting for way in DIRECTIONS}
    bound: dict[tuple[str, Direction], str] = {}
    left_out = dict.fromkeys((pod.key for pod in fitting), 0)
    for forecast in forecasts if fitting else ():
        day = _Day(
            expected_state(network, fitting, {"all": [pod.key for pod in fitting]}, forecast),
            flow,
            limits,
            planning or limits,
        )
        for number, pod in enumerate(fitting):
            left_out[pod.key] += int(day.left_out[number])
        for way in DIRECTIONS:
            asked = np.array([power[(pod.key, way)] for pod in fitting])
            safe, named = day.largest(way, asked)
            for number, pod in enumerate(fitting):
                power[(pod.key, way)] = float(safe[number])
                if named[number]:
                    bound[(pod.key, way)] = named[number]
    return tuple(
        _invalidated(pod, faults[pod.key])
        if pod.key in faults
        else _advice(pod, power, bound, left_out[pod.key])
        for pod in pods
    )


def _faults_by_pod(network: Network, pods: Sequence[GridPod]) -> dict[str, Fault]:
    found: dict[str, Fault] = {}
    for pod in pods:
        for fault in placement_faults(network, [pod]):
            found.setdefault(pod.key, fault)
    fitting = [pod for pod in pods if pod.key not in found]
    for fault in placement_faults(network, fitting):
        for pod in fitting:
            if fault.where.startswith(f"POD {pod.key}, "):
                found.setdefault(pod.key, fault)
    return found


def _declared(pod: GridPod, way: Direction) -> int:
    return pod.up_kw if way is Direction.UP else pod.down_kw


def _rated_kw(pod: GridPod) -> int:
    return sum(element.rated_w for element in pod.elements) // 1000


def _invalidated(pod: GridPod, fault: Fault) -> StaticLightAdvice:
    return StaticLightAdvice(pod.key, StaticLight.INVALIDATED, 0, 0, str(fault), 0)


def _advice(
    pod: GridPod,
    power: dict[tuple[str, Direction], float],
    bound: dict[tuple[str, Direction], str],
    left_out: int,
) -> StaticLightAdvice:
    granted: dict[Direction, int] = {}
    reasons = []
    rated = _rated_kw(pod)
    for way in DIRECTIONS:
        declared = _declared(pod, way)
        granted[way] = min(int(power[(pod.key, way)] + 1e-9), declared, rated)
        if granted[way] < declared:
            cause = bound.get((pod.key, way), f"only {rated} kW stand behind the POD")
            reasons.append(f"{way.name.lower()} {declared} to {granted[way]} kW: {cause}")
    up_kw, down_kw = granted[Direction.UP], granted[Direction.DOWN]
    if not reasons:
        return StaticLightAdvice(pod.key, StaticLight.CONFIRMED, up_kw, down_kw, "", left_out)
    light = StaticLight.MODULATED if up_kw or down_kw else StaticLight.INVALIDATED
    return StaticLightAdvice(pod.key, light, up_kw, down_kw, "; ".join(reasons), left_out)


class _Day:
    """One expected day, all PODs at once, each alone."""

    def __init__(self, state: ExpectedState, flow: PowerFlow, limits: Limits, planning: Limits) -> None:
        self._state, self._flow, self._limits = state, flow, limits
        quarters = np.arange(state.quarters)
        base = flow.solve(*state.scenarios(quarters, np.zeros((state.quarters, len(state.pods)))))
        values = limits.values(base)
        beyond = values > planning.bounds
        self._values = values
        self._allowed = np.where(beyond, np.inf, limits.bounds)
        self._usable = base.converged
        self._sens = sensitivities(state, flow)
        self.left_out = self._count_left_out(beyond)

    def _effects(self, hour: int) -> Floats:
        """Use of every limit per kW up at every POD, ``[K, POD]``; for loading the most it can be."""
        sens: Sensitivities = self._sens
        return np.concatenate([sens.voltage[hour], -sens.voltage[hour], np.abs(sens.loading[hour])])

    def _count_left_out(self, beyond: npt.NDArray[np.bool_]) -> Ints:
        count = np.full(len(self._state.pods), int((~self._usable).sum()), dtype=np.int64)
        for quarter in np.flatnonzero(beyond.any(axis=1)):
            effect = np.abs(self._effects(int(quarter) // QUARTERS_PER_HOUR)[beyond[quarter]])
            count += (effect >= _BEARS * effect.max(axis=1, keepdims=True)).any(axis=0)
        return count

    def largest(self, way: Direction, asked_kw: Floats) -> tuple[Floats, list[str]]:
        """Largest power up to ``asked_kw`` of each POD alone, and the limit that binds where it is less."""
        low, high = np.zeros(len(asked_kw)), asked_kw.copy()
        quarters = self._hardest(way)
        first = self._broken(way, high, quarters, np.arange(len(asked_kw)))
        open_pods = np.flatnonzero(first >= 0)
        low[first < 0] = high[first < 0]
        while len(open_pods):
            middle = (low[open_pods] + high[open_pods]) / 2.0
            broken = self._broken(way, middle, quarters, open_pods) >= 0
            high[open_pods[broken]] = middle[broken]
            low[open_pods[~broken]] = middle[~broken]
            open_pods = open_pods[high[open_pods] - low[open_pods] > 0.5]
        named = [self._limits.describe(int(limit)) if limit >= 0 else "" for limit in first]
        return low, named

    def _hardest(self, way: Direction) -> Ints:
        """Per POD the quarter-hours with the least linear room against what it can move there, ``[POD,
        few]``.
        """
        state = self._state
        room = np.full((len(state.pods), state.quarters), np.inf)
        for quarter in np.flatnonzero(self._usable):
            effect = self._effects(int(quarter) // QUARTERS_PER_HOUR)
            effect[: 2 * self._limits.nodes] *= SIGN[way]
            left = np.where(
                np.isfinite(self._allowed[quarter]), self._allowed[quarter] - self._values[quarter], np.inf
            )
            with np.errstate(divide="ignore", invalid="ignore"):
                each = np.where(effect > 0.0, left[:, None] / effect, np.inf)
            room[:, quarter] = each.min(axis=0)
        spare = np.where(self._usable, room - state.range_kw[way], np.inf)
        return np.argsort(spare, axis=1, kind="stable")[:, :_HARDEST].astype(np.int64)

    def _broken(self, way: Direction, power_kw: Floats, quarters: Ints, pods: Ints) -> Ints:
        """Per asked POD the limit it breaks worst when it alone moves ``power_kw``, -1 for none."""
        at = quarters[pods].ravel()
        owner = np.repeat(np.arange(len(pods)), quarters.shape[1])
        moves = np.zeros((len(at), len(self._state.pods)))
        moved = np.minimum(power_kw[owner], self._state.range_kw[way][pods[owner], at])
        moves[np.arange(len(at)), pods[owner]] = SIGN[way] * moved
        solution = self._flow.solve(*self._state.scenarios(at, moves))
        excess = self._limits.values(solution) - self._allowed[at]
        excess[~self._usable[at]] = -np.inf
        failed = ~solution.converged & self._usable[at]
        excess[failed] = np.inf
        worst = excess.max(axis=1).reshape(len(pods), -1)
        column = worst.argmax(axis=1)
        limit = excess.argmax(axis=1).reshape(len(pods), -1)[np.arange(len(pods)), column]
        return np.where(worst[np.arange(len(pods)), column] > TOLERANCE, limit, -1)
