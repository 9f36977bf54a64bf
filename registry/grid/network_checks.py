"""Every fault of a grid document, found without computing a power flow (GRD-1).

The checks that need only the document stand here; what power-grid-model's own validator knows (value
ranges, clock against windings, references) is asked last and translated, so that one list names all faults.
A row with a missing value is named and left out of the later checks, which go on with the rest; what hangs
behind such a row, or behind an unknown node, is not called an island for it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from power_grid_model import CalculationType
from power_grid_model.errors import PowerGridError  # type: ignore[attr-defined]
from power_grid_model.utils import json_deserialize  # type: ignore[attr-defined]
from power_grid_model.validation import validate_input_data

from registry.grid.faults import Fault

Rows = Mapping[str, list[dict[str, Any]]]

SUPPORTED: Final = ("node", "line", "link", "transformer", "source", "sym_load", "sym_gen", "shunt")
_BRANCHES: Final = ("line", "link", "transformer")
_REFERENCES: Final = {
    **dict.fromkeys(_BRANCHES, ("from_node", "to_node")),
    **dict.fromkeys(("source", "sym_load", "sym_gen", "shunt"), ("node",)),
}
_INCOMPLETE: Final = frozenset({"missing_value", "missing_rating", "unsupported_component", "nothing_there"})
_REQUIRED: Final = {
    "node": ("u_rated",),
    "line": ("from_status", "to_status", "r1", "x1", "c1", "tan1"),
    "link": ("from_status", "to_status"),
    "transformer": (
        "from_status",
        "to_status",
        "u1",
        "u2",
        "sn",
        "uk",
        "pk",
        "i0",
        "p0",
        "winding_from",
        "winding_to",
        "clock",
        "tap_side",
        "tap_min",
        "tap_max",
        "tap_size",
    ),
    "source": ("status", "u_ref"),
    "sym_load": ("status", "type"),
    "sym_gen": ("status", "type"),
    "shunt": ("status", "g1", "b1"),
}


def shape_faults(data: Mapping[str, Any]) -> Iterator[Fault]:
    """Where the document has something else than lists of rows."""
    for kind, rows in data.items():
        if not isinstance(rows, list):
            yield Fault("no_rows", kind, type(rows).__name__, "a list of rows")
            continue
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                yield Fault("no_row", f"{kind}, entry {number}", type(row).__name__, "attributes by name")


def faults_of(
    document: Mapping[str, Any], default_band_pu: tuple[float, float], *, complete: bool = True
) -> list[Fault]:
    """All faults of a power-grid-model input document; an empty list when it can be computed.

    ``complete`` says that no row was left out of the document for a fault: only then is a node without a
    path to a source a fault of its own.
    """
    faults = list(_structure(document["data"]))
    data = _sound(document["data"])
    whole = complete and not any(fault.code in _INCOMPLETE for fault in faults)
    faults += [
        *_names(data),
        *_references(data),
        *_levels(data),
        *_ratings(data),
        *_loads(data),
        *_sources(data),
    ]
    faults += _bands(data, default_band_pu)
    if whole and not any(fault.code == "unknown_node" for fault in faults):
        faults += _islands(data)
    reported = {fault.where for fault in faults}
    faults += [fault for fault in _library({**document, "data": data}) if fault.where not in reported]
    return faults


def _where(kind: str, row: Mapping[str, Any]) -> str:
    return f"{kind} {row.get('name') or row.get('id', 'without id')}"


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)


def _needed(kind: str) -> tuple[str, ...]:
    return ("id", *_REQUIRED[kind], *_REFERENCES.get(kind, ()))


def _sound(data: Rows) -> dict[str, list[dict[str, Any]]]:
    """The rows of supported kinds that have every value that is needed."""
    return {
        kind: [row for row in data.get(kind, []) if all(_is_number(row.get(key)) for key in _needed(kind))]
        for kind in SUPPORTED
        if kind in data or kind in ("node", "source")
    }


def _structure(data: Rows) -> Iterator[Fault]:
    for kind, rows in data.items():
        if kind not in SUPPORTED:
            yield Fault("unsupported_component", kind, f"{len(rows)} of them", ", ".join(SUPPORTED))
            continue
        for row in rows:
            for key in _needed(kind):
                if not _is_number(row.get(key)):
                    code = "missing_rating" if key == "sn" else "missing_value"
                    yield Fault(code, f"{_where(kind, row)}, {key}", repr(row.get(key)), "a finite number")
    for kind in ("node", "source"):
        if not data.get(kind):
            yield Fault("nothing_there", kind, "none", "at least one")


def _names(data: Rows) -> Iterator[Fault]:
    ids = Counter(row["id"] for rows in data.values() for row in rows)
    for number, count in ids.items():
        if count > 1:
            yield Fault("repeated_id", f"id {number}", f"{count} times", "once")
    aliases = []
    for row in data["node"]:
        own = row.get("aliases", [])
        if isinstance(own, list) and all(isinstance(alias, str) and alias for alias in own):
            aliases += own
        else:
            yield Fault("bad_value", f"{_where('node', row)}, aliases", repr(own), "a list of names")
    groups = {"node": ("node",), "branch": _BRANCHES, "element": ("sym_load", "sym_gen")}
    for group, kinds in groups.items():
        names = []
        for kind in kinds:
            for row in data.get(kind, []):
                name = row.get("name")
                if isinstance(name, str) and name:
                    names.append(name)
                else:
                    yield Fault("missing_name", _where(kind, row), repr(name), "a name")
        if group == "node":
            names += aliases
        for name, count in Counter(names).items():
            if count > 1:
                yield Fault("repeated_name", f"{group} {name}", f"{count} times", "once")


def _references(data: Rows) -> Iterator[Fault]:
    nodes = {row["id"] for row in data["node"]}
    for kind, keys in _REFERENCES.items():
        for row in data.get(kind, []):
            for key in keys:
                if row[key] not in nodes:
                    yield Fault("unknown_node", f"{_where(kind, row)}, {key}", str(row[key]), "id of a node")


def _levels(data: Rows) -> Iterator[Fault]:
    """Lines and links join nodes of one rated voltage."""
    rated = {row["id"]: row["u_rated"] for row in data["node"]}
    for kind in ("line", "link"):
        for row in data.get(kind, []):
            ends = [rated[row[key]] for key in ("from_node", "to_node") if row[key] in rated]
            if len(ends) == 2 and not math.isclose(*ends):
                found = f"{ends[0]:g} V and {ends[1]:g} V"
                yield Fault("two_voltages", _where(kind, row), found, "nodes of one rated voltage")


def _ratings(data: Rows) -> Iterator[Fault]:
    for row in data.get("line", []):
        rating = row.get("i_n")
        if not isinstance(rating, int | float) or not math.isfinite(rating) or rating <= 0:
            yield Fault(
                "missing_rating", f"{_where('line', row)}, i_n", repr(rating), "rated current in A, above 0"
            )
        if row["r1"] == 0 and row["x1"] == 0:
            yield Fault("zero_impedance", _where("line", row), "r1 = x1 = 0", "an impedance, or a link")
    for row in data.get("transformer", []):
        if row["sn"] <= 0:
            yield Fault("missing_rating", f"{_where('transformer', row)}, sn", str(row["sn"]), "above 0 VA")
        if row["uk"] <= 0:
            yield Fault("zero_impedance", f"{_where('transformer', row)}, uk", str(row["uk"]), "above 0")


def _loads(data: Rows) -> Iterator[Fault]:
    for kind in ("sym_load", "sym_gen"):
        for row in data.get(kind, []):
            rating = row.get("rated_w")
            if rating is not None and not (_is_number(rating) and rating > 0):
                where = f"{_where(kind, row)}, rated_w"
                yield Fault("bad_value", where, repr(rating), "W, above 0, or nothing")


def _sources(data: Rows) -> Iterator[Fault]:
    """A source without ``sk`` gets 1e10 VA, which moves every voltage by about 1e-3 p.u.: it has to be
    stated.
    """
    for row in data["source"]:
        power = row.get("sk")
        if not isinstance(power, int | float) or not math.isfinite(power) or power <= 0:
            yield Fault(
                "missing_short_circuit_power",
                f"{_where('source', row)}, sk",
                repr(power),
                "VA, stated; 1e18 for a stiff source",
            )


def _bands(data: Rows, default: tuple[float, float]) -> Iterator[Fault]:
    for row in data["node"]:
        low, high = row.get("u_min", default[0]), row.get("u_max", default[1])
        numbers = all(isinstance(value, int | float) for value in (low, high))
        if not numbers or not 0.0 < low < high < 2.0:
            yield Fault("bad_band", _where("node", row), f"{low} to {high}", "0 < u_min < u_max < 2 p.u.")


def _islands(data: Rows) -> Iterator[Fault]:
    neighbours: dict[int, list[int]] = {row["id"]: [] for row in data["node"]}
    for kind in _BRANCHES:
        for row in data.get(kind, []):
            if row["from_status"] and row["to_status"]:
                neighbours[row["from_node"]].append(row["to_node"])
                neighbours[row["to_node"]].append(row["from_node"])
    reached = {row["node"] for row in data["source"] if row["status"]}
    queue = list(reached)
    while queue:
        for node in neighbours[queue.pop()]:
            if node not in reached:
                reached.add(node)
                queue.append(node)
    for row in data["node"]:
        if row["id"] not in reached:
            yield Fault(
                "island_without_source", _where("node", row), "no closed path to a source", "energised"
            )


def _library(document: Mapping[str, Any]) -> Iterator[Fault]:
    try:
        arrays = json_deserialize(json.dumps(document))
    except PowerGridError as unreadable:
        found = str(unreadable).splitlines()[0]
        yield Fault("bad_value", "document", found, "values of the types of power-grid-model")
        return
    errors = validate_input_data(arrays, calculation_type=CalculationType.power_flow, symmetric=True)
    names = {row["id"]: _where(kind, row) for kind, rows in document["data"].items() for row in rows}
    covered = {"NotUniqueError", "MultiComponentNotUniqueError", "InvalidIdError", "TwoValuesZeroError"}
    for error in errors or []:
        if type(error).__name__ in covered:
            continue
        field = error.field_str.replace("'", "")
        for number in error.ids or []:
            identity = number if isinstance(number, int) else number[1]
            yield Fault("bad_value", f"{names[int(identity)]}, {field}", "a value out of range", str(error))
