"""PostgreSQL: a schema of its own in any database, entries and positions in a partition per delivery day,
bulk rows by COPY (MEA-3).

A session holds the log's advisory lock as long as it writes, so that two access nodes never write one log. A
connection that is lost is opened again with the next call; whether its last commit got there, the sequencer
finds out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import RLock
from typing import Any, Final

import psycopg
from psycopg import sql as text

from registry.log.engines import SCHEMA_VERSION, Cursor, Row, tables
from registry.ports import (
    AlreadyInUse,
    DatabaseCorrupted,
    DatabaseUnreachable,
    DiskFull,
    OperationalError,
)

_SCHEMA: Final = tables(
    blob="BYTEA",
    number="BIGINT",
    identity="BIGINT GENERATED ALWAYS AS IDENTITY",
    day_key=", day",
    by_day="PARTITION BY RANGE (day)",
    plain="",
)
_SCHEMA_NAME: Final = "measurement_log"
_LOCK: Final = 0x466C65784C6F67  # "FlexLog": one log per database
_DAILY: Final = ("entries", "positions")
_DISK_FULL: Final = {"53100", "53200"}
_CORRUPTED: Final = {"XX001", "XX002"}
_LOCK_WAIT_MS: Final = 200
_IS_PARTITION: Final = "SELECT 1 FROM pg_class WHERE oid = to_regclass(?) AND relispartition"
_DETACHED: Final = """
SELECT relname FROM pg_class
WHERE relnamespace = to_regnamespace('measurement_log') AND relkind = 'r' AND NOT relispartition
  AND relname ~ '^(entries|positions)_[0-9]+$' AND split_part(relname, '_', 2)::integer <= %s
"""
"""Former partitions up to a day: also those that a killed node has left."""
_ALREADY: Final = 1024
"""Days that are remembered to have their partitions."""


class PostgresEngine:
    """One session that writes and one that reads, each used by one thread at a time. Implements
    :class:`registry.log.engines.Engine`.
    """

    position_key = "place, day"

    def __init__(self, url: str) -> None:
        """Open the database at ``url`` (``postgresql://USER@HOST/NAME``), and make its tables if it is empty.

        Raises :class:`DatabaseUnreachable`, :class:`AlreadyInUse` if another access node writes there,
        :class:`DatabaseCorrupted` for tables of another version, :class:`DiskFull`.
        """
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._write_lock = RLock()
        self._read_lock = RLock()
        self._writer: psycopg.Connection[Row] | None = None
        self._reader: psycopg.Connection[Row] | None = None
        self._days: set[int] = set()
        self._ended = False
        with self._write_lock, self._failures():
            self._writing_session()

    @property
    def place(self) -> str:
        """The server and the name of the database."""
        parts = psycopg.conninfo.conninfo_to_dict(self._url)
        return f"postgresql://{parts.get('host', '')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"

    @contextmanager
    def transaction(self) -> Iterator[Cursor]:
        """All or nothing: durable when the block ends, as ``synchronous_commit`` says, which is asked for."""
        with self._write_lock, self._failures():
            session = self._writing_session()
            try:
                with session.transaction(), session.cursor() as cursor:
                    yield _Cursor(cursor)
            except BaseException:
                # Partitions may have been undone with the rest.
                self._days.clear()
                raise

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[Row]:
        """The rows of a query, of what is committed."""
        with self._read_lock, self._failures():
            if self._reader is None or self._reader.closed:
                self._reader = self._connect()
            with self._reader.cursor() as cursor:
                return cursor.execute(_marked(sql), values, prepare=True).fetchall()

    def load(self, cursor: Cursor, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert many rows by binary COPY."""
        assert isinstance(cursor, _Cursor)
        names = text.SQL(", ").join(map(text.Identifier, columns))
        command = text.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(text.Identifier(table), names)
        with cursor.raw.copy(command) as copy:
            copy.set_types(["int8", "int4", "int4", "int8", "bytea"])
            for row in rows:
                copy.write_row(row)

    def make_days(self, cursor: Cursor, days: Iterable[int]) -> None:
        """Make the partitions of delivery days that have none."""
        assert isinstance(cursor, _Cursor)
        for day in set(days) - self._days:
            for table in _DAILY:
                cursor.raw.execute(
                    text.SQL(
                        "CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})"
                    ).format(text.Identifier(_partition(table, day)), text.Identifier(table), day, day + 1)
                )
            if len(self._days) >= _ALREADY:
                self._days.clear()
            self._days.add(day)

    def drop_day(self, day: int, places: Iterable[tuple[int, int]]) -> Iterator[None]:
        """Detach the partitions of a delivery day, then drop them in a session of its own: gigabytes of
        files go, and nobody waits for that.

        A partition that another program reads (a dump, say) is not waited for either: that raises
        :class:`DatabaseUnreachable`.
        """
        for table in reversed(_DAILY):
            partition = _partition(table, day)
            if self.rows(_IS_PARTITION, (partition,)):
                with self.transaction() as cursor:
                    assert isinstance(cursor, _Cursor)
                    cursor.raw.execute(f"SET LOCAL lock_timeout = {_LOCK_WAIT_MS}".encode())
                    cursor.raw.execute(
                        text.SQL("ALTER TABLE {} DETACH PARTITION {}").format(
                            text.Identifier(table), text.Identifier(partition)
                        )
                    )
                    self._days.discard(day)
                yield
        with self._failures(), self._connect() as session:
            for (name,) in session.execute(_DETACHED, (day,)).fetchall():
                session.execute(text.SQL("DROP TABLE {}").format(text.Identifier(name)))
                yield

    def close(self) -> None:
        """End both sessions, for good: one that came back would hold the lock that the next node needs."""
        with self._write_lock, self._read_lock:
            self._ended = True
            # The server ends a session some time after it was left, and the next node may be quicker.
            with suppress(psycopg.Error):
                if self._writer is not None:
                    self._writer.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
            for session in (self._reader, self._writer):
                if session is not None:
                    session.close()

    # ----------------------------------------------------------------------------------------------- sessions

    def _connect(self) -> psycopg.Connection[Row]:
        if self._ended:
            raise DatabaseUnreachable(
                found=f"{self.place}, closed by this access node",
                expected="an open log",
                remedy="send again once the node is back",
            )
        options = f"-c search_path={_SCHEMA_NAME}"
        return psycopg.connect(self._url, autocommit=True, application_name="flexledger log", options=options)

    def _writing_session(self) -> psycopg.Connection[Row]:
        if self._writer is not None and not self._writer.closed:
            return self._writer
        session = self._connect()
        try:
            # "off" in the server's settings would answer before anything is on the disk.
            session.execute("SET synchronous_commit = on")
            if not _first(session.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,))):
                raise AlreadyInUse(
                    found=f"{self.place} written by another session",
                    expected="one access node per log, one log per database",
                    remedy="stop the other access node, or name another database",
                )
            self._see_to_tables(session)
        except BaseException:
            session.close()
            raise
        self._writer = session
        return session

    def _see_to_tables(self, session: psycopg.Connection[Row]) -> None:
        if _first(session.execute("SELECT to_regclass('measurement_log.meta')")) is None:
            with session.transaction():
                session.execute(f"CREATE SCHEMA IF NOT EXISTS {_SCHEMA_NAME}".encode())
                session.execute(_SCHEMA.encode())
                # A page of positions is 4 kB of numbers: kept in its row, and not worth compressing.
                session.execute("ALTER TABLE positions ALTER COLUMN data SET STORAGE PLAIN")
                session.execute("ALTER TABLE entries ALTER COLUMN frames SET STORAGE EXTERNAL")
                session.execute("INSERT INTO meta VALUES ('schema', %s)", (str(SCHEMA_VERSION),))
            return
        found = _first(session.execute("SELECT value FROM meta WHERE name = 'schema'"))
        if found != str(SCHEMA_VERSION):
            raise DatabaseCorrupted(
                found=f"{self.place} of version {found}",
                expected=f"a measurement log of version {SCHEMA_VERSION}",
                remedy="open it with the program that wrote it",
            )

    @contextmanager
    def _failures(self) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            failure = self._failure(error)
            if failure is None:
                raise
            raise failure from error

    def _failure(self, error: psycopg.Error) -> OperationalError | None:
        words = str(error).strip().replace("\n", " ")
        if error.sqlstate in _DISK_FULL:
            return DiskFull(
                found=f"no space to write {self.place}",
                expected="space for the log to grow",
                remedy="free or add space, then retry",
            )
        if error.sqlstate in _CORRUPTED:
            return DatabaseCorrupted(
                found=f"{words} in {self.place}",
                expected="a sound database",
                remedy="restore it from the last backup",
            )
        if isinstance(error, psycopg.OperationalError):
            return DatabaseUnreachable(
                found=f"{words} at {self.place}",
                expected="a database that answers",
                remedy="start the server, or correct URL and login in the settings",
            )
        return None


class _Cursor:
    """A cursor that takes ``?`` for values. Implements :class:`registry.log.engines.Cursor`."""

    def __init__(self, raw: psycopg.Cursor[Row]) -> None:
        self.raw = raw

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Any:
        return self.raw.execute(_marked(sql), values)

    def executemany(self, sql: str, rows: Sequence[Sequence[Any]], /) -> Any:
        return self.raw.executemany(_marked(sql), rows)


def _marked(sql: str) -> bytes:
    return sql.replace("?", "%s").encode()


def _first(cursor: psycopg.Cursor[Row]) -> Any:
    row = cursor.fetchone()
    return row[0] if row else None


def _partition(table: str, day: int) -> str:
    return f"{table}_{day}"
