"""The expected state of a delivery day: forecast, planned local activations, and what the PODs can still
move (DTL-3).

Planned local activations are part of the expected state: the power of each is moved before any light is
computed, and the PODs' ranges shrink by what they already give. Where the placement is not declared yet it
is spread in proportion to what each POD can move.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from registry.domain.errors import RuleViolation
from registry.domain.quantities import Direction
from registry.grid.faults import raise_if_any
from registry.grid.forecast import QUARTERS_PER_HOUR, Forecast
from registry.grid.network import Network
from registry.grid.perimeters import Partition, partition
from registry.grid.pods import GridPod, placement_faults, ranges_w
from registry.grid.results import LocalActivation

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

SIGN: dict[Direction, float] = {Direction.UP: 1.0, Direction.DOWN: -1.0}


@dataclass(frozen=True, eq=False)
class ExpectedState:
    """Expected power and remaining ranges of a day.

    Attributes:
        p_w, q_var: expected power per element with local activations, ``[element, quarter-hour]``.
        range_kw: what each POD can still move per direction, ``[POD, quarter-hour]``, 0 or more.
        local: direction and kW of the local activations per (perimeter position, hour).
        carrier: per POD, the element that carries its activation.
    """

    network: Network
    pods: tuple[GridPod, ...]
    partition: Partition
    p_w: Floats
    q_var: Floats
    range_kw: Mapping[Direction, Floats]
    local: Mapping[tuple[int, int], tuple[Direction, int]]
    carrier: Ints

    @property
    def quarters(self) -> int:
        """Number of quarter-hours of the day."""
        return int(self.p_w.shape[1])

    @property
    def hours(self) -> int:
        """Number of delivery hours of the day."""
        return self.quarters // QUARTERS_PER_HOUR

    def scenarios(self, quarters: Ints, moves_kw: Floats) -> tuple[Floats, Floats]:
        """Element powers ``[scenario, element]`` when PODs inject ``moves_kw`` ``[scenario, POD]`` more
        than expected.
        """
        p_w = self.p_w.T[quarters].copy()
        signs = self.network.element_sign[self.carrier]
        p_w[:, self.carrier] += moves_kw * signs * 1000.0
        return p_w, self.q_var.T[quarters]


def expected_state(
    network: Network,
    pods: Sequence[GridPod],
    perimeters: Mapping[str, Sequence[str]],
    forecast: Forecast,
    activations: Sequence[LocalActivation] = (),
) -> ExpectedState:
    """Build the expected state of a day.

    Raises :class:`~registry.grid.faults.GridInvalid` for PODs that do not fit the grid (leave out those
    whose static light is *invalidated*) or a partition that is none (DTL-1), and
    :class:`~registry.domain.errors.RuleViolation` (DTL-3) for a local activation of an unknown perimeter,
    POD or hour, in both directions of one perimeter and hour, or beyond what its PODs can move.
    """
    raise_if_any("pods", placement_faults(network, pods))
    split = partition(pods, perimeters)
    up = ranges_w(network, pods, forecast.p_w, Direction.UP) / 1000.0
    down = ranges_w(network, pods, forecast.p_w, Direction.DOWN) / 1000.0
    carrier = np.array([network.element_index[pod.elements[0].name] for pod in pods], dtype=np.int64)
    state = ExpectedState(
        network,
        tuple(pods),
        split,
        forecast.p_w.copy(),
        forecast.q_var,
        {Direction.UP: up, Direction.DOWN: down},
        {},
        carrier,
    )
    return with_activations(state, activations)


def with_activations(state: ExpectedState, activations: Sequence[LocalActivation]) -> ExpectedState:
    """The state with further local activations; raises as :func:`expected_state`."""
    ranges = {direction: values.copy() for direction, values in state.range_kw.items()}
    local = dict(state.local)
    p_w = state.p_w.copy()
    for activation in activations:
        perimeter = _checked(state, activation, local)
        quarters = slice(QUARTERS_PER_HOUR * activation.hour, QUARTERS_PER_HOUR * (activation.hour + 1))
        moves = _moves(state, activation, perimeter, ranges[activation.direction][:, quarters])
        ranges[activation.direction][:, quarters] -= moves
        carrier_sign = state.network.element_sign[state.carrier][:, None] * SIGN[activation.direction]
        p_w[state.carrier, quarters] += moves * carrier_sign * 1000.0
        already = local.get((perimeter, activation.hour), (activation.direction, 0))[1]
        local[(perimeter, activation.hour)] = (activation.direction, already + activation.power_kw)
    return ExpectedState(
        state.network, state.pods, state.partition, p_w, state.q_var, ranges, local, state.carrier
    )


def only_hours(state: ExpectedState, hours: Sequence[int]) -> ExpectedState:
    """The state with some of its hours only, counted anew from 0."""
    quarters = [QUARTERS_PER_HOUR * hour + i for hour in hours for i in range(QUARTERS_PER_HOUR)]
    new = {hour: number for number, hour in enumerate(hours)}
    return replace(
        state,
        p_w=state.p_w[:, quarters],
        q_var=state.q_var[:, quarters],
        range_kw={way: values[:, quarters] for way, values in state.range_kw.items()},
        local={(where, new[hour]): plan for (where, hour), plan in state.local.items() if hour in new},
    )


def with_perimeters(state: ExpectedState, groups: Mapping[str, Sequence[str]]) -> ExpectedState:
    """The state with its PODs in other perimeters; a local activation stays with every part of its perimeter.

    Raises :class:`~registry.grid.faults.GridInvalid` (DTL-1) unless each POD is in exactly one.
    """
    split = partition(state.pods, groups)
    local = {
        (number, hour): plan
        for number, members in enumerate(split.members)
        for old in {state.partition.perimeter_of[pod] for pod in members}
        for (where, hour), plan in state.local.items()
        if where == old
    }
    return replace(state, partition=split, local=local)


def _checked(
    state: ExpectedState, activation: LocalActivation, local: Mapping[tuple[int, int], tuple[Direction, int]]
) -> int:
    if activation.perimeter not in state.partition.names:
        allowed = ", ".join(state.partition.names)
        raise RuleViolation(rule="DTL-3", field="perimeter", found=activation.perimeter, allowed=allowed)
    if not 0 <= activation.hour < state.hours:
        allowed = f"0 to {state.hours - 1}"
        raise RuleViolation(rule="DTL-3", field="hour", found=activation.hour, allowed=allowed)
    if activation.power_kw <= 0:
        raise RuleViolation(rule="DTL-3", field="power_kw", found=activation.power_kw, allowed="above 0")
    perimeter = state.partition.names.index(activation.perimeter)
    planned = local.get((perimeter, activation.hour))
    if planned is not None and planned[0] != activation.direction:
        allowed = f"{planned[0].name.lower()}, as planned for {activation.perimeter}, hour {activation.hour}"
        raise RuleViolation(
            rule="DTL-3", field="direction", found=activation.direction.name.lower(), allowed=allowed
        )
    return perimeter


def _moves(state: ExpectedState, activation: LocalActivation, perimeter: int, left_kw: Floats) -> Floats:
    """The kW each POD gives, ``[POD, 4]``."""
    members = list(state.partition.members[perimeter])
    moves = np.zeros_like(left_kw)
    if activation.pods is not None:
        keys = {state.pods[i].key: i for i in members}
        unknown = [key for key, _ in activation.pods if key not in keys]
        if unknown:
            allowed = f"PODs of {activation.perimeter}"
            raise RuleViolation(rule="DTL-3", field="pods", found=", ".join(unknown), allowed=allowed)
        for key, power_kw in activation.pods:
            moves[keys[key]] += float(power_kw)
    else:
        weights = left_kw[members]
        total = weights.sum(axis=0)
        share = np.divide(weights, total, out=np.zeros_like(weights), where=total > 0.0)
        moves[members] = activation.power_kw * share
    short = moves.sum(axis=0) < activation.power_kw - 1e-6
    if short.any() or (moves > left_kw + 1e-6).any():
        allowed = f"at most {int(left_kw[members].sum(axis=0).min())} kW, which its PODs can move all hour"
        way = activation.direction.name.lower()
        found = f"{activation.power_kw} kW {way} in {activation.perimeter}, hour {activation.hour}"
        raise RuleViolation(rule="DTL-3", field="power_kw", found=found, allowed=allowed)
    return np.minimum(moves, left_kw)
