"""Options that several commands of `flexledger dso` have."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

FEEDERS = "feeders"
"""The perimeters that a command takes if none are named."""


class Case(StrEnum):
    """Who offers: Natale's case A, generation (and storage) only, or B, end users as well."""

    A = "a"
    B = "b"


def _file(text: str) -> Any:
    return typer.Option(help=text, exists=True, dir_okay=False)


GridFile = Annotated[
    str, typer.Option("--grid", help="The grid: a file (docs/grid-input.md), or a SimBench code.")
]
PodsFile = Annotated[Path, _file("The PODs on it.")]
ForecastFile = Annotated[Path, _file("Expected power of the day.")]
PerimetersText = Annotated[
    str,
    typer.Option(
        "--perimeters", help="`feeders` or `substations`, read off the grid, or a file of perimeters."
    ),
]
BeforeText = Annotated[
    str | None,
    typer.Option(
        "--before",
        help="Perimeters before a split, as in --perimeters: the sum of capability keeps to theirs. Without "
        "--publish only; the register knows them.",
    ),
]
ActivationsFile = Annotated[Path | None, _file("Local activations that are planned.")]
SupportFile = Annotated[
    Path | None,
    _file("Hourly prices at which local plants give reactive support; without, no light rests on it."),
]
Loading = Annotated[
    float, typer.Option(min=0.01, max=2.0, help="Highest loading, as a fraction of the rating.")
]
Reserve = Annotated[
    float, typer.Option(min=0.0, max=0.099, help="Narrows every voltage band at both ends, p.u.")
]
CaseOption = Annotated[
    Case, typer.Option(case_sensitive=False, help="`a`: generation and storage only; `b`: end users as well.")
]
PricesFile = Annotated[
    Path | None, typer.Option(help="Hourly prices; PODs then bid rationally.", exists=True, dir_okay=False)
]
BidsFile = Annotated[Path | None, typer.Option(help="Bids, instead of prices.", exists=True, dir_okay=False)]
