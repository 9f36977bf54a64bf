"""What pandapower says about a grid fixture, for the tests to be held against (needs
requirements-fixtures.lock).
"""

from __future__ import annotations

import math
from typing import Any, Final

import pandapower  # type: ignore[import-not-found,import-untyped,unused-ignore]

from tools.grid_nets import Net

PROFILED: Final = (
    ("load", "p_mw", "p_w", 1),
    ("load", "q_mvar", "q_var", 1),
    ("sgen", "p_mw", "p_w", 1),
    ("storage", "p_mw", "p_w", -1),
)
"""Table, column, quantity of the profiles, and the sign that makes a generator of a storage."""

Profiles = dict[tuple[str, str], list[int]]


def oracle(text: str, source: Net, profiles: Profiles) -> dict[str, Any]:
    """Voltages in p.u. of every bus and loadings as fractions of the rating of every line and transformer,
    by pandapower's own definition (a transformer's by its current), at each operating point.
    """
    net = pandapower.from_json_string(text)
    samples = []
    for quarter in source.quarters:
        for table, column, quantity, sign in PROFILED:
            net[table][column] = [
                sign * profiles[(name, quantity)][quarter] / 1e6 for name in net[table].name
            ]
        samples.append({"quarter": quarter, **answers(net)})
    for load, generation in source.factors:
        for table, factor in (("load", load), ("sgen", generation), ("storage", generation)):
            net[table]["scaling"] = factor
        samples.append({"load": load, "generation": generation, **answers(net)})
    return {"pandapower": pandapower.__version__, "trafo_model": source.trafo_model, "samples": samples}


def answers(net: Any) -> dict[str, dict[str, float]]:
    """Voltages and loadings of one power flow with pandapower's own choices, angles calculated.

    Buses and transformers that take no part are left out; so are lines without a loading.
    """
    pandapower.runpp(net, calculate_voltage_angles=True, tolerance_mva=1e-10, numba=False)
    return {
        "u_pu": _by_name(net.bus.name, net.res_bus.vm_pu),
        "loading": _by_name(net.line.name, net.res_line.loading_percent / 100),
        "transformer_loading": _by_name(net.trafo.name, net.res_trafo.loading_percent / 100),
    }


def _by_name(names: Any, values: Any) -> dict[str, float]:
    pairs = zip(names, values.round(9), strict=True)
    return {name: float(value) for name, value in pairs if math.isfinite(value)}
