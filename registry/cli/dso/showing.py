"""Lights as tables for people and as a document for programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from registry.domain.quantities import CellLight, Colour, Direction
from registry.grid.results import DIRECTIONS, PerimeterDayLights

console = Console()
errors = Console(stderr=True)
"""Progress goes here, so that what a command prints can be piped."""

_ARROW = {Direction.UP: "▲", Direction.DOWN: "▼"}
_STYLE = {Colour.GREEN: "black on green", Colour.YELLOW: "black on yellow", Colour.RED: "white on red"}


def letter(light: CellLight) -> str:
    """G, Y, R, or Q for a yellow that needs reactive support."""
    return "Q" if light.reactive else light.colour.name[0]


@contextmanager
def counted(text: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on the standard error; yields what sets it to so many done of so many."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as bars:
        task = bars.add_task(text, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)


@contextmanager
def working(text: str) -> Iterator[None]:
    """A spinner on the standard error while something is computed that cannot be counted."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors, transient=True) as bars:
        bars.add_task(text, total=None)
        yield


def line(text: str) -> None:
    """One line of output, as it is."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def lights_tables(lights: Sequence[PerimeterDayLights]) -> Iterator[Table]:
    """All lights as letters by hour, then what limits whom."""
    hours = len(lights[0].up)
    table = Table(box=None, padding=(0, 1, 0, 0))
    table.add_column("perimeter", no_wrap=True, overflow="ellipsis")
    table.add_column("", no_wrap=True)
    clock = "".join(f"{hour:<4}" for hour in range(0, hours, 2))
    table.add_column(Text(clock), no_wrap=True, min_width=2 * hours)
    for day in lights:
        for way in DIRECTIONS:
            cells = Text()
            for light in day.side(way):
                cells.append(f"{letter(light)} ", style=_STYLE[light.colour])
            table.add_row(Text(day.perimeter if way is Direction.UP else ""), _ARROW[way], cells)
    yield table
    limited = list(_limited(lights))
    if limited:
        detail = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("perimeter", "", "hours", "light", "kW", "limit that sets it"):
            fixed = column != "limit that sets it"
            detail.add_column(column, justify="right" if column == "kW" else "left", no_wrap=fixed)
        for row in limited:
            detail.add_row(*row)
        yield detail


def _limited(lights: Sequence[PerimeterDayLights]) -> Iterator[tuple[str | Text, ...]]:
    """One row per run of hours with the same colour and limit."""
    for day in lights:
        for way in DIRECTIONS:
            side, binding = day.side(way), day.binding(way)
            first = 0
            kinds = [(letter(light), text) for light, text in zip(side, binding, strict=True)]
            for hour in range(len(side)):
                if hour + 1 < len(side) and kinds[hour + 1] == kinds[hour]:
                    continue
                run, light = side[first : hour + 1], side[hour]
                if light.colour is not Colour.GREEN:
                    kw = sorted({cell.capability_kw or 0 for cell in run})
                    yield (
                        Text(day.perimeter),
                        _ARROW[way],
                        f"{first}" if first == hour else f"{first}-{hour}",
                        Text(f" {letter(light)} ", style=_STYLE[light.colour]),
                        f"{kw[0]}" if len(kw) == 1 else f"{kw[0]} to {kw[-1]}",
                        Text(binding[hour]),
                    )
                first = hour + 1


def lights_document(
    lights: Sequence[PerimeterDayLights], numbers: Mapping[str, int] | None = None
) -> list[dict[str, Any]]:
    """Perimeters with their cells by direction and hour; ``capability_kw`` is null where green."""
    return [
        {
            "perimeter": day.perimeter,
            "number": (numbers or {}).get(day.perimeter),
            "extra_milli_eur": list(day.extra_milli_eur),
            "setpoints": [
                {"pod": each.pod, "quarter": each.quarter, "injected_var": each.injected_var}
                for each in day.setpoints
            ],
            **{
                way.name.lower(): [
                    {
                        "hour": hour,
                        "colour": light.colour.name.lower(),
                        "capability_kw": light.capability_kw,
                        "reactive": light.reactive,
                        "without_support_kw": without if light.reactive else None,
                        "binding": binding,
                    }
                    for hour, (light, binding, without) in enumerate(
                        zip(day.side(way), day.binding(way), day.without_kw(way), strict=True)
                    )
                ]
                for way in DIRECTIONS
            },
        }
        for day in lights
    ]
