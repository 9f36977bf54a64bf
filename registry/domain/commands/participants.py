"""Commands about parties and their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.commands.base import Command
from registry.domain.enums import Right
from registry.domain.participants import Admission


@dataclass(frozen=True, slots=True)
class AdmitParties(Command):
    """The consortium admin admits parties (ACT-1, ACT-2)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "admit"
    admissions: tuple[Admission, ...]


@dataclass(frozen=True, slots=True)
class RotateSigner(Command):
    """The consortium admin replaces the key of a party (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "rotateSigner"
    party: int
    old_signer: str
    new_signer: str


@dataclass(frozen=True, slots=True)
class SuspendParty(Command):
    """The consortium admin suspends a party (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "suspend"
    party: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class ReinstateParty(Command):
    """The consortium admin reinstates a party (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "reinstate"
    party: int


@dataclass(frozen=True, slots=True)
class Pause(Command):
    """The consortium admin stops every write (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "pause"


@dataclass(frozen=True, slots=True)
class Unpause(Command):
    """The consortium admin lets writes go on (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "unpause"


@dataclass(frozen=True, slots=True)
class OfferAdmin(Command):
    """The admin offers its role to seats, of which `threshold` have to agree from then on (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "offerAdmin"
    seats: tuple[str, ...]
    threshold: int


@dataclass(frozen=True, slots=True)
class AcceptAdmin(Command):
    """A seat accepts the admin's role; it is handed over with the last one (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "acceptAdmin"


@dataclass(frozen=True, slots=True)
class DelegateRight(Command):
    """A party lets another one do something in its place until a time in Unix seconds (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "delegate"
    party: int
    agent: int
    right: Right
    valid_until: int


@dataclass(frozen=True, slots=True)
class EndDelegation(Command):
    """A party takes a delegated right back (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "endDelegation"
    party: int
    agent: int
    right: Right
