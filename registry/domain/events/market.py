"""Events about selections, declarations and baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.enums import Market
from registry.domain.events.base import Event
from registry.domain.quantities import HourCells


@dataclass(frozen=True, slots=True)
class SelectionRecorded(Event):
    """The outcome of a session for one aggregate and perimeter (SES-4)."""

    contract: ClassVar[str] = "Market"
    aggregate: int
    perimeter: int
    day: int
    market: Market
    session: int
    operator: int
    product: int
    tested_aggregate: int
    chain: tuple[int, ...]
    cells: HourCells
    commitment: bytes


@dataclass(frozen=True, slots=True)
class PodDeclared(Event):
    """A POD serves a market in these quarter-hours (bits) (SES-3)."""

    contract: ClassVar[str] = "Market"
    pod_id: bytes
    aggregate: int
    day: int
    perimeter: int
    market: Market
    quarters: int


@dataclass(frozen=True, slots=True)
class PodReleased(Event):
    """A POD no longer serves a market in these quarter-hours (bits) (SES-6)."""

    contract: ClassVar[str] = "Market"
    pod_id: bytes
    aggregate: int
    day: int
    perimeter: int
    market: Market
    quarters: int


@dataclass(frozen=True, slots=True)
class DeclarationCompleted(Event):
    """The BSP has said all; `shortfall` is what it could not cover, kW per hour (SES-3)."""

    contract: ClassVar[str] = "Market"
    aggregate: int
    perimeter: int
    day: int
    market: Market
    session: int
    shortfall: HourCells


@dataclass(frozen=True, slots=True)
class BaselineFiled(Event):
    """A baseline was filed (BAS-1)."""

    contract: ClassVar[str] = "Market"
    pod_id: bytes
    bsp: int
    day: int
    commitment: bytes
