"""Make the demo's grid fixture from the SimBench data set (needs requirements-fixtures.in, nothing at run
time).

    python -m tools.make_grid_fixture --day 2016-06-09 --out data/simbench_rural

Writes ``grid.json`` (power-grid-model input), ``profiles.csv.gz`` (one day, W and var per element and
quarter-hour), ``pods.json`` (PODs behind the loads and generators) and ``oracle.json`` (voltages and line
loadings by pandapower at some quarter-hours, for the tests). Conversion choices that matter are said in
``data/simbench_rural/README.md``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import json
import math
import warnings
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandapower  # type: ignore[import-not-found,import-untyped,unused-ignore]
import simbench  # type: ignore[import-not-found,import-untyped,unused-ignore]

from registry.domain.quantities import Direction
from registry.grid.network import parse_network
from registry.grid.perimeters import assign_by_node, feeders
from registry.grid.pods import GridPod, PodElement, Technology, declared_kw

CODE: Final = "1-MV-rural--1-sw"
QUARTERS: Final = 96
ORACLE_QUARTERS: Final = (8, 36, 50, 56, 78)
WATT_STEP: Final = 4  # a multiple of 4 W is a whole number of Wh in a quarter-hour
STIFF_SOURCE_VA: Final = 1e18
WINDINGS: Final = {"Y": 0, "YN": 1, "D": 2}
TECHNOLOGIES: Final[dict[str, Technology]] = {
    "Wind_MV": "wind",
    "PV_MV": "pv",
    "Biomass_MV": "biomass",
    "Hydro_MV": "hydro",
    "lv_RES": "pv",
}


def fused(net: Any) -> dict[int, int]:
    """Bus that stands for each bus: closed bus-bus switches join their buses, the lowest number stays."""
    stands = {int(bus): int(bus) for bus in net.bus.index}
    for switch in net.switch[(net.switch.et == "b") & net.switch.closed].itertuples():
        first, second = sorted((stands[int(switch.bus)], stands[int(switch.element)]))
        stands = {bus: first if kept == second else kept for bus, kept in stands.items()}
    return stands


def windings(vector_group: str) -> tuple[int, int, int]:
    """Winding types of both sides and the clock, from a vector group such as ``YNd5``."""
    split = next(i for i, letter in enumerate(vector_group) if letter.islower())
    clock_at = next(i for i, letter in enumerate(vector_group) if letter.isdigit())
    low = vector_group[split:clock_at].upper()
    return WINDINGS[vector_group[:split]], WINDINGS[low], int(vector_group[clock_at:])


def grid_document(net: Any) -> dict[str, Any]:
    """The net as a power-grid-model input document with the added attributes of
    ``registry/grid/network.py``.
    """
    stands = fused(net)
    ids = iter(range(1, 1_000_000))
    node_id = {bus: next(ids) for bus in sorted(set(stands.values()))}
    nodes = []
    for bus, number in node_id.items():
        row: dict[str, Any] = {
            "id": number,
            "name": net.bus.name[bus],
            "u_rated": float(net.bus.vn_kv[bus]) * 1e3,
        }
        row |= {"u_min": float(net.bus.min_vm_pu[bus]), "u_max": float(net.bus.max_vm_pu[bus])}
        aliases = [net.bus.name[other] for other, keep in stands.items() if keep == bus and other != bus]
        nodes.append(row | ({"aliases": aliases} if aliases else {}))

    def end(kind: str, element: int, bus: int) -> int:
        rows = net.switch[(net.switch.et == kind) & (net.switch.element == element) & (net.switch.bus == bus)]
        return int(rows.closed.all())

    lines = [
        {
            "id": next(ids),
            "name": line.name,
            "from_node": node_id[stands[line.from_bus]],
            "to_node": node_id[stands[line.to_bus]],
            "from_status": end("l", line.Index, line.from_bus),
            "to_status": end("l", line.Index, line.to_bus),
            "r1": line.r_ohm_per_km * line.length_km,
            "x1": line.x_ohm_per_km * line.length_km,
            "c1": line.c_nf_per_km * 1e-9 * line.length_km,
            "tan1": 0.0,
            "i_n": line.max_i_ka * 1e3,
        }
        for line in net.line.itertuples()
    ]
    transformers = []
    for trafo in net.trafo.itertuples():
        group = trafo.vector_group or trafo.std_type.split()[-1]  # SimBench leaves vector_group empty
        winding_from, winding_to, clock = windings(group)
        if (clock * 30 - trafo.shift_degree) % 360:
            raise SystemExit(
                f"{trafo.name}: vector group {group} against a shift of {trafo.shift_degree} degrees"
            )
        transformers.append(
            {
                "id": next(ids),
                "name": trafo.name,
                "from_node": node_id[stands[trafo.hv_bus]],
                "to_node": node_id[stands[trafo.lv_bus]],
                "from_status": end("t", trafo.Index, trafo.hv_bus),
                "to_status": end("t", trafo.Index, trafo.lv_bus),
                "u1": trafo.vn_hv_kv * 1e3,
                "u2": trafo.vn_lv_kv * 1e3,
                "sn": trafo.sn_mva * 1e6,
                "uk": trafo.vk_percent / 100,
                "pk": trafo.vkr_percent / 100 * trafo.sn_mva * 1e6,
                "i0": trafo.i0_percent / 100,
                "p0": trafo.pfe_kw * 1e3,
                "winding_from": winding_from,
                "winding_to": winding_to,
                "clock": clock,
                "tap_side": 0 if trafo.tap_side == "hv" else 1,
                "tap_pos": int(trafo.tap_pos),
                "tap_nom": int(trafo.tap_neutral),
                "tap_min": int(trafo.tap_min),
                "tap_max": int(trafo.tap_max),
                "tap_size": trafo.tap_step_percent / 100 * trafo.vn_hv_kv * 1e3,
            }
        )
    sources = [
        {
            "id": next(ids),
            "node": node_id[stands[row.bus]],
            "status": 1,
            "u_ref": row.vm_pu,
            "sk": STIFF_SOURCE_VA,
        }
        for row in net.ext_grid.itertuples()
    ]

    def elements(table: str) -> list[dict[str, Any]]:
        return [
            {
                "id": next(ids),
                "name": row.name,
                "node": node_id[stands[row.bus]],
                "status": 1,
                "type": 0,
                "p_specified": 0.0,
                "q_specified": 0.0,
                "rated_w": round(row.sn_mva * 1e6),
            }
            for row in net[table].itertuples()
        ]

    data = {
        "node": nodes,
        "line": lines,
        "transformer": transformers,
        "source": sources,
        "sym_load": elements("load"),
        "sym_gen": [*elements("sgen"), *elements("storage")],
    }
    return {"version": "1.0", "type": "input", "is_batch": False, "attributes": {}, "data": data}


def day_profiles(net: Any, day: date) -> dict[tuple[str, str], list[int]]:
    """Integers of W and var per (element, quantity); a storage's sign turned to that of a generator."""
    label = day.strftime("%d.%m.%Y")
    rows = np.flatnonzero(net.profiles["load"].time.str.startswith(label).to_numpy())
    if len(rows) != QUARTERS:
        raise SystemExit(
            f"{day}: {len(rows)} quarter-hours in SimBench, {QUARTERS} needed: choose another day"
        )
    values = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    wanted = [
        ("load", "p_mw", "p_w", 1),
        ("load", "q_mvar", "q_var", 1),
        ("sgen", "p_mw", "p_w", 1),
        ("storage", "p_mw", "p_w", -1),
    ]
    profiles = {}
    for table, column, quantity, sign in wanted:
        frame = values[(table, column)].to_numpy()[rows] * 1e6 * sign
        for position, name in enumerate(net[table].name):
            series = np.round(frame[:, position] / WATT_STEP) * WATT_STEP
            profiles[(name, quantity)] = [int(value) for value in series]
    return profiles


def pod_seeds(net: Any, document: dict[str, Any]) -> list[dict[str, Any]]:
    """One POD per medium-voltage plant, and one per load with the low-voltage generation and storage at
    its node.
    """
    stands = fused(net)
    at: dict[int, list[PodElement]] = {}
    pods: list[tuple[str, str, tuple[PodElement, ...], str]] = []

    def element(row: Any, technology: Technology) -> PodElement:
        return PodElement(row.name, technology, round(row.sn_mva * 1e6))

    for row in net.sgen.itertuples():
        technology = TECHNOLOGIES[row.type]
        if row.type == "lv_RES":
            at.setdefault(row.bus, []).append(element(row, technology))
        else:
            pods.append((row.name, net.bus.name[stands[row.bus]], (element(row, technology),), technology))
    for row in net.storage.itertuples():
        at.setdefault(row.bus, []).append(element(row, "storage"))
    for row in net.load.itertuples():
        behind = (element(row, "load"), *at.pop(row.bus, []))
        kind = "prosumer" if len(behind) > 1 else "load"
        pods.append((row.name, net.bus.name[stands[row.bus]], behind, kind))
    if at:
        raise SystemExit(f"generation without a load at buses {sorted(at)}")

    network = parse_network(json.dumps(document))
    grid_pods = [
        GridPod(key, node, behind, declared_kw(behind, Direction.UP), declared_kw(behind, Direction.DOWN))
        for key, node, behind, _ in pods
    ]
    owner = {
        key: name
        for name, keys in assign_by_node(network, grid_pods, feeders(network)).items()
        for key in keys
    }
    seeds = []
    for pod, (_, _, behind, kind) in zip(grid_pods, pods, strict=True):
        seeds.append(
            {
                "key": pod.key,
                "node": pod.node,
                "feeder": owner[pod.key],
                "voltage_level": "MV",
                "kind": kind,
                "technologies": sorted({item.technology for item in behind}),
                "rated_kw": math.ceil(
                    max(
                        sum(i.rated_w for i in behind if i.technology == "load"),
                        sum(i.rated_w for i in behind if i.technology != "load"),
                    )
                    / 1000
                ),
                "up_kw": pod.up_kw,
                "down_kw": pod.down_kw,
                "elements": [
                    {"name": i.name, "technology": i.technology, "rated_w": i.rated_w} for i in behind
                ],
            }
        )
    return seeds


def oracle(net: Any, profiles: dict[tuple[str, str], list[int]]) -> dict[str, Any]:
    """Voltages (p.u.) and line loadings (fraction of the rating) by pandapower at some quarter-hours."""
    stands = fused(net)
    kept = sorted(set(stands.values()))
    samples = []
    for quarter in ORACLE_QUARTERS:
        for table, column, quantity, sign in [
            ("load", "p_mw", "p_w", 1),
            ("load", "q_mvar", "q_var", 1),
            ("sgen", "p_mw", "p_w", 1),
            ("storage", "p_mw", "p_w", -1),
        ]:
            net[table][column] = [
                sign * profiles[(name, quantity)][quarter] / 1e6 for name in net[table].name
            ]
        pandapower.runpp(
            net, calculate_voltage_angles=True, trafo_model="pi", tolerance_mva=1e-10, numba=False
        )
        samples.append(
            {
                "quarter": quarter,
                "u_pu": {net.bus.name[bus]: round(float(net.res_bus.vm_pu[bus]), 9) for bus in kept},
                "loading": {
                    net.line.name[i]: round(float(net.res_line.loading_percent[i]) / 100, 9)
                    for i in net.line.index
                },
            }
        )
    return {"pandapower": pandapower.__version__, "trafo_model": "pi", "samples": samples}


def main() -> None:
    """Write the fixture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--day", type=date.fromisoformat, default=date(2016, 6, 9), help="a day of SimBench's 2016"
    )
    parser.add_argument("--out", type=Path, default=Path("data/simbench_rural"))
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=FutureWarning)
    net = simbench.get_simbench_net(CODE)
    document = grid_document(net)
    profiles = day_profiles(net, options.day)
    options.out.mkdir(parents=True, exist_ok=True)

    parts = []
    for kind, rows in document["data"].items():
        lines = ",\n".join("      " + json.dumps(row, separators=(",", ":")) for row in rows)
        parts.append(f'    "{kind}": [\n{lines}\n    ]')
    head = {key: value for key, value in document.items() if key != "data"}
    body = json.dumps(head)[:-1] + ', "data": {\n' + ",\n".join(parts) + "\n}}\n"
    (options.out / "grid.json").write_text(body, encoding="utf-8")

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["day", "element", "quantity", *(f"q{i}" for i in range(QUARTERS))])
    for (name, quantity), values in profiles.items():
        writer.writerow([options.day.isoformat(), name, quantity, *values])
    packed = gzip.compress(text.getvalue().encode(), compresslevel=9, mtime=0)
    (options.out / "profiles.csv.gz").write_bytes(packed)

    seeds = {"grid": CODE, "day": options.day.isoformat(), "pods": pod_seeds(net, document)}
    rows = ",\n".join("  " + json.dumps(row) for row in seeds["pods"])
    pods_text = f'{{"grid": "{CODE}", "day": "{options.day.isoformat()}", "pods": [\n{rows}\n]}}\n'
    (options.out / "pods.json").write_text(pods_text, encoding="utf-8")
    (options.out / "oracle.json").write_text(json.dumps(oracle(net, profiles)) + "\n", encoding="utf-8")
    for path in sorted(options.out.iterdir()):
        print(f"{path}  {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
