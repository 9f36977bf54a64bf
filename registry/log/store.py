"""What a log's database keeps, the one truth about the log, in the words of the log: SQL for every engine
that
:mod:`registry.log.engines` knows (MEA-3).

Entries stand in *chunks*: consecutive entries of one delivery day, at most 64. Where a POD's
quarter-hour stands, and how far each device's counter has come, is kept in *pages* of many PODs or keys; they
are written now and then, and what was committed since is read again from the entries
(:mod:`registry.log.occupancy`). Everything else is written with the commit it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from typing import Any, Final, NamedTuple

from registry.evidence.merkle import EMPTY_ROOT
from registry.log.engines import Cursor, Engine

READING, EXECUTION, SETPOINT = 1, 2, 3
CHUNK_ENTRIES: Final = 64
"""Entries of a chunk at the most; an entry bundle is four of them. Finding an entry reads its chunk: 16
kB.
"""
_START_BITS: Final = 33
_START_MASK: Final = (1 << _START_BITS) - 1

Rows = Callable[..., list[tuple[Any, ...]]]
_ENTRY_COLUMNS: Final = ("first", "count", "day", "received_at", "frames")


@dataclass(frozen=True, slots=True)
class Chunk:
    """``count`` entries from ``first`` on, of the delivery ``day`` (days since 1970-01-01), durable at
    ``received_at`` (Unix seconds). ``frames`` has their exact bytes, each behind its length in two bytes, as
    an entry bundle has them.
    """

    first: int
    count: int
    day: int
    received_at: int
    frames: bytes

    def entries(self) -> list[bytes]:
        """The exact bytes of each entry."""
        found, at = [], 0
        while at < len(self.frames):
            end = at + 2 + int.from_bytes(self.frames[at : at + 2], "big")
            found.append(self.frames[at + 2 : end])
            at = end
        return found


@dataclass(frozen=True, slots=True)
class Claim:
    """What an entry that is no reading speaks of, once: POD number, period, kind and subject (setpoint_id of
    an execution, sequence in 4 bytes of a setpoint).
    """

    pod: int
    period_start: int
    kind: int
    subject: bytes
    index: int


@dataclass(frozen=True, slots=True)
class SetpointRow:
    """A logged setpoint; times in Unix seconds."""

    pod: int
    sequence: int
    setpoint_id: bytes
    period_start: int
    expires_at: int
    index: int


@dataclass(frozen=True, slots=True)
class ConflictRow:
    """A refused statement, with its exact bytes, that contradicts entry ``index`` in ``field``."""

    statement: bytes
    field: str
    pod_id: bytes
    key_id: bytes
    index: int
    received_at: int


class PageId(NamedTuple):
    """A page of positions: its number, and the period (Unix seconds) whose entries it has."""

    number: int
    start: int

    @property
    def place(self) -> int:
        """Number and period in one integer, by which the pages of a number stand in the order of time."""
        return self.number << _START_BITS | self.start


class Reads:
    """What can be asked. Raises what the engine raises, see :mod:`registry.log.engines`."""

    def __init__(self, rows: Rows) -> None:
        """``rows`` carries out a query."""
        self._rows = rows

    # ------------------------------------------------------------------------------------------- checkpoints

    def head(self) -> tuple[int, bytes]:
        """Size and root of the newest checkpoint."""
        rows = self._rows("SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1")
        return (rows[0][0], bytes(rows[0][1])) if rows else (0, EMPTY_ROOT)

    def root(self, size: int) -> bytes | None:
        """The root that was committed for a size."""
        rows = self._rows("SELECT root FROM checkpoints WHERE size = ?", (size,))
        return bytes(rows[0][0]) if rows else None

    def size_beyond(self, index: int) -> int | None:
        """The smallest size of a checkpoint that covers an entry."""
        found: int | None = self._rows("SELECT min(size) FROM checkpoints WHERE size > ?", (index,))[0][0]
        return found

    # ----------------------------------------------------------------------------------------------- entries

    def count(self) -> int:
        """One more than the index of the last entry."""
        rows = self._rows("SELECT first + count FROM entries ORDER BY first DESC LIMIT 1")
        return int(rows[0][0]) if rows else 0

    def chunk(self, index: int) -> Chunk | None:
        """The chunk that holds an entry."""
        rows = self._rows(
            "SELECT first, count, day, received_at, frames FROM entries"
            " WHERE first <= ? AND first > ? ORDER BY first DESC LIMIT 1",
            (index, index - CHUNK_ENTRIES),
        )
        chunk = Chunk(*rows[0]) if rows else None
        return chunk if chunk and index < chunk.first + chunk.count else None

    def entry(self, index: int) -> bytes | None:
        """The exact bytes of an entry."""
        chunk = self.chunk(index)
        return chunk.entries()[index - chunk.first] if chunk else None

    def chunks(self, first: int, limit: int) -> list[Chunk]:
        """At most ``limit`` chunks that begin at entry ``first`` or later, in order."""
        rows = self._rows(
            "SELECT first, count, day, received_at, frames FROM entries"
            " WHERE first >= ? ORDER BY first LIMIT ?",
            (first, limit),
        )
        return [Chunk(*row) for row in rows]

    def days(self) -> Iterator[tuple[int, int]]:
        """Of each delivery day that is held, in order: the day, and the lowest index."""
        # A step of the index for each day: to read it all would take the reader from others for seconds.
        day = self._rows("SELECT min(day) FROM entries")[0][0]
        while day is not None:
            yield int(day), int(self._rows("SELECT min(first) FROM entries WHERE day = ?", (day,))[0][0])
            day = self._rows("SELECT min(day) FROM entries WHERE day > ?", (day,))[0][0]

    # ------------------------------------------------------------------------------ what entries speak of

    def pods(self) -> Iterator[tuple[int, bytes]]:
        """Numbers of PODs."""
        return ((no, bytes(pod_id)) for no, pod_id in self._rows("SELECT no, pod_id FROM pods ORDER BY no"))

    def device_keys(self) -> Iterator[tuple[int, bytes]]:
        """Numbers of keys."""
        return ((no, bytes(key_id)) for no, key_id in self._rows("SELECT no, key_id FROM keys ORDER BY no"))

    def counter_pages(self) -> Iterator[tuple[int, bytes]]:
        """All pages of counters."""
        return ((page, bytes(data)) for page, data in self._rows("SELECT page, data FROM counters"))

    def position_page(self, page: PageId) -> bytes | None:
        """One page of positions."""
        rows = self._rows("SELECT data FROM positions WHERE place = ?", (page.place,))
        return bytes(rows[0][0]) if rows else None

    def position_pages(self, number: int, start: int, end: int) -> list[tuple[PageId, bytes]]:
        """The pages of a number for the periods in [start, end), in order."""
        rows = self._rows(
            "SELECT place, data FROM positions WHERE place >= ? AND place < ? ORDER BY place",
            (PageId(number, start).place, PageId(number, end).place),
        )
        return [(PageId(number, place & _START_MASK), bytes(data)) for place, data in rows]

    def claim(self, pod: int, period_start: int, kind: int, subject: bytes) -> int | None:
        """The entry that speaks of this."""
        rows = self._rows(
            "SELECT idx FROM claims WHERE pod = ? AND period_start = ? AND kind = ? AND subject = ?",
            (pod, period_start, kind, subject),
        )
        return int(rows[0][0]) if rows else None

    def claims(self, pod: int, start: int, end: int) -> list[tuple[int, int]]:
        """(period start, index) of executions and setpoints of a POD whose period starts in [start, end)."""
        rows = self._rows(
            "SELECT period_start, idx FROM claims WHERE pod = ? AND period_start >= ? AND period_start < ?",
            (pod, start, end),
        )
        return [(int(period), int(index)) for period, index in rows]

    def gaps_of(self, key: int) -> list[tuple[int, int]]:
        """Missing counters of a key: (first, last), rising."""
        rows = self._rows("SELECT first, last FROM gaps WHERE key_no = ? ORDER BY first", (key,))
        return [(int(first), int(last)) for first, last in rows]

    def gaps(
        self, key_id: bytes | None, after: tuple[bytes, int], limit: int
    ) -> list[tuple[bytes, int, int]]:
        """(key id, first, last) in that order, beyond ``after``."""
        where, values = ("", ()) if key_id is None else (" AND k.key_id = ?", (key_id,))
        rows = self._rows(
            "SELECT k.key_id, g.first, g.last FROM gaps g JOIN keys k ON k.no = g.key_no"
            f" WHERE (k.key_id > ? OR (k.key_id = ? AND g.first > ?)){where}"
            " ORDER BY k.key_id, g.first LIMIT ?",
            (after[0], *after, *values, limit),
        )
        return [(bytes(kid), first, last) for kid, first, last in rows]

    def conflicts(self, pod_id: bytes | None, after: int, limit: int) -> list[tuple[int, ConflictRow]]:
        """Conflicts with their ids, rising, beyond the id ``after``."""
        where, values = ("", ()) if pod_id is None else (" AND pod_id = ?", (pod_id,))
        rows = self._rows(
            "SELECT id, statement, field, pod_id, key_id, idx, received_at FROM conflicts"
            f" WHERE id > ?{where} ORDER BY id LIMIT ?",
            (after, *values, limit),
        )
        return [
            (number, ConflictRow(bytes(refused), field, bytes(pod), bytes(kid), index, at))
            for number, refused, field, pod, kid, index, at in rows
        ]

    # --------------------------------------------------------------------------------------------- setpoints

    def setpoint(self, setpoint_id: bytes) -> SetpointRow | None:
        """A setpoint by its id."""
        rows = self._rows(
            "SELECT pod, sequence, setpoint_id, period_start, expires_at, idx FROM setpoints"
            " WHERE setpoint_id = ?",
            (setpoint_id,),
        )
        return SetpointRow(*rows[0]) if rows else None

    def setpoints(self, pod: int, after: int, now: int) -> list[SetpointRow]:
        """A POD's setpoints with a higher sequence that have not expired at ``now``, in order."""
        rows = self._rows(
            "SELECT pod, sequence, setpoint_id, period_start, expires_at, idx FROM setpoints"
            " WHERE pod = ? AND sequence > ? AND expires_at >= ? ORDER BY sequence",
            (pod, after, now),
        )
        return [SetpointRow(*row) for row in rows]

    def setpoint_with(self, pod: int, sequence: int) -> int | None:
        """The entry of a POD's setpoint."""
        rows = self._rows("SELECT idx FROM setpoints WHERE pod = ? AND sequence = ?", (pod, sequence))
        return int(rows[0][0]) if rows else None

    def last_sequence(self, pod: int) -> int:
        """The sequence of a POD's last setpoint, 0 if it never had one."""
        return int(self._rows("SELECT coalesce(max(sequence), 0) FROM setpoints WHERE pod = ?", (pod,))[0][0])

    # -------------------------------------------------------------------------------------------------- meta

    def meta(self, name: str) -> str | None:
        """A word about the log itself."""
        rows = self._rows("SELECT value FROM meta WHERE name = ?", (name,))
        return str(rows[0][0]) if rows else None


class Writing:
    """What can be written within one transaction.

    Attributes:
        reads: the same questions as to the store, answered with what the transaction has written.
    """

    def __init__(self, cursor: Cursor, engine: Engine) -> None:
        self._cursor = cursor
        self._engine = engine
        self.reads = Reads(lambda sql, values=(): cursor.execute(sql, values).fetchall())

    def chunks(self, chunks: Iterable[Chunk]) -> None:
        """Add entries."""
        # dataclasses.astuple takes ten times as long, on every commit.
        rows = [(each.first, each.count, each.day, each.received_at, each.frames) for each in chunks]
        self._engine.make_days(self._cursor, {row[2] for row in rows})
        self._engine.load(self._cursor, "entries", _ENTRY_COLUMNS, rows)

    def checkpoint(self, size: int, root: bytes, at: int) -> None:
        """Add a checkpoint."""
        self._cursor.execute("INSERT INTO checkpoints VALUES (?, ?, ?)", (size, root, at))

    def pods(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Number new PODs."""
        self._cursor.executemany("INSERT INTO pods VALUES (?, ?)", list(rows))

    def keys(self, rows: Iterable[tuple[int, bytes]]) -> None:
        """Number new keys."""
        self._cursor.executemany("INSERT INTO keys VALUES (?, ?)", list(rows))

    def claim(self, claim: Claim) -> None:
        """Add what an entry speaks of."""
        self._cursor.execute("INSERT INTO claims VALUES (?, ?, ?, ?, ?)", astuple(claim))

    def setpoint(self, row: SetpointRow) -> None:
        """Add a setpoint."""
        self._cursor.execute("INSERT INTO setpoints VALUES (?, ?, ?, ?, ?, ?)", astuple(row))

    def conflict(self, row: ConflictRow) -> None:
        """Add a conflict; the same one again changes nothing."""
        self._cursor.execute(
            "INSERT INTO conflicts (statement, field, pod_id, key_id, idx, received_at)"
            " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            astuple(row),
        )

    def close_gap(self, key: int, first: int) -> None:
        """Remove a gap."""
        self._cursor.execute("DELETE FROM gaps WHERE key_no = ? AND first = ?", (key, first))

    def open_gap(self, key: int, first: int, last: int) -> None:
        """Add a gap."""
        self._cursor.execute("INSERT INTO gaps VALUES (?, ?, ?)", (key, first, last))

    def position_pages(self, pages: Iterable[tuple[PageId, int, bytes]]) -> None:
        """Write pages of positions, each with its delivery day."""
        rows = [(page.place, day, data) for page, day, data in pages]
        self._engine.make_days(self._cursor, {row[1] for row in rows})
        self._cursor.executemany(
            "INSERT INTO positions VALUES (?, ?, ?)"
            f" ON CONFLICT ({self._engine.position_key}) DO UPDATE SET data = excluded.data",
            rows,
        )

    def counter_pages(self, pages: Iterable[tuple[int, bytes]]) -> None:
        """Write pages of counters."""
        self._cursor.executemany(
            "INSERT INTO counters VALUES (?, ?) ON CONFLICT (page) DO UPDATE SET data = excluded.data",
            list(pages),
        )

    def meta(self, name: str, value: str) -> None:
        """Remember a word about the log itself."""
        self._cursor.execute(
            "INSERT INTO meta VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            (name, value),
        )


class Store(Reads):
    """A log's database: one writer at a time; readers on any thread see what is committed."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.rows)
        self._engine = engine

    @property
    def place(self) -> str:
        """Where it is, for messages."""
        return self._engine.place

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """All or nothing: durable when the block ends, undone when it raises."""
        with self._engine.transaction() as cursor:
            yield Writing(cursor, self._engine)

    def remember(self, name: str, value: str) -> None:
        """Replace a word about the log itself."""
        with self.writing() as writing:
            writing.meta(name, value)

    def drop_day(self, day: int, start: int, end: int) -> Iterator[None]:
        """Remove positions, then entries, of a delivery ``day`` whose periods start in [start, end), Unix
        seconds: a short transaction at each step. It can be left at any step and begun again.
        """
        pages = int(self._rows("SELECT coalesce(max(place), -1) FROM positions")[0][0] >> _START_BITS) + 1
        places = ((PageId(number, start).place, PageId(number, end).place) for number in range(pages))
        return self._engine.drop_day(day, places)

    def close(self) -> None:
        """Release it; what is committed stays."""
        self._engine.close()
