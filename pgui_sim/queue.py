"""Store and forward: statements wait here until the access node has answered them (PGU-1). What becomes of an
answered one is the shard's choice: kept with its answer, or dropped unless it was refused.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from pgui_sim.state import ShardState


class Queued(NamedTuple):
    """A statement that has no answer yet. ``fault`` names the fault that made it, if one did."""

    id: int
    pod_index: int
    statement: bytes
    fault: str | None


class Queue:
    """The unanswered statements of one shard, oldest first."""

    def __init__(self, state: ShardState) -> None:
        self._state = state
        self._keeps_answers = state.keeps_answers

    def batches(self, limit: int, offline: Collection[int]) -> Iterator[list[Queued]]:
        """What waits, up to ``limit`` statements at a time, without those of the devices that are offline.

        A batch need not be answered before the next is taken.
        """
        last = 0
        without = f" AND pod_index NOT IN ({', '.join('?' * len(offline))})" if offline else ""
        query = (
            "SELECT id, pod_index, statement, fault FROM queue"
            f" WHERE answer IS NULL AND id > ?{without} ORDER BY id LIMIT ?"
        )
        while rows := self._state.db.execute(query, (last, *offline, limit)).fetchall():
            batch = [Queued(*row) for row in rows]
            yield batch
            last = batch[-1].id

    def answered(self, answers: list[tuple[Queued, dict[str, Any]]]) -> None:
        """Take answers in; their statements are not sent again."""
        kept = [
            (json.dumps(answer), queued.id)
            for queued, answer in answers
            if self._keeps_answers or answer["status"] == "refused"
        ]
        with self._state.transaction() as db:
            if not self._keeps_answers:
                db.executemany(
                    "DELETE FROM queue WHERE id = ?",
                    [(queued.id,) for queued, answer in answers if answer["status"] != "refused"],
                )
            db.executemany("UPDATE queue SET answer = ? WHERE id = ?", kept)

    def waiting(self) -> int:
        """How many statements have no answer."""
        (count,) = self._state.db.execute("SELECT count(*) FROM queue WHERE answer IS NULL").fetchone()
        return int(count)
