"""Commands about delivery days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.commands.base import Command
from registry.domain.sessions import DaySchedule


@dataclass(frozen=True, slots=True)
class ScheduleDays(Command):
    """The TSO sets the gates of delivery days (SES-1)."""

    contract: ClassVar[str] = "MarketSessions"
    function: ClassVar[str] = "scheduleDays"
    tso: int
    schedules: tuple[DaySchedule, ...]
