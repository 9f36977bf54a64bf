"""Operating points of a perimeter's day as a cloud (Natale Figure 3).

His figure is three-dimensional (hour, active, reactive power); two flat ones can be read: active power
against the hour, and active against reactive power where any point has some.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from registry.grid.pictures.palette import GREEN, INK, REACTIVE, RED, Look


class PointColour(Enum):
    """What an operating point needs: nothing, reactive support, or what there is not."""

    GREEN = "green"
    ORANGE = "orange"
    RED = "red"


@dataclass(frozen=True, slots=True)
class CloudPoint:
    """An operating point as its distance from the expected state: kW (up positive) and kvar (injection
    positive).
    """

    hour: int
    delta_p_kw: float
    delta_q_kvar: float
    colour: PointColour


LOOKS: Final[dict[PointColour, Look]] = {
    PointColour.GREEN: GREEN,
    PointColour.ORANGE: REACTIVE,
    PointColour.RED: RED,
}
_WORDS: Final = {
    PointColour.GREEN: "feasible",
    PointColour.ORANGE: "feasible with reactive support",
    PointColour.RED: "unfeasible",
}
_SIDE: Final = 0.16
"""Points of one hour and power stand beside each other by colour, so much of an hour apart."""


def cloud(title: str, points: Sequence[CloudPoint]) -> Figure:
    """Draw the points; the legend says what part of them is of each colour (Natale Table 3)."""
    reactive = any(point.delta_q_kvar for point in points)
    figure = Figure(figsize=(13.0 if reactive else 9.0, 5.2), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", color=INK)
    panels = figure.subplots(1, 2 if reactive else 1, squeeze=False)[0]
    counts = Counter(point.colour for point in points)
    for colour in PointColour:
        mine = [point for point in points if point.colour is colour]
        if mine:
            label = f"{_WORDS[colour]}: {counts[colour] / len(points):.1%}"
            shift = _SIDE * (list(PointColour).index(colour) - 1)
            _scatter(panels[0], [p.hour + shift for p in mine], [p.delta_p_kw for p in mine], colour, label)
            if reactive:
                _scatter(
                    panels[1], [p.delta_q_kvar for p in mine], [p.delta_p_kw for p in mine], colour, label
                )
    panels[0].set_xlabel("delivery hour")
    if reactive:
        panels[1].set_xlabel("Δ reactive power, kvar (injection positive)")
    for axes in panels:
        axes.axhline(0.0, color=INK, lw=0.6)
        axes.grid(alpha=0.25)
        axes.set_axisbelow(True)
    panels[0].set_ylabel("Δ active power, kW (up positive)")
    if points:
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def _scatter(axes: Axes, xs: Sequence[float], ys: Sequence[float], colour: PointColour, label: str) -> None:
    look = LOOKS[colour]
    axes.scatter(xs, ys, s=16, c=look.fill, marker=look.marker, edgecolors=INK, linewidths=0.25, label=label)
