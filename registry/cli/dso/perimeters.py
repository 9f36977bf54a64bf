"""`flexledger dso perimeters`: how perimeters could be cut so that the grid takes more (DTL-1, DTL-5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from registry.cli.days import DayText, delivery_day
from registry.cli.dso.inputs import load_day, load_files, load_plan
from registry.cli.dso.options import (
    FEEDERS,
    ActivationsFile,
    ForecastFile,
    GridFile,
    Loading,
    PerimetersText,
    PodsFile,
    Reserve,
)
from registry.cli.dso.showing import console, counted, line
from registry.cli.options import AsJson
from registry.cli.outcome import EPILOG, one_clear_line
from registry.grid.perimeters import perimeters_text
from registry.grid.splits import Split, Suggestion, split_areas, suggest_splits

perimeters_app = typer.Typer(help="Perimeters of a grid.", no_args_is_help=True, epilog=EPILOG)


@perimeters_app.command("suggest", epilog=EPILOG)
def suggest(
    grid: GridFile,
    pods: PodsFile,
    forecast: ForecastFile,
    day: DayText,
    perimeters: PerimetersText = FEEDERS,
    activations: ActivationsFile = None,
    loading: Loading = 1.0,
    reserve: Reserve = 0.0,
    splits: Annotated[int, typer.Option(min=1, max=50, help="How many splits to propose at most.")] = 3,
    out: Annotated[
        Path | None,
        typer.Option(help="Write the perimeters with all splits made to this file.", dir_okay=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Propose the splits of perimeters that raise the sum of capability of a day most."""
    with one_clear_line():
        when = delivery_day(day)
        files = load_files(grid, pods, perimeters, loading=loading, reserve=reserve)
        state = files.state(load_day(forecast, files, when), load_plan(activations))
        with counted("days computed") as progress:
            found = suggest_splits(state, files.flow, files.limits, most=splits, progress=progress)
        if out is not None:
            areas = split_areas(files.areas, found.splits)
            out.write_text(perimeters_text(files.network, areas), encoding="utf-8")
        if as_json:
            typer.echo(json.dumps(_document(found), indent=1, ensure_ascii=False))
            return
        _show(found)
        if out is not None:
            line(f"perimeters written to {out}")


def _show(found: Suggestion) -> None:
    if not found.splits:
        line(f"no split raises the sum of capability, {found.before_kwh / 1000:.1f} MWh over the day")
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("split", "at", "PODs above", "below", "before MWh", "after MWh", "gain MWh"):
        table.add_column(column, justify="left" if column in ("split", "at") else "right")
    for split in found.splits:
        table.add_row(
            split.perimeter,
            split.branch,
            str(len(split.above_pods)),
            str(len(split.below_pods)),
            f"{split.before_kwh / 1000:.3f}",
            f"{split.after_kwh / 1000:.3f}",
            f"{(split.total_after_kwh - split.total_before_kwh) / 1000:+.3f}",
        )
    console.print(table)
    line(
        f"sum of all perimeters, hours and directions: {found.before_kwh / 1000:.3f} MWh before, "
        f"{found.after_kwh / 1000:.3f} MWh after"
    )


def _document(found: Suggestion) -> dict[str, object]:
    return {
        "before_kwh": round(found.before_kwh, 3),
        "after_kwh": round(found.after_kwh, 3),
        "splits": [_split(split) for split in found.splits],
    }


def _split(split: Split) -> dict[str, object]:
    return {
        "perimeter": split.perimeter,
        "branch": split.branch,
        "parts": [
            {"name": split.above, "pods": list(split.above_pods)},
            {"name": split.below, "pods": list(split.below_pods)},
        ],
        "before_kwh": round(split.before_kwh, 3),
        "after_kwh": round(split.after_kwh, 3),
        "total_before_kwh": round(split.total_before_kwh, 3),
        "total_after_kwh": round(split.total_after_kwh, 3),
    }
