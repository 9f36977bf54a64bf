"""A grid read from a file and checked before anything is computed (GRD-1).

What the file is shows in its content:

* power-grid-model JSON, an *input* document (SI units) of symmetric components: ``node``, ``line``, ``link``,
  ``transformer``, ``source``, ``sym_load``, ``sym_gen``, ``shunt``;
* pandapower JSON, as ``pandapower.to_json`` writes it, turned into such a document first
  (:mod:`registry.grid.pandapower_grid`).

Attributes added to it here, which power-grid-model itself ignores:

    name            of every component except ``source`` and ``shunt``; unique within its type
    aliases         of a node: names of the buses that closed switches join to it
    u_min, u_max    of a node: the operator's voltage band in p.u.; a default band applies where they are
        missing
    rated_w         of a load or generator: its rating, the measure of what is an absurd forecast; may be
        missing

Source: power-grid-model documentation, *Components* and *Native data interface*.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from power_grid_model.utils import json_deserialize  # type: ignore[attr-defined]

from registry.domain.json_text import flaw_of
from registry.grid.codes import FIXTURES, grid_file
from registry.grid.faults import Fault, raise_if_any
from registry.grid.network_checks import faults_of, shape_faults
from registry.grid.pandapower_grid import pandapower_document
from registry.grid.pandapower_tables import is_pandapower

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DEFAULT_BAND_PU: Final = (0.90, 1.10)
"""EN 50160: 10 minute means of a medium-voltage supply stay within 10 % of the declared voltage."""


@dataclass(frozen=True, eq=False)
class Network:
    """A checked grid. All ``*_node`` arrays hold positions in ``node_names``, not ids.

    Attributes:
        input: power-grid-model input arrays per component type.
        node_names, u_min, u_max: per node; band in p.u.
        branch_names, branch_kinds: lines, then links, then transformers (``line``, ``link``,
            ``transformer``).
        branch_from, branch_to: node positions of each branch's ends.
        branch_closed: whether both ends are connected.
        element_names, element_node: loads, then generators.
        element_rated_w: rating, NaN where the file gives none.
        element_sign: +1 for a generator, -1 for a load: times the element's power this is its injection.
        load_count: how many of the elements are loads.
        aliases: further names of nodes, by position in ``node_names``.
    """

    name: str
    input: Mapping[str, Any]
    node_names: tuple[str, ...]
    u_min: Floats
    u_max: Floats
    branch_names: tuple[str, ...]
    branch_kinds: tuple[str, ...]
    branch_from: Ints
    branch_to: Ints
    branch_closed: npt.NDArray[np.bool_]
    element_names: tuple[str, ...]
    element_node: Ints
    element_rated_w: Floats
    element_sign: Floats
    load_count: int
    aliases: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def node_index(self) -> dict[str, int]:
        """Position of each node by name or alias."""
        return {**self.aliases, **{name: index for index, name in enumerate(self.node_names)}}

    @cached_property
    def element_index(self) -> dict[str, int]:
        """Position of each load or generator by name."""
        return {name: index for index, name in enumerate(self.element_names)}


def load_network(grid: Path | str, *, default_band_pu: tuple[float, float] = DEFAULT_BAND_PU) -> Network:
    """Read and check a grid: a file (plain or gzip), or the SimBench code of a committed fixture.

    Raises :class:`~registry.grid.faults.GridInvalid` listing every fault: unreadable JSON, another kind of
    document, unknown node, missing rating, zero impedance, source without short-circuit power, voltage band
    upside down, missing or repeated name, part of the grid without a source, a component that power flow here
    does not know, a code without a fixture.
    """
    path = grid_file(grid)
    name = str(grid) if str(grid) in FIXTURES else path.name.split(".")[0]
    return parse_network(_text(path), name=name, default_band_pu=default_band_pu)


def parse_network(
    text: str, *, name: str = "grid", default_band_pu: tuple[float, float] = DEFAULT_BAND_PU
) -> Network:
    """As :func:`load_network`, from the document itself."""
    document, faults = _document(text)
    checked = faults_of(document, default_band_pu, complete=not faults)
    raise_if_any("grid", [*faults, *checked])
    data: dict[str, list[dict[str, Any]]] = document["data"]
    arrays = {
        str(getattr(key, "value", key)): value
        for key, value in json_deserialize(json.dumps(document)).items()
    }
    node_position = {int(row["id"]): index for index, row in enumerate(data["node"])}

    def positions(rows: Sequence[Mapping[str, Any]], key: str) -> Ints:
        return np.array([node_position[int(row[key])] for row in rows], dtype=np.int64)

    kinds = ("line", "link", "transformer")
    branches = [row for kind in kinds for row in data.get(kind, [])]
    loads, generators = data.get("sym_load", []), data.get("sym_gen", [])
    return Network(
        name=name,
        input=arrays,
        node_names=tuple(str(row["name"]) for row in data["node"]),
        u_min=np.array([row.get("u_min", default_band_pu[0]) for row in data["node"]], dtype=np.float64),
        u_max=np.array([row.get("u_max", default_band_pu[1]) for row in data["node"]], dtype=np.float64),
        branch_names=tuple(str(row["name"]) for row in branches),
        branch_kinds=tuple(kind for kind in kinds for _ in data.get(kind, [])),
        branch_from=positions(branches, "from_node"),
        branch_to=positions(branches, "to_node"),
        branch_closed=np.array(
            [bool(row["from_status"] and row["to_status"]) for row in branches], dtype=np.bool_
        ),
        element_names=tuple(str(row["name"]) for row in [*loads, *generators]),
        element_node=positions([*loads, *generators], "node"),
        element_rated_w=np.array(
            [row.get("rated_w", np.nan) for row in [*loads, *generators]], dtype=np.float64
        ),
        element_sign=np.array([-1.0] * len(loads) + [1.0] * len(generators)),
        load_count=len(loads),
        aliases={
            str(alias): index for index, row in enumerate(data["node"]) for alias in row.get("aliases", [])
        },
    )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        return (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise_if_any("grid", [Fault("unreadable_file", path.name, str(error), "UTF-8 text, plain or gzip")])
        raise


def _document(text: str) -> tuple[dict[str, Any], list[Fault]]:
    """The power-grid-model input document, and what was at fault in a file of the other kind."""
    if (flaw := flaw_of(text.encode())) is not None:
        raise_if_any("grid", [Fault("not_json", "document", flaw.found, flaw.allowed)])
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise_if_any("grid", [Fault("not_json", f"line {error.lineno}", error.msg, "JSON")])
    if is_pandapower(document):
        return pandapower_document(document)
    usable = isinstance(document, dict) and isinstance(document.get("data"), dict)
    if not usable or document.get("type") != "input" or document.get("is_batch"):
        found = document.get("type", "no type") if isinstance(document, dict) else type(document).__name__
        allowed = "a power-grid-model input document or a pandapower net"
        raise_if_any("grid", [Fault("not_an_input", "document", str(found), allowed)])
    if document.get("attributes"):
        raise_if_any(
            "grid", [Fault("compact_rows", "attributes", "positional rows", "rows with attribute names")]
        )
    raise_if_any("grid", list(shape_faults(document["data"])))
    return document, []
