"""Events about delivery days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.events.base import Event


@dataclass(frozen=True, slots=True)
class DayScheduled(Event):
    """The gates of a delivery day were set; Unix seconds (SES-1)."""

    contract: ClassVar[str] = "MarketSessions"
    day: int
    tso: int
    starts_at: int
    quarters: int
    baseline_gate: int
    opens_at: int
    lfp_gates: tuple[int, ...]
    msd_gates: tuple[int, ...]
    last_declaration: int
