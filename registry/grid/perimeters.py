"""Perimeters of a grid: read off the topology or from a file, and partitions checked (DTL-1).

A *feeder* is everything that hangs below one outgoing branch of the medium-voltage busbar of a primary
substation; switches that are open in the grid file end it. What is connected to the busbar itself is a
perimeter of its own. A *secondary substation* is one medium-voltage node with what hangs below its
transformers. Any other part of the grid comes as a file that names the perimeter of each node.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from registry.grid.faults import Fault, GridInvalid, raise_if_any
from registry.grid.network import Network
from registry.grid.pods import GridPod

_COLUMNS: Final = ["node", "perimeter"]
_MEDIUM_V: Final = (1e3, 1e5)
"""Rated voltage of medium voltage, from and below, V."""


@dataclass(frozen=True, slots=True)
class Perimeter:
    """A named part of a grid and the positions of its nodes in ``Network.node_names``."""

    name: str
    nodes: tuple[int, ...]


def feeders(network: Network) -> tuple[Perimeter, ...]:
    """The busbar perimeter, then one per outgoing branch in the order of the grid file.

    The busbar is the medium-voltage side of every transformer that feeds medium voltage, with all nodes
    joined to it by links; without such a transformer, the nodes of the sources. A perimeter is named after
    its first branch, a busbar after its first node. Branches that leave the busbar in parallel and meet again
    below give one perimeter.
    """
    top = _Top(network)
    inner = [i for i in top.branches if not top.ends(i) & top.busbar]
    outgoing = [(network.branch_names[i], top.ends(i) - top.busbar) for i in top.branches]
    starts = [(name, below.pop()) for name, below in outgoing if len(below) == 1]
    return _grown(network, top, [(name, node) for name, node in starts if node not in top.upstream], inner)


def secondary_substations(network: Network) -> tuple[Perimeter, ...]:
    """The busbar perimeter as in :func:`feeders`, then one per medium-voltage node outside of it, each with
    what hangs below through transformers and links, in the order of the grid file; named after that node.

    Substations that are joined by a link, or meet at low voltage, are one perimeter.
    """
    top = _Top(network)
    medium = {i for i, volts in enumerate(network.input["node"]["u_rated"]) if volts >= _MEDIUM_V[0]}
    inner = [
        i
        for i in top.branches
        if not top.ends(i) & top.busbar and (network.branch_kinds[i] != "line" or not top.ends(i) <= medium)
    ]
    starts = [(network.node_names[node], node) for node in sorted(medium - top.busbar - top.upstream)]
    return _grown(network, top, starts, inner)


class _Top:
    """What feeds the perimeters: closed branches below the feeding transformers, busbar nodes, and the nodes
    above them.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        rated = network.input["node"]["u_rated"]
        closed = [i for i in range(len(network.branch_names)) if network.branch_closed[i]]
        lower = {
            i: min(self.ends(i), key=lambda node: float(rated[node]))
            for i in closed
            if network.branch_kinds[i] == "transformer"
        }
        feeding = {i: node for i, node in lower.items() if _MEDIUM_V[0] <= rated[node] < _MEDIUM_V[1]}
        position = {int(number): index for index, number in enumerate(network.input["node"]["id"])}
        sources = {position[int(number)] for number in network.input["source"]["node"]}
        links = [i for i in closed if network.branch_kinds[i] == "link"]
        self.branches = [i for i in closed if i not in feeding]
        self.busbar = _reach(network, feeding.values() or sources, links)
        self.upstream = _reach(network, sources, self.branches) if feeding else set[int]()

    def ends(self, branch: int) -> set[int]:
        return {int(self._network.branch_from[branch]), int(self._network.branch_to[branch])}


def _grown(
    network: Network, top: _Top, starts: Sequence[tuple[str, int]], inner: Sequence[int]
) -> tuple[Perimeter, ...]:
    """The busbar, then what each start reaches, unless an earlier one has."""
    perimeters = [Perimeter(network.node_names[min(top.busbar)], tuple(sorted(top.busbar)))]
    taken = set(top.busbar)
    for name, start in starts:
        if start not in taken:
            nodes = _reach(network, {start}, inner)
            taken |= nodes
            perimeters.append(Perimeter(name, tuple(sorted(nodes))))
    return tuple(perimeters)


def load_perimeters(path: Path, network: Network) -> tuple[Perimeter, ...]:
    """The perimeters in a CSV file with the columns ``node`` and ``perimeter``, in the order they first come.

    Nodes that the file leaves out are in no perimeter; a POD there is found by :func:`partition`. Raises
    :class:`~registry.grid.faults.GridInvalid` (DTL-1) naming every unknown or repeated node and every empty
    name by its row.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        fault = Fault("unreadable_file", path.name, str(error), "CSV in UTF-8")
        raise GridInvalid("perimeters", [fault], rule="DTL-1") from None
    if not rows or rows[0] != _COLUMNS:
        found = ",".join(rows[0])[:60] if rows else "an empty file"
        fault = Fault("bad_header", "row 1", found, ",".join(_COLUMNS))
        raise GridInvalid("perimeters", [fault], rule="DTL-1")
    faults: list[Fault] = []
    groups: dict[str, list[int]] = {}
    owner: dict[int, tuple[int, str]] = {}
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != 2:
            faults.append(Fault("bad_length", f"row {number}", f"{len(row)} columns", "2 columns"))
            continue
        node = network.node_index.get(row[0])
        if node is None:
            allowed = f"a node of grid {network.name}"
            faults.append(Fault("unknown_node", f"row {number}, node", row[0], allowed))
        elif not row[1].strip():
            faults.append(Fault("missing_name", f"row {number}, perimeter", repr(row[1]), "a name"))
        elif node in owner:
            found = f"{row[0]}, in {owner[node][1]} by row {owner[node][0]}"
            faults.append(Fault("repeated_node", f"row {number}, node", found, "each node once"))
        else:
            owner[node] = (number, row[1])
            groups.setdefault(row[1], []).append(node)
    raise_if_any("perimeters", faults, rule="DTL-1")
    return tuple(Perimeter(name, tuple(sorted(nodes))) for name, nodes in groups.items())


def perimeters_text(network: Network, perimeters: Sequence[Perimeter]) -> str:
    """The file that :func:`load_perimeters` reads as these perimeters."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for perimeter in perimeters:
        rows.writerows([network.node_names[node], perimeter.name] for node in perimeter.nodes)
    return text.getvalue()


def _reach(network: Network, start: Iterable[int], branches: Sequence[int]) -> set[int]:
    neighbours: dict[int, list[int]] = {}
    for i in branches:
        a, b = int(network.branch_from[i]), int(network.branch_to[i])
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    reached = set(start)
    queue = list(reached)
    while queue:
        for node in neighbours.get(queue.pop(), ()):
            if node not in reached:
                reached.add(node)
                queue.append(node)
    return reached


@dataclass(frozen=True, slots=True)
class Partition:
    """PODs of a grid in perimeters: ``members[i]`` are positions of PODs in the given order.

    Attributes:
        names: of the perimeters.
        members: per perimeter, positions of its PODs.
        perimeter_of: per POD, position of its perimeter.
    """

    names: tuple[str, ...]
    members: tuple[tuple[int, ...], ...]
    perimeter_of: tuple[int, ...]


def partition(pods: Sequence[GridPod], assignment: Mapping[str, Sequence[str]]) -> Partition:
    """Check that each POD is in exactly one perimeter (DTL-1) and index them.

    ``assignment`` maps a perimeter's name to the keys of its PODs. Raises
    :class:`~registry.grid.faults.GridInvalid` (DTL-1) naming every unknown, missing or doubly assigned POD.
    """
    index = {pod.key: i for i, pod in enumerate(pods)}
    counts = Counter(key for keys in assignment.values() for key in keys)
    faults = [
        Fault("unknown_pod", f"perimeter {name}", key, "a POD of this grid")
        for name, keys in assignment.items()
        for key in keys
        if key not in index
    ]
    faults += [
        Fault("not_one_perimeter", f"POD {key}", f"in {counts[key]} perimeters", "in exactly one")
        for key in index
        if counts[key] != 1
    ]
    raise_if_any("perimeters", faults, rule="DTL-1")
    names = tuple(assignment)
    members = tuple(tuple(sorted(index[key] for key in assignment[name])) for name in names)
    owner = {pod: number for number, group in enumerate(members) for pod in group}
    return Partition(names, members, tuple(owner[i] for i in range(len(pods))))


def assign_by_node(
    network: Network, pods: Sequence[GridPod], perimeters: Sequence[Perimeter]
) -> dict[str, tuple[str, ...]]:
    """The keys of the PODs of each perimeter, by the node each POD is connected to; perimeters without
    PODs stay.
    """
    owner = {node: perimeter.name for perimeter in perimeters for node in perimeter.nodes}
    groups: dict[str, list[str]] = {perimeter.name: [] for perimeter in perimeters}
    for pod in pods:
        name = owner.get(network.node_index.get(pod.node, -1))
        if name is not None:
            groups[name].append(pod.key)
    return {name: tuple(keys) for name, keys in groups.items()}
