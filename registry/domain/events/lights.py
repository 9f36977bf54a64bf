"""Events about perimeters and dynamic lights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.events.base import Event
from registry.domain.quantities import HourCells


@dataclass(frozen=True, slots=True)
class PerimeterDeclared(Event):
    """A perimeter is in its DSO's partition from `from_day` on; its predecessors end there (DTL-1)."""

    contract: ClassVar[str] = "TrafficLights"
    perimeter: int
    dso: int
    from_day: int
    predecessors: tuple[int, ...]
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class PerimeterEnded(Event):
    """A perimeter is no longer in the partition from `until_day` on (DTL-1)."""

    contract: ClassVar[str] = "TrafficLights"
    perimeter: int
    dso: int
    until_day: int


@dataclass(frozen=True, slots=True)
class LightsPublished(Event):
    """Lights of a perimeter day; capability in kW per hour and direction (DTL-2)."""

    contract: ClassVar[str] = "TrafficLights"
    perimeter: int
    day: int
    session: int
    up: HourCells
    down: HourCells
    payload_hash: bytes
