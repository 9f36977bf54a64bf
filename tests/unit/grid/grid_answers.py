"""Voltages and loadings of a network at the powers in its file or at given ones, by pandapower's own
definitions.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from power_grid_model import PowerGridModel

from registry.grid.network import Network

Floats = npt.NDArray[np.float64]
Powers = tuple[Floats, Floats]


def file_powers(network: Network) -> Powers:
    """W and var per element as the file has them."""
    rows = [network.input[kind] for kind in ("sym_load", "sym_gen") if kind in network.input]
    p_w = np.concatenate([row["p_specified"] for row in rows])
    return p_w, np.concatenate([row["q_specified"] for row in rows])


def solved(network: Network, powers: Powers | None = None, tolerance: float = 1e-11) -> dict[str, Any]:
    """Output of the engine per component type, at ``powers`` per element or at those of the file."""
    content = dict(network.input)
    if powers is not None:
        for kind, part in (
            ("sym_load", slice(0, network.load_count)),
            ("sym_gen", slice(network.load_count, None)),
        ):
            if kind in content:
                content[kind] = content[kind].copy()
                content[kind]["p_specified"], content[kind]["q_specified"] = powers[0][part], powers[1][part]
    output = PowerGridModel(content).calculate_power_flow(error_tolerance=tolerance)
    return {str(kind.value): values for kind, values in output.items()}


def voltages(network: Network, powers: Powers | None = None) -> Floats:
    """Voltage magnitudes in p.u. per node."""
    found: Floats = solved(network, powers)["node"]["u_pu"]
    return found


def loadings(network: Network, powers: Powers | None = None) -> dict[str, float]:
    """Lines: current over rated current."""
    return _by_name(network, "line", solved(network, powers)["line"]["loading"])


def transformer_loadings(
    network: Network, powers: Powers | None = None, rated_v: tuple[Floats, Floats] | None = None
) -> dict[str, float]:
    """Transformers: the larger of both currents over what the rated power is at rated voltage.

    ``rated_v`` stands for the rated voltages of both sides where a tap has moved those of the network.
    """
    rows, output = network.input["transformer"], solved(network, powers)["transformer"]
    upper, lower = rated_v if rated_v is not None else (rows["u1"], rows["u2"])
    used = [np.sqrt(3) * output[i] * volts / rows["sn"] for i, volts in (("i_from", upper), ("i_to", lower))]
    return _by_name(network, "transformer", np.maximum(*used))


def _by_name(network: Network, kind: str, values: Floats) -> dict[str, float]:
    names = [
        name for name, own in zip(network.branch_names, network.branch_kinds, strict=True) if own == kind
    ]
    return dict(zip(names, map(float, values), strict=True))
