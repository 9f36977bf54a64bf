"""`flexledger verify`: an auditor's check of an evidence bundle, offline (AUD-1)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from registry.cli.outcome import EPILOG, EXIT_REFUSED, one_clear_line
from registry.cli.verifying import (
    known_block,
    print_report,
    read_openings,
    report_json,
    verify_file,
    witness_key,
)

verify_app = typer.Typer()
console = Console()


@verify_app.command(epilog=EPILOG)
def verify(
    bundle: Annotated[Path, typer.Argument(help="A .flexbundle file.")],
    deployment: Annotated[Path | None, typer.Option(help="The deployment file you trust.")] = None,
    block: Annotated[
        list[str] | None, typer.Option(help="NUMBER=HASH of a block that a node of your own knows.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="Key of a witness of the log; give all to have them counted.")
    ] = None,
    openings: Annotated[
        Path | None,
        typer.Option(help="Bids and deals of the day (GET /v1/openings/DAY), to hold against their merit."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print checks and figures as JSON.")] = False,
) -> None:
    """`flexledger verify`."""
    with one_clear_line():
        blocks = dict(known_block(text) for text in block or ())
        others = read_openings(openings) if openings is not None else ()
        keys = tuple(map(witness_key, witness or ()))
        report = verify_file(bundle, deployment, blocks, keys, others)
        if as_json:
            typer.echo(report_json(bundle, report))
        else:
            print_report(console, bundle, report)
        if not report.ok:
            raise typer.Exit(EXIT_REFUSED)
