"""Lights of a day as a heat map: one row per perimeter and direction, one cell per hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from registry.domain.quantities import CellLight, Colour, Direction
from registry.grid.pictures.palette import GREEN, INK, REACTIVE, RED, YELLOW, look_of
from registry.grid.results import DIRECTIONS, PerimeterDayLights

_WIDTH: Final = 0.56
"""Inches of a cell; five digits fit."""
_HEIGHT: Final = 0.34


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One row: a label and a light per hour."""

    label: str
    lights: tuple[CellLight, ...]


def rows_of(days: Sequence[PerimeterDayLights]) -> tuple[HeatRow, ...]:
    """Two rows per perimeter, up and down."""
    arrows = {Direction.UP: "▲ up", Direction.DOWN: "▼ down"}
    return tuple(
        HeatRow(f"{day.perimeter}  {arrows[way]}", day.side(way)) for day in days for way in DIRECTIONS
    )


def heat_map(title: str, rows: Sequence[HeatRow]) -> Figure:
    """Draw the rows from the top; every cell has its letter, a yellow one its capability in kW as well."""
    hours = max(len(row.lights) for row in rows)
    figure = Figure(figsize=(_WIDTH * hours + 2.6, _HEIGHT * len(rows) + 1.3), layout="constrained")
    axes = figure.add_subplot()
    for line, row in enumerate(rows):
        for hour, light in enumerate(row.lights):
            look = look_of(light)
            axes.add_patch(
                Rectangle(
                    (hour, line), 1, 1, facecolor=look.fill, hatch=look.hatch, edgecolor="white", lw=0.8
                )
            )
            yellow = light.colour is Colour.YELLOW
            axes.text(
                hour + 0.5,
                line + 0.52,
                f"{look.letter} {light.capability_kw}" if yellow else look.letter,
                ha="center",
                va="center",
                fontsize=7 if yellow else 8,
                color="white" if light.colour is Colour.GREEN else INK,
                bbox=_plate(light),
            )
    axes.set_xlim(0, hours)
    axes.set_ylim(len(rows), 0)
    axes.set_xticks([hour + 0.5 for hour in range(hours)], [str(hour) for hour in range(hours)], fontsize=8)
    axes.set_yticks([line + 0.5 for line in range(len(rows))], [row.label for row in rows], fontsize=8)
    for line in range(2, len(rows), 2):
        axes.axhline(line, color=INK, lw=1.0)
    axes.tick_params(length=0)
    axes.set_xlabel("delivery hour (elapsed from local midnight); numbers are kW", fontsize=8)
    axes.set_title(title, loc="left", color=INK)
    for side in axes.spines.values():
        side.set_visible(False)
    figure.legend(
        handles=[
            Patch(
                facecolor=look.fill, hatch=look.hatch, edgecolor="white", label=f"{look.letter}  {look.name}"
            )
            for look in (GREEN, YELLOW, REACTIVE, RED)
        ],
        loc="outside lower center",
        ncols=4,
        fontsize=8,
        frameon=False,
    )
    return figure


def _plate(light: CellLight) -> dict[str, object] | None:
    """A white patch behind a letter that would drown in hatching."""
    return {"facecolor": "white", "edgecolor": "none", "pad": 1.0} if look_of(light).hatch else None
