"""What suites of mirrors have in common: events of a story, and where an empty database is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from registry.domain import events as facts
from registry.domain.enums import (
    PodCategory,
    StaticLight,
    VoltageLevel,
)
from tests.unit.mirror.fake_ledger import (
    AGGREGATES,
    BSP,
    DSO,
    FIRST_DAY,
    PERIMETERS,
    address_of,
    word,
)

LOCAL, GLOBAL, OTHERS = AGGREGATES
UNFROZEN = FIRST_DAY + 3
"""The first day whose LFP 1 has not opened, after the opening of every story."""
Fresh = Callable[[], str]


def registered(pod: bytes, bsp: int = BSP, kw: int = 100) -> tuple[str, facts.Event]:
    event = facts.PodRegistered(
        pod, bsp, DSO, PodCategory.MIXED, VoltageLevel.MEDIUM, kw, kw, 60, word("payload")
    )
    return address_of(bsp), event


def lit(pod: bytes, day: int, kw: int, area: int = PERIMETERS[0]) -> tuple[str, facts.Event]:
    return address_of(DSO), facts.StaticLightGiven(
        pod, DSO, day, StaticLight.MODULATED, kw, kw, area, word("why")
    )


def at(ref_time: int) -> datetime:
    return datetime.fromtimestamp(ref_time, UTC)
