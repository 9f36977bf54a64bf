"""Store and forward: statements wait here until the access node has answered them, and their answers are kept
(PGU-1).
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pgui_sim.state import ShardState


@dataclass(frozen=True, slots=True)
class Queued:
    """A statement that has no answer yet. ``fault`` names the fault that made it, if one did."""

    id: int
    pod_index: int
    statement: bytes
    fault: str | None


class Queue:
    """The unanswered statements of one shard, oldest first."""

    def __init__(self, state: ShardState) -> None:
        self._state = state

    def batch(self, after: int, limit: int, offline: Collection[int]) -> list[Queued]:
        """Up to ``limit`` statements with a higher id than ``after``, without those of the devices that are
        offline.
        """
        without = f" AND pod_index NOT IN ({', '.join('?' * len(offline))})" if offline else ""
        rows = self._state.db.execute(
            "SELECT id, pod_index, statement, fault FROM queue"
            f" WHERE answer IS NULL AND id > ?{without} ORDER BY id LIMIT ?",
            (after, *offline, limit),
        )
        return [Queued(*row) for row in rows]

    def answered(self, answers: list[tuple[Queued, dict[str, Any]]]) -> None:
        """Keep answers; their statements are not sent again."""
        with self._state.transaction() as db:
            db.executemany(
                "UPDATE queue SET answer = ? WHERE id = ?",
                [(json.dumps(answer), queued.id) for queued, answer in answers],
            )

    def waiting(self) -> int:
        """How many statements have no answer."""
        (count,) = self._state.db.execute("SELECT count(*) FROM queue WHERE answer IS NULL").fetchone()
        return int(count)
