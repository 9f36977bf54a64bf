"""`flexledger pods`: a BSP registers a whole file of PODs (POD-4)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress
from rich.table import Table

from registry.cli.nodes import open_existing, signer_of
from registry.cli.options import State, party_number
from registry.cli.outcome import EPILOG, EXIT_REFUSED, one_clear_line
from registry.config import DEFAULT_STATE
from registry.domain.errors import InputInvalid
from registry.services.register_file import register_file
from registry.services.register_pods import RowError

SENDING_FOLDER = "sending"
"""Below the node's folder: what keys have under way, and which files were checked."""
SHOWN = 20
"""Faults that are shown; all stand in the file of faults."""
COLUMNS = ("row", "column", "rule", "found", "allowed")
pods_app = typer.Typer(no_args_is_help=True, epilog=EPILOG)
console = Console()


@pods_app.command("register", epilog=EPILOG)
def register(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or JSON lines.", dir_okay=False)],
    bsp: Annotated[int, party_number("Number of the BSP, whose key is here.")],
    errors: Annotated[
        Path | None, typer.Option(help="Where all faults are listed, as CSV; default FILE.errors.csv.")
    ] = None,
    state: State = DEFAULT_STATE,
) -> None:
    """Register the PODs of a file: none if one row is at fault; called again it goes on where it stopped
    (POD-4).
    """
    with one_clear_line(), open_existing(state) as node:
        if not file.is_file():
            raise InputInvalid(rule="POD-4", field="file", found=str(file), allowed="a file that exists")
        signer = signer_of(node, bsp, "POD-4", "bsp")
        faults = _Faults(errors or file.with_name(file.name + ".errors.csv"))
        try:
            with faults.listed(), _shown_progress() as progress:
                result = register_file(
                    node.recorder,
                    bsp,
                    signer,
                    file,
                    node.settings.state / SENDING_FOLDER,
                    faults.add,
                    progress,
                    node.settings.final_after_blocks,
                )
        finally:
            faults.show()
        _say(
            f"{result.registered} registered in {result.transactions} transactions, {result.before} before, "
            f"{result.refused} refused"
        )
        if result.refused:
            raise typer.Exit(EXIT_REFUSED)


class _Faults:
    """A file of faults, made with the first of them, and the first few to be shown."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._writer: Any = None
        self._first: list[tuple[str, ...]] = []
        self._count = 0

    @contextmanager
    def listed(self) -> Iterator[None]:
        """The file is whole after the block; without faults an old one is gone."""
        self._path.unlink(missing_ok=True)
        try:
            yield
        finally:
            if self._file is not None:
                self._file.close()

    def add(self, error: RowError) -> None:
        """List a fault."""
        if self._file is None:
            self._file = self._path.open("w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(COLUMNS)
        fields = error.violation.as_dict()
        row = (str(error.row), fields["field"], fields["rule"], fields["found"], fields["allowed"])
        self._writer.writerow(row)
        self._count += 1
        if self._count <= SHOWN:
            self._first.append(row)

    def show(self) -> None:
        """The first faults as a table, and where the others are."""
        if not self._count:
            return
        table = Table(*COLUMNS)
        for row in self._first:
            table.add_row(*row)
        console.print(table, markup=False)
        _say(f"{self._count} faults, all in {self._path}")


@contextmanager
def _shown_progress() -> Iterator[Any]:
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console) as progress:
        tasks: dict[str, Any] = {}

        def told(what: str, done: int, lines: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=max(1, lines))
            progress.update(tasks[what], completed=done)

        yield told


def _say(text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
