"""Options that commands of several rooms have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

State = Annotated[Path, typer.Option(envvar="FLEXLEDGER_STATE", help="Folder of the node.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


def party_number(help: str) -> Any:
    """The option that takes a party's number."""
    return typer.Option(min=1, max=65_535, help=help)
