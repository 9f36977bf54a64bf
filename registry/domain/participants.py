"""Who takes part in the consortium, with which key (ACT-1, ACT-2, SPEC section 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.domain.enums import PartyKind, Right

__all__ = [
    "Admission",
    "Party",
    "PartyKind",
    "Right",
    "admin_is_possible",
]

MAX_SEATS = 16
CONSENT_WINDOW_S = 7 * 86_400
"""How long after the first consent to a call the others count."""
MAX_DELEGATION_S = 366 * 86_400


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


def admin_is_possible(seats: Sequence[str], threshold: int) -> bool:
    """Whether the consortium admin can have these seats (addresses) and this threshold (ACT-1)."""
    different = {seat.lower() for seat in seats}
    named = all(int(seat, 16) for seat in seats)
    return named and len(different) == len(seats) <= MAX_SEATS and 0 < threshold <= len(seats)
