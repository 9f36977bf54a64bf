"""What 1 kW more injection at a POD, or 1 kvar, does to every voltage and loading.

Derivatives of the power flow that verifies the result, by way of what currents do on the grid
(``transfer.py``). Of active power one set per hour, around the mean expected state of its quarter-hours; the
error this leaves is taken out by the AC correction and verification of ``capability.py``. Of reactive power
one set per given operating point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.powerflow import PhasorSolution, PowerFlow
from registry.grid.state import ExpectedState

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_POINTS: Final = 32
"""Operating points at once: bounds memory."""


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
    """Sensitivities to active power of every hour of the day; one power flow per hour."""
    hours = state.hours
    mean_p = state.p_w.reshape(len(state.p_w), hours, QUARTERS_PER_HOUR).mean(axis=2).T
    mean_q = state.q_var.reshape(len(state.q_var), hours, QUARTERS_PER_HOUR).mean(axis=2).T
    found = response(flow, mean_p, mean_q, state.carrier, reactive=False)
    return Sensitivities(found.voltage, found.turn, found.loading, found.converged)


def response(flow: PowerFlow, p_w: Floats, q_var: Floats, carriers: Ints, *, reactive: bool) -> Response:
    """Voltages and phasors at the points ``[point, element]``, and what 1 kW, or 1 kvar if ``reactive``,
    injected at each of the elements ``carriers`` does; one power flow per point.
    """
    at = flow.solve_phasors(p_w, q_var)
    points, converged = len(p_w), at.converged.copy()
    voltage = np.full((points, at.u.shape[1], len(carriers)), np.nan)
    turn = np.full((points, at.loading.shape[1], len(carriers)), np.nan, dtype=np.complex128)
    solved = np.flatnonzero(converged)
    for start in range(0, len(solved), _POINTS):
        some = solved[start : start + _POINTS]
        around = PhasorSolution(at.u[some], at.loading[some], at.at_from, at.converged[some])
        voltage[some], turn[some], converged[some] = _effects(
            flow, p_w[some], q_var[some], around, carriers, -1j if reactive else 1.0
        )
    return Response(at.u_pu, at.loading, voltage, turn, converged)


def _effects(
    flow: PowerFlow, p_w: Floats, q_var: Floats, at: PhasorSolution, carriers: Ints, unit: complex
) -> tuple[Floats, Complexes, Bools]:
    """Effects on voltages and phasors at solved points, and for which points they could be found; ``unit`` is
    the conjugate of the injected kVA.
    """
    network, loads, transfer = flow.network, flow.loads, flow.transfer
    kinds = np.stack([network.element_node, loads.element_exponent, loads.in_service])[:, carriers]
    (nodes, exponent, in_service), column = np.unique(kinds, axis=1, return_inverse=True)
    there = at.u[:, nodes]
    injected = unit * in_service * np.abs(there) ** exponent / np.conj(there)
    volts, currents, settled = transfer.effects(
        np.searchsorted(transfer.nodes, nodes), injected, *loads.turns(p_w, q_var, at.u)
    )
    signed = np.where(at.at_from[:, None], transfer.current[0], -transfer.current[1])
    phasors = (signed @ currents.reshape(len(currents), -1)).reshape(-1, *currents.shape[1:])
    u = at.u.T[:, :, None]
    end = np.where(at.at_from, network.branch_from, network.branch_to)[flow.by_power]
    phasors[flow.by_power] = (
        volts[end] / u[end] * at.loading.T[flow.by_power, :, None] + u[end] * phasors[flow.by_power].conj()
    )
    along = u / np.abs(u)
    magnitudes = along.real * volts.real + along.imag * volts.imag
    return (magnitudes.transpose(1, 0, 2)[:, :, column], phasors.transpose(1, 0, 2)[:, :, column], settled)
