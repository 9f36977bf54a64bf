"""`flexledger token`, `rebuild` and `status`: what a node's folder holds."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from registry.bootstrap import SystemClock, sandbox_token
from registry.cli.nodes import open_existing, require_node
from registry.cli.options import State, party_number
from registry.cli.outcome import EPILOG, EXIT_REFUSED, one_clear_line
from registry.config import DEFAULT_STATE, Settings

node_app = typer.Typer()
console = Console()


@node_app.command(epilog=EPILOG)
def token(
    party: Annotated[int, party_number("Number of the party.")],
    state: State = DEFAULT_STATE,
) -> None:
    """`flexledger token`."""
    with one_clear_line():
        settings = Settings(state=state)
        require_node(settings)
        typer.echo(sandbox_token(settings, party, SystemClock().now()))


@node_app.command(epilog=EPILOG)
def rebuild(state: State = DEFAULT_STATE) -> None:
    """`flexledger rebuild`."""
    with one_clear_line(), open_existing(state) as node:
        before = list(node.mirror.dump())
        node.mirror.drop()
        node.mirror.catch_up()
        after = list(node.mirror.dump())
        verdict = "equal" if before == after else "DIFFERENT"
        _line(f"{len(after)} rows rebuilt, {verdict} to the {len(before)} before")
        if before != after:
            raise typer.Exit(EXIT_REFUSED)


@node_app.command(epilog=EPILOG)
def status(state: State = DEFAULT_STATE) -> None:
    """`flexledger status`."""
    with one_clear_line(), open_existing(state) as node:
        counts, head, checkpoint = node.mirror.statistics(), node.ledger.head(), node.log.checkpoint()
        version = node.ledger.contracts_version
        parties = ", ".join(f"{count} {kind.name.lower()}" for kind, count in counts.parties.items())
        lights = ", ".join(f"{count} {light.name.lower()}" for light, count in counts.pods_by_light.items())
        for name, value in (
            ("chain", f"{node.ledger.chain_id}, head {head.number}, contracts version {version}"),
            ("mirror", f"at block {counts.as_of_block}"),
            ("parties", parties or "none"),
            ("PODs", f"{counts.pods}: {lights}" if counts.pods else "none"),
            ("log", f"{checkpoint.size} entries, root {checkpoint.root.hex()}"),
            ("log key", str(node.log.note_key)),
            ("statements", str(counts.statements)),
        ):
            _line(f"{name:<12}{value}")


def _line(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
