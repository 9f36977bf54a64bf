"""Where the nodes of a grid stand in a picture."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

Position = tuple[float, float]


def file_coordinates(path: Path, names: Sequence[str]) -> tuple[Position, ...] | None:
    """``x`` and ``y`` of every node of a grid file, in the order of ``names``; None unless all have both.

    A file of another kind than power-grid-model JSON has none.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["data"]["node"]
        places = {str(row.get("name")): (row.get("x"), row.get("y")) for row in rows}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    found: list[Position] = []
    for name in names:
        x, y = places.get(name, (None, None))
        if not isinstance(x, int | float) or not isinstance(y, int | float):
            return None
        if not math.isfinite(x) or not math.isfinite(y):
            return None
        found.append((float(x), float(y)))
    return tuple(found)


def tree_layout(
    nodes: int, branches: Iterable[tuple[int, int]], roots: Sequence[int]
) -> tuple[Position, ...]:
    """A tree from the roots to the right: one step per branch, one line per leaf, parents midway.

    ``branches`` are the closed ones; a mesh is laid out along its shortest ways from a root. Nodes that no
    root reaches stand in a column of their own on the left.
    """
    neighbours: dict[int, list[int]] = {}
    for a, b in branches:
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    depth = dict.fromkeys(roots, 0)
    children: dict[int, list[int]] = {}
    queue = list(depth)
    for node in queue:
        for other in neighbours.get(node, ()):
            if other not in depth:
                depth[other] = depth[node] + 1
                children.setdefault(node, []).append(other)
                queue.append(other)
    rows = _rows(children, roots)
    lost = [node for node in range(nodes) if node not in depth]
    rows |= {node: float(place) for place, node in enumerate(lost)}
    return tuple((float(depth.get(node, -2)), -rows[node]) for node in range(nodes))


def _rows(children: Mapping[int, Sequence[int]], roots: Sequence[int]) -> dict[int, float]:
    """The line of each node: leaves one after the other, every parent in the middle of its children."""
    rows: dict[int, float] = {}
    leaves = 0
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        node, seen = stack.pop()
        below = children.get(node, ())
        if not below:
            rows[node] = float(leaves)
            leaves += 1
        elif seen:
            rows[node] = (rows[below[0]] + rows[below[-1]]) / 2.0
        else:
            stack.append((node, True))
            stack.extend((child, False) for child in reversed(below))
    return rows
