"""Events about parties and their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.enums import PartyKind, Right
from registry.domain.events.base import Event


@dataclass(frozen=True, slots=True)
class PartyAdmitted(Event):
    """A party was admitted (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    party: int
    kind: PartyKind
    eic: bytes
    name: str
    signer: str


@dataclass(frozen=True, slots=True)
class SignerRotated(Event):
    """A party's key was replaced (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    party: int
    old_signer: str
    new_signer: str


@dataclass(frozen=True, slots=True)
class PartySuspended(Event):
    """A party was suspended (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    party: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class PartyReinstated(Event):
    """A suspended party takes part again (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    party: int


@dataclass(frozen=True, slots=True)
class ConsentGiven(Event):
    """`given` of the `needed` seats have sent a call of the admin; with the last one it is done (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    seat: str
    given: int
    needed: int


@dataclass(frozen=True, slots=True)
class AdminOffered(Event):
    """The admin is offered to seats, and theirs once each has accepted (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    seats: tuple[str, ...]
    threshold: int


@dataclass(frozen=True, slots=True)
class AdminAccepted(Event):
    """A seat accepted the offer (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    seat: str


@dataclass(frozen=True, slots=True)
class AdminHandedOver(Event):
    """From here on these seats are the admin; `threshold` of them have to agree (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    seats: tuple[str, ...]
    threshold: int


@dataclass(frozen=True, slots=True)
class RightDelegated(Event):
    """`agent` may use a right of `party` until a time in Unix seconds, or the delegation's end (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    party: int
    agent: int
    right: Right
    valid_until: int


@dataclass(frozen=True, slots=True)
class DelegationEnded(Event):
    """A party took a right back (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    party: int
    agent: int
    right: Right


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """The ledger takes no writes until it is unpaused (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    account: str


@dataclass(frozen=True, slots=True)
class Unpaused(Event):
    """The ledger takes writes again (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    account: str
