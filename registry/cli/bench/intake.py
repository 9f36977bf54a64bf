"""Benchmarks of the measurement log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from bench.by_http import BatchSizes, SingleSizes, measure_batches, measure_single
from bench.fleet import FleetSizes, measure_fleet
from bench.growth import DEVICES, SIZES, measure_growth
from bench.intake import CITY, Sizes, measure_city, measure_intake
from bench.servers import MissingProgram, PostgresServer
from registry.cli.bench.showing import Json, say, show
from registry.cli.outcome import EPILOG

log_benches = typer.Typer()
_DEFAULT = Sizes()
_SINGLE = SingleSizes()
_FLEET = FleetSizes()

Devices = Annotated[int, typer.Option(min=16, help="Devices, each with its own key.")]
Batch = Annotated[int, typer.Option(min=1, max=5_000, help="Statements per batch.")]
Clients = Annotated[int, typer.Option(min=1, help="Batches under way at once.")]
Verifiers = Annotated[int, typer.Option(min=0, help="Worker processes of the node; 0: its own process.")]
Place = Annotated[Path | None, typer.Option(help="Where the log is made; its disk counts.")]
Database = Annotated[
    str | None,
    typer.Option(
        "--postgresql",
        help="An empty PostgreSQL database for the log, postgresql://…; without one a server is started "
        "where PostgreSQL's programs are installed.",
    ),
]


@log_benches.command(epilog=EPILOG)
def intake(
    json: Json = False,
    devices: Devices = _DEFAULT.devices,
    batch: Batch = _DEFAULT.batch,
    clients: Clients = _DEFAULT.clients,
    verifiers: Verifiers = _DEFAULT.verifiers,
    folder: Place = None,
    postgresql: Database = None,
    single: Annotated[
        int, typer.Option(min=16, help="Devices that send one statement per request.")
    ] = _SINGLE.devices,
    connections: Annotated[
        int, typer.Option(min=1, help="Requests under way at once.")
    ] = _SINGLE.connections,
    fronts: Annotated[
        int, typer.Option(min=0, help="Processes that take single statements; 0: the API's own.")
    ] = _SINGLE.fronts,
) -> None:
    """`flexledger bench intake`."""
    with _postgresql(postgresql) as url:
        databases = {"sqlite": "", **({"postgresql": url} if url else {})}
        sizes = Sizes(devices, batch, clients, verifiers)
        show(measure_intake(sizes, folder, databases, say), json)
    say(f"batches by HTTP: {devices} devices")
    show([measure_batches(BatchSizes(devices, batch, clients, verifiers), folder)], json)
    say(f"one statement per request: {single} devices")
    singles = SingleSizes(devices=single, connections=min(single, connections), fronts=fronts)
    show(measure_single(singles, folder), json)


@log_benches.command(epilog=EPILOG)
def city(
    json: Json = False,
    devices: Devices = CITY.devices,
    batch: Batch = CITY.batch,
    clients: Clients = CITY.clients,
    verifiers: Verifiers = CITY.verifiers,
    folder: Place = None,
) -> None:
    """`flexledger bench city`."""
    show(measure_city(Sizes(devices, batch, clients, verifiers), folder, say=say), json)


@log_benches.command(epilog=EPILOG)
def fleet(
    json: Json = False,
    pods: Annotated[int, typer.Option(min=1, help="Simulated devices, one per POD.")] = _FLEET.pods,
    quarters: Annotated[int, typer.Option(min=1, max=4, help="Quarter-hours.")] = _FLEET.quarters,
    verifiers: Verifiers = _FLEET.verifiers,
    folder: Place = None,
) -> None:
    """`flexledger bench fleet`."""
    for result in measure_fleet(FleetSizes(pods, quarters, verifiers), folder):
        show([result], json)


@log_benches.command(epilog=EPILOG)
def growth(
    json: Json = False,
    entries: Annotated[
        list[int] | None, typer.Option(min=400_000, help="Sizes of the log to measure at; repeat, rising.")
    ] = None,
    devices: Devices = DEVICES,
    folder: Place = None,
) -> None:
    """`flexledger bench growth`."""
    sizes = tuple(entries or SIZES)
    if min(sizes) < devices:
        raise typer.BadParameter(
            f"found {min(sizes)}, allowed {devices} at least: a reading of each device",
            param_hint="--entries",
        )
    for results in measure_growth(sizes, devices, folder, say):
        show(results, json)


@contextmanager
def _postgresql(url: str | None) -> Iterator[str | None]:
    if url is not None:
        yield url
        return
    try:
        server = PostgresServer.start(durable=True)
    except MissingProgram as error:
        say(f"not measured on PostgreSQL: {error}")
        yield None
        return
    with server:
        yield server.url
