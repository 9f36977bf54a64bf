"""The linear program behind reactive setpoints: rows of the limits in reach, and the least kvar that keeps
them (GRD-1; Natale §4.3, step 3b).

A loading is a phasor, held by tangents about its angle, the closer the nearer to it: a turn by a few degrees
has a price too.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

LOADING_WEIGHT: Final = 0.05
"""A hundredth of loading counts like 0.0005 p.u. of voltage where one has to be weighed against the other."""
_PER_SLACK: Final = 1e6
"""Price in kvar of a thousandth p.u. beyond a limit: above what any provider needs to take it back."""
_DEGREES: Final = np.array([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
_TURNS: Final = np.exp(1j * np.deg2rad(np.concatenate([-_DEGREES[::-1], [0.0], _DEGREES])))


def linear_support(
    effect: Floats, room: Floats, start: Floats, box: tuple[Floats, Floats]
) -> tuple[Floats, float]:
    """Least sum of absolute kvar that keeps linear rows, and by how much (p.u.) the rows are exceeded at
    least.

    Args:
        effect: use of each row per kvar, ``[row, provider]``.
        room: what ``start`` leaves under each row.
        start: setpoints around which the rows hold.
        box: least and most of each setpoint.
    """
    providers = effect.shape[1]
    scaled = 1000.0 * effect
    matrix = np.hstack([scaled, -scaled, -np.ones((len(scaled), 1))])
    low, high = box
    bounds = np.concatenate(
        [
            np.stack([np.maximum(low, 0.0), np.maximum(high, 0.0)], axis=1),
            np.stack([np.maximum(-high, 0.0), np.maximum(-low, 0.0)], axis=1),
            [[0.0, np.inf]],
        ]
    )
    price = np.concatenate([np.ones(2 * providers), [_PER_SLACK]])
    right = 1000.0 * (room + effect @ start)
    found = linprog(price, A_ub=matrix, b_ub=right, bounds=bounds, method="highs")
    if found.x is None:
        return start, np.inf
    return found.x[:providers] - found.x[providers:-1], float(found.x[-1]) / 1000.0


def linear_rows(
    u: Floats, z: Complexes, du: Floats, dz: Complexes, allowed: Floats, reach: Floats
) -> tuple[Floats, Floats]:
    """Effect per kvar and room of every limit that setpoints could use up, ``[row, provider]`` and ``[row]``,
    loadings weighed.

    Args:
        u: voltage of each node, p.u.
        z: phasor of each branch's loading.
        du, dz: their change per kvar, ``[node, provider]`` and ``[branch, provider]``.
        allowed: what each limit may reach, in the order of :class:`~registry.grid.violations.Limits`.
        reach: how far each setpoint can move, kvar.
    """
    values, effect = np.concatenate([u, -u]), np.concatenate([du, -du])
    voltages, bound = np.split(allowed, [len(values)])
    near = values + np.abs(effect) @ reach > voltages
    branches = np.flatnonzero(np.abs(z) + np.abs(dz) @ reach > bound)
    turns = np.exp(-1j * np.angle(z[branches]))[:, None] * _TURNS
    along = (dz[branches, None, :] * turns[:, :, None]).real.reshape(-1, len(reach))
    left = (bound[branches, None] - (z[branches, None] * turns).real).ravel()
    effects = np.concatenate([effect[near], LOADING_WEIGHT * along])
    return effects, np.concatenate([(voltages - values)[near], LOADING_WEIGHT * left])
