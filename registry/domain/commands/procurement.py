"""Commands about agreements and offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.commands.base import Command
from registry.domain.enums import Market
from registry.domain.recorded_offers import AgreementDraft, Offer


@dataclass(frozen=True, slots=True)
class ProposeAgreements(Command):
    """A DSO or a BSP proposes availability agreements to the other (SES-5)."""

    contract: ClassVar[str] = "Procurement"
    function: ClassVar[str] = "proposeAgreements"
    proposer: int
    drafts: tuple[AgreementDraft, ...]


@dataclass(frozen=True, slots=True)
class AcceptAgreements(Command):
    """The other party accepts (SES-5)."""

    contract: ClassVar[str] = "Procurement"
    function: ClassVar[str] = "acceptAgreements"
    acceptor: int
    commitments: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class RecordOffers(Command):
    """A BSP commits to bids for a session, before its gate (SES-5, SES-4)."""

    contract: ClassVar[str] = "Procurement"
    function: ClassVar[str] = "recordOffers"
    bsp: int
    day: int
    market: Market
    session: int
    offers: tuple[Offer, ...]
