"""What the ledger says, asked by kind of event.

A :class:`LedgerFact` comes out of a bundle's blocks; the register's own
:class:`~registry.domain.events.Recorded` serves as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from registry.domain.events import Event

E = TypeVar("E", bound=Event)


class RecordedFact(Protocol):
    """A domain event with its place on the ledger."""

    @property
    def event(self) -> Any: ...
    @property
    def block_time(self) -> int: ...
    @property
    def position(self) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True)
class LedgerFact:
    """An event proved by a block: ``block_time`` in Unix seconds, ``log_index`` within the block."""

    event: Event
    contract: str
    block_number: int
    block_hash: bytes
    block_time: int
    log_index: int

    @property
    def position(self) -> tuple[int, int]:
        """Place in the total order of all events."""
        return self.block_number, self.log_index


class Facts:
    """Recorded events in their total order."""

    def __init__(self, records: Iterable[RecordedFact]) -> None:
        self._records = sorted(records, key=lambda record: record.position)
        self._by_type: dict[type, list[RecordedFact]] = defaultdict(list)
        for record in self._records:
            self._by_type[type(record.event)].append(record)

    def of(self, kind: type[E], where: Callable[[E], bool] = lambda _: True) -> list[RecordedFact]:
        """The records of one kind of event that satisfy ``where``, oldest first."""
        return [record for record in self._by_type[kind] if where(record.event)]

    def last(self, kind: type[E], where: Callable[[E], bool] = lambda _: True) -> RecordedFact | None:
        """The newest of :meth:`of`, or ``None``."""
        found = self.of(kind, where)
        return found[-1] if found else None

    def until(self, position: tuple[int, int]) -> Facts:
        """The facts recorded before a position."""
        return Facts(record for record in self._records if record.position < position)
