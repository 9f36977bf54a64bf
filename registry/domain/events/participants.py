"""Events about parties and their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.enums import PartyKind
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
class Paused(Event):
    """The ledger takes no writes until it is unpaused (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    account: str


@dataclass(frozen=True, slots=True)
class Unpaused(Event):
    """The ledger takes writes again (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    account: str
