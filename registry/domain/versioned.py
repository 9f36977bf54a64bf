"""Facts that hold from a delivery day on, readable as of any day (AGG-2, DTL-1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T]):
    """A value and its changes, each with the delivery day it holds from; one of the same day replaces it.

    Days of one history never fall, because the first day that is not frozen does not.
    """

    changes: tuple[tuple[int, T], ...] = ()

    def put(self, from_day: int, value: T) -> Versioned[T]:
        """The same history with `value` in force from `from_day` on.

        Raises:
            ValueError: a later day has a value already.
        """
        if self.changes and self.changes[-1][0] > from_day:
            raise ValueError(f"the history goes on to day {self.changes[-1][0]}, day {from_day} is past")
        kept = self.changes[:-1] if self.changes and self.changes[-1][0] == from_day else self.changes
        return Versioned((*kept, (from_day, value)))

    def at(self, day: int) -> T | None:
        """The value in force on a day, None before the first."""
        return next((value for from_day, value in reversed(self.changes) if from_day <= day), None)

    @property
    def latest(self) -> T | None:
        """The value put last, whether or not its day has come; None if there is none."""
        return self.changes[-1][1] if self.changes else None
