"""The ledger's participants in memory (ACT-1, ACT-2; contracts/src/Participants.sol)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry.domain.commands import (
    AcceptAdmin,
    AdmitParties,
    Command,
    DelegateRight,
    EndDelegation,
    OfferAdmin,
    Pause,
    ReinstateParty,
    RotateSigner,
    SuspendParty,
    Unpause,
)
from registry.domain.errors import InputInvalid
from registry.domain.events import (
    AdminAccepted,
    AdminHandedOver,
    AdminOffered,
    ConsentGiven,
    DelegationEnded,
    Event,
    PartyAdmitted,
    PartyReinstated,
    PartySuspended,
    Paused,
    RightDelegated,
    SignerRotated,
    Unpaused,
)
from registry.domain.identifiers import validate_eic
from registry.domain.participants import (
    CONSENT_WINDOW_S,
    MAX_DELEGATION_S,
    Admission,
    Party,
    PartyKind,
    Right,
    admin_is_possible,
)
from registry.domain.refusals import Refusal
from registry.domain.rulebook.state import Call, Journal, Table

ADMIN_ROLE = bytes(32)
LEDGER = "ledger"
_NOBODY = Party(0, PartyKind.NONE, b"", "", "")


@dataclass(frozen=True, slots=True)
class Administration:
    """Seats of the consortium admin and how many have to agree; the epoch rises with every handover."""

    seats: tuple[str, ...]
    threshold: int
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Consent:
    """Seats of an epoch that sent a call, and when the first did (Unix seconds)."""

    epoch: int = -1
    first_at: int = 0
    given: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Offer:
    """Seats that the admin is offered to, and those that have accepted (lower case)."""

    seats: tuple[str, ...] = ()
    threshold: int = 0
    accepted: frozenset[str] = frozenset()


class ParticipantsBook:
    """Parties, their signers and the pause. Addresses are compared without regard to case."""

    def __init__(self, journal: Journal, admin: str) -> None:
        self._admin: Table[str, Administration] = Table(journal, Administration((admin,), 1))
        self._offer: Table[str, Offer] = Table(journal, Offer())
        self._consents: Table[Command, Consent] = Table(journal, Consent())
        self._delegations: Table[tuple[int, int, Right], int] = Table(journal, 0)
        self.parties: Table[int, Party] = Table(journal, _NOBODY)
        self._party_of_eic: Table[bytes, int] = Table(journal, 0)
        self._party_of_signer: Table[str, int] = Table(journal, 0)
        self._operators: Table[str, int] = Table(journal, 0)
        self._paused: Table[str, bool] = Table(journal, False)

    @property
    def admin(self) -> Administration:
        """Who is the consortium admin now."""
        return self._admin[LEDGER]

    def execute(self, command: Command, call: Call) -> list[Event]:
        """Apply a command of the consortium admin or of its next seats, or a delegation of a party.

        Raises:
            Refusal: ACT-1 or ACT-2.
        """
        match command:
            case DelegateRight():
                return [self._delegate(command, call)]
            case EndDelegation():
                return [self._end_delegation(command, call)]
            case AcceptAdmin():
                return self._accept(call)
        admin = self._admin[LEDGER]
        if call.sender.lower() not in _lower(admin.seats):
            raise Refusal("AccessControlUnauthorizedAccount", account=call.sender, needed_role=ADMIN_ROLE)
        if isinstance(command, Pause):
            return [self._pause(call)]
        if admin.threshold == 1:
            return self._do(command, call)
        consented, done = self._consent(command, call, admin)
        return [consented, *self._do(command, call)] if done else [consented]

    def _do(self, command: Command, call: Call) -> list[Event]:
        """A command that the admin's seats have agreed to."""
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
            case Unpause():
                return [self._unpause(call)]
            case OfferAdmin():
                return [self._offer_admin(command)]
        raise TypeError(f"{type(command).__name__} is no command of Participants")

    def _consent(self, command: Command, call: Call, admin: Administration) -> tuple[Event, bool]:
        """A seat sends a command: its consent, and whether it was the last one needed (ACT-1)."""
        consent = self._consents[command]
        if consent.epoch != admin.epoch or call.now >= consent.first_at + CONSENT_WINDOW_S:
            consent = Consent(admin.epoch, call.now)
        if call.sender.lower() in consent.given:
            raise Refusal("ConsentRepeated", seat=call.sender)
        consent = replace(consent, given=consent.given | {call.sender.lower()})
        done = len(consent.given) == admin.threshold
        self._consents[command] = Consent() if done else consent
        return ConsentGiven(call.sender, len(consent.given), admin.threshold), done

    def _offer_admin(self, command: OfferAdmin) -> Event:
        if not admin_is_possible(command.seats, command.threshold):
            raise Refusal("AdminOfferInvalid", seats=len(command.seats), threshold=command.threshold)
        self._offer[LEDGER] = Offer(command.seats, command.threshold)
        return AdminOffered(command.seats, command.threshold)

    def _accept(self, call: Call) -> list[Event]:
        """With the last seat that accepts, the admin is handed over (ACT-1)."""
        offer, seat = self._offer[LEDGER], call.sender.lower()
        if seat not in _lower(offer.seats):
            raise Refusal("AdminNotOffered", sender=call.sender)
        if seat in offer.accepted:
            raise Refusal("ConsentRepeated", seat=call.sender)
        offer = replace(offer, accepted=offer.accepted | {seat})
        if len(offer.accepted) < len(offer.seats):
            self._offer[LEDGER] = offer
            return [AdminAccepted(call.sender)]
        self._offer[LEDGER] = Offer()
        self._admin[LEDGER] = Administration(offer.seats, offer.threshold, self._admin[LEDGER].epoch + 1)
        return [AdminAccepted(call.sender), AdminHandedOver(offer.seats, offer.threshold)]

    def _delegate(self, command: DelegateRight, call: Call) -> Event:
        party, agent, until = command.party, command.agent, command.valid_until
        self.require(self.parties[party].kind, party, call)
        limit = call.now + MAX_DELEGATION_S
        known = agent != party and self.parties[agent].kind is not PartyKind.NONE
        if not known or not call.now < until <= limit:
            raise Refusal("DelegationInvalid", party=party, agent=agent, valid_until=until, limit=limit)
        self._delegations[party, agent, command.right] = until
        return RightDelegated(party, agent, command.right, until)

    def _end_delegation(self, command: EndDelegation, call: Call) -> Event:
        self.require(self.parties[command.party].kind, command.party, call)
        key = command.party, command.agent, command.right
        if not self._delegations[key]:
            raise Refusal("DelegationMissing", party=command.party, agent=command.agent)
        self._delegations[key] = 0
        return DelegationEnded(*key)

    def require_right(self, kind: PartyKind, party: int, right: Right, call: Call) -> None:
        """As `require`, but the sender may sign for an agent that the party has delegated the right to.

        Raises:
            Refusal: ACT-1 NotAuthorised, PartyIsSuspended (party or agent) or EnforcedPause.
        """
        found = self.parties[party]
        if found.kind is kind and found.signer.lower() == call.sender.lower():
            self.require(kind, party, call)
            return
        agent = self._party_of_signer[call.sender.lower()]
        if found.kind is not kind or call.now >= self._delegations[party, agent, right]:
            raise Refusal("NotAuthorised", party=party, kind=kind, sender=call.sender)
        if found.suspended:
            raise Refusal("PartyIsSuspended", party=party)
        self.require(self.parties[agent].kind, agent, call)

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
        if self._paused[LEDGER]:
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
        if self._paused[LEDGER]:
            raise Refusal("EnforcedPause")
        self._paused[LEDGER] = True
        return Paused(call.sender)

    def _unpause(self, call: Call) -> Event:
        if not self._paused[LEDGER]:
            raise Refusal("ExpectedPause")
        self._paused[LEDGER] = False
        return Unpaused(call.sender)

    def _known(self, party: int) -> Party:
        found = self.parties[party]
        if found.kind is PartyKind.NONE:
            raise Refusal("UnknownParty", party=party)
        return found


def _lower(addresses: tuple[str, ...]) -> set[str]:
    return {address.lower() for address in addresses}
