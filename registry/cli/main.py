"""`flexledger`: the command line. Wrong input and failures end with one clear line, never with a
traceback; :mod:`registry.cli.outcome` says with which exit status.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from registry.bootstrap import SystemClock, sandbox_token
from registry.cli.benching import bench_app
from registry.cli.demo.run import run_demo
from registry.cli.devices import devices_app
from registry.cli.dso.app import dso_app
from registry.cli.fleet import add_pgui
from registry.cli.logs import log_app
from registry.cli.nodes import open_existing, require_node
from registry.cli.outcome import EPILOG, EXIT_REFUSED, OneLineGroup, one_clear_line
from registry.cli.pods import pods_app
from registry.cli.verifying import known_block, print_report, report_json, verify_file, witness_key
from registry.config import DEFAULT_STATE, Settings

app = typer.Typer(
    name="flexledger",
    cls=OneLineGroup,
    help="Flexibility register and data-exchange ledger.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.add_typer(log_app, name="log")
add_pgui(app)
app.add_typer(pods_app, name="pods")
app.add_typer(devices_app, name="devices")
app.add_typer(bench_app, name="bench")
app.add_typer(dso_app, name="dso")
console = Console()

State = Annotated[Path, typer.Option(envvar="FLEXLEDGER_STATE", help="Folder of the node.")]


@app.command(epilog=EPILOG)
def demo(state: State = DEFAULT_STATE) -> None:
    """Play one delivery day of a real grid, from registration to verified settlement."""
    with one_clear_line():
        report = run_demo(state, console)
        console.rule("[bold green]done", align="left")
        _line(
            f"  {report['pods']} PODs, {report['readings_certified']} certified readings, "
            f"{len(report['refusals'])} refusals, {len(report['settlements'])} settlements, "
            f"in {report['seconds']['all']:.0f} s"
        )
        _line(f"  report: {state / 'report.json'}; serve it: flexledger serve --state {state}")


@app.command(epilog=EPILOG)
def serve(
    state: State = DEFAULT_STATE,
    host: Annotated[str, typer.Option(envvar="FLEXLEDGER_HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(envvar="FLEXLEDGER_PORT", min=0, max=65_535, help="0 takes any free one.")
    ] = 8000,
) -> None:
    """Serve the API over a node's folder until interrupted; the OpenAPI page is at /docs."""
    with one_clear_line():
        settings = Settings(state=state, host=host, port=port)
        if not settings.chain_url:
            require_node(settings)
        own = {"FLEXLEDGER_STATE": str(state), "FLEXLEDGER_HOST": host, "FLEXLEDGER_PORT": str(port)}
        os.execve(sys.executable, [sys.executable, "-m", "api"], {**os.environ, **own})


@app.command(epilog=EPILOG)
def verify(
    bundle: Annotated[Path, typer.Argument(help="A .flexbundle file.")],
    deployment: Annotated[Path | None, typer.Option(help="The deployment file you trust.")] = None,
    block: Annotated[
        list[str] | None, typer.Option(help="NUMBER=HASH of a block that a node of your own knows.")
    ] = None,
    witness: Annotated[
        list[str] | None, typer.Option(help="Key of a witness of the log; give all to have them counted.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print checks and figures as JSON.")] = False,
) -> None:
    """Re-derive a settlement from its evidence bundle, offline, and list every check."""
    with one_clear_line():
        blocks = dict(known_block(text) for text in block or ())
        report = verify_file(bundle, deployment, blocks, tuple(map(witness_key, witness or ())))
        if as_json:
            typer.echo(report_json(bundle, report))
        else:
            print_report(console, bundle, report)
        if not report.ok:
            raise typer.Exit(EXIT_REFUSED)


@app.command(epilog=EPILOG)
def token(
    party: Annotated[int, typer.Option(min=1, max=65_535, help="Number of the party.")],
    state: State = DEFAULT_STATE,
) -> None:
    """Print a bearer token of a party, from the sandbox's own issuer; also while the node serves."""
    with one_clear_line():
        settings = Settings(state=state)
        require_node(settings)
        typer.echo(sandbox_token(settings, party, SystemClock().now()))


@app.command(epilog=EPILOG)
def rebuild(state: State = DEFAULT_STATE) -> None:
    """Drop the register's mirror and rebuild it from the chain; says whether every row is as before."""
    with one_clear_line(), open_existing(state) as node:
        before = list(node.mirror.dump())
        node.mirror.drop()
        node.mirror.catch_up()
        after = list(node.mirror.dump())
        verdict = "equal" if before == after else "DIFFERENT"
        _line(f"{len(after)} rows rebuilt, {verdict} to the {len(before)} before")
        if before != after:
            raise typer.Exit(EXIT_REFUSED)


@app.command(epilog=EPILOG)
def status(state: State = DEFAULT_STATE) -> None:
    """What the node holds."""
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
