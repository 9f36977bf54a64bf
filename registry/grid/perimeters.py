"""Perimeters of a grid: feeders read off the topology, and partitions checked (DTL-1).

A *feeder* is everything that hangs below one outgoing branch of the medium-voltage busbar of a primary
substation; switches that are open in the grid file end it. What is connected to the busbar itself is a
perimeter of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from registry.grid.faults import Fault, raise_if_any
from registry.grid.network import Network
from registry.grid.pods import GridPod


@dataclass(frozen=True, slots=True)
class Perimeter:
    """A named part of a grid and the positions of its nodes in ``Network.node_names``."""

    name: str
    nodes: tuple[int, ...]


def feeders(network: Network) -> tuple[Perimeter, ...]:
    """The busbar perimeter, then one per outgoing branch in the order of the grid file.

    A busbar is the lower-voltage side of every transformer fed from a source side, with all nodes joined to
    it by links. A perimeter is named after its first branch, a busbar after its first node. Branches that
    leave the busbar in parallel and meet again below give one perimeter.
    """
    closed = [i for i in range(len(network.branch_names)) if network.branch_closed[i]]
    links = [i for i in closed if network.branch_kinds[i] == "link"]
    rated = np.asarray(network.input["node"]["u_rated"])
    sides = set()
    for i in closed:
        if network.branch_kinds[i] == "transformer":
            ends = (int(network.branch_from[i]), int(network.branch_to[i]))
            sides.add(min(ends, key=lambda node: float(rated[node])))
    source_nodes = {
        int(np.flatnonzero(network.input["node"]["id"] == node)[0])
        for node in network.input["source"]["node"]
    }
    if not sides:
        sides = source_nodes
    busbar = _reach(network, sides, links)
    lines = [i for i in closed if network.branch_kinds[i] != "transformer"]
    perimeters = [Perimeter(network.node_names[min(busbar)], tuple(sorted(busbar)))]
    taken = set(busbar)
    for i in lines:
        ends = (int(network.branch_from[i]), int(network.branch_to[i]))
        below = [node for node in ends if node not in busbar]
        if len(below) != 1 or below[0] in taken:
            continue
        inner = [j for j in lines if not {int(network.branch_from[j]), int(network.branch_to[j])} & busbar]
        nodes = _reach(network, {below[0]}, inner)
        taken |= nodes
        perimeters.append(Perimeter(network.branch_names[i], tuple(sorted(nodes))))
    return tuple(perimeters)


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
