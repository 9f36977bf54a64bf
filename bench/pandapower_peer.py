"""pandapower's side of `flexledger bench grid`: the same points by its own power flow, in an interpreter of
its own.

    python -m bench.pandapower_peer NET POINTS ANSWERS

Runs where the packages of ``requirements-fixtures.lock`` are installed, and imports nothing of the project's.
POINTS is an ``.npz`` of W and var per point and element: loads, static generators, storages, in the order of
the net's tables. ANSWERS gets the voltages in p.u. per point and bus, and the seconds of three ways:

    plain       ``runpp`` as it is called without a thought
    recycled    ``runpp`` that keeps the admittance matrix from the point before (``recycle``)
    and each with numba where it is installed, which is the default of pandapower
"""

from __future__ import annotations

import gzip
import importlib.util
import logging
import sys
import warnings
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import pandapower  # type: ignore[import-not-found,import-untyped,unused-ignore]


def main(net_file: str, points_file: str, answers_file: str) -> None:
    """Read, solve each point twice, write."""
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    net = pandapower.from_json_string(gzip.decompress(Path(net_file).read_bytes()).decode())
    points = np.load(points_file)
    numba = importlib.util.find_spec("numba") is not None
    options: dict[str, Any] = {"calculate_voltage_angles": True, "numba": numba}
    recycled = {**options, "recycle": {"bus_pq": True, "trafo": False, "gen": False}}
    put(net, points["p_w"][0], points["q_var"][0])
    pandapower.runpp(net, **options)  # everything is compiled and loaded then
    plain_s, voltages = solve(net, points, options)
    recycled_s, _ = solve(net, points, recycled)
    np.savez(answers_file, u_pu=voltages, plain_s=plain_s, recycled_s=recycled_s, numba=int(numba))


def solve(net: Any, points: Any, options: dict[str, Any]) -> tuple[float, Any]:
    """Seconds for all points, and the voltages."""
    voltages = []
    seconds = 0.0
    for p_w, q_var in zip(points["p_w"], points["q_var"], strict=True):
        put(net, p_w, q_var)
        began = perf_counter()
        pandapower.runpp(net, **options)
        seconds += perf_counter() - began
        voltages.append(net.res_bus.vm_pu.to_numpy(copy=True))
    return seconds, np.array(voltages)


def put(net: Any, p_w: Any, q_var: Any) -> None:
    """Set the powers of one point."""
    start = 0
    for table, sign in (("load", 1.0), ("sgen", 1.0), ("storage", -1.0)):
        rows = slice(start, start + len(net[table]))
        net[table]["p_mw"], net[table]["q_mvar"] = sign * p_w[rows] / 1e6, sign * q_var[rows] / 1e6
        net[table]["scaling"] = 1.0
        start = rows.stop


if __name__ == "__main__":
    main(*sys.argv[1:])
