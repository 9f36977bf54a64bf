"""`flexledger bench`: what the machine makes of the work, against a reference measured in the same run."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.chain import LedgerSizes, measure_ledger
from bench.gas import measure_gas
from bench.grid import GridSizes, measure_days, measure_powerflow
from bench.grid_city import FEEDERS, measure_session
from bench.growth import DEVICES, SIZES, measure_growth
from bench.intake import CITY, Sizes, measure_city, measure_intake
from bench.interrupts import ended_in_order
from bench.results import Result
from bench.servers import MissingProgram, PostgresServer
from bench.single import SingleSizes, measure_single
from registry.cli.outcome import EPILOG

bench_app = typer.Typer(help="Benchmarks, each against its reference.", no_args_is_help=True, epilog=EPILOG)
_DEFAULT = Sizes()
_SINGLE = SingleSizes()
_GRID = GridSizes()
_LEDGER = LedgerSizes()


@bench_app.callback()
def bench(context: typer.Context) -> None:
    """Benchmarks, each against its reference, measured in the same run."""
    context.with_resource(ended_in_order())


Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
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


@bench_app.command(epilog=EPILOG)
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
    """Statements certified end to end, in batches and one per request, against raw signature
    verifications.
    """
    with _postgresql(postgresql) as url:
        databases = {"sqlite": "", **({"postgresql": url} if url else {})}
        sizes = Sizes(devices, batch, clients, verifiers)
        show(measure_intake(sizes, folder, databases, _say), json)
    _say(f"one statement per request: {single} devices")
    singles = SingleSizes(devices=single, connections=min(single, connections), fronts=fronts)
    show([measure_single(singles, folder)], json)


@bench_app.command(epilog=EPILOG)
def city(
    json: Json = False,
    devices: Devices = CITY.devices,
    batch: Batch = CITY.batch,
    clients: Clients = CITY.clients,
    verifiers: Verifiers = CITY.verifiers,
    folder: Place = None,
) -> None:
    """Two quarter-hours of a whole city, from the first byte to the anchored checkpoint."""
    show(measure_city(Sizes(devices, batch, clients, verifiers), folder, say=_say), json)


@bench_app.command(epilog=EPILOG)
def growth(
    json: Json = False,
    entries: Annotated[
        list[int] | None, typer.Option(min=400_000, help="Sizes of the log to measure at; repeat, rising.")
    ] = None,
    devices: Devices = DEVICES,
    folder: Place = None,
) -> None:
    """What placing an entry costs in a log of a million entries, of ten, of fifty (30 GB of disk)."""
    for results in measure_growth(tuple(entries or SIZES), devices, folder):
        show(results, json)


@bench_app.command(epilog=EPILOG)
def gas(json: Json = False) -> None:
    """What each kind of fact costs on the ledger, against its slots, log and calldata (half a minute for each
    hundred facts of a kind)."""
    for result in measure_gas(say=_say):
        show([result], json)


@bench_app.command(epilog=EPILOG)
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
    """Power flows against pandapower's, the lights of a grid's day, those of a city's session."""
    sizes = GridSizes(points, peer)
    here = Path(sys.executable) if importlib.util.find_spec("pandapower") else None
    interpreter = pandapower or here
    if interpreter is None:
        _say(
            "grid.powerflow not measured: no pandapower here; name an interpreter that has it by --pandapower"
        )
    else:
        show([measure_powerflow(sizes, interpreter)], json)
    for result in measure_days(_say):
        show([result], json)
    show([measure_session(feeders, _say)], json)


@bench_app.command(epilog=EPILOG)
def ledger(
    json: Json = False,
    pods: Annotated[int, typer.Option(min=1, help="PODs to register.")] = _LEDGER.pods,
    perimeters: Annotated[
        int, typer.Option(min=1, help="Perimeters, with lights in every session.")
    ] = _LEDGER.perimeters,
    selected: Annotated[
        int, typer.Option(min=2, help="PODs of them that serve: two for each perimeter at least.")
    ] = _LEDGER.selected,
    seconds: Annotated[float, typer.Option(min=0, help="From block to block.")] = _LEDGER.block_s,
) -> None:
    """A city's PODs registered on a chain with blocks of 30 million gas, then a day of six session pairs,
    with a mirror that follows (needs anvil).
    """
    if not 2 * perimeters <= selected <= pods:
        raise typer.BadParameter(f"selected: found {selected}, allowed {2 * perimeters} to {pods}")
    try:
        for result in measure_ledger(LedgerSizes(pods, perimeters, selected, seconds), _say):
            show([result], json)
    except MissingProgram as error:
        raise typer.BadParameter(f"not measured: {error}") from error


@contextmanager
def _postgresql(url: str | None) -> Iterator[str | None]:
    if url is not None:
        yield url
        return
    try:
        server = PostgresServer.start(durable=True)
    except MissingProgram as error:
        _say(f"not measured on PostgreSQL: {error}")
        yield None
        return
    with server:
        yield server.url


def _say(text: str) -> None:
    """Tell people what goes on, beside the figures."""
    typer.echo(text, err=True)


def show(results: list[Result], json: bool) -> None:
    """Print results, for programs or for people."""
    console = Console()
    for result in results:
        if json:
            typer.echo(result.line())
        else:
            digits = 2 if result.unit == "s" else 0
            console.print(
                f"{result.name}: {result.value:,.{digits}f} {result.unit}, {result.ratio:.2f} of"
                f" {result.reference} ({result.reference_value:,.{digits}f})",
                highlight=False,
            )
