"""What the commands about bids and agreements share: options, and how deals are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from registry.bootstrap import Node
from registry.domain.calendar import from_unix
from registry.ports import Receipt

console = Console()
wide = Console(width=200)
"""Whatever the terminal's width is: a commitment is shown in full, to be copied."""


def opened_by(node: Node, party: int, commitment: bytes) -> Mapping[str, Any] | None:
    """What a commitment hides, if this node holds it and it was made for the party (PRIV-3)."""
    opening = node.vault.opening(commitment)
    return None if opening is None or party not in opening.owners else opening.payload


def written(receipt: Receipt, commitments: Sequence[bytes]) -> dict[str, Any]:
    """A write as a document, as the API answers one."""
    return {
        "transaction": receipt.tx_hash.hex(),
        "block": receipt.block_number,
        "time": from_unix(receipt.block_time).isoformat(),
        "events": [type(recorded.event).__name__ for recorded in receipt.events],
        "commitments": [commitment.hex() for commitment in commitments],
    }


def show_rows(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """A table whose last column is a commitment; numbers stand at the right."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, justify="left" if column == columns[-1] else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    wide.print(table, highlight=False)


def euro(milli_eur_per_mwh: int) -> str:
    """A price in EUR/MWh."""
    return f"{milli_eur_per_mwh / 1000:,.3f}"


def say(text: str) -> None:
    """One line of output, as it is."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)
