"""Perimeters that a DSO names itself, as a table of nodes (DTL-1).

    node,perimeter
    MV1.101 Bus 4,north
    MV1.101 Bus 5,south

A POD is in the perimeter of its node; one at a node that the table leaves out is in none, which is found
where the partition is used.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from registry.grid.faults import Fault, GridInvalid, raise_if_any
from registry.grid.network import Network
from registry.grid.perimeters import Perimeter

_COLUMNS: Final = ["node", "perimeter"]


def load_perimeters(path: Path, network: Network) -> tuple[Perimeter, ...]:
    """The perimeters of a table, in the order in which they first come.

    Raises :class:`~registry.grid.faults.GridInvalid` (DTL-1) naming every unknown or repeated node, empty
    name and bad row.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file, strict=True))
    if not rows or rows[0] != _COLUMNS:
        found = ",".join(rows[0])[:60] if rows else "an empty file"
        fault = Fault("bad_header", "row 1", found, ",".join(_COLUMNS))
        raise GridInvalid("perimeters", [fault], rule="DTL-1")
    faults: list[Fault] = []
    groups: dict[str, list[int]] = {}
    seen: set[int] = set()
    for number, row in enumerate(rows[1:], start=2):
        node = network.node_index.get(row[0]) if len(row) == len(_COLUMNS) else None
        if len(row) != len(_COLUMNS) or not row[1].strip():
            allowed = "a node and the name of a perimeter"
            faults.append(Fault("bad_row", f"row {number}", ",".join(row), allowed))
        elif node is None:
            allowed = f"a node of grid {network.name}"
            faults.append(Fault("unknown_node", f"row {number}, node", row[0], allowed))
        elif node in seen:
            faults.append(Fault("repeated_node", f"row {number}, node", f"{row[0]} again", "each node once"))
        else:
            seen.add(node)
            groups.setdefault(row[1], []).append(node)
    raise_if_any("perimeters", faults, rule="DTL-1")
    return tuple(Perimeter(name, tuple(sorted(nodes))) for name, nodes in groups.items())


def perimeters_text(network: Network, perimeters: Sequence[Perimeter]) -> str:
    """The table of these perimeters."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for perimeter in perimeters:
        rows.writerows([network.node_names[node], perimeter.name] for node in perimeter.nodes)
    return text.getvalue()
