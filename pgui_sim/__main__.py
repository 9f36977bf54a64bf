"""Command line of the simulated PGUI: ``python -m pgui_sim make-fleet | run`` (PGU-1, PGU-2)."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from pgui_sim.faults import Fault, FaultImpossible, parse_fault
from pgui_sim.fleet import Offline, Orders, fleet_size, make_fleet, run_fleet
from pgui_sim.fleet_file import FleetFileInvalid, read_fleet_file
from pgui_sim.meter import ProfileEnded
from pgui_sim.state import StateUnusable

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
_screen = Console(stderr=True)

_EXPECTED = (FaultImpossible, FleetFileInvalid, ProfileEnded, StateUnusable, ValueError)
_PROBLEMS_SHOWN = 10


@app.command("make-fleet")
def make(
    state: Annotated[Path, typer.Option(help="Folder for keys, counters and queues.")],
    pods: Annotated[Path, typer.Option(help="JSON file of PODs, profiles and platform keys.")],
) -> None:
    """Make devices: each generates its key; the public keys are written to STATE/keys.json."""
    fleet = read_fleet_file(pods)
    with _progress() as bars:
        task = bars.add_task("devices made", total=len(fleet.pods))
        make_fleet(state, fleet, lambda what, more: bars.advance(task, more))


@app.command()
def run(
    state: Annotated[Path, typer.Option(help="Folder of the fleet.")],
    server: Annotated[str, typer.Option(help="Base URL of the access node.")],
    until: Annotated[int, typer.Option(help="Simulated time to run to, Unix seconds.", min=0, max=2**32 - 1)],
    fault: Annotated[
        list[str] | None, typer.Option(help=f"KIND=POD_INDEX[,POD_INDEX...]; kinds: {', '.join(Fault)}.")
    ] = None,
    offline: Annotated[list[str] | None, typer.Option(help="POD_INDEX:FROM:UNTIL, Unix seconds.")] = None,
    processes: Annotated[
        int, typer.Option(help="Processes for a fleet of several shards.", min=1)
    ] = os.cpu_count() or 1,
) -> None:
    """Run every device from where it stopped; the last line of the output is a JSON summary."""
    faults: dict[int, list[Fault]] = {}
    for text in fault or ():
        kind, indices = parse_fault(text)
        for index in indices:
            faults.setdefault(index, []).append(kind)
    orders = Orders(server, until, faults, tuple(_offline(text) for text in offline or ()))
    with _progress() as bars:
        tasks = {
            "certified": bars.add_task("devices run", total=fleet_size(state)),
            "answered": bars.add_task("statements answered", total=None),
        }
        summary = run_fleet(state, orders, processes, lambda what, more: bars.advance(tasks[what], more))
    for problem in summary.problems[:_PROBLEMS_SHOWN]:
        _screen.print(problem, style="yellow", highlight=False, markup=False)
    if len(summary.problems) > _PROBLEMS_SHOWN:
        _screen.print(f"... and {len(summary.problems) - _PROBLEMS_SHOWN} more problems", style="yellow")
    figures = asdict(summary)
    del figures["problems"]
    print(json.dumps(figures))


def _offline(text: str) -> Offline:
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"offline: found {text!r}, allowed POD_INDEX:FROM:UNTIL, times in Unix seconds")
    return Offline(*(int(part) for part in parts))


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=_screen,
    )


def main() -> None:
    """Entry point: wrong input ends with one line and exit status 2."""
    try:
        app()
    except _EXPECTED as error:
        _screen.print(str(error), style="red", highlight=False, markup=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
