"""The simulated PGUI: ``python -m pgui_sim fleet | make-fleet | run | bench`` (PGU-1, PGU-2)."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from pgui_sim.bench import bench
from pgui_sim.city import CityPlan, read_plan, write_plan
from pgui_sim.city_run import CityRun, QuarterDone, make_city, run_city
from pgui_sim.crew import WorkerLost
from pgui_sim.faults import Fault, FaultImpossible, parse_fault
from pgui_sim.fleet import fleet_size, make_fleet, run_fleet
from pgui_sim.fleet_file import FleetFileInvalid, point_of, read_fleet_file
from pgui_sim.meter import ProfileEnded
from pgui_sim.orders import Offline, Orders
from pgui_sim.profiles import ProfilesUnusable
from pgui_sim.screen import bars, say, say_problems
from pgui_sim.state import StateUnusable
from pgui_sim.statement import PERIOD_S

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)

_EXPECTED = (
    FaultImpossible, FleetFileInvalid, ProfileEnded, ProfilesUnusable, StateUnusable, WorkerLost, OSError,
    ValueError,
)  # fmt: skip
_CORES = os.cpu_count() or 1

Server = Annotated[str, typer.Option(help="Base URL of the access node.")]
Processes = Annotated[int, typer.Option(help="Processes for a fleet of several shards.", min=1)]


@app.command("make-fleet")
def make(
    state: Annotated[Path, typer.Option(help="Folder for keys, counters and queues.")],
    pods: Annotated[Path, typer.Option(help="JSON file of PODs, profiles and platform keys.")],
) -> None:
    """Make devices: each generates its key; the public keys are written to STATE/keys.json."""
    fleet = read_fleet_file(pods)
    with bars() as progress:
        task = progress.add_task("devices made", total=len(fleet.pods))
        make_fleet(state, fleet, lambda what, more: progress.advance(task, more))


@app.command()
def run(
    state: Annotated[Path, typer.Option(help="Folder of the fleet.")],
    server: Server,
    until: Annotated[int, typer.Option(help="Simulated time to run to, Unix seconds.", min=0, max=2**32 - 1)],
    fault: Annotated[
        list[str] | None, typer.Option(help=f"KIND=POD_INDEX[,POD_INDEX...]; kinds: {', '.join(Fault)}.")
    ] = None,
    offline: Annotated[list[str] | None, typer.Option(help="POD_INDEX:FROM:UNTIL, Unix seconds.")] = None,
    processes: Processes = _CORES,
) -> None:
    """Run every device from where it stopped; the last line of the output is a JSON summary."""
    faults: dict[int, list[Fault]] = {}
    for text in fault or ():
        kind, indices = parse_fault(text)
        for index in indices:
            faults.setdefault(index, []).append(kind)
    orders = Orders(server, until, faults, tuple(_offline(text) for text in offline or ()))
    with bars() as progress:
        tasks = {
            "certified": progress.add_task("devices run", total=fleet_size(state)),
            "answered": progress.add_task("statements answered", total=None),
        }
        summary = run_fleet(state, orders, processes, lambda what, more: progress.advance(tasks[what], more))
    say_problems(summary.problems)
    print(json.dumps(summary.figures()))


@app.command()
def fleet(
    pods: Annotated[int, typer.Option(help="Number of devices, one per POD.", min=1, max=10_000_000)],
    state: Annotated[Path, typer.Option(help="Folder for keys, counters and queues.")] = Path("var/fleet"),
    server: Server = "http://127.0.0.1:8000",
    quarters: Annotated[int, typer.Option(help="Quarter-hours to certify, from the first.", min=1)] = 1,
    start: Annotated[
        int | None,
        typer.Option(help="First quarter-hour, Unix seconds; default: the last ones that are over."),
    ] = None,
    pod_ids: Annotated[
        Path | None, typer.Option(help="One commitment per line; default: derived, for a load test.")
    ] = None,
    asking: Annotated[int, typer.Option(help="Devices that ask for setpoints, the first ones.", min=0)] = 0,
    platform_key: Annotated[
        list[str] | None, typer.Option(help="Public key whose setpoints they follow: 04 || x || y, hex.")
    ] = None,
    processes: Processes = _CORES,
    send: Annotated[bool, typer.Option(help="Or certify only, and keep the statements queued.")] = True,
    run: Annotated[bool, typer.Option(help="Or only make the devices and export their keys.")] = True,
) -> None:
    """A fleet of any size: made if STATE holds none, else taken up where it stopped; the public keys are
    written to STATE/keys.cbor, the last line of the output is a JSON summary.
    """
    plan = _plan(state, pods, quarters, start, pod_ids, asking, platform_key or [])
    with bars() as progress:
        made = progress.add_task("devices made", total=plan.pods)
        make_city(state, plan, processes, lambda what, more: progress.advance(made, more))
        done = CityRun()
        if run:
            tasks = {
                "certified": progress.add_task("readings certified", total=plan.pods * quarters),
                "answered": progress.add_task(
                    "statements answered", total=plan.pods * quarters if send else None, visible=send
                ),
            }
            done = run_city(
                state,
                plan,
                quarters,
                server if send else None,
                processes,
                lambda what, more: progress.advance(tasks[what], more),
                _told,
            )
    say_problems(done.summary.problems)
    print(json.dumps({"pods": plan.pods, "start": plan.start, **done.figures()}))


@app.command("bench")
def measure(
    rounds: Annotated[int, typer.Option(help="How often the measurements take turns.", min=1)] = 9,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
) -> None:
    """Statements signed per second and core, held against raw ECDSA signing in the same run."""
    for figure in bench(rounds):
        if as_json:
            print(json.dumps(figure))
        else:
            print(f"{figure['name']}: {figure['value']} {figure['unit']}, {figure['ratio']} of raw signing")


def _plan(
    state: Path,
    pods: int,
    quarters: int,
    start: int | None,
    pod_ids: Path | None,
    asking: int,
    platform_keys: list[str],
) -> CityPlan:
    """The plan of the fleet in ``state``, which must not differ from what is asked; a new one if there is
    none.
    """
    if start is not None and (start % PERIOD_S or not 0 <= start < 2**32):
        raise ValueError(f"start: found {start}, allowed a multiple of {PERIOD_S}, Unix seconds")
    known = read_plan(state)
    if known is None:
        first = (int(time.time()) // PERIOD_S - quarters) * PERIOD_S if start is None else start
        keys = tuple(point_of(key, "platform_key").hex() for key in platform_keys)
        known = CityPlan(pods, first, min(asking, pods), keys)
        write_plan(state, known, pod_ids)
    for name, found, kept in (("pods", pods, known.pods), ("start", start, known.start)):
        if found is not None and found != kept:
            raise ValueError(f"{name}: found {found}, allowed {kept}, as the fleet in {state} was made")
    return known


def _told(quarter: QuarterDone) -> None:
    memory = ", ".join(f"{kib / 1024:.0f}" for kib in quarter.resident_kib)
    end = time.strftime("%Y-%m-%d %H:%M", time.gmtime(quarter.until))
    say(
        f"to {end} UTC: {quarter.summary.signed} signed, {quarter.summary.accepted} accepted, "
        f"{quarter.summary.queued} waiting; {quarter.seconds:.1f} s; "
        f"resident memory of each process {memory} MiB"
    )


def _offline(text: str) -> Offline:
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts):
        raise ValueError(f"offline: found {text!r}, allowed POD_INDEX:FROM:UNTIL, times in Unix seconds")
    return Offline(*(int(part) for part in parts))


def main() -> None:
    """Entry point: wrong input ends with one line and exit status 2."""
    try:
        app()
    except _EXPECTED as error:
        say(str(error), "red")
        sys.exit(2)


if __name__ == "__main__":
    main()
