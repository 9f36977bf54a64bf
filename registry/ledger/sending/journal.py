"""What a key has under way: every transaction is here, durable, before it leaves, until its block is final.

entry      one per nonce: what the transaction does
version    its signed forms, each with the fees of its time; any of them may be the one that is mined
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from registry.ledger.fees import Fees
from registry.ports import AlreadyInUse, DatabaseCorrupted, DiskFull, OperationalError, WrongChain

_SCHEMA = """
CREATE TABLE IF NOT EXISTS chain (id INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS entry (
    nonce INTEGER PRIMARY KEY, target TEXT NOT NULL, data BLOB NOT NULL, gas INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS version (
    nonce INTEGER NOT NULL REFERENCES entry ON DELETE CASCADE, number INTEGER NOT NULL,
    most TEXT NOT NULL, tip TEXT NOT NULL, hash TEXT NOT NULL, raw BLOB NOT NULL,
    PRIMARY KEY (nonce, number)
) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Version:
    """A signed form of a transaction; ``hash`` is 0x-hex."""

    fees: Fees
    hash: str
    raw: bytes


@dataclass(slots=True)
class Entry:
    """A transaction under way; its newest version is the last."""

    nonce: int
    to: str
    data: bytes
    gas: int
    versions: list[Version] = field(default_factory=list)


class Journal:
    """The journal of one key on one chain.

    Raises:
        AlreadyInUse: another sender has it.
        WrongChain: it was begun on another chain.
        DatabaseCorrupted, DiskFull: the file.
    """

    def __init__(self, path: Path, chain_id: int) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._failures():
            self._db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        try:
            self._open(chain_id)
        except BaseException:
            self._db.close()
            raise

    def _open(self, chain_id: int) -> None:
        with self._failures():
            for pragma in (
                "locking_mode = EXCLUSIVE",
                "journal_mode = WAL",
                "synchronous = FULL",
                "foreign_keys = ON",
            ):
                self._db.execute(f"PRAGMA {pragma}")
            self._db.executescript(_SCHEMA)
            with self._transaction():
                row = self._db.execute("SELECT id FROM chain").fetchone()
                if row is None:
                    self._db.execute("INSERT INTO chain VALUES (?)", (chain_id,))
        if row is not None and row[0] != chain_id:
            raise WrongChain(
                found=f"{self._path}, the journal of chain {row[0]}",
                expected=f"chain {chain_id}",
                remedy="correct the ledger's URL; a journal of a chain that is gone can be deleted",
            )

    def entries(self) -> list[Entry]:
        """All that is under way, by nonce."""
        with self._failures():
            entries = {
                nonce: Entry(nonce, target, data, gas)
                for nonce, target, data, gas in self._db.execute(
                    "SELECT nonce, target, data, gas FROM entry ORDER BY nonce"
                )
            }
            for nonce, most, tip, hash_, raw in self._db.execute(
                "SELECT nonce, most, tip, hash, raw FROM version ORDER BY nonce, number"
            ):
                entries[nonce].versions.append(Version(Fees(int(most), int(tip)), hash_, raw))
        return list(entries.values())

    def add(self, entries: Iterable[Entry]) -> None:
        """Keep entries with their versions; durable on return."""
        with self._failures(), self._transaction():
            for entry in entries:
                self._insert(entry)

    def renew(self, entry: Entry) -> None:
        """Keep the entry's newest version beside those before; durable on return."""
        with self._failures(), self._transaction():
            self._insert_version(entry, len(entry.versions) - 1)

    def move(self, old_nonce: int, entry: Entry) -> None:
        """Another nonce for a transaction whose own was used by somebody else; durable on return."""
        with self._failures(), self._transaction():
            self._db.execute("DELETE FROM entry WHERE nonce = ?", (old_nonce,))
            self._insert(entry)

    def remove(self, nonces: Iterable[int]) -> None:
        """Forget what is final."""
        with self._failures(), self._transaction():
            self._db.executemany("DELETE FROM entry WHERE nonce = ?", [(nonce,) for nonce in nonces])

    def close(self) -> None:
        """Release the file."""
        self._db.close()

    def _insert(self, entry: Entry) -> None:
        row = (entry.nonce, entry.to, entry.data, entry.gas)
        self._db.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", row)
        for number in range(len(entry.versions)):
            self._insert_version(entry, number)

    def _insert_version(self, entry: Entry, number: int) -> None:
        version = entry.versions[number]
        fees = (str(version.fees.most), str(version.fees.tip))  # wei may go beyond 64 bits
        row = (entry.nonce, number, *fees, version.hash, version.raw)
        self._db.execute("INSERT INTO version VALUES (?, ?, ?, ?, ?, ?)", row)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._failure(error) from error

    def _failure(self, error: sqlite3.Error) -> OperationalError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return AlreadyInUse(
                found=f"{self._path}, held by another sender",
                expected="one sender per key",
                remedy="wait until the other one is done, or stop it",
            )
        if code == sqlite3.SQLITE_FULL:
            return DiskFull(
                found=f"no space to write {self._path}",
                expected="space for what is under way",
                remedy="free space and start again",
            )
        return DatabaseCorrupted(
            found=f"{self._path}: {error}",
            expected="a journal of transactions under way",
            remedy="restore the file; without it, wait until the key has no transaction pending",
        )
