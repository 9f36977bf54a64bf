"""Batches of AC power flows by power-grid-model, with failures masked (GRD-1).

Scenarios go to the engine's iterative-current method, which keeps one factorisation for all of them; those in
which it does not settle, to Newton-Raphson. Both stop where voltages move by less than 1e-8 p.u. a round.

One scenario that does not converge would abort a whole batch, so batches run with
``continue_on_batch_error=True``; the rows that failed then read voltage 0, so everything of them is set to
NaN here and ``converged`` says so. NaN compares
false with every limit: callers ask for "all within limits", never for "none beyond".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from power_grid_model import CalculationMethod, ComponentType, PowerGridModel

from registry.grid.network import Network
from registry.grid.node_loads import NodeLoads
from registry.grid.transfer import Transfer

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Complexes = npt.NDArray[np.complex128]
Ints = npt.NDArray[np.int64]
Output = dict[str, dict[str, Any]]

_CHUNK: Final = 4096
"""Scenarios per call: bounds memory whatever the number of scenarios."""
_PROBE_W: Final = 10_000.0
"""Power of the injections that tell a grid's transfer: small enough for any node, far above rounding."""


@dataclass(frozen=True, eq=False)
class Solution:
    """Results of a batch.

    Attributes:
        u_pu: voltage magnitudes, ``[scenario, node]``, NaN where the scenario failed.
        loading: of each branch, fraction of its rating (0 for links), ``[scenario, branch]``, NaN where
            failed.
        converged: per scenario.
    """

    u_pu: Floats
    loading: Floats
    converged: Bools


@dataclass(frozen=True, eq=False)
class PhasorSolution:
    """As :class:`Solution`, with phasors.

    A line's phasor is its current over the rated current, a transformer's its apparent power over the rated
    power, in the direction from its from end to its to end; the magnitude is the loading.

    Attributes:
        u: voltages in p.u., ``[scenario, node]``.
        loading: ``[scenario, branch]``.
        at_from: whether the phasor is that of the from end, ``[branch]``: of the end that is more loaded in
            the scenario that loads the branch most.
        converged: per scenario.
    """

    u: Complexes
    loading: Complexes
    at_from: Bools
    converged: Bools

    @cached_property
    def u_pu(self) -> Floats:
        """Voltage magnitudes."""
        return np.abs(self.u)

    @property
    def plain(self) -> Solution:
        """Without angles."""
        return Solution(self.u_pu, np.abs(self.loading), self.converged)


class PowerFlow:
    """Power flows of one network.

    ``threads`` is handed to power-grid-model: 0 uses all cores, 1 one thread.

    Attributes:
        loads: what stands for the network's elements.
        by_power: branches whose loading is a power, not a current.
    """

    def __init__(self, network: Network, *, threads: int = 0) -> None:
        self.network = network
        self.loads = NodeLoads(network)
        self._model = PowerGridModel(self.loads.input(network))
        self._threads = threads
        kinds = np.array(network.branch_kinds, dtype=np.str_)
        self._kinds = [kind for kind in ("line", "link", "transformer") if kind in network.branch_kinds]
        self.by_power: Bools = kinds == "transformer"
        self._rated_va = np.full((2, len(kinds)), np.inf)  # of links
        volts = network.input["node"]["u_rated"][np.stack([network.branch_from, network.branch_to])]
        if (lines := kinds == "line").any():
            self._rated_va[:, lines] = np.sqrt(3) * volts[:, lines] * network.input["line"]["i_n"]
        if self.by_power.any():
            self._rated_va[:, self.by_power] = network.input["transformer"]["sn"]

    def solve(self, p_w: Floats, q_var: Floats) -> Solution:
        """Solve scenarios given as ``[scenario, element]`` in W and var, each element in its own sense of
        sign.
        """
        wanted: dict[str, list[str]] = {"node": ["u_pu"]}
        wanted |= {kind: ["loading"] for kind in self._kinds}
        parts = []
        for rows in _chunks(len(p_w)):
            output, ok = self._run(self.loads.drawn(p_w[rows]), self.loads.drawn(q_var[rows]), wanted)
            loading = self._branches(output, "loading")
            loading[:, np.isinf(self._rated_va[0])] = 0.0
            parts.append((_masked(output["node"]["u_pu"], ok), _masked(loading, ok), ok))
        return Solution(*(np.concatenate(each) for each in zip(*parts, strict=True)))

    def solve_phasors(self, p_w: Floats, q_var: Floats) -> PhasorSolution:
        """As :meth:`solve`, with phasors."""
        parts = []
        for rows in _chunks(len(p_w)):
            u, current, ok = self._phasors(self.loads.drawn(p_w[rows]), self.loads.drawn(q_var[rows]))
            parts.append((u, current[0], current[1], ok))
        u, first, second, ok = (np.concatenate(each) for each in zip(*parts, strict=True))
        net = self.network
        ends = [self._carried(u, net.branch_from, first), self._carried(u, net.branch_to, second)]
        sizes = np.abs(np.stack(ends))
        most = np.nan_to_num(sizes).max(axis=1, initial=0.0)
        at_from = most[0] >= most[1]
        phasors = np.where(at_from, ends[0], -ends[1])
        own: Floats = np.where(at_from, sizes[0], sizes[1])
        factor = np.divide(sizes.max(axis=0), own, out=np.ones_like(own), where=own > 0.0)
        return PhasorSolution(u, phasors * factor, at_from, ok)

    @cached_property
    def transfer(self) -> Transfer:
        """What injected currents do on this network; one power flow per node with loads, at no other load."""
        nodes, first = np.unique(self.loads.node, return_index=True)
        p_w = np.zeros((1 + len(nodes), len(self.loads.node)))
        p_w[1 + np.arange(len(nodes)), first] = -_PROBE_W
        u, current, _ = self._phasors(p_w, np.zeros_like(p_w))
        volts = u[1 + np.arange(len(nodes)), nodes]
        kva = _PROBE_W / 1000.0 * np.abs(volts) ** self.loads.exponent[first]
        injected = kva / np.conj(volts)
        return Transfer(
            nodes,
            np.ascontiguousarray(((u[1:] - u[0]) / injected[:, None]).T),
            np.ascontiguousarray(((current[:, 1:] - current[:, :1]) / injected[:, None]).transpose(0, 2, 1)),
        )

    def _carried(self, u: Complexes, node: Ints, current: Complexes) -> Complexes:
        """Phasors of loading at one end of the branches from the currents there."""
        return np.where(self.by_power, u[:, node] * np.conj(current), current)

    def _branches(self, output: Output, name: str) -> Floats:
        """An attribute of all branches."""
        parts = [output[kind][name] for kind in self._kinds]
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(output["node"]["u_pu"]), 0))

    def _phasors(self, p_w: Floats, q_var: Floats) -> tuple[Complexes, Complexes, Bools]:
        """Voltages in p.u., currents into each branch at both ends, ``[end, scenario, branch]``, NaN where
        failed, and which scenarios converged.
        """
        ends = ["p_from", "q_from", "p_to", "q_to"]
        output, ok = self._run(p_w, q_var, {"node": ["u_pu", "u_angle"]} | dict.fromkeys(self._kinds, ends))
        u = output["node"]["u_pu"] * np.exp(1j * output["node"]["u_angle"])
        u[~ok] = np.nan
        at = np.stack([u[:, self.network.branch_from], u[:, self.network.branch_to]])
        with np.errstate(invalid="ignore"):  # failed scenarios hold anything
            power = [
                self._branches(output, f"p_{end}") + 1j * self._branches(output, f"q_{end}")
                for end in ("from", "to")
            ]
            return u, np.conj(np.stack(power) / at) / self._rated_va[:, None], ok

    def _run(self, p_w: Floats, q_var: Floats, wanted: dict[str, list[str]]) -> tuple[Output, Bools]:
        """Output per component type and attribute, ``[scenario, component]``, and which scenarios converged,
        from what the loads draw.
        """
        output, ok = self._engine(p_w, q_var, wanted, CalculationMethod.iterative_current)
        failed = np.flatnonzero(~ok)
        if len(failed):
            again, ok[failed] = self._engine(
                p_w[failed], q_var[failed], wanted, CalculationMethod.newton_raphson
            )
            for kind, values in again.items():
                for name, rows in values.items():
                    output[kind][name][failed] = rows
        return output, ok

    def _engine(
        self, p_w: Floats, q_var: Floats, wanted: dict[str, list[str]], method: CalculationMethod
    ) -> tuple[Output, Bools]:
        attributes: dict[ComponentType, Any] = {ComponentType[kind]: names for kind, names in wanted.items()}
        results: dict[Any, Any] = self._model.calculate_power_flow(
            update_data={ComponentType.sym_load: {"p_specified": p_w, "q_specified": q_var}},
            calculation_method=method,
            output_component_types=attributes,
            threading=self._threads,
            continue_on_batch_error=True,
        )
        output = {str(kind.value): values for kind, values in results.items()}
        u_pu = np.asarray(output["node"]["u_pu"])
        ok = np.isfinite(u_pu).all(axis=1) & (u_pu > 0.0).all(axis=1)
        error = self._model.batch_error
        if error is not None:
            ok[np.asarray(error.failed_scenarios, dtype=np.int64)] = False
        return output, ok


def _chunks(total: int) -> list[slice]:
    return [slice(start, min(start + _CHUNK, total)) for start in range(0, total, _CHUNK)] or [slice(0, 0)]


def _masked(values: Floats, ok: Bools) -> Floats:
    masked = values.astype(np.float64, copy=True)
    masked[~ok] = np.nan
    return masked
