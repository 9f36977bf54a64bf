"""Who takes part in the consortium, with which key (ACT-1, ACT-2, SPEC section 1)."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.enums import PartyKind

__all__ = [
    "Admission",
    "Party",
    "PartyKind",
]


@dataclass(frozen=True, slots=True)
class Admission:
    """A party that the consortium admin admits.

    `eic` is its 16 ASCII characters, `signer` the address that signs for it.
    """

    party: int
    kind: PartyKind
    eic: bytes
    name: str
    signer: str


@dataclass(frozen=True, slots=True)
class Party:
    """An admitted party as it stands now."""

    party: int
    kind: PartyKind
    eic: bytes
    name: str
    signer: str
    suspended: bool = False
