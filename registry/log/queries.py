"""What can be asked of the log: entries by POD and period, conflicts, counter gaps, setpoints. Reads only
what is committed.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.errors import RuleViolation
from registry.evidence.statements import Statement, parse
from registry.log.database import Database
from registry.log.placing import claim_of
from registry.ports import LoggedStatement

PAGE = 1000
"""Rows of a list unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A refused statement (``refused``, exact bytes) that contradicts entry ``index`` (``logged``, exact
    bytes) in ``field`` (MEA-2).

    ``key_id`` signed the refused one; ``received_at`` is in Unix seconds.
    """

    id: int
    pod_id: bytes
    key_id: bytes
    field: str
    index: int
    logged: bytes
    refused: bytes
    received_at: int


@dataclass(frozen=True, slots=True)
class CounterGap:
    """Counters ``first`` .. ``last`` (both included) of a key that have not arrived although a higher one has
    (MEA-2).
    """

    key_id: bytes
    first: int
    last: int


class LogQueries:
    """Questions to the log's database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def entry(self, index: int) -> bytes:
        """The exact bytes of an entry. Raises RuleViolation (LOG-1) for an index that is not there."""
        row = self._database.row("SELECT statement FROM entries WHERE idx = ?", (index,))
        if row is None:
            raise RuleViolation(rule="LOG-1", field="index", found=index, allowed="the index of an entry")
        return bytes(row[0])

    def index_of(self, statement: Statement) -> int | None:
        """Where exactly these bytes stand, or ``None``."""
        row = self._database.row(
            "SELECT e.idx FROM claims c JOIN entries e USING (idx)"
            " WHERE c.pod_id = ? AND c.period_start = ? AND c.kind = ? AND c.subject = ?"
            " AND e.statement = ?",
            (*claim_of(statement.payload), statement.raw),
        )
        return None if row is None else int(row[0])

    def size_answered(self, index: int) -> int:
        """The size of the log at which entry ``index`` was answered first. Raises RuleViolation (LOG-1) for
        no such entry.
        """
        row = self._database.row("SELECT min(size) FROM checkpoints WHERE size > ?", (index,))
        if index < 0 or row is None or row[0] is None:
            raise RuleViolation(rule="LOG-1", field="index", found=index, allowed="the index of an entry")
        return int(row[0])

    def committed_at(self, index: int) -> int:
        """When entry ``index`` became durable, Unix seconds. Raises RuleViolation (LOG-1) for no entry."""
        row = self._database.row("SELECT received_at FROM entries WHERE idx = ?", (index,))
        if row is None:
            raise RuleViolation(rule="LOG-1", field="index", found=index, allowed="the index of an entry")
        return int(row[0])

    def root(self, size: int) -> bytes | None:
        """The root that was committed for a size, ``None`` if none was."""
        row = self._database.row("SELECT root FROM checkpoints WHERE size = ?", (size,))
        return row[0] if row else None

    def statements(self, pod_id: bytes, start: int, end: int) -> list[LoggedStatement]:
        """Entries about a POD whose period starts in [start, end), Unix seconds, by period and index."""
        rows = self._database.rows(
            "SELECT e.idx, e.statement FROM claims c JOIN entries e USING (idx)"
            " WHERE c.pod_id = ? AND c.period_start >= ? AND c.period_start < ?"
            " ORDER BY c.period_start, e.idx",
            (pod_id, start, end),
        )
        return [LoggedStatement(index, data, parse(data).payload) for index, data in rows]

    def conflicts(self, pod_id: bytes | None = None, *, after: int = 0, limit: int = PAGE) -> list[Conflict]:
        """Recorded conflicts in the order of their arrival, of one POD or of all, ``limit`` of them beyond
        the id ``after``.
        """
        where, values = ("", ()) if pod_id is None else (" AND c.pod_id = ?", (pod_id,))
        rows = self._database.rows(
            "SELECT c.id, c.pod_id, c.key_id, c.field, c.idx, e.statement, c.statement, c.received_at"
            f" FROM conflicts c JOIN entries e USING (idx) WHERE c.id > ?{where} ORDER BY c.id LIMIT ?",
            (after, *values, limit),
        )
        return [Conflict(*row) for row in rows]

    def gaps(
        self, key_id: bytes | None = None, *, after: tuple[bytes, int] = (b"", 0), limit: int = PAGE
    ) -> list[CounterGap]:
        """Open counter gaps in the order of key and counter, of one key or of all, ``limit`` of them beyond
        ``after`` (key, first).
        """
        where, values = ("", ()) if key_id is None else (" AND key_id = ?", (key_id,))
        rows = self._database.rows(
            f"SELECT key_id, first, last FROM gaps WHERE (key_id, first) > (?, ?){where}"
            " ORDER BY key_id, first LIMIT ?",
            (*after, *values, limit),
        )
        return [CounterGap(*row) for row in rows]

    def setpoints(self, pod_id: bytes, after_sequence: int, now: int) -> list[bytes]:
        """Setpoints of a POD beyond a sequence that have not expired at ``now``, in order, exact bytes
        (SET-1).
        """
        rows = self._database.rows(
            "SELECT e.statement FROM setpoints s JOIN entries e USING (idx)"
            " WHERE s.pod_id = ? AND s.sequence > ? AND s.expires_at >= ? ORDER BY s.sequence",
            (pod_id, after_sequence, now),
        )
        return [row[0] for row in rows]

    def last_sequence(self, pod_id: bytes) -> int:
        """The sequence of the POD's last setpoint, 0 if it never had one."""
        row = self._database.row(
            "SELECT coalesce(max(sequence), 0) FROM setpoints WHERE pod_id = ?", (pod_id,)
        )
        return int(row[0]) if row else 0
