"""What 1 kW more injection at a POD does to every voltage and loading, per hour, by differences of AC power
flows.

Differences of the very solver that verifies the result, so that every component it models is covered. One
set per hour, around the mean expected state of its quarter-hours; the error this leaves is taken out by the
AC correction and verification of ``capability.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.powerflow import PowerFlow
from registry.grid.state import ExpectedState

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

_STEP_KW: Final = 100.0


@dataclass(frozen=True, eq=False)
class Sensitivities:
    """Change per kW injected at each POD.

    Attributes:
        voltage: p.u. per kW, ``[hour, node, POD]``.
        loading: phasor of loading per kW, ``[hour, branch, POD]``.
        phasor: phasor of loading at the mean expected state of the hour, ``[hour, branch]``.
        valid: per hour, whether all its power flows converged.
    """

    voltage: Floats
    loading: Complexes
    phasor: Complexes
    valid: npt.NDArray[np.bool_]


def sensitivities(state: ExpectedState, flow: PowerFlow) -> Sensitivities:
    """Sensitivities of every hour of the day; one power flow per hour and node with PODs, in one batch."""
    network, hours = state.network, state.hours
    nodes_of_pods = network.element_node[state.carrier]
    nodes, first, inverse = np.unique(nodes_of_pods, return_index=True, return_inverse=True)
    mean_p = state.p_w.reshape(len(state.p_w), hours, QUARTERS_PER_HOUR).mean(axis=2).T
    mean_q = state.q_var.reshape(len(state.q_var), hours, QUARTERS_PER_HOUR).mean(axis=2).T
    each = 1 + len(nodes)
    p_w, q_var = np.repeat(mean_p, each, axis=0), np.repeat(mean_q, each, axis=0)
    carriers = state.carrier[first]
    for hour in range(hours):
        rows = hour * each + 1 + np.arange(len(nodes))
        p_w[rows, carriers] += _STEP_KW * 1000.0 * network.element_sign[carriers]
    solution = flow.solve_phasors(p_w, q_var)
    u = solution.u_pu.reshape(hours, each, -1)
    z = solution.loading.reshape(hours, each, -1)
    per_node_u = (u[:, 1:] - u[:, :1]) / _STEP_KW
    per_node_z = (z[:, 1:] - z[:, :1]) / _STEP_KW
    valid = np.asarray(solution.converged.reshape(hours, each).all(axis=1))
    return Sensitivities(
        np.ascontiguousarray(per_node_u[:, inverse].transpose(0, 2, 1)),
        np.ascontiguousarray(per_node_z[:, inverse].transpose(0, 2, 1)),
        z[:, 0],
        valid,
    )
