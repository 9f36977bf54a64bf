"""`flexledger log`: what can be done with a measurement log as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from registry.bootstrap import Node
from registry.cli.nodes import open_existing
from registry.cli.options import State
from registry.cli.outcome import EPILOG, EXIT_REFUSED, one_clear_line
from registry.config import DEFAULT_STATE
from registry.evidence.checkpoints import NoteKey
from registry.log.check import check_folder
from registry.ports import AlreadyInUse
from registry.services.detach_month import end_of_final_month

log_app = typer.Typer(no_args_is_help=True, epilog=EPILOG)
console = Console()


@log_app.command("check", epilog=EPILOG)
def log_check(
    folder: Annotated[Path, typer.Argument(help="The `tree` folder of a log.")],
    key: Annotated[
        str | None, typer.Option(help="The log's note key, as `flexledger status` of its node shows it.")
    ] = None,
    archive: Annotated[
        list[Path] | None, typer.Option(help="A folder with what was detached from the log; repeat for more.")
    ] = None,
) -> None:
    """Re-derive the root of a log folder from its entries; names every entry that differs (LOG-1)."""
    with one_clear_line():
        report = check_folder(folder, NoteKey.parse(key) if key is not None else None, archives=archive or ())
        for finding in report.findings:
            _say(f"  ✗ {finding}")
        head = report.checkpoint
        signature = "signed by the key" if report.signed else "signature not checked: no --key given"
        verdict = "sound" if report.sound else f"NOT SOUND: {len(report.findings)} findings"
        _say(f"{head.origin}, {head.size} entries, root {head.root.hex()}, {signature}: {verdict}")
        if not report.sound:
            raise typer.Exit(EXIT_REFUSED)


@log_app.command("detach", epilog=EPILOG)
def log_detach(
    month: Annotated[str, typer.Option(help="The last delivery month to go, such as 2026-06.")],
    archive: Annotated[
        Path,
        typer.Option(
            envvar="FLEXLEDGER_LOG_ARCHIVE", help="Folder that takes it, laid out as the log's own."
        ),
    ],
    state: State = DEFAULT_STATE,
) -> None:
    """Move the entries up to a settled delivery month out of the log of a node that is not served; what they
    proved stays provable (LOG-1). A served node is asked: POST /v1/log/detachment.
    """
    with one_clear_line(), _open_unserved(state, month) as node:
        until = end_of_final_month(node.mirror, month, node.clock.now())
        with Progress(console=console) as progress:
            task = progress.add_task("", total=None)
            found = node.log.detach(
                until,
                archive,
                lambda step: progress.update(
                    task, description=step.stage.value, completed=step.done, total=step.total
                ),
            )
        _say(
            f"entries before {found.until.date} detached, {found.bundles} bundles in {archive}; "
            f"the folder now begins at entry {found.minimum_index}"
        )


def _open_unserved(state: Path, month: str) -> Node:
    """Open the node. Raises AlreadyInUse, saying how a served one is asked."""
    try:
        return open_existing(state)
    except AlreadyInUse as error:
        raise AlreadyInUse(
            found=error.found,
            expected="a node that is not served",
            remedy=f'ask the served node: POST /v1/log/detachment with {{"month": "{month}"}} '
            "and a token of its access node",
        ) from error


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
