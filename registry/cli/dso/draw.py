"""`flexledger dso draw`: pictures of a day as PNG or SVG."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from registry.cli.days import DayText, delivery_day
from registry.cli.dso.curves import chosen_state
from registry.cli.dso.inputs import Files, load_files, require_hour, support_terms
from registry.cli.dso.options import (
    FEEDERS,
    ActivationsFile,
    Case,
    CaseOption,
    ForecastFile,
    GridFile,
    Loading,
    PerimetersText,
    PodsFile,
    PricesFile,
    Reserve,
    SupportFile,
)
from registry.cli.dso.showing import line, working
from registry.cli.outcome import one_clear_line
from registry.domain.calendar import DeliveryDay
from registry.domain.errors import InputInvalid
from registry.domain.quantities import Direction
from registry.grid.lights import day_lights
from registry.grid.pictures.formats import check_format
from registry.grid.results import PerimeterDayLights
from registry.grid.state import ExpectedState


class Kind(StrEnum):
    """What is drawn."""

    GRID = "grid"
    LIGHTS = "lights"
    CLOUD = "cloud"
    PROFILE = "profile"
    CURVE = "curve"


class Way(StrEnum):
    """A direction by name."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True)
class Wanted:
    """What a picture is of."""

    grid: str
    files: Files
    state: ExpectedState
    day: DeliveryDay
    perimeter: str | None
    hour: int
    direction: Direction
    prices: Path | None
    support: Path | None

    @property
    def title(self) -> str:
        """Grid and day, and the perimeter of pictures of one."""
        return f"{self.files.network.name}, {self.perimeter + ', ' if self.perimeter else ''}{self.day.date}"

    def lights(self) -> tuple[PerimeterDayLights, ...]:
        """The lights of the day."""
        with working(f"lights of {len(self.files.perimeters)} perimeters"):
            terms = support_terms(self.support, self.day)
            return day_lights(self.state, self.files.flow, self.files.limits, terms=terms)

    def one(self) -> str:
        """The perimeter asked for.

        Raises:
            InputInvalid: GRD-2, none or an unknown one.
        """
        if self.perimeter is None:
            allowed = ", ".join(self.state.partition.names)
            raise InputInvalid(rule="GRD-2", field="perimeter", found="none", allowed=allowed)
        return self.perimeter


def draw(
    kind: Annotated[
        Kind,
        typer.Argument(
            help="`grid`: the grid by light and loading; `lights`: hours against perimeters; `cloud`: "
            "operating points of a perimeter; `profile`: its power and what the grid lets it do; `curve`: "
            "its prices and quantities in an hour."
        ),
    ],
    picture: Annotated[Path, typer.Argument(help="File to write, .png or .svg.", dir_okay=False)],
    grid: GridFile,
    pods: PodsFile,
    forecast: ForecastFile,
    day: DayText,
    perimeters: PerimetersText = FEEDERS,
    activations: ActivationsFile = None,
    perimeter: Annotated[
        str | None, typer.Option("--perimeter", help="Name of the perimeter to draw.")
    ] = None,
    hour: Annotated[int, typer.Option(min=0, max=24, help="Delivery hour of `grid` and `curve`.")] = 12,
    direction: Annotated[Way, typer.Option(help="Direction of `grid`.")] = Way.UP,
    prices: PricesFile = None,
    case: CaseOption = Case.B,
    loading: Loading = 1.0,
    reserve: Reserve = 0.0,
    support: SupportFile = None,
) -> None:
    """Draw a day of the grid."""
    with one_clear_line():
        check_format(picture)
        when = delivery_day(day)
        require_hour(when, hour)
        files = load_files(grid, pods, perimeters, loading=loading, reserve=reserve)
        if perimeter is not None and perimeter not in files.perimeters:
            allowed = ", ".join(files.perimeters)
            raise InputInvalid(rule="GRD-2", field="perimeter", found=perimeter, allowed=allowed)
        state = chosen_state(files, forecast, when, activations, case)
        way = Direction[direction.name]
        wanted = Wanted(grid, files, state, when, perimeter, hour, way, prices, support)
        # The drawing library takes a second to load, which no other command has to wait for.
        from registry.cli.dso.drawers import draw_into

        draw_into(picture, kind, wanted)
        line(f"{picture} written")
