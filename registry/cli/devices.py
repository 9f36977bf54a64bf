"""`flexledger devices`: a DSO binds the keys of a fleet of PGUIs (DEV-1)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from registry.cli.nodes import open_existing, signer_of
from registry.cli.options import State, party_number
from registry.cli.outcome import EPILOG, EXIT_REFUSED, one_clear_line
from registry.config import DEFAULT_STATE
from registry.domain.errors import InputInvalid
from registry.services.bind_fleet import bind_fleet

SHOWN = 20
"""Refused items that are listed."""
devices_app = typer.Typer(no_args_is_help=True, epilog=EPILOG)
console = Console()


@devices_app.command("bind", epilog=EPILOG)
def bind_devices(
    keys: Annotated[
        Path, typer.Argument(help="The keys.cbor that `flexledger pgui fleet` wrote.", dir_okay=False)
    ],
    dso: Annotated[int, party_number("Number of the DSO, whose key is here.")],
    days: Annotated[
        int, typer.Option(min=1, max=36_500, help="How long the keys are valid, from now.")
    ] = 3_650,
    state: State = DEFAULT_STATE,
) -> None:
    """Bind the keys of a fleet of PGUIs to their PODs; called again it goes on where it stopped (DEV-1)."""
    with one_clear_line(), open_existing(state) as node:
        if not keys.is_file():
            raise InputInvalid(rule="DEV-1", field="keys", found=str(keys), allowed="a file that exists")
        signer = signer_of(node, dso, "DEV-1", "dso")
        now = node.clock.now()
        with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console) as progress:
            task = progress.add_task("keys", total=None)
            result = bind_fleet(
                node.recorder,
                dso,
                signer,
                keys,
                int(now.timestamp()),
                int((now + timedelta(days)).timestamp()),
                lambda done, total: progress.update(task, completed=done, total=total),
            )
        for number, violation in result.refused[:SHOWN]:
            _say(f"  ✗ item {number}: {violation}")
        more = len(result.refused) - SHOWN
        if more > 0:
            _say(f"  ✗ … and {more} more")
        _say(f"{result.bound} bound, {result.known} known before, {len(result.refused)} refused")
        if result.refused:
            raise typer.Exit(EXIT_REFUSED)


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
