"""The log's SQLite database: its tables, its one writer and its readers (MEA-3).

The database is the truth about the log; tiles and checkpoint are derived from it. A transaction is on the
disk when it returns (``synchronous=FULL`` with a write-ahead log), so what was answered survives a kill -9
and a power cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Final

from registry.log.failures import disk_failures
from registry.ports import DatabaseCorrupted

SCHEMA_VERSION: Final = 1

_WAL_PAGES: Final = 16_384
"""Pages (4 kB) of the write-ahead log that are carried over to the database file at once."""
_CACHE_KB: Final = 65_536

_SCHEMA: Final = """
CREATE TABLE entries (            -- the log itself: entry 0, 1, 2, ... without holes
    idx INTEGER PRIMARY KEY,
    statement BLOB NOT NULL,
    received_at INTEGER NOT NULL
);
CREATE TABLE checkpoints (        -- one root per size; the entry idx was answered at the first size above it
    size INTEGER PRIMARY KEY,
    root BLOB NOT NULL,
    committed_at INTEGER NOT NULL
);
CREATE TABLE claims (             -- what an entry speaks of, and that it does so once
    pod_id BLOB NOT NULL,
    period_start INTEGER NOT NULL,
    kind INTEGER NOT NULL,        -- 1 reading, 2 execution, 3 setpoint
    subject BLOB NOT NULL,        -- none, setpoint_id, or sequence in 4 bytes big-endian
    idx INTEGER NOT NULL,
    PRIMARY KEY (pod_id, period_start, kind, subject)
) WITHOUT ROWID;
CREATE TABLE counters (           -- a device's counter, used once
    key_id BLOB NOT NULL,
    counter INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    PRIMARY KEY (key_id, counter)
) WITHOUT ROWID;
CREATE TABLE keys (
    key_id BLOB PRIMARY KEY,
    highest INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE gaps (               -- counters below the highest that have not arrived
    key_id BLOB NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (key_id, first)
) WITHOUT ROWID;
CREATE TABLE setpoints (
    pod_id BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    setpoint_id BLOB NOT NULL UNIQUE,
    period_start INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    idx INTEGER NOT NULL,
    PRIMARY KEY (pod_id, sequence)
) WITHOUT ROWID;
CREATE TABLE conflicts (          -- refused statements that contradict an entry, each once, with their bytes
    id INTEGER PRIMARY KEY,
    statement BLOB NOT NULL,
    field TEXT NOT NULL,
    pod_id BLOB NOT NULL,
    key_id BLOB NOT NULL,
    idx INTEGER NOT NULL,         -- the entry it contradicts
    received_at INTEGER NOT NULL,
    UNIQUE (idx, field, statement)
);
CREATE INDEX conflicts_by_pod ON conflicts (pod_id);
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
"""

Row = tuple[Any, ...]


class Database:
    """One connection that writes and one that reads, each used by one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Open the database at ``path``, or create it.

        Raises :class:`DatabaseCorrupted` for a file that is none, is damaged or is of another version,
        :class:`DiskFull`.
        """
        self.path = path
        self._write_lock = RLock()
        self._read_lock = RLock()
        with disk_failures(path):
            self._writer = self._connect()
            version = self._writer.execute("PRAGMA user_version").fetchone()[0]
            if version == 0 and not self._writer.execute("SELECT 1 FROM sqlite_schema").fetchone():
                self._writer.executescript(
                    f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
                )
            elif version != SCHEMA_VERSION:
                self._writer.close()
                raise DatabaseCorrupted(
                    found=f"{path} of version {version}",
                    expected=f"a measurement log of version {SCHEMA_VERSION}",
                    remedy="open it with the program that wrote it",
                )
            self._reader = self._connect()
            self._reader.execute("PRAGMA query_only = ON")

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
            db.execute(f"PRAGMA cache_size = -{_CACHE_KB}")
        except BaseException:
            db.close()
            raise
        return db

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing: durable when the block ends, undone when it raises."""
        with self._write_lock, disk_failures(self.path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def rows(self, sql: str, values: tuple[Any, ...] = ()) -> list[Row]:
        """The rows of a query, of what is committed."""
        with self._read_lock, disk_failures(self.path):
            return self._reader.execute(sql, values).fetchall()

    def row(self, sql: str, values: tuple[Any, ...] = ()) -> Row | None:
        """The first row of a query, or ``None``."""
        with self._read_lock, disk_failures(self.path):
            found: Row | None = self._reader.execute(sql, values).fetchone()
            return found

    def close(self) -> None:
        """Release the file; what is committed is in the database file itself then."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()
