"""Price-quantity curves of a perimeter and hour, down to the left and up to the right (Natale Figure 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from registry.grid.pictures.palette import GREEN, INK, RED


@dataclass(frozen=True, slots=True)
class DrawnCurve:
    """Steps in merit order as (kW, EUR/MWh), how many of the kW are feasible, and what to write above."""

    label: str
    steps: tuple[tuple[float, float], ...]
    feasible_kw: float


def price_quantity(title: str, curves: Sequence[DrawnCurve]) -> Figure:
    """Draw curves side by side."""
    figure = Figure(figsize=(6.0 * len(curves), 4.4), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", color=INK)
    for axes, curve in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves, strict=True):
        _panel(axes, curve)
    return figure


def _panel(axes: Axes, curve: DrawnCurve) -> None:
    start = 0.0
    for power, price in curve.steps:
        end = start + power
        middle = min(max(curve.feasible_kw, start), end)
        for left, right, look in ((start, middle, GREEN), (middle, end, RED)):
            if right > left:
                axes.fill_between(
                    [left, right],
                    0.0,
                    price,
                    facecolor=look.fill,
                    alpha=0.5,
                    hatch=look.hatch,
                    edgecolor="white",
                    lw=0,
                )
        axes.plot([start, end], [price, price], color=INK, lw=1.6)
        start = end
    axes.axvline(curve.feasible_kw, color=INK, lw=1.0, linestyle="--")
    right = curve.feasible_kw < start / 2.0
    axes.annotate(
        f"feasible {curve.feasible_kw:.0f} kW",
        (curve.feasible_kw, 1.0),
        (4 if right else -4, -4),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        ha="left" if right else "right",
        va="top",
        rotation=90,
        fontsize=8,
        color=INK,
    )
    axes.set_xlim(0.0, max(start * 1.03, 1.0))
    axes.set_ylim(min(0.0, *(price for _, price in curve.steps), 0.0), None)
    axes.set_xlabel("quantity, kW")
    axes.set_ylabel("price, EUR/MWh")
    axes.set_title(curve.label, fontsize=9)
    axes.grid(alpha=0.25)
    axes.set_axisbelow(True)
