"""What every recorded fact is, and where it was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar


class Event:
    """A recorded fact."""

    __slots__ = ()
    contract: ClassVar[str]


E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Recorded(Generic[E_co]):
    """An event with the place, time and author of its record.

    `block_time` in Unix seconds; `sender` signed the transaction.
    """

    event: E_co
    contract: str
    block_number: int
    block_hash: bytes
    block_time: int
    tx_hash: bytes
    log_index: int
    sender: str

    @property
    def position(self) -> tuple[int, int]:
        """Place in the total order of all events."""
        return self.block_number, self.log_index

    def __lt__(self, other: Recorded[Event]) -> bool:
        return self.position < other.position
