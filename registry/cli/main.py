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

from registry.bootstrap import Node, SystemClock, open_node, sandbox_token
from registry.bootstrap.node import CHAIN_FOLDER, KEYS_FOLDER
from registry.cli.benching import bench_app
from registry.cli.demo.run import run_demo
from registry.cli.fleet import add_pgui
from registry.cli.outcome import EPILOG, EXIT_REFUSED, OneLineGroup, one_clear_line
from registry.cli.verifying import known_block, print_report, report_json, verify_file
from registry.config import DEFAULT_STATE, Settings
from registry.evidence.checkpoints import NoteKey
from registry.ledger.opening import CHAIN_FILE, DEPLOYMENT_FILE
from registry.log.check import check_folder

app = typer.Typer(
    name="flexledger",
    cls=OneLineGroup,
    help="Flexibility register and data-exchange ledger.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
log_app = typer.Typer(help="The measurement log.", no_args_is_help=True, epilog=EPILOG)
app.add_typer(log_app, name="log")
add_pgui(app)
app.add_typer(bench_app, name="bench")
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
            _require_node(settings)
        own = {"FLEXLEDGER_STATE": str(state), "FLEXLEDGER_HOST": host, "FLEXLEDGER_PORT": str(port)}
        os.execve(sys.executable, [sys.executable, "-m", "api"], {**os.environ, **own})


@app.command(epilog=EPILOG)
def verify(
    bundle: Annotated[Path, typer.Argument(help="A .flexbundle file.")],
    deployment: Annotated[Path | None, typer.Option(help="The deployment file you trust.")] = None,
    block: Annotated[
        list[str] | None, typer.Option(help="NUMBER=HASH of a block that a node of your own knows.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print checks and figures as JSON.")] = False,
) -> None:
    """Re-derive a settlement from its evidence bundle, offline, and list every check."""
    with one_clear_line():
        report = verify_file(bundle, deployment, dict(known_block(text) for text in block or ()))
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
        _require_node(settings)
        typer.echo(sandbox_token(settings, party, SystemClock().now()))


@app.command(epilog=EPILOG)
def rebuild(state: State = DEFAULT_STATE) -> None:
    """Drop the register's mirror and rebuild it from the chain; says whether every row is as before."""
    with one_clear_line(), _open(state) as node:
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
    with one_clear_line(), _open(state) as node:
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


@log_app.command("check", epilog=EPILOG)
def log_check(
    folder: Annotated[Path, typer.Argument(help="The `tree` folder of a log.")],
    key: Annotated[
        str | None, typer.Option(help="The log's note key, as `flexledger status` of its node shows it.")
    ] = None,
) -> None:
    """Re-derive the root of a log folder from its entries; names every entry that differs (LOG-1)."""
    with one_clear_line():
        report = check_folder(folder, NoteKey.parse(key) if key is not None else None)
        for finding in report.findings:
            _line(f"  ✗ {finding}")
        head = report.checkpoint
        signature = "signed by the key" if report.signed else "signature not checked: no --key given"
        verdict = "sound" if report.sound else f"NOT SOUND: {len(report.findings)} findings"
        _line(f"{head.origin}, {head.size} entries, root {head.root.hex()}, {signature}: {verdict}")
        if not report.sound:
            raise typer.Exit(EXIT_REFUSED)


def _open(state: Path) -> Node:
    settings = Settings(state=state)
    _require_node(settings)
    return open_node(settings, SystemClock())


def _require_node(settings: Settings) -> None:
    """Commands that look at a node never begin one. Raises ValueError."""
    chain = settings.state / CHAIN_FOLDER
    embedded = [chain / CHAIN_FILE, chain / DEPLOYMENT_FILE]
    known = [settings.state / KEYS_FOLDER] if settings.chain_url else embedded
    if not any(path.exists() for path in known):
        raise ValueError(
            f"state: found {settings.state}, which holds no node; allowed a folder that "
            "`flexledger demo` or a served node left"
        )


def _line(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
