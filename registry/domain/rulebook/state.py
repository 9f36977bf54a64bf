"""State of the rulebook.

Tables whose changes can be undone, so that a refused command leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Call:
    """Who sends a command, and when (Unix seconds, the block's time)."""

    sender: str
    now: int


class Journal:
    """What the running command changed."""

    def __init__(self) -> None:
        self._undo: list[Callable[[], None]] = []

    def note(self, undo: Callable[[], None]) -> None:
        """Remember how to take back one change."""
        self._undo.append(undo)

    def commit(self) -> None:
        """Keep the changes."""
        self._undo.clear()

    def roll_back(self) -> None:
        """Take back the changes, the last one first."""
        while self._undo:
            self._undo.pop()()


class Table(Generic[K, V]):
    """A mapping with a default, whose changes are noted in a journal. Values are immutable."""

    def __init__(self, journal: Journal, default: V) -> None:
        self._journal = journal
        self._default = default
        self._rows: dict[K, V] = {}

    def __getitem__(self, key: K) -> V:
        return self._rows.get(key, self._default)

    def __setitem__(self, key: K, value: V) -> None:
        if key in self._rows:
            before = self._rows[key]
            self._journal.note(lambda: self._rows.__setitem__(key, before))
        else:
            self._journal.note(lambda: self._rows.__delitem__(key))
        self._rows[key] = value

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
