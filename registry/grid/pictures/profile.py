"""Expected power of a perimeter over a day, with what it could do and what the grid lets it do (Natale
Figure 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from registry.grid.pictures.palette import BLUE, GREEN, INK, RED


@dataclass(frozen=True, slots=True)
class ProfileBand:
    """One day of a perimeter, one value per hour; powers are net injection in kW, ranges are 0 or more.

    Attributes:
        label: of the day.
        expected_kw: expected net injection.
        potential_up_kw, potential_down_kw: what the PODs could move.
        feasible_up_kw, feasible_down_kw: what the lights let them move, at most the potential.
    """

    label: str
    expected_kw: tuple[float, ...]
    potential_up_kw: tuple[float, ...]
    potential_down_kw: tuple[float, ...]
    feasible_up_kw: tuple[float, ...]
    feasible_down_kw: tuple[float, ...]


def profile(title: str, bands: Sequence[ProfileBand]) -> Figure:
    """Draw the days side by side on one scale of power."""
    figure = Figure(figsize=(max(9.0, 4.2 * len(bands)), 5.0), layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", color=INK)
    panels = figure.subplots(1, len(bands), sharey=True, squeeze=False)[0]
    for axes, band in zip(panels, bands, strict=True):
        _panel(axes, band)
    panels[0].set_ylabel("net injection of the perimeter's PODs, kW")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8, frameon=False)
    return figure


def _panel(axes: Axes, band: ProfileBand) -> None:
    hours = len(band.expected_kw)
    edges = [hour + side for hour in range(hours) for side in (0, 1)]

    def stairs(values: Sequence[float]) -> list[float]:
        return [value for value in values for _ in (0, 1)]

    expected = stairs(band.expected_kw)
    feasible_up = [e + v for e, v in zip(expected, stairs(band.feasible_up_kw), strict=True)]
    feasible_down = [e - v for e, v in zip(expected, stairs(band.feasible_down_kw), strict=True)]
    most = [e + v for e, v in zip(expected, stairs(band.potential_up_kw), strict=True)]
    least = [e - v for e, v in zip(expected, stairs(band.potential_down_kw), strict=True)]
    axes.fill_between(edges, feasible_down, feasible_up, color=GREEN.fill, alpha=0.6, lw=0, label="feasible")
    blocked: dict[str, Any] = {
        "facecolor": RED.fill,
        "alpha": 0.45,
        "hatch": RED.hatch,
        "edgecolor": "white",
        "lw": 0,
    }
    axes.fill_between(edges, feasible_up, most, label="offered, not feasible", **blocked)
    axes.fill_between(edges, least, feasible_down, **blocked)
    axes.plot(edges, expected, color=BLUE, lw=1.8, label="expected")
    axes.axhline(0.0, color=INK, lw=0.6)
    axes.set_xlim(0, hours)
    axes.set_xticks(range(0, hours + 1, 4))
    axes.set_xlabel("delivery hour")
    axes.set_title(band.label, fontsize=9)
    axes.grid(alpha=0.25)
