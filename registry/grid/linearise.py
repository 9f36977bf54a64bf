"""The linear rows of one hour: every limit that the PODs' joint ranges could reach, around the expected
state.

A voltage limit gives one row. The loading of a branch is the magnitude of a phasor, which falls and rises
again where a flow reverses; it is held by a ring of tangents, one row per direction of the phasor, so that
no row has a kink.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import Direction
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.powerflow import PhasorSolution
from registry.grid.robust import Rows
from registry.grid.sensitivity import Sensitivities
from registry.grid.state import ExpectedState
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_TANGENTS: Final = 16
_REACH: Final = 1.2
"""Rows are kept that the joint range, so much enlarged, could use up: the linear estimate may fall short."""


def hour_rows(
    state: ExpectedState, limits: Limits, base: PhasorSolution, sens: Sensitivities, hour: int
) -> Rows:
    """The rows of ``hour`` that all PODs together could use up; none when the whole joint range keeps all
    limits. ``base`` holds all quarter-hours of the day.
    """
    quarters = np.arange(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
    up, down = state.range_kw[Direction.UP][:, quarters], state.range_kw[Direction.DOWN][:, quarters]
    return linear_rows(limits, base, sens.voltage[hour], sens.loading[hour], quarters, up, down)


def linear_rows(
    limits: Limits,
    base: PhasorSolution,
    voltage: Floats,
    loading: npt.NDArray[np.complex128],
    quarters: Ints,
    up: Floats,
    down: Floats,
) -> Rows:
    """The rows that injections could use up in some quarter-hours.

    Args:
        base: the state around which the rows hold, all quarter-hours of the day.
        voltage, loading: effect of one more unit of each injection, ``[node, injection]`` and
            ``[branch, injection]``.
        up, down: how much more or less of each injection there can be, ``[injection, quarter]``.
    """
    parts = [
        *_voltage(limits, base, voltage, quarters, up, down),
        _loading(limits, base, loading, quarters, up, down),
    ]
    return Rows(
        np.concatenate([part.quarter for part in parts]),
        np.concatenate([part.limit for part in parts]),
        np.concatenate([part.effect for part in parts]),
        np.concatenate([part.margin for part in parts]),
    )


def most_used(effect: Floats, up: Floats, down: Floats) -> Floats:
    """Use of margins when every POD moves the way that uses them: ``[row, quarter]`` from ``[row, POD]``."""
    used: Floats = np.maximum(effect, 0.0) @ up + np.maximum(-effect, 0.0) @ down
    return used


def _voltage(
    limits: Limits, base: PhasorSolution, effect: Floats, quarters: Ints, up: Floats, down: Floats
) -> list[Rows]:
    parts = []
    for sign, first in ((1.0, 0), (-1.0, limits.nodes)):
        bounds = limits.bounds[first : first + limits.nodes]
        margin = bounds[:, None] - sign * base.u_pu[quarters].T
        node, column = np.nonzero(_REACH * most_used(sign * effect, up, down) > margin)
        parts.append(Rows(quarters[column], first + node, sign * effect[node], margin[node, column]))
    return parts


def _loading(
    limits: Limits,
    base: PhasorSolution,
    effect: npt.NDArray[np.complex128],
    quarters: Ints,
    up: Floats,
    down: Floats,
) -> Rows:
    bounds = limits.bounds[2 * limits.nodes :]
    phasor = base.loading[quarters].T
    reach = np.abs(phasor) + _REACH * np.abs(effect) @ np.maximum(up, down)
    branch, column = np.nonzero(reach > bounds[:, None])
    start = np.angle(phasor[branch, column])
    turn = np.exp(-1j * (start[:, None] + 2.0 * np.pi * np.arange(_TANGENTS) / _TANGENTS))
    margin = (bounds[branch, None] - (phasor[branch, column, None] * turn).real).ravel()
    along = (effect[branch, None, :] * turn[:, :, None]).real.reshape(-1, effect.shape[1])
    column, branch = np.repeat(column, _TANGENTS), np.repeat(branch, _TANGENTS)
    used = most_used(along, up, down)[np.arange(len(column)), column]
    kept = _REACH * used > margin
    return Rows(quarters[column[kept]], 2 * limits.nodes + branch[kept], along[kept], margin[kept])
