"""`flexledger bench`: what the machine makes of the work, against a reference measured in the same run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.intake import Sizes, measure_intake
from bench.results import Result
from registry.cli.outcome import EPILOG

bench_app = typer.Typer(help="Benchmarks, each against its reference.", no_args_is_help=True, epilog=EPILOG)
_DEFAULT = Sizes()


@bench_app.callback()
def bench() -> None:
    """Benchmarks, each against its reference, measured in the same run."""


@bench_app.command(epilog=EPILOG)
def intake(
    json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    devices: Annotated[int, typer.Option(min=16, help="Devices, each with its own key.")] = _DEFAULT.devices,
    batch: Annotated[int, typer.Option(min=1, max=5_000, help="Statements per batch.")] = _DEFAULT.batch,
    clients: Annotated[int, typer.Option(min=1, help="Batches under way at once.")] = _DEFAULT.clients,
    verifiers: Annotated[
        int, typer.Option(min=0, help="Processes that verify; 0: the node's own.")
    ] = _DEFAULT.verifiers,
    folder: Annotated[Path | None, typer.Option(help="Where the log is made; its disk counts.")] = None,
) -> None:
    """Statements certified end to end in batches, against raw signature verifications on all cores."""
    show(measure_intake(Sizes(devices, batch, clients, verifiers), folder), json)


def show(results: list[Result], json: bool) -> None:
    """Print results, for programs or for people."""
    console = Console()
    for result in results:
        if json:
            typer.echo(result.line())
        else:
            console.print(
                f"{result.name}: {result.value:,.0f} {result.unit}, {result.ratio:.2f} of {result.reference}"
                f" ({result.reference_value:,.0f})",
                highlight=False,
            )
