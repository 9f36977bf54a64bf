"""`flexledger`: the command line. Wrong input and failures end with one clear line, never with a
traceback.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from registry.bootstrap import SystemClock, open_node
from registry.cli.benching import bench_app
from registry.cli.demo.run import run_demo
from registry.cli.demo.stage import DemoFailed
from registry.cli.fleet import add_pgui
from registry.cli.verifying import print_report, verify_file
from registry.config import DEFAULT_STATE, Settings
from registry.domain.errors import InputInvalid, RuleViolation
from registry.log.check import check_folder
from registry.ports import OperationalError
from registry.services.identity import ROLE_OF_KIND, Principal

EXIT_FAILED, EXIT_REFUSED, EXIT_DEMO = 1, 2, 3
app = typer.Typer(
    name="flexledger",
    help="Flexibility register and data-exchange ledger.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
log_app = typer.Typer(help="The measurement log.", no_args_is_help=True)
app.add_typer(log_app, name="log")
add_pgui(app)
app.add_typer(bench_app, name="bench")
console = Console()
_errors = Console(stderr=True)

State = Annotated[Path, typer.Option(envvar="FLEXLEDGER_STATE", help="Folder of the node.")]


@contextmanager
def _one_clear_line() -> Iterator[None]:
    """Turn what rooms raise into a line and an exit status: 1 something around us failed, 2 a rule refuses,
    3 the demo failed.
    """
    try:
        yield
    except RuleViolation as error:
        _fail(str(error), EXIT_REFUSED)
    except OperationalError as error:
        _fail(str(error), EXIT_FAILED)
    except DemoFailed as error:
        _fail(f"the demo failed: {error}", EXIT_DEMO)
    except ValidationError as error:
        first = error.errors()[0]
        name = "_".join(map(str, first["loc"])) or "settings"
        _fail(f"FLEXLEDGER_{name.upper()}: found {first.get('input')!r}, {first['msg']}", EXIT_FAILED)
    except (OSError, ValueError) as error:
        _fail(str(error), EXIT_FAILED)


def _fail(text: str, status: int) -> None:
    _errors.print(f"flexledger: {text}", style="red", highlight=False, markup=False, soft_wrap=True)
    raise typer.Exit(status)


@app.command()
def demo(state: State = DEFAULT_STATE) -> None:
    """Play one delivery day of a real grid, from registration to verified settlement."""
    with _one_clear_line():
        report = run_demo(state, console)
        console.rule("[bold green]done", align="left")
        console.print(
            f"  {report['pods']} PODs, {report['readings_certified']} certified readings, {len(report['refusals'])} refusals, "
            f"{len(report['settlements'])} settlements, in {report['seconds']['all']:.0f} s",
            highlight=False,
        )
        console.print(
            f"  report: {state / 'report.json'}; serve it: flexledger serve --state {state}", highlight=False
        )


@app.command()
def serve(
    state: State = DEFAULT_STATE,
    host: Annotated[str, typer.Option(envvar="FLEXLEDGER_HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="FLEXLEDGER_PORT", min=0, max=65_535)] = 8000,
) -> None:
    """Serve the API over a node's folder until interrupted; the OpenAPI page is at /docs."""
    environment = {
        **os.environ,
        "FLEXLEDGER_STATE": str(state),
        "FLEXLEDGER_HOST": host,
        "FLEXLEDGER_PORT": str(port),
    }
    os.execve(sys.executable, [sys.executable, "-m", "api"], environment)


@app.command()
def verify(
    bundle: Annotated[Path, typer.Argument(help="A .flexbundle file.")],
    deployment: Annotated[Path | None, typer.Option(help="The deployment file you trust.")] = None,
    block: Annotated[
        list[str] | None, typer.Option(help="NUMBER=HASH of a block that a node of your own knows.")
    ] = None,
) -> None:
    """Re-derive a settlement from its evidence bundle, offline, and list every check."""
    with _one_clear_line():
        report = verify_file(bundle, deployment, dict(_known_block(text) for text in block or ()))
        print_report(console, bundle, report)
        if not report.ok:
            raise typer.Exit(EXIT_REFUSED)


@app.command()
def token(
    party: Annotated[int, typer.Option(min=1, max=65_535, help="Number of the party.")],
    state: State = DEFAULT_STATE,
) -> None:
    """Print a bearer token of a party, from the sandbox's own issuer."""
    with _one_clear_line(), open_node(Settings(state=_existing(state)), SystemClock()) as node:
        view = node.mirror.party(party)
        if view is None:
            raise InputInvalid(
                rule="ACT-1", field="party", found=party, allowed="the number of an admitted party"
            )
        if node.issuer is None:
            raise InputInvalid(
                rule="ACT-1", field="issuer", found="an outside issuer", allowed="the sandbox's local one"
            )
        typer.echo(node.issuer.issue(Principal(ROLE_OF_KIND[view.kind], party), SystemClock().now()))


@app.command()
def rebuild(state: State = DEFAULT_STATE) -> None:
    """Drop the register's mirror and rebuild it from the chain; says whether every row is as before."""
    with _one_clear_line(), open_node(Settings(state=_existing(state)), SystemClock()) as node:
        before = list(node.mirror.dump())
        node.mirror.drop()
        node.mirror.catch_up()
        after = list(node.mirror.dump())
        console.print(
            f"{len(after)} rows rebuilt, {'equal' if before == after else 'DIFFERENT'} to the {len(before)} before"
        )
        if before != after:
            raise typer.Exit(EXIT_REFUSED)


@app.command()
def status(state: State = DEFAULT_STATE) -> None:
    """What the node holds."""
    with _one_clear_line(), open_node(Settings(state=_existing(state)), SystemClock()) as node:
        counts, head, checkpoint = node.mirror.statistics(), node.ledger.head(), node.log.checkpoint()
        table = Table(box=None, show_header=False, padding=(0, 2))
        for name, value in (
            (
                "chain",
                f"{node.ledger.chain_id}, head {head.number}, contracts version {node.ledger.contracts_version}",
            ),
            ("mirror", f"at block {counts.as_of_block}"),
            ("parties", ", ".join(f"{count} {kind.name.lower()}" for kind, count in counts.parties.items())),
            (
                "PODs",
                f"{counts.pods}: "
                + ", ".join(f"{n} {light.name.lower()}" for light, n in counts.pods_by_light.items()),
            ),
            ("log", f"{checkpoint.size} entries, root {checkpoint.root.hex()}"),
            ("statements", str(counts.statements)),
        ):
            table.add_row(name, value)
        console.print(table)


@log_app.command("check")
def log_check(folder: Annotated[Path, typer.Argument(help="The `tree` folder of a log.")]) -> None:
    """Re-derive the root of a log folder from its entries; names the entry that differs."""
    with _one_clear_line():
        console.print(str(check_folder(folder)), highlight=False)


def _existing(state: Path) -> Path:
    if not (state / "chain").is_dir():
        raise ValueError(
            f"state: found {state}, which holds no node; allowed a folder that `flexledger demo` left"
        )
    return state


def _known_block(text: str) -> tuple[int, bytes]:
    number, _, digest = text.partition("=")
    try:
        return int(number), bytes.fromhex(digest.removeprefix("0x"))
    except ValueError:
        raise InputInvalid(rule="AUD-1", field="block", found=text, allowed="NUMBER=HASH") from None
