"""An optimal power flow that shares nothing with the linearised one: what the red points are held against.

Sequential quadratic programming (SLSQP) on AC power flow itself, from several starts.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_opf import Points
from registry.grid.reactive_providers import Providers
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]


def least_excess(points: Points, number: int, providers: Providers, flow: PowerFlow, limits: Limits) -> float:
    """The least worst excess that any setpoints reach at one point, by sequential quadratic programming on AC
    power flow itself from several starts: an optimal power flow that shares nothing with the linearised one.

    Excess in thousandths of p.u., loadings at a twentieth; 0 or less where all limits can be kept.
    """
    low, high = points.low[number], points.high[number]
    free = np.flatnonzero(high > low)
    weight = np.where(np.arange(len(limits.bounds)) < 2 * limits.nodes, 1e3, 50.0)
    allowed = points.allowed[number]
    held = np.isfinite(allowed)

    def excesses(shares: Floats) -> Floats:
        """Weighted excess of every limit, ``[trial, K]``, at setpoints given as shares of the range."""
        support = np.zeros((len(shares), len(low)))
        support[:, free] = low[free] + shares * (high - low)[free]
        p_w = np.repeat(points.p_w[number][None, :], len(shares), axis=0)
        q_var = providers.applied(np.repeat(points.q_var[number][None, :], len(shares), axis=0), support)
        values = limits.values(flow.solve(p_w, q_var))
        weighted: Floats = np.nan_to_num((values - allowed) * weight, nan=1e3)[:, held]
        return weighted

    def slopes(shares: Floats) -> Floats:
        steps = np.vstack([shares, *(shares + 1e-3 * row for row in np.eye(len(free)))])
        found = excesses(steps)
        return np.asarray((found[1:] - found[0]).T / 1e-3)

    zero = -low[free] / (high - low)[free]
    best = np.inf
    for start in (zero, np.zeros(len(free)), np.ones(len(free))):
        first = float(excesses(start[None, :]).max())
        near = excesses(start[None, :])[0] > -60.0
        found = minimize(
            lambda x: x[-1],
            np.append(start, first),
            jac=lambda x: np.append(np.zeros(len(free)), 1.0),
            bounds=[(0.0, 1.0)] * len(free) + [(None, None)],
            constraints={
                "type": "ineq",
                "fun": lambda x, near=near: x[-1] - excesses(x[None, :-1])[0][near],
                "jac": lambda x, near=near: np.hstack([-slopes(x[:-1])[near], np.ones((int(near.sum()), 1))]),
            },
            method="SLSQP",
            options={"maxiter": 60, "ftol": 1e-9},
        )
        reached = np.clip(found.x[:-1], 0.0, 1.0)
        best = min(best, float(excesses(reached[None, :]).max()), first)
        if best <= 0.0:
            break
    return best
