"""PODs on the grid: where each is connected, what stands behind it and what it can move.

How much a technology can move in a quarter-hour follows the participation of Natale §5, Table 2, from the
expected
state: weather-driven generation may be curtailed altogether and holds a tenth of its expected power as
    upward reserve; programmable generation (biomass, hydro) moves by a fifth of its expected power; load by
    a twentieth. Storage, which that table leaves out (its §4.2 admits it), moves between its rated powers
    in both directions. What a POD has been granted (static light) or declared is never exceeded.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import Direction
from registry.grid.faults import Fault, GridInvalid, raise_if_any
from registry.grid.network import Network

Floats = npt.NDArray[np.float64]
Technology = Literal["load", "pv", "wind", "biomass", "hydro", "storage"]

_WEATHER_UP: Final = 0.10
_PROGRAMMABLE: Final = 0.20
_LOAD: Final = 0.05


@dataclass(frozen=True, slots=True)
class PodElement:
    """One load, generator or storage behind a POD; ``name`` is an element of the grid file, power in W."""

    name: str
    technology: Technology
    rated_w: int


@dataclass(frozen=True, slots=True)
class GridPod:
    """A POD as the grid sees it.

    Attributes:
        key: the caller's key (the demo uses the name of the POD's first element; the register its POD id).
        node: name of the node it is connected to.
        elements: what stands behind it; the first one carries activations in power flow.
        up_kw, down_kw: power granted by the static light, or declared while there is none.
    """

    key: str
    node: str
    elements: tuple[PodElement, ...]
    up_kw: int
    down_kw: int


def largest_move_w(
    technology: Technology, direction: Direction, expected_w: Floats, rated_w: float
) -> Floats:
    """What one element can move in ``direction``, in W, 0 or more, per quarter-hour.

    ``expected_w`` is the expected power in the element's own sense: withdrawal of a load, injection of a
    generator, net injection of a storage.
    """
    if technology == "storage":
        room = rated_w - expected_w if direction is Direction.UP else rated_w + expected_w
        return np.maximum(room, 0.0)
    expected = np.maximum(expected_w, 0.0)
    if technology == "load":
        return _LOAD * expected
    if technology in ("biomass", "hydro"):
        headroom = np.maximum(rated_w - expected, 0.0)
        moved = _PROGRAMMABLE * expected
        return np.minimum(moved, headroom) if direction is Direction.UP else moved
    return _WEATHER_UP * expected if direction is Direction.UP else expected


def declared_kw(elements: Sequence[PodElement], direction: Direction) -> int:
    """What a POD with these elements would declare: the move at rated power (storage idle), whole kW.

    The upward tenth of weather-driven generation counts at rated power here, since it is held below the
    expectation.
    """
    total = 0.0
    for element in elements:
        idle = element.technology == "storage"
        if element.technology in ("biomass", "hydro"):
            total += _PROGRAMMABLE * element.rated_w
            continue
        expected = np.array([0.0 if idle else float(element.rated_w)])
        total += float(largest_move_w(element.technology, direction, expected, element.rated_w)[0])
    return int(total // 1000)


def load_pods(path: Path) -> tuple[GridPod, ...]:
    """Read a POD file: ``{"pods": [{"key", "node", "elements": [{"name", "technology", "rated_w"}],
    "up_kw", "down_kw"}]}``.

    Further fields are ignored. Raises :class:`~registry.grid.faults.GridInvalid` naming every bad entry.
    """
    try:
        rows = list(json.loads(path.read_text(encoding="utf-8"))["pods"])
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise GridInvalid(
            "pods", [Fault("not_a_pod_file", path.name, repr(error), '{"pods": [...]}')]
        ) from None
    faults: list[Fault] = []
    pods = [pod for number, row in enumerate(rows) if (pod := _pod(number, row, faults)) is not None]
    faults += [
        Fault("repeated_pod", f"POD {key}", f"{count} times", "once")
        for key, count in Counter(pod.key for pod in pods).items()
        if count > 1
    ]
    raise_if_any("pods", faults)
    return tuple(pods)


def _pod(number: int, row: Mapping[str, Any], faults: list[Fault]) -> GridPod | None:
    try:
        elements = tuple(
            PodElement(str(e["name"]), e["technology"], int(e["rated_w"])) for e in row["elements"]
        )
        pod = GridPod(str(row["key"]), str(row["node"]), elements, int(row["up_kw"]), int(row["down_kw"]))
    except (KeyError, TypeError, ValueError) as error:
        faults.append(Fault("bad_pod", f"entry {number}", repr(error), "key, node, elements, up_kw, down_kw"))
        return None
    known = get_args(Technology)
    faults += [
        Fault("unknown_technology", f"POD {pod.key}", str(e.technology), ", ".join(known))
        for e in elements
        if e.technology not in known
    ]
    if not elements:
        faults.append(Fault("no_elements", f"POD {pod.key}", "none", "at least one element"))
    if pod.up_kw < 0 or pod.down_kw < 0:
        faults.append(
            Fault("negative_power", f"POD {pod.key}", f"{pod.up_kw}, {pod.down_kw} kW", "0 kW or more")
        )
    return pod


def placement_faults(network: Network, pods: Sequence[GridPod]) -> list[Fault]:
    """PODs that do not fit the grid: unknown node or element, an element at another node or behind two
    PODs.
    """
    faults: list[Fault] = []
    users = Counter(element.name for pod in pods for element in pod.elements)
    for pod in pods:
        node = network.node_index.get(pod.node)
        if node is None:
            faults.append(Fault("unknown_node", f"POD {pod.key}", pod.node, f"a node of grid {network.name}"))
        for element in pod.elements:
            index = network.element_index.get(element.name)
            if index is None:
                faults.append(Fault("unknown_element", f"POD {pod.key}", element.name, "a load or generator"))
            elif node is not None and int(network.element_node[index]) != node:
                at = network.node_names[int(network.element_node[index])]
                faults.append(Fault("other_node", f"POD {pod.key}, {element.name}", at, pod.node))
            if users[element.name] > 1:
                faults.append(
                    Fault("shared_element", f"POD {pod.key}, {element.name}", "behind two PODs", "one POD")
                )
    return faults


def ranges_w(network: Network, pods: Sequence[GridPod], p_w: Floats, direction: Direction) -> Floats:
    """What every POD can move in ``direction``, in W, as ``[POD, quarter-hour]``; ``p_w`` is ``[element,
    quarter-hour]``.
    """
    ranges = np.zeros((len(pods), p_w.shape[1]))
    for i, pod in enumerate(pods):
        for element in pod.elements:
            expected = p_w[network.element_index[element.name]]
            ranges[i] += largest_move_w(element.technology, direction, expected, element.rated_w)
        ranges[i] = np.minimum(ranges[i], 1000.0 * (pod.up_kw if direction is Direction.UP else pod.down_kw))
    return ranges


def net_injection(network: Network, pods: Sequence[GridPod], power: Floats) -> npt.NDArray[np.int64]:
    """Injection less withdrawal of each POD in whole W or var, ``[POD, quarter-hour]``: what its meter would
    see of ``power``, ``[element, quarter-hour]``.
    """
    injected = power * network.element_sign[:, None]
    rows = [[network.element_index[element.name] for element in pod.elements] for pod in pods]
    sums = np.array([injected[elements].sum(axis=0) for elements in rows]).reshape(len(rows), power.shape[1])
    return np.asarray(np.rint(sums), dtype=np.int64)
