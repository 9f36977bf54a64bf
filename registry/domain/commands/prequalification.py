"""Commands about products, qualifications and equivalences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.commands.base import Command
from registry.domain.enums import QualificationState
from registry.domain.products import Product


@dataclass(frozen=True, slots=True)
class PublishProducts(Command):
    """An operator publishes products or new versions (PRD-1)."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "publishProducts"
    operator: int
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class ApplyForQualification(Command):
    """A BSP applies for the qualification of aggregates (PRQ-1)."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "apply_"
    bsp: int
    aggregates: tuple[int, ...]
    products: tuple[int, ...]
    evidence_hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class MoveQualification(Command):
    """An operator moves qualifications a step on (PRQ-1). Performance in thousandths of what was tested."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "move"
    operator: int
    aggregates: tuple[int, ...]
    products: tuple[int, ...]
    states: tuple[QualificationState, ...]
    performance_permille: tuple[int, ...]
    evidence_hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ProposeEquivalences(Command):
    """An operator proposes equivalences between products (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "proposeEquivalences"
    operator: int
    from_: tuple[int, ...]
    to: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AcceptEquivalences(Command):
    """An operator accepts equivalences (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "acceptEquivalences"
    operator: int
    from_: tuple[int, ...]
    to: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RevokeEquivalences(Command):
    """An operator revokes equivalences (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "revokeEquivalences"
    operator: int
    from_: tuple[int, ...]
    to: tuple[int, ...]
