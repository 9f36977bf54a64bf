"""A grid read from power-grid-model JSON and checked before anything is computed (GRD-1).

The file is a power-grid-model *input* document (SI units) of symmetric components: ``node``, ``line``,
``link``, ``transformer``, ``source``, ``sym_load``, ``sym_gen``. Attributes added here, which
power-grid-model itself ignores:

    name            of every component except ``source``; unique within its type
    u_min, u_max    of a node: the operator's voltage band in p.u.; a default band applies where they are
        missing
    rated_w         of a load or generator: its rating, the measure of what is an absurd forecast; may be
        missing

Source: power-grid-model documentation, *Components* and *Native data interface*.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from power_grid_model.utils import json_deserialize  # type: ignore[attr-defined]

from registry.grid.faults import Fault, raise_if_any
from registry.grid.network_checks import faults_of

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

    @cached_property
    def node_index(self) -> dict[str, int]:
        """Position of each node by name."""
        return {name: index for index, name in enumerate(self.node_names)}

    @cached_property
    def element_index(self) -> dict[str, int]:
        """Position of each load or generator by name."""
        return {name: index for index, name in enumerate(self.element_names)}


def load_network(path: Path, *, default_band_pu: tuple[float, float] = DEFAULT_BAND_PU) -> Network:
    """Read and check the grid file at ``path``.

    Raises :class:`~registry.grid.faults.GridInvalid` listing every fault: unreadable JSON, another kind of
    document, unknown node, missing rating, zero impedance, source without short-circuit power, voltage band
    upside down, missing or repeated name, part of the grid without a source.
    """
    return parse_network(path.read_text(encoding="utf-8"), name=path.stem, default_band_pu=default_band_pu)


def parse_network(
    text: str, *, name: str = "grid", default_band_pu: tuple[float, float] = DEFAULT_BAND_PU
) -> Network:
    """As :func:`load_network`, from the document itself."""
    document = _document(text)
    data: dict[str, list[dict[str, Any]]] = document["data"]
    raise_if_any("grid", faults_of(document, default_band_pu))
    arrays = {str(getattr(key, "value", key)): value for key, value in json_deserialize(text).items()}
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
    )


def _document(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise_if_any("grid", [Fault("not_json", f"line {error.lineno}", error.msg, "JSON")])
    usable = isinstance(document, dict) and isinstance(document.get("data"), dict)
    if not usable or document.get("type") != "input" or document.get("is_batch"):
        found = document.get("type", "no type") if isinstance(document, dict) else type(document).__name__
        raise_if_any(
            "grid", [Fault("not_an_input", "document", str(found), "a power-grid-model input document")]
        )
    if document.get("attributes"):
        raise_if_any(
            "grid", [Fault("compact_rows", "attributes", "positional rows", "rows with attribute names")]
        )
    checked: dict[str, Any] = document
    return checked
