"""The database behind the register: SQLite in a file, or PostgreSQL by URL; its transactions and its
failures.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError

from registry.ports import (
    AlreadyInUse,
    DatabaseCorrupted,
    DatabaseUnreachable,
    DiskFull,
    OperationalError,
)

_BUSY_TIMEOUT_S = 30
_CACHE_KIB = 32 * 1024
_LOG_PAGES = 16_384
"""Of SQLite. POD ids are hashes, so a block of registrations changes some thousand pages all over the
indexes: they are to be found without the disk, and the log is to hold those of several blocks (64 MiB) before
they are written into their places.
"""
_WRITES = "flexledger_writes"
_DRIVERS = ("sqlite", "postgresql+psycopg")
_DISK_FULL = ("53100",)
_CORRUPTED = ("XX001", "XX002")


class Database:
    """One database.

    Every method raises, told apart by the engine's own codes:
        DatabaseUnreachable: no such server, or it refuses the login.
        DatabaseCorrupted: a file that is no database, or a damaged one.
        DiskFull: no space; the transaction is undone.
        AlreadyInUse: another process kept the file locked for too long.
    """

    def __init__(self, url: str) -> None:
        try:
            self._url = make_url(url)
        except ArgumentError as error:
            raise _no_database(f"the URL {url!r}") from error
        if self._url.drivername not in _DRIVERS:
            raise _no_database(f"the URL {self._url.render_as_string(hide_password=True)}")
        self.place = self._url.render_as_string(hide_password=True)
        self.is_sqlite = self._url.get_backend_name() == "sqlite"
        self.engine: Engine = (
            create_engine(self._url, connect_args={"timeout": _BUSY_TIMEOUT_S})
            if self.is_sqlite
            else create_engine(self._url, pool_pre_ping=True)
        )
        if self.is_sqlite:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view of the data."""
        options: dict[str, Any] = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with (
            self._failures(),
            self.engine.connect().execution_options(**options) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def writing(self, lock: int = 0) -> Iterator[Connection]:
        """A transaction, whole or not at all; one at a time per ``lock`` number."""
        with (
            self._failures(),
            self.engine.connect().execution_options(**{_WRITES: True}) as connection,
            connection.begin(),
        ):
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
            yield connection

    def overwrite_deleted(self, *tables: str) -> None:
        """Make deleted rows of these tables unreadable in the files, write-ahead log included."""
        with self._failures(), self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            if self.is_sqlite:
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            else:
                raw.autocommit = True
                for table in tables:
                    raw.execute(f"VACUUM {table}")
                raw.autocommit = False

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            failure = self._failure(error.orig)
            if failure is None:
                raise
            raise failure from error

    def _failure(self, error: BaseException | None) -> OperationalError | None:
        if isinstance(error, sqlite3.Error):
            return self._sqlite_failure(getattr(error, "sqlite_errorcode", 0), str(error))
        if isinstance(error, psycopg.Error):
            if error.sqlstate in _DISK_FULL:
                return self._disk_full()
            if error.sqlstate in _CORRUPTED:
                return self._corrupted(str(error))
            if isinstance(error, psycopg.OperationalError):
                return self._unreachable(str(error).strip().replace("\n", " "))
        return None

    def _sqlite_failure(self, extended: int, message: str) -> OperationalError | None:
        code = extended & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return self._corrupted(message)
        # Without space for its shared index SQLite speaks of a failed growth, not of a full disk.
        if code == sqlite3.SQLITE_FULL or extended == sqlite3.SQLITE_IOERR_SHMSIZE:
            return self._disk_full()
        if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR):
            return self._unreachable(message)
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            return AlreadyInUse(
                found=f"{self.place}, locked for more than {_BUSY_TIMEOUT_S} s",
                expected="a writer that finishes",
                remedy="find the process that holds the file",
            )
        return None

    def _corrupted(self, found: str) -> DatabaseCorrupted:
        return DatabaseCorrupted(
            found=f"{found} in {self.place}",
            expected="a sound database",
            remedy="a mirror's file can go, it is rebuilt from the chain; a vault needs its backup",
        )

    def _disk_full(self) -> DiskFull:
        return DiskFull(
            found=f"no space to write {self.place}",
            expected="space for the transaction",
            remedy="free space and start again; nothing of the transaction was written",
        )

    def _unreachable(self, found: str) -> DatabaseUnreachable:
        return DatabaseUnreachable(
            found=f"{found} at {self.place}",
            expected="a database that answers",
            remedy="start the server, or correct URL, login and folder in the settings",
        )


def _no_database(found: str) -> DatabaseUnreachable:
    return DatabaseUnreachable(
        found=found,
        expected="sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME",
        remedy="correct the database's URL in the settings",
    )


def _configure_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # transactions begin where SQLAlchemy says so
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
