"""What 1 kW more injection at a POD, or 1 kvar, does to every voltage and loading, by differences of AC power
flows.

Differences of the very solver that verifies the result, so that every component it models is covered. Of
active power one set per hour, around the mean expected state of its quarter-hours; the error this leaves is
taken out by the AC correction and verification of ``capability.py``. Of reactive power one set per given
operating point.
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
Ints = npt.NDArray[np.int64]

_STEP: Final = 100.0
"""kW or kvar."""


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


@dataclass(frozen=True, eq=False)
class Response:
    """Operating points and what one more unit of injection does there.

    Attributes:
        u_pu: voltages, ``[point, node]``.
        loading: phasors of loading, ``[point, branch]``.
        voltage: p.u. per unit, ``[point, node, injection]``.
        turn: change of the phasor per unit, ``[point, branch, injection]``.
        converged: per point, whether all its power flows converged.
    """

    u_pu: Floats
    loading: Complexes
    voltage: Floats
    turn: Complexes
    converged: npt.NDArray[np.bool_]


def sensitivities(state: ExpectedState, flow: PowerFlow) -> Sensitivities:
    """Sensitivities to active power of every hour of the day; one power flow per hour and node with PODs, in
    one batch.
    """
    hours = state.hours
    mean_p = state.p_w.reshape(len(state.p_w), hours, QUARTERS_PER_HOUR).mean(axis=2).T
    mean_q = state.q_var.reshape(len(state.q_var), hours, QUARTERS_PER_HOUR).mean(axis=2).T
    found = response(flow, mean_p, mean_q, state.carrier, reactive=False)
    return Sensitivities(found.voltage, found.turn, found.loading, found.converged)


def response(flow: PowerFlow, p_w: Floats, q_var: Floats, carriers: Ints, *, reactive: bool) -> Response:
    """Voltages and phasors at the points ``[point, element]``, and what 1 kW, or 1 kvar if ``reactive``,
    injected at each of the elements ``carriers`` does; one power flow per point and node among them.
    """
    network, points = flow.network, len(p_w)
    nodes, first, inverse = np.unique(network.element_node[carriers], return_index=True, return_inverse=True)
    each = 1 + len(nodes)
    p_all, q_all = np.repeat(p_w, each, axis=0), np.repeat(q_var, each, axis=0)
    moved, chosen = (q_all if reactive else p_all), carriers[first]
    for point in range(points):
        rows = point * each + 1 + np.arange(len(nodes))
        moved[rows, chosen] += _STEP * 1000.0 * network.element_sign[chosen]
    solution = flow.solve_phasors(p_all, q_all)
    u = solution.u_pu.reshape(points, each, -1)
    z = solution.loading.reshape(points, each, -1)
    per_node_u = (u[:, 1:] - u[:, :1]) / _STEP
    per_node_z = (z[:, 1:] - z[:, :1]) / _STEP
    return Response(
        u[:, 0],
        z[:, 0],
        np.ascontiguousarray(per_node_u[:, inverse].transpose(0, 2, 1)),
        np.ascontiguousarray(per_node_z[:, inverse].transpose(0, 2, 1)),
        np.asarray(solution.converged.reshape(points, each).all(axis=1)),
    )
