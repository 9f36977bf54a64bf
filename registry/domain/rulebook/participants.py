"""The ledger's participants in memory (ACT-1, ACT-2; contracts/src/Participants.sol)."""

from __future__ import annotations

from dataclasses import replace

from registry.domain.commands import (
    AdmitParties,
    Command,
    Pause,
    ReinstateParty,
    RotateSigner,
    SuspendParty,
    Unpause,
)
from registry.domain.errors import InputInvalid
from registry.domain.events import (
    Event,
    PartyAdmitted,
    PartyReinstated,
    PartySuspended,
    Paused,
    SignerRotated,
    Unpaused,
)
from registry.domain.identifiers import validate_eic
from registry.domain.participants import Admission, Party, PartyKind
from registry.domain.refusals import Refusal
from registry.domain.rulebook.state import Call, Journal, Table

ADMIN_ROLE = bytes(32)
_NOBODY = Party(0, PartyKind.NONE, b"", "", "")


class ParticipantsBook:
    """Parties, their signers and the pause. Addresses are compared without regard to case."""

    def __init__(self, journal: Journal, admin: str) -> None:
        self._admin = admin.lower()
        self.parties: Table[int, Party] = Table(journal, _NOBODY)
        self._party_of_eic: Table[bytes, int] = Table(journal, 0)
        self._party_of_signer: Table[str, int] = Table(journal, 0)
        self._operators: Table[str, int] = Table(journal, 0)
        self._paused: Table[str, bool] = Table(journal, False)

    def execute(self, command: Command, call: Call) -> list[Event]:
        """Apply a command of the consortium admin.

        Raises:
            Refusal: ACT-1 or ACT-2.
        """
        if call.sender.lower() != self._admin:
            raise Refusal("AccessControlUnauthorizedAccount", account=call.sender, needed_role=ADMIN_ROLE)
        match command:
            case AdmitParties():
                return [self._admit(admission) for admission in command.admissions]
            case RotateSigner():
                return [self._rotate(command)]
            case SuspendParty():
                self._suspend(command.party, suspended=True)
                return [PartySuspended(command.party, command.reason)]
            case ReinstateParty():
                self._suspend(command.party, suspended=False)
                return [PartyReinstated(command.party)]
            case Pause():
                return [self._pause(call)]
            case Unpause():
                return [self._unpause(call)]
        raise TypeError(f"{type(command).__name__} is no command of Participants")

    def require(self, kind: PartyKind, party: int, call: Call) -> None:
        """Refuse unless the sender signs for `party` of `kind`, not suspended, while the ledger runs (ACT-1).

        Raises:
            Refusal: ACT-1 NotAuthorised, PartyIsSuspended or EnforcedPause.
        """
        found = self.parties[party]
        if found.kind is not kind or found.signer.lower() != call.sender.lower():
            raise Refusal("NotAuthorised", party=party, kind=kind, sender=call.sender)
        if found.suspended:
            raise Refusal("PartyIsSuspended", party=party)
        if self._paused["ledger"]:
            raise Refusal("EnforcedPause")

    def _admit(self, admission: Admission) -> Event:
        party, kind, eic = admission.party, admission.kind, admission.eic
        if party == 0 or kind is PartyKind.NONE or self.parties[party].kind is not PartyKind.NONE:
            raise Refusal("PartyNotAdmissible", party=party, kind=kind)
        try:
            validate_eic(eic.decode("ascii", "replace"))
        except InputInvalid as invalid:
            raise Refusal("EicInvalid", eic=eic) from invalid
        if holder := self._party_of_eic[eic]:
            raise Refusal("EicTaken", eic=eic, party=holder)
        self._enrol(party, admission.signer)
        self.parties[party] = Party(party, kind, eic, admission.name, admission.signer)
        self._party_of_eic[eic] = party
        self._count(kind, 1)
        return PartyAdmitted(party, kind, eic, admission.name, admission.signer)

    @property
    def operators(self) -> int:
        """How many TSOs and DSOs there are that are not suspended."""
        return self._operators["ledger"]

    def _suspend(self, party: int, *, suspended: bool) -> None:
        found = self._known(party)
        if found.suspended != suspended:
            self._count(found.kind, -1 if suspended else 1)
        self.parties[party] = replace(found, suspended=suspended)

    def _count(self, kind: PartyKind, change: int) -> None:
        if kind in (PartyKind.TSO, PartyKind.DSO):
            self._operators["ledger"] += change

    def _rotate(self, command: RotateSigner) -> Event:
        found = self._known(command.party)
        if found.signer.lower() != command.old_signer.lower():
            raise Refusal("NotAuthorised", party=command.party, kind=found.kind, sender=command.old_signer)
        self._enrol(command.party, command.new_signer)
        self.parties[command.party] = replace(found, signer=command.new_signer)
        return SignerRotated(command.party, command.old_signer, command.new_signer)

    def _enrol(self, party: int, signer: str) -> None:
        """An address that once signed for a party signs for no other one later (ACT-1)."""
        holder = self._party_of_signer[signer.lower()]
        if int(signer, 16) == 0 or holder not in (0, party):
            raise Refusal("SignerTaken", signer=signer, party=holder)
        self._party_of_signer[signer.lower()] = party

    def _pause(self, call: Call) -> Event:
        if self._paused["ledger"]:
            raise Refusal("EnforcedPause")
        self._paused["ledger"] = True
        return Paused(call.sender)

    def _unpause(self, call: Call) -> Event:
        if not self._paused["ledger"]:
            raise Refusal("ExpectedPause")
        self._paused["ledger"] = False
        return Unpaused(call.sender)

    def _known(self, party: int) -> Party:
        found = self.parties[party]
        if found.kind is PartyKind.NONE:
            raise Refusal("UnknownParty", party=party)
        return found
