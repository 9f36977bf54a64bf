"""Events about products, qualifications and equivalences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.enums import QualificationState
from registry.domain.events.base import Event
from registry.domain.pods import UNTESTED, Roster
from registry.domain.products import Product


@dataclass(frozen=True, slots=True)
class ProductPublished(Event):
    """A product, or a version of one, was published (PRD-1)."""

    contract: ClassVar[str] = "Prequalification"
    product: int
    operator: int
    terms: Product


@dataclass(frozen=True, slots=True)
class QualificationMoved(Event):
    """A qualification took a step; `valid_until` in Unix seconds, 0 before it was ever qualified (PRQ-1).

    `tested` is what the aggregate was when it was qualified last (PRQ-2).
    """

    contract: ClassVar[str] = "Prequalification"
    aggregate: int
    product: int
    state: QualificationState
    actor: int
    valid_until: int
    performance_permille: int
    evidence_hash: bytes
    tested: Roster = UNTESTED


@dataclass(frozen=True, slots=True)
class EquivalenceProposed(Event):
    """Who passed the test of `from_` shall be qualified for `to` (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    from_: int
    to: int
    operator: int


@dataclass(frozen=True, slots=True)
class EquivalenceAccepted(Event):
    """An operator accepted; it `holds` once both did (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    from_: int
    to: int
    operator: int
    holds: bool


@dataclass(frozen=True, slots=True)
class EquivalenceRevoked(Event):
    """An operator revoked an equivalence (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    from_: int
    to: int
    operator: int
