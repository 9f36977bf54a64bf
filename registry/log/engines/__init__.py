"""Database engines of a measurement log, behind one narrow interface (MEA-3).

SQL is written once, with ``?`` for values, in :mod:`registry.log.store`. An engine knows how its tables are
laid out, how rows are loaded in bulk, and what a delivery day is stored in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final, Protocol

SCHEMA_VERSION: Final = 2

Row = tuple[Any, ...]


class Cursor(Protocol):
    """Carries out statements within a transaction."""

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Any: ...

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]], /) -> Any: ...


class Engine(Protocol):
    """One database. Methods raise :class:`~registry.ports.DiskFull`,
    :class:`~registry.ports.DatabaseCorrupted`, :class:`~registry.ports.DatabaseUnreachable` and
    :class:`~registry.ports.AlreadyInUse`.
    """

    @property
    def place(self) -> str:
        """Where it is, for messages; without a password."""
        ...

    def transaction(self) -> AbstractContextManager[Cursor]:
        """All or nothing: durable when the block ends, undone when it raises."""
        ...

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query, of what is committed."""
        ...

    @property
    def position_key(self) -> str:
        """The columns that name a page of positions."""
        ...

    def load(self, cursor: Cursor, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert many rows, the quickest way there is."""
        ...

    def make_days(self, cursor: Cursor, days: Iterable[int]) -> None:
        """See to it that rows of these delivery days have a place."""
        ...

    def drop_day(self, day: int, places: Iterable[tuple[int, int]]) -> Iterator[None]:
        """Remove positions, then entries, of a delivery day: a short transaction of its own at each step, so
        that others get their turn in between. Once it has begun, a day is gone when it has no entries.

        ``places`` are the ranges [first, end) of ``place`` in which the day's positions stand.
        """
        ...

    def close(self) -> None:
        """Release it."""
        ...


def tables(*, blob: str, number: str, identity: str, day_key: str, by_day: str, plain: str) -> str:
    """The tables of a log, with an engine's words for byte strings, 64-bit integers, a key that counts by
    itself, what a key of a table by day needs besides, how such a table ends, and how the others end.
    """
    return f"""
CREATE TABLE entries (            -- the log itself: entry 0, 1, 2, ... without holes, in chunks
    first {number} NOT NULL,
    count INTEGER NOT NULL,
    day INTEGER NOT NULL,
    received_at {number} NOT NULL,
    frames {blob} NOT NULL,
    PRIMARY KEY (first{day_key})
) {by_day};
CREATE INDEX entries_by_day ON entries (day, first, count);
CREATE TABLE checkpoints (        -- one root per size; entry i was answered at the first size above i
    size {number} NOT NULL PRIMARY KEY,
    root {blob} NOT NULL,
    committed_at {number} NOT NULL
) {plain};
CREATE TABLE pods (               -- numbers of PODs, in the order in which they came
    no {number} NOT NULL PRIMARY KEY,
    pod_id {blob} NOT NULL
);
CREATE TABLE keys (               -- numbers of device keys, likewise
    no {number} NOT NULL PRIMARY KEY,
    key_id {blob} NOT NULL
);
CREATE TABLE positions (          -- pages of 500 PODs: where each has its reading of one period
    place {number} NOT NULL,      -- page << 33 | start of the period
    day INTEGER NOT NULL,
    data {blob} NOT NULL,
    PRIMARY KEY (place{day_key})
) {by_day};
CREATE TABLE counters (           -- pages of 1000 keys: the highest counter of each
    page {number} NOT NULL PRIMARY KEY,
    data {blob} NOT NULL
);
CREATE TABLE gaps (               -- counters below the highest that have not arrived
    key_no {number} NOT NULL,
    first {number} NOT NULL,
    last {number} NOT NULL,
    PRIMARY KEY (key_no, first)
) {plain};
CREATE TABLE claims (             -- what executions (kind 2) and setpoints (3) speak of, once
    pod {number} NOT NULL,
    period_start {number} NOT NULL,
    kind INTEGER NOT NULL,
    subject {blob} NOT NULL,      -- setpoint_id, or sequence in 4 bytes big-endian
    idx {number} NOT NULL,
    PRIMARY KEY (pod, period_start, kind, subject)
) {plain};
CREATE TABLE setpoints (
    pod {number} NOT NULL,
    sequence {number} NOT NULL,
    setpoint_id {blob} NOT NULL UNIQUE,
    period_start {number} NOT NULL,
    expires_at {number} NOT NULL,
    idx {number} NOT NULL,
    PRIMARY KEY (pod, sequence)
) {plain};
CREATE TABLE conflicts (          -- refused statements that contradict an entry, each once, with their bytes
    id {identity} PRIMARY KEY,
    statement {blob} NOT NULL,
    field TEXT NOT NULL,
    pod_id {blob} NOT NULL,
    key_id {blob} NOT NULL,
    idx {number} NOT NULL,        -- the entry it contradicts
    received_at {number} NOT NULL,
    UNIQUE (idx, field, statement)
);
CREATE INDEX conflicts_by_pod ON conflicts (pod_id);
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) {plain};
"""
