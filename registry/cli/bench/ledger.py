"""Benchmarks of the ledger and its mirror."""

from __future__ import annotations

from typing import Annotated

import typer

from bench.chain import LedgerSizes, measure_ledger
from bench.gas import measure_gas
from bench.servers import MissingProgram
from registry.cli.bench.showing import Json, say, show
from registry.cli.outcome import EPILOG

ledger_benches = typer.Typer()
_LEDGER = LedgerSizes()


@ledger_benches.command(epilog=EPILOG)
def gas(json: Json = False) -> None:
    """`flexledger bench gas`."""
    for result in measure_gas(say=say):
        show([result], json)


@ledger_benches.command(epilog=EPILOG)
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
    """`flexledger bench ledger`."""
    if not 2 * perimeters <= selected <= pods:
        raise typer.BadParameter(f"selected: found {selected}, allowed {2 * perimeters} to {pods}")
    try:
        for result in measure_ledger(LedgerSizes(pods, perimeters, selected, seconds), say):
            show([result], json)
    except MissingProgram as error:
        raise typer.BadParameter(f"not measured: {error}") from error
