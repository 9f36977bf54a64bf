"""Make a grid fixture from pandapower's and SimBench's nets (needs requirements-fixtures.lock, nothing at
run time).

    python -m tools.make_grid_fixture                                  # all of data/
    python -m tools.make_grid_fixture simbench_urban
    python -m tools.make_grid_fixture 1-MV-rural--2-sw --out my_grid   # any SimBench code

Writes ``net.json.gz`` (the net as pandapower writes it, cut down), ``profiles.csv.gz`` (one day, W and var
per element and quarter-hour, where the net has profiles), ``pods.json`` (PODs behind loads and generators)
and ``oracle.json`` (voltages and loadings by pandapower at some operating points, for the tests). For
``simbench_rural`` the grid is written as a power-grid-model document as well, ``grid.json``. Conversion
choices that matter are said in ``data/*/README.md``.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import math
import warnings
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import simbench  # type: ignore[import-not-found,import-untyped,unused-ignore]

from registry.domain.quantities import Direction
from registry.grid.network import Network, parse_network
from registry.grid.pandapower_grid import pandapower_document
from registry.grid.perimeters import assign_by_node, feeders
from registry.grid.pods import GridPod, PodElement, Technology, declared_kw
from tools.grid_nets import NETS, TECHNOLOGIES, bare, named
from tools.grid_oracle import PROFILED, Profiles, oracle
from tools.grid_profiles import QUARTERS, in_steps, packed

DATA: Final = Path(__file__).resolve().parent.parent / "data"
AS_DOCUMENT: Final = "simbench_rural"


def day_profiles(net: Any, day: date) -> Profiles:
    """Integers of W and var per (element, quantity); a storage's sign turned to that of a generator."""
    label = day.strftime("%d.%m.%Y")
    rows = np.flatnonzero(net.profiles["load"].time.str.startswith(label).to_numpy())
    if len(rows) != QUARTERS:
        raise SystemExit(
            f"{day}: {len(rows)} quarter-hours in SimBench, {QUARTERS} needed: choose another day"
        )
    values = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    profiles: Profiles = {}
    for table, column, quantity, sign in PROFILED:
        watts = in_steps(list(net[table].name), values[(table, column)].to_numpy()[rows] * 1e6 * sign)
        profiles |= {(name, quantity): series.tolist() for name, series in watts.items()}
    return profiles


def pod_seeds(net: Any, network: Network) -> list[dict[str, Any]]:
    """One POD per medium-voltage plant, and one per load with the low-voltage generation and storage at
    its node.
    """
    at: dict[int, list[PodElement]] = {}
    pods: list[tuple[str, str, tuple[PodElement, ...], str]] = []

    def element(row: Any, technology: Technology) -> PodElement:
        rated_mva = row.sn_mva if row.sn_mva > 0 else math.hypot(row.p_mw, row.q_mvar)
        return PodElement(row.name, technology, round(rated_mva * 1e6))

    def node(bus: int) -> str:
        return network.node_names[network.node_index[net.bus.name[bus]]]

    for row in net.sgen.itertuples():
        technology = TECHNOLOGIES[row.type]
        if row.type == "lv_RES" and (net.load.bus == row.bus).any():
            at.setdefault(row.bus, []).append(element(row, technology))
        else:
            pods.append((row.name, node(row.bus), (element(row, technology),), technology))
    for row in net.storage.itertuples():
        if (net.load.bus == row.bus).any():
            at.setdefault(row.bus, []).append(element(row, "storage"))
        else:
            pods.append((row.name, node(row.bus), (element(row, "storage"),), "storage"))
    for row in net.load.itertuples():
        behind = (element(row, "load"), *at.pop(row.bus, []))
        kind = "prosumer" if len(behind) > 1 else "load"
        pods.append((row.name, node(row.bus), behind, kind))
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


def write_document(path: Path, document: dict[str, Any]) -> None:
    """Write a power-grid-model document with one component to a line."""
    parts = []
    for kind, rows in document["data"].items():
        lines = ",\n".join("      " + json.dumps(row, separators=(",", ":")) for row in rows)
        parts.append(f'    "{kind}": [\n{lines}\n    ]')
    head = {key: value for key, value in document.items() if key != "data"}
    body = json.dumps(head)[:-1] + ', "data": {\n' + ",\n".join(parts) + "\n}}\n"
    path.write_text(body, encoding="utf-8")


def make(name: str, day: date, out: Path) -> None:
    """Write one fixture into ``out``."""
    source = named(name)
    net = source.make()
    text = bare(net, source.trafo_model)
    network = parse_network(text, name=name)
    profiles = day_profiles(net, day) if source.quarters else {}
    out.mkdir(parents=True, exist_ok=True)
    (out / "net.json.gz").write_bytes(packed(text))
    if name == AS_DOCUMENT:
        write_document(out / "grid.json", pandapower_document(json.loads(text))[0])
    if profiles:
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["day", "element", "quantity", *(f"q{i}" for i in range(QUARTERS))])
        for (element, quantity), values in profiles.items():
            writer.writerow([day.isoformat(), element, quantity, *values])
        (out / "profiles.csv.gz").write_bytes(packed(table.getvalue()))
    rows = ",\n".join("  " + json.dumps(row) for row in pod_seeds(net, network))
    about = f'"grid": {json.dumps(source.title)}' + (f', "day": "{day.isoformat()}"' if profiles else "")
    (out / "pods.json").write_text(f'{{{about}, "pods": [\n{rows}\n]}}\n', encoding="utf-8")
    answers = json.dumps(oracle(text, source, profiles))
    (out / "oracle.json").write_text(answers + "\n", encoding="utf-8")
    for path in sorted(out.iterdir()):
        print(f"{path}  {path.stat().st_size} bytes")


def main() -> None:
    """Write the fixtures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", nargs="?", help="a fixture or a SimBench code; all fixtures without one")
    parser.add_argument(
        "--day", type=date.fromisoformat, default=date(2016, 6, 9), help="a day of SimBench's 2016"
    )
    parser.add_argument("--out", type=Path, help="folder; data/NAME without one")
    options = parser.parse_args()
    if options.out is not None and options.name is None:
        raise SystemExit("--out: needs a name")
    warnings.filterwarnings("ignore", category=FutureWarning)
    for name in [options.name] if options.name else NETS:
        make(name, options.day, options.out or DATA / name)


if __name__ == "__main__":
    main()
