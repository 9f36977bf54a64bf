"""Batches of AC power flows by power-grid-model, with failures masked (GRD-1).

One scenario that does not converge would abort a whole batch, so batches run with
``continue_on_batch_error=True``; the rows that failed then read voltage 0, so everything of them is set to
NaN here and ``converged`` says so. NaN compares
false with every limit: callers ask for "all within limits", never for "none beyond".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from power_grid_model import ComponentType, PowerGridModel

from registry.grid.network import Network

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Complexes = npt.NDArray[np.complex128]

_POWERED: Final = ("sym_load", "sym_gen")
_CHUNK: Final = 4096
"""Scenarios per call: bounds memory whatever the number of scenarios."""


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
    """As :class:`Solution`, with the loading of each branch as a phasor at its more loaded end.

    A line's phasor is its current over the rated current, a transformer's its apparent power over the rated
    power; the magnitude is the loading.
    """

    u_pu: Floats
    loading: Complexes
    converged: Bools


class PowerFlow:
    """Power flows of one network.

    ``threads`` is handed to power-grid-model: 0 uses all cores, 1 one thread.
    """

    def __init__(self, network: Network, *, threads: int = 0) -> None:
        self.network = network
        self._model = PowerGridModel(dict(network.input) | _idle(network))
        self._threads = threads
        counts = {
            kind: sum(k == kind for k in network.branch_kinds) for kind in ("line", "link", "transformer")
        }
        self._counts = {kind: count for kind, count in counts.items() if count}
        lines = network.input.get("line")
        transformers = network.input.get("transformer")
        self._rated_current = np.asarray(lines["i_n"]) if lines is not None else np.zeros(0)
        self._rated_power = np.asarray(transformers["sn"]) if transformers is not None else np.zeros(0)

    def solve(self, p_w: Floats, q_var: Floats) -> Solution:
        """Solve scenarios given as ``[scenario, element]`` in W and var, each element in its own sense of
        sign.
        """
        wanted: dict[str, list[str]] = {"node": ["u_pu"]}
        wanted |= {kind: ["loading"] for kind in self._counts if kind != "link"}
        voltages, loadings, converged = [], [], []
        for rows in _chunks(len(p_w)):
            output, ok = self._run(p_w[rows], q_var[rows], wanted)
            parts = [
                np.zeros((len(ok), count)) if kind == "link" else np.asarray(output[kind]["loading"])
                for kind, count in self._counts.items()
            ]
            voltages.append(_masked(np.asarray(output["node"]["u_pu"]), ok))
            loadings.append(_masked(np.concatenate(parts, axis=1) if parts else np.zeros((len(ok), 0)), ok))
            converged.append(ok)
        return Solution(np.concatenate(voltages), np.concatenate(loadings), np.concatenate(converged))

    def solve_phasors(self, p_w: Floats, q_var: Floats) -> PhasorSolution:
        """As :meth:`solve`, with phasors of loading."""
        ends = ["p_from", "q_from", "p_to", "q_to"]
        wanted = {"node": ["u_pu", "u", "u_angle"]} | {kind: ends for kind in self._counts if kind != "link"}
        voltages, phasors, converged = [], [], []
        for rows in _chunks(len(p_w)):
            output, ok = self._run(p_w[rows], q_var[rows], wanted)
            voltages.append(_masked(np.asarray(output["node"]["u_pu"]), ok))
            phasors.append(self._phasors(output, ok))
            converged.append(ok)
        return PhasorSolution(np.concatenate(voltages), np.concatenate(phasors), np.concatenate(converged))

    def _run(self, p_w: Floats, q_var: Floats, wanted: dict[str, list[str]]) -> tuple[dict[str, Any], Bools]:
        loads = self.network.load_count
        update: dict[str, dict[str, Floats]] = {}
        for kind, part in zip(_POWERED, (slice(0, loads), slice(loads, None)), strict=True):
            p, q = np.ascontiguousarray(p_w[:, part]), np.ascontiguousarray(q_var[:, part])
            if p.shape[1]:
                update[kind] = {"p_specified": p, "q_specified": q}
        attributes: dict[ComponentType, Any] = {ComponentType[kind]: names for kind, names in wanted.items()}
        results: dict[Any, Any] = self._model.calculate_power_flow(
            update_data={ComponentType[kind]: values for kind, values in update.items()},
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

    def _phasors(self, output: dict[str, Any], ok: Bools) -> Complexes:
        volts = np.asarray(output["node"]["u"]) * np.exp(1j * np.asarray(output["node"]["u_angle"]))
        start, parts = 0, []
        for kind, count in self._counts.items():
            rows = slice(start, start + count)
            start += count
            if kind == "link":
                parts.append(np.zeros((len(ok), count), dtype=np.complex128))
                continue
            result = output[kind]
            with np.errstate(all="ignore"):  # failed scenarios hold anything
                power_from = np.asarray(result["p_from"]) + 1j * np.asarray(result["q_from"])
                power_to = np.asarray(result["p_to"]) + 1j * np.asarray(result["q_to"])
            if kind == "line":
                at_from = volts[:, self.network.branch_from[rows]]
                at_to = volts[:, self.network.branch_to[rows]]
                with np.errstate(all="ignore"):
                    first = np.conj(power_from / at_from) / (np.sqrt(3) * self._rated_current)
                    second = np.conj(power_to / at_to) / (np.sqrt(3) * self._rated_current)
            else:
                first, second = power_from / self._rated_power, power_to / self._rated_power
            # one end per branch for the whole batch, so that differences between scenarios mean something
            reference = int(np.argmax(ok)) if ok.any() else 0
            parts.append(np.where(np.abs(first[reference]) >= np.abs(second[reference]), first, -second))
        phasors = np.concatenate(parts, axis=1) if parts else np.zeros((len(ok), 0), dtype=np.complex128)
        phasors[~ok] = np.nan
        return phasors


def with_loadings(phasors: PhasorSolution, solution: Solution) -> PhasorSolution:
    """Phasors with exactly the loadings as magnitudes, so that both agree on what is violated."""
    size = np.abs(phasors.loading)
    factor = np.divide(solution.loading, size, out=np.ones_like(size), where=size > 0.0)
    return replace(phasors, loading=phasors.loading * factor)


def _idle(network: Network) -> dict[str, Any]:
    """Loads and generators at zero. Scenarios bring the powers of all of them, but the engine solves what the
    model has first, and powers of a file that it cannot solve would end the batch.
    """
    elements = {kind: network.input[kind].copy() for kind in _POWERED if kind in network.input}
    for rows in elements.values():
        rows["p_specified"] = rows["q_specified"] = 0.0
    return elements


def _chunks(total: int) -> list[slice]:
    return [slice(start, min(start + _CHUNK, total)) for start in range(0, total, _CHUNK)] or [slice(0, 0)]


def _masked(values: Floats, ok: Bools) -> Floats:
    masked = values.astype(np.float64, copy=True)
    masked[~ok] = np.nan
    return masked
