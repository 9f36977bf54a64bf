"""The ledger's agreements and offers in memory (SES-5; contracts/src/Procurement.sol)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry.domain.commands import AcceptAgreements, ProposeAgreements, RecordOffers
from registry.domain.events import AgreementAccepted, AgreementProposed, Event, OfferRecorded
from registry.domain.identifiers import owner_of_aggregate
from registry.domain.participants import PartyKind
from registry.domain.recorded_offers import AgreementDraft
from registry.domain.refusals import Refusal
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.sessions import SessionsBook
from registry.domain.rulebook.state import Call, Journal, Table


@dataclass(frozen=True, slots=True)
class RecordedAgreement:
    """The parties of an agreement, and whether both agreed."""

    dso: int
    aggregate: int
    proposer: int
    accepted: bool = False

    @property
    def parties(self) -> tuple[int, int]:
        """The DSO and the BSP."""
        return self.dso, owner_of_aggregate(self.aggregate)


class ProcurementBook:
    """Agreements by commitment. Offers are events only: nothing is decided on them before they are opened."""

    def __init__(self, journal: Journal, participants: ParticipantsBook, sessions: SessionsBook) -> None:
        self._participants = participants
        self._sessions = sessions
        self._agreements: Table[bytes, RecordedAgreement | None] = Table(journal, None)

    def execute(
        self, command: ProposeAgreements | AcceptAgreements | RecordOffers, call: Call
    ) -> list[Event]:
        """Propose or accept agreements, or record offers.

        Raises:
            Refusal: ACT-1, SES-5; of offers SES-1, SES-4, AGG-1.
        """
        match command:
            case ProposeAgreements():
                self._require_dealer(command.proposer, call)
                return [self._propose(command.proposer, draft) for draft in command.drafts]
            case AcceptAgreements():
                self._require_dealer(command.acceptor, call)
                return [self._accept(command.acceptor, commitment) for commitment in command.commitments]
            case RecordOffers():
                self._participants.require(PartyKind.BSP, command.bsp, call)
                return self._offer(command, call.now)

    def agreement(self, commitment: bytes) -> RecordedAgreement | None:
        """An agreement that was proposed."""
        return self._agreements[commitment]

    def _require_dealer(self, party: int, call: Call) -> None:
        dso = self._participants.parties[party].kind is PartyKind.DSO
        self._participants.require(PartyKind.DSO if dso else PartyKind.BSP, party, call)

    def _propose(self, proposer: int, draft: AgreementDraft) -> Event:
        if draft.commitment in self._agreements:
            raise Refusal("AgreementExists", commitment=draft.commitment)
        agreement = RecordedAgreement(draft.dso, draft.aggregate, proposer)
        kinds = tuple(self._participants.parties[party].kind for party in agreement.parties)
        if proposer not in agreement.parties or kinds != (PartyKind.DSO, PartyKind.BSP):
            raise Refusal(
                "AgreementOfOthers",
                commitment=draft.commitment,
                dso=draft.dso,
                aggregate=draft.aggregate,
                caller=proposer,
            )
        self._agreements[draft.commitment] = agreement
        return AgreementProposed(draft.commitment, draft.dso, draft.aggregate, proposer)

    def _accept(self, acceptor: int, commitment: bytes) -> Event:
        found = self._agreements[commitment]
        if found is None or found.accepted or acceptor == found.proposer or acceptor not in found.parties:
            raise Refusal("AgreementNotAcceptable", commitment=commitment, caller=acceptor)
        self._agreements[commitment] = replace(found, accepted=True)
        return AgreementAccepted(commitment, acceptor)

    def _offer(self, command: RecordOffers, now: int) -> list[Event]:
        schedule = self._sessions.schedule_of(command.day)
        _, gate = schedule.window(command.market, command.session)
        if now >= gate:
            raise Refusal(
                "GateClosed",
                day=command.day,
                market=command.market,
                session=command.session,
                gate=gate,
                now_at=now,
            )
        for offer in command.offers:
            if owner_of_aggregate(offer.aggregate) != command.bsp:
                raise Refusal("AggregateOfOther", aggregate=offer.aggregate, bsp=command.bsp)
        return [
            OfferRecorded(
                offer.commitment,
                offer.aggregate,
                command.day,
                offer.perimeter,
                command.market,
                command.session,
            )
            for offer in command.offers
        ]
