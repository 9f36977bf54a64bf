"""Benchmarks of the power flow and of what is computed by it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Annotated

import typer

from bench.grid import GridSizes, measure_days, measure_powerflow
from bench.grid_city import FEEDERS, measure_session
from registry.cli.bench.showing import Json, say, show
from registry.cli.outcome import EPILOG

grid_benches = typer.Typer()
_GRID = GridSizes()


@grid_benches.command(epilog=EPILOG)
def grid(
    json: Json = False,
    points: Annotated[int, typer.Option(min=1, help="Power flows of the engine.")] = _GRID.points,
    peer: Annotated[
        int, typer.Option(min=1, help="How many of them pandapower solves too.")
    ] = _GRID.peer_points,
    feeders: Annotated[int, typer.Option(min=1, help="Feeders of the city, at least.")] = FEEDERS,
    pandapower: Annotated[
        Path | None,
        typer.Option(
            help="A Python interpreter that has the packages of requirements-fixtures.lock; this one "
            "if it has pandapower. `make bench-grid` sets one up."
        ),
    ] = None,
) -> None:
    """`flexledger bench grid`."""
    sizes = GridSizes(points, peer)
    here = Path(sys.executable) if importlib.util.find_spec("pandapower") else None
    interpreter = pandapower or here
    if interpreter is None:
        say(
            "grid.powerflow not measured: no pandapower here; name an interpreter that has it by --pandapower"
        )
    else:
        show([measure_powerflow(sizes, interpreter)], json)
    for result in measure_days(say):
        show([result], json)
    show([measure_session(feeders, say)], json)
