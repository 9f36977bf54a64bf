"""Operating points of perimeters by AC power flow: what a picture of a day shows (Natale §4.3, steps 1 to 3).

Per perimeter, hour and direction the joint range is cut into equal steps; every point moves the PODs in
proportion to what each can move, all four quarter-hours at once, the other perimeters idle. Feasible is what
keeps all limits in all four. A limit that the expected state violates and the perimeter has no bearing on
(less than a tenth of the strongest effect, as for lights) is another perimeter's trouble and not counted.
Unlike a light's capability such a point says nothing about other placements.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import Direction
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.powerflow import PowerFlow
from registry.grid.results import DIRECTIONS
from registry.grid.sensitivity import sensitivities
from registry.grid.state import SIGN, ExpectedState
from registry.grid.violations import TOLERANCE, Limits

Floats = npt.NDArray[np.float64]

_BEARS: Final = 0.1


@dataclass(frozen=True, slots=True)
class SampledPoint:
    """A point of one hour: mean kW moved from the expected state, up positive, and whether limits hold."""

    hour: int
    delta_p_kw: float
    feasible: bool


def sampled_points(
    state: ExpectedState, flow: PowerFlow, limits: Limits, perimeter: str, *, steps: int = 10
) -> tuple[SampledPoint, ...]:
    """The expected state of every hour and ``steps`` points in each direction of one perimeter.

    A quarter-hour that does not converge makes its point unfeasible.
    """
    members = list(state.partition.members[state.partition.names.index(perimeter)])
    quarters = np.arange(state.quarters)
    allowed = _allowed(state, flow, limits, members)
    parts = [(Direction.UP, 0.0), *((way, (i + 1) / steps) for way in DIRECTIONS for i in range(steps))]
    points: list[SampledPoint] = []
    for way, part in parts:
        moves = np.zeros((state.quarters, len(state.pods)))
        moves[:, members] = SIGN[way] * part * state.range_kw[way][members].T
        values = limits.values(flow.solve(*state.scenarios(quarters, moves)))
        within = np.asarray((values <= allowed).all(axis=1))
        feasible = np.asarray(within.reshape(state.hours, QUARTERS_PER_HOUR).all(axis=1))
        power = moves.sum(axis=1).reshape(state.hours, QUARTERS_PER_HOUR).mean(axis=1)
        points += [
            SampledPoint(hour, float(power[hour]), bool(feasible[hour])) for hour in range(state.hours)
        ]
    return tuple(points)


def _allowed(state: ExpectedState, flow: PowerFlow, limits: Limits, members: list[int]) -> Floats:
    """What every limit may reach, ``[quarter-hour, K]``; infinite where it is another perimeter's trouble."""
    allowed = np.tile(limits.bounds + TOLERANCE, (state.quarters, 1))
    if not members:
        return allowed
    quarters = np.arange(state.quarters)
    idle = np.zeros((state.quarters, len(state.pods)))
    violated = limits.values(flow.solve(*state.scenarios(quarters, idle))) > allowed
    sens = sensitivities(state, flow)
    effect = np.abs(np.concatenate([sens.voltage, sens.voltage, sens.loading], axis=1))
    strength = effect[:, :, members].max(axis=2)
    bears = strength >= _BEARS * effect.max(axis=2)
    allowed[violated & ~np.repeat(bears, QUARTERS_PER_HOUR, axis=0)] = np.inf
    return allowed
