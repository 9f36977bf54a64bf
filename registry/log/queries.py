"""What can be asked of the log: entries by POD and period, conflicts, counter gaps, setpoints. Reads only
what is committed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from registry.domain.errors import RuleViolation
from registry.evidence.statements import parse
from registry.evidence.tiles import TILE_WIDTH, TileName
from registry.log.occupancy import Occupancy
from registry.log.store import Store
from registry.log.tile_folder import TileFolder, TileMissing
from registry.ports import LoggedStatement

PAGE = 1000
"""Rows of a list unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A refused statement (``refused``, exact bytes) that contradicts entry ``index`` (``logged``, exact
    bytes) in ``field`` (MEA-2).

    ``key_id`` signed the refused one; ``received_at`` is in Unix seconds. ``logged`` is empty once the
    entry's month was detached.
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

    def __init__(self, store: Store, folder: TileFolder, occupancy: Callable[[], Occupancy]) -> None:
        """``occupancy`` gives what the sequencer knows at the moment."""
        self._store = store
        self._folder = folder
        self._occupancy = occupancy

    def entry(self, index: int) -> bytes:
        """The exact bytes of an entry; those of a detached day as long as their bundle is in the folder.

        Raises RuleViolation (LOG-1) for an index that is not there.
        """
        found = self._store.entry(index)
        if found is None and 0 <= index < self._store.head()[0]:
            found = self._detached(index)
        if found is None:
            raise _no_entry(index)
        return found

    def _detached(self, index: int) -> bytes | None:
        bundle, position = divmod(index, TILE_WIDTH)
        try:
            return self._folder.entries(TileName(0, bundle, position + 1))[position]
        except TileMissing:
            return None

    def size_answered(self, index: int) -> int:
        """The size of the log at which entry ``index`` was answered first. Raises RuleViolation (LOG-1) for
        no such entry.
        """
        size = self._store.size_beyond(index) if index >= 0 else None
        if size is None:
            raise _no_entry(index)
        return size

    def committed_at(self, index: int) -> int:
        """When an entry became durable, Unix seconds. Raises RuleViolation (LOG-1) for no entry."""
        chunk = self._store.chunk(index)
        if chunk is None:
            raise _no_entry(index)
        return chunk.received_at

    def root(self, size: int) -> bytes | None:
        """The root that was committed for a size, ``None`` if none was."""
        return self._store.root(size)

    def statements(self, pod_id: bytes, start: int, end: int) -> list[LoggedStatement]:
        """Entries about a POD whose period starts in [start, end), Unix seconds, by period and index.

        Raises RuleViolation (LOG-1) if delivery days of the period were detached: no entries would look like
        no readings.
        """
        occupancy = self._occupancy()
        if start < occupancy.floor:
            raise RuleViolation(
                rule="LOG-1",
                field="start",
                found=start,
                allowed=f"at least {occupancy.floor}: the delivery days before it were detached",
                hint="their entries are in the archive",
            )
        pod = occupancy.pod(pod_id)
        if pod is None:
            return []
        places = sorted([*occupancy.between(pod, start, end), *self._store.claims(pod, start, end)])
        found = []
        for _, index in places:
            # What is being committed is not there yet.
            data = self._store.entry(index)
            if data is not None:
                found.append(LoggedStatement(index, data, parse(data).payload))
        return found

    def conflicts(self, pod_id: bytes | None = None, *, after: int = 0, limit: int = PAGE) -> list[Conflict]:
        """Recorded conflicts in the order of their arrival, of one POD or of all, ``limit`` of them beyond
        the id ``after``.
        """
        return [
            Conflict(
                number,
                row.pod_id,
                row.key_id,
                row.field,
                row.index,
                self._store.entry(row.index) or self._detached(row.index) or b"",
                row.statement,
                row.received_at,
            )
            for number, row in self._store.conflicts(pod_id, after, limit)
        ]

    def gaps(
        self, key_id: bytes | None = None, *, after: tuple[bytes, int] = (b"", 0), limit: int = PAGE
    ) -> list[CounterGap]:
        """Open counter gaps in the order of key and counter, of one key or of all, ``limit`` of them beyond
        ``after`` (key, first).
        """
        return [CounterGap(*row) for row in self._store.gaps(key_id, after, limit)]

    def setpoints(self, pod_id: bytes, after_sequence: int, now: int) -> list[bytes]:
        """Setpoints of a POD beyond a sequence that have not expired at ``now``, in order, exact bytes
        (SET-1).
        """
        pod = self._occupancy().pod(pod_id)
        if pod is None:
            return []
        return [self.entry(row.index) for row in self._store.setpoints(pod, after_sequence, now)]

    def last_sequence(self, pod_id: bytes) -> int:
        """The sequence of the POD's last setpoint, 0 if it never had one."""
        pod = self._occupancy().pod(pod_id)
        return 0 if pod is None else self._store.last_sequence(pod)


def _no_entry(index: int) -> RuleViolation:
    return RuleViolation(
        rule="LOG-1", field="index", found=index, allowed="the index of an entry that is held"
    )
