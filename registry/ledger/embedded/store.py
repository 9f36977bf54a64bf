"""The file of the embedded chain: a key-value store for the virtual machine, and the receipts by block.

All writes of a block gather in memory and reach the file in one transaction (``commit``), or are forgotten
(``rollback``): after a crash the file holds the last whole block.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eth.abc import AtomicWriteBatchAPI
from eth.db.atomic import AtomicDBWriteBatch
from eth.db.backends.base import BaseAtomicDB

from registry.ports import AlreadyInUse, DatabaseCorrupted, DatabaseUnreachable, DiskFull, OperationalError

APPLICATION_ID = 0x464C4558
"""Marks the file as an embedded chain (SQLite header field, "FLEX")."""
_CACHE_LIMIT = 200_000
_UNREACHABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS node (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipt (
    block INTEGER PRIMARY KEY, tx_hash BLOB NOT NULL UNIQUE, body TEXT NOT NULL
);
"""


class ChainStore(BaseAtomicDB):
    """Bytes by key, durable from ``commit`` on.

    Raises:
        AlreadyInUse: another process holds the file.
        DatabaseCorrupted: the file is no embedded chain, or damaged.
        DatabaseUnreachable: this user may not open or write the file, or the disk fails.
        DiskFull: no space is left; the block is not written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: dict[bytes, bytes | None] = {}
        self._receipts: list[tuple[int, bytes, str]] = []
        self._cache: dict[bytes, bytes] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._failures():
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._prepare()
        except BaseException:
            self._db.close()
            raise

    def _prepare(self) -> None:
        with self._failures():
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("BEGIN IMMEDIATE")
            tables = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
            owner = self._db.execute("PRAGMA application_id").fetchone()[0]
            if tables and owner != APPLICATION_ID:
                raise self._corrupted("a database of another program")
            self._db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            self._db.execute("COMMIT")
            self._db.executescript(_SCHEMA)
            verdict = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
            if verdict != "ok":
                raise self._corrupted(str(verdict).replace("\n", " "))

    # ------------------------------------------------------------------------------------ keys and values

    def __getitem__(self, key: bytes) -> bytes:
        if key in self._pending:
            value = self._pending[key]
            if value is None:
                raise KeyError(key)
            return value
        cached = self._cache.get(key)
        if cached is not None:
            return cached
        with self._failures():
            row = self._db.execute("SELECT value FROM node WHERE key = ?", (key,)).fetchone()
        if row is None:
            raise KeyError(key)
        self._remember(key, row[0])
        return bytes(row[0])

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._pending[key] = value

    def __delitem__(self, key: bytes) -> None:
        self._pending[key] = None

    def _exists(self, key: bytes) -> bool:
        try:
            self[key]
        except KeyError:
            return False
        return True

    @contextmanager
    def atomic_batch(self) -> Iterator[AtomicWriteBatchAPI]:
        """A batch that is applied whole or not at all; it is durable with the block it belongs to."""
        with AtomicDBWriteBatch._commit_unless_raises(self) as batch:
            yield batch

    # ------------------------------------------------------------------------------------------- receipts

    def add_receipt(self, block: int, tx_hash: bytes, body: str) -> None:
        """Keep the receipt (JSON) of the one transaction of a block, durable with the block."""
        self._receipts.append((block, tx_hash, body))

    def receipts(self, from_block: int, to_block: int) -> list[str]:
        """Receipts of the blocks in [from_block, to_block], in order."""
        with self._failures():
            rows = self._db.execute(
                "SELECT body FROM receipt WHERE block BETWEEN ? AND ? ORDER BY block", (from_block, to_block)
            ).fetchall()
        return [row[0] for row in rows]

    def receipt(self, tx_hash: bytes) -> str | None:
        """The receipt of a transaction."""
        with self._failures():
            row = self._db.execute("SELECT body FROM receipt WHERE tx_hash = ?", (tx_hash,)).fetchone()
        return None if row is None else str(row[0])

    # ----------------------------------------------------------------------------------------- durability

    def commit(self) -> None:
        """Make everything since the last commit durable, as one."""
        kept = [(key, value) for key, value in self._pending.items() if value is not None]
        gone = [(key,) for key, value in self._pending.items() if value is None]
        try:
            with self._failures():
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany("INSERT OR REPLACE INTO node VALUES (?, ?)", kept)
                self._db.executemany("DELETE FROM node WHERE key = ?", gone)
                self._db.executemany("INSERT INTO receipt VALUES (?, ?, ?)", self._receipts)
                self._db.execute("COMMIT")
        except OperationalError:
            self.rollback()
            raise
        for (key,) in gone:
            self._cache.pop(key, None)
        for key, value in kept:
            self._remember(key, value)
        self._forget_pending()

    def rollback(self) -> None:
        """Forget everything since the last commit."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._forget_pending()

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def _forget_pending(self) -> None:
        self._pending.clear()
        self._receipts.clear()

    def _remember(self, key: bytes, value: bytes) -> None:
        if len(self._cache) >= _CACHE_LIMIT:
            self._cache.clear()
        self._cache[key] = bytes(value)

    def _corrupted(self, found: str) -> DatabaseCorrupted:
        return DatabaseCorrupted(
            found=f"{found} in {self._path}",
            expected="the file of an embedded chain",
            remedy="restore it from a backup, or name another file",
        )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """Tell SQLite's failures apart by their code."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            extended = getattr(error, "sqlite_errorcode", 0)
            code = extended & 0xFF
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise AlreadyInUse(
                    found=f"{self._path}, held by another process",
                    expected="one process at a time on an embedded chain",
                    remedy="stop the other process, or reach the ledger through its API",
                ) from error
            if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
                raise DiskFull(
                    found=f"no space to write {self._path}",
                    expected="space for the next block",
                    remedy="free space; nothing of the block was written",
                ) from error
            if code in _UNREACHABLE:
                raise DatabaseUnreachable(
                    found=f"{error}: {self._path}",
                    expected="a file that this user may read and write, on a sound disk",
                    remedy="correct owner and rights of file and folder, or the disk",
                ) from error
            raise self._corrupted(str(error)) from error
