"""The grid in one hour and direction: nodes coloured by light, branches by loading."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import matplotlib
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from registry.domain.quantities import CellLight
from registry.grid.pictures.layout import Position
from registry.grid.pictures.palette import GREEN, GREY, INK, NO_LIGHT, REACTIVE, RED, YELLOW, Look, look_of

_SCALE: Final = ListedColormap([matplotlib.colormaps["Purples"](0.3 + 0.7 * i / 255) for i in range(256)])
"""Pale to dark, a colour no light has."""
_OVERLOADED: Final = RED.fill
_HALO: Final = withStroke(linewidth=2.5, foreground="white")
"""Keeps labels readable on top of lines."""
_HUB: Final = 4
"""A node with so many branches has its label on the left, out of their way."""
_LABELLED_FROM: Final = 0.8
"""Branches loaded so far are named in the picture."""


@dataclass(frozen=True, slots=True)
class DrawnNode:
    """A node: its place, the light of the perimeter of its PODs (None without PODs), and its label."""

    position: Position
    light: CellLight | None
    label: str = ""


@dataclass(frozen=True, slots=True)
class DrawnBranch:
    """A branch between two nodes: fraction of its rating, None where it has none or is open."""

    name: str
    start: int
    end: int
    loading: float | None
    closed: bool


def schematic(
    title: str, nodes: Sequence[DrawnNode], branches: Sequence[DrawnBranch], *, true_scale: bool = False
) -> Figure:
    """Draw a grid; ``true_scale`` keeps the proportions of real coordinates."""
    xs, ys = [node.position[0] for node in nodes], [node.position[1] for node in nodes]
    tall = min(max((max(ys) - min(ys)) * 0.30 + 1.6, 3.0), 24.0) if not true_scale else 9.0
    figure = Figure(figsize=(13.0, tall), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", color=INK)
    axes.axis("off")
    if true_scale:
        axes.set_aspect("equal")
    _branches(axes, nodes, branches)
    looks = [look_of(node.light) for node in nodes]
    for look in dict.fromkeys(looks):
        mine = [place for place, each in enumerate(looks) if each is look]
        axes.scatter(
            [xs[i] for i in mine],
            [ys[i] for i in mine],
            s=14 if look is NO_LIGHT else 74,
            c=look.fill,
            marker=look.marker,
            edgecolors="none" if look is NO_LIGHT else INK,
            linewidths=0.7,
            zorder=3,
        )
    ends = Counter(end for branch in branches for end in (branch.start, branch.end))
    for place, node in enumerate(nodes):
        if node.label:
            hub = ends[place] >= _HUB
            axes.annotate(
                node.label,
                node.position,
                (-4 if hub else -3, 8),
                textcoords="offset points",
                ha="right" if hub else "left",
                fontsize=7.5,
                color=INK,
                path_effects=[_HALO],
                zorder=4,
            )
    scale = ScalarMappable(Normalize(0.0, 1.0), _SCALE)
    bar = figure.colorbar(scale, ax=axes, fraction=0.018, pad=0.01, format=lambda value, _: f"{value:.0%}")
    bar.set_label("loading of lines and transformers", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)
    figure.legend(
        handles=_legend(looks, branches), loc="outside lower center", fontsize=8, frameon=False, ncols=6
    )
    return figure


def _branches(axes: Axes, nodes: Sequence[DrawnNode], branches: Sequence[DrawnBranch]) -> None:
    def ends(branch: DrawnBranch) -> list[Position]:
        return [nodes[branch.start].position, nodes[branch.end].position]

    closed = [branch for branch in branches if branch.closed]
    opened = [branch for branch in branches if not branch.closed]
    axes.add_collection(
        LineCollection(
            [ends(b) for b in opened], colors=GREY, linewidths=0.8, linestyles=(0, (2, 3)), zorder=1
        )
    )
    axes.add_collection(
        LineCollection(
            [ends(b) for b in closed],
            colors=[_colour(b.loading) for b in closed],
            linewidths=[1.2 if b.loading is None else 1.5 + 3.5 * min(b.loading, 1.2) for b in closed],
            zorder=2,
        )
    )
    for branch in closed:
        if branch.loading is not None and branch.loading >= _LABELLED_FROM:
            (x0, y0), (x1, y1) = ends(branch)
            axes.annotate(
                f"{branch.name} {branch.loading:.0%}",
                ((x0 + x1) / 2.0, (y0 + y1) / 2.0),
                (3, -10),
                textcoords="offset points",
                fontsize=7,
                color=INK,
                path_effects=[_HALO],
                zorder=4,
            )


def _colour(loading: float | None) -> Any:
    if loading is None:
        return GREY
    return _OVERLOADED if loading > 1.0 else _SCALE(loading)


def _legend(looks: Sequence[Look], branches: Sequence[DrawnBranch]) -> list[Line2D]:
    handles = [
        Line2D(
            [], [], linestyle="", marker=look.marker, color=look.fill, markeredgecolor=INK, label=look.name
        )
        for look in (GREEN, YELLOW, REACTIVE, RED, NO_LIGHT)
        if look in looks
    ]
    if any(branch.loading is not None and branch.loading > 1.0 for branch in branches):
        handles.append(Line2D([], [], color=_OVERLOADED, lw=4, label="overloaded"))
    if any(not branch.closed for branch in branches):
        handles.append(Line2D([], [], color=GREY, linestyle=(0, (2, 3)), label="open"))
    return handles
