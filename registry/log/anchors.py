"""What the log remembers of its own anchors, so that after a restart it need not search the whole chain
(LOG-2).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from registry.log.database import Database


@dataclass(frozen=True, slots=True)
class Anchor:
    """A checkpoint of this log on the ledger: the log's size and where and when (Unix seconds) it was
    recorded.
    """

    size: int
    block_number: int
    block_time: int


class AnchorMemory:
    """The last anchor seen on the ledger. The ledger is the truth; losing this costs time only."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def last(self) -> Anchor | None:
        """The last anchor that was remembered."""
        row = self._database.row("SELECT value FROM meta WHERE name = 'anchor'")
        return Anchor(**json.loads(row[0])) if row else None

    def remember(self, anchor: Anchor) -> None:
        """Replace what is remembered."""
        with self._database.transaction() as db:
            db.execute(
                "INSERT INTO meta VALUES ('anchor', ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (json.dumps(asdict(anchor)),),
            )
