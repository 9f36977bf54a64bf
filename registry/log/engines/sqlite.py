"""SQLite, embedded: a transaction is on the disk when it returns (``synchronous=FULL`` with a write-ahead
log), so what was answered survives a kill -9 and a power cut (MEA-3).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import RLock
from typing import Any, Final

from registry.log.engines import SCHEMA_VERSION, Cursor, Row, tables
from registry.log.failures import disk_failures
from registry.ports import DatabaseCorrupted

_WAL_PAGES: Final = 16_384
"""Pages (4 kB) of the write-ahead log that are carried over to the database file at once."""
_CACHE_KB: Final = 65_536
_CHUNKS_DROPPED: Final = 128
"""Chunks that a transaction removes: 2 MB, some ten milliseconds."""
_RANGES_DROPPED: Final = 4
"""Ranges of positions likewise: each has a page of 4 kB for every quarter-hour of a day."""

_SCHEMA: Final = tables(
    blob="BLOB", number="INTEGER", identity="INTEGER", day_key="", by_day="", plain="WITHOUT ROWID"
)


class SqliteEngine:
    """One connection that writes and one that reads, each used by one thread at a time. Implements
    :class:`registry.log.engines.Engine`.
    """

    position_key = "place"

    def __init__(self, path: Path) -> None:
        """Open the database at ``path``, or create it.

        Raises :class:`DatabaseCorrupted` for a file that is none, is damaged or is of another version,
        :class:`DiskFull`.
        """
        self._path = path
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

    @property
    def place(self) -> str:
        """The file."""
        return str(self._path)

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
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
    def transaction(self) -> Iterator[Cursor]:
        """All or nothing."""
        with self._write_lock, disk_failures(self._path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                yield self._writer
                self._writer.execute("COMMIT")
            except BaseException:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query, of what is committed."""
        with self._read_lock, disk_failures(self._path):
            return self._reader.execute(sql, values).fetchall()

    def load(self, cursor: Cursor, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert many rows."""
        marks = ", ".join("?" * len(columns))
        cursor.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)

    def make_days(self, cursor: Cursor, days: Iterable[int]) -> None:
        """Nothing: all days share their tables."""

    def drop_day(self, day: int, places: Iterable[tuple[int, int]]) -> Iterator[None]:
        """Remove the rows of a delivery day, some hundred at a time."""
        left = iter(places)
        while ranges := list(islice(left, _RANGES_DROPPED)):
            with self.transaction() as cursor:
                cursor.executemany("DELETE FROM positions WHERE place >= ? AND place < ?", ranges)
            yield
        dropped = _CHUNKS_DROPPED
        while dropped == _CHUNKS_DROPPED:
            with self.transaction() as cursor:
                dropped = cursor.execute(
                    "DELETE FROM entries WHERE first IN (SELECT first FROM entries WHERE day = ? LIMIT ?)",
                    (day, _CHUNKS_DROPPED),
                ).rowcount
            yield

    def close(self) -> None:
        """Release the file; what is committed is in the database file itself then."""
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()
