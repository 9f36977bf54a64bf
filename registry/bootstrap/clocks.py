"""Clocks: the machine's, and one that a sandbox sets to play a delivery day."""

from __future__ import annotations

import threading
from datetime import UTC, datetime


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present instant, UTC."""
        return datetime.now(UTC)


class SettableClock:
    """A clock that stands still until it is set, and never goes back."""

    def __init__(self, start: datetime) -> None:
        self._now = start.astimezone(UTC)
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """The instant it was set to last."""
        with self._lock:
            return self._now

    def set(self, instant: datetime) -> None:
        """Move to an instant.

        Raises:
            ValueError: the instant is earlier than the present one.
        """
        with self._lock:
            if instant < self._now:
                raise ValueError(f"a clock does not go back from {self._now} to {instant}")
            self._now = instant.astimezone(UTC)
