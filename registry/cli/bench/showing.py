"""What all benchmarks have in common on the command line."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from bench.results import Result

Json = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]


def say(text: str) -> None:
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
