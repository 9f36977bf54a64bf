"""What the log remembers of its own anchors, so that after a restart it need not search the whole chain
(LOG-2).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final

from registry.log.store import Store

_NAME: Final = "anchor"


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

    def __init__(self, store: Store) -> None:
        self._store = store

    def last(self) -> Anchor | None:
        """The last anchor that was remembered."""
        found = self._store.meta(_NAME)
        return Anchor(**json.loads(found)) if found else None

    def remember(self, anchor: Anchor) -> None:
        """Replace what is remembered."""
        self._store.remember(_NAME, json.dumps(asdict(anchor)))
