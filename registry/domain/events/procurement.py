"""Events about agreements and offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.enums import Market
from registry.domain.events.base import Event


@dataclass(frozen=True, slots=True)
class AgreementProposed(Event):
    """An availability agreement was proposed (SES-5)."""

    contract: ClassVar[str] = "Procurement"
    commitment: bytes
    dso: int
    aggregate: int
    proposer: int


@dataclass(frozen=True, slots=True)
class AgreementAccepted(Event):
    """Both parties have agreed (SES-5)."""

    contract: ClassVar[str] = "Procurement"
    commitment: bytes
    acceptor: int


@dataclass(frozen=True, slots=True)
class OfferRecorded(Event):
    """A bid was committed to, for this session and the later ones of the day (SES-5)."""

    contract: ClassVar[str] = "Procurement"
    commitment: bytes
    aggregate: int
    day: int
    perimeter: int
    market: Market
    session: int
