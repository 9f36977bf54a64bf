"""Gives each command to the part of the ledger that decides on it."""

from __future__ import annotations

from registry.domain.commands import (
    AcceptAgreements,
    AnchorCheckpoint,
    AttestStatement,
    BindDevices,
    ChangePods,
    ClaimPods,
    Command,
    CreateAggregates,
    DeclarePerimeters,
    DeclarePods,
    DisputeStatement,
    DropClaims,
    EndDevices,
    FileBaselines,
    GiveStaticLights,
    HandOverPods,
    JoinAggregate,
    LeaveAggregate,
    MovePods,
    ProposeAgreements,
    PublishLights,
    RecordOffers,
    RecordStatements,
    RegisterPods,
    ReleasePods,
    ScheduleDays,
    SelectGlobal,
    SelectLocal,
    WithdrawPods,
)
from registry.domain.contract_changes import NOTICE_S
from registry.domain.events import Event
from registry.domain.rulebook.aggregates import AggregatesBook
from registry.domain.rulebook.consortium import ConsortiumBook
from registry.domain.rulebook.declarations import DeclarationRules
from registry.domain.rulebook.lights import LightsBook
from registry.domain.rulebook.market import MarketBook
from registry.domain.rulebook.measurements import MeasurementsBook
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.pods import PodsBook
from registry.domain.rulebook.prequalification import PrequalificationBook
from registry.domain.rulebook.procurement import ProcurementBook
from registry.domain.rulebook.selections import SelectionRules
from registry.domain.rulebook.sessions import SessionsBook
from registry.domain.rulebook.settlement import SettlementBook
from registry.domain.rulebook.state import Call, Journal


class Rulebook:
    """All contracts in memory.

    `admin` is the consortium admin's address, `dispute_window_s` how long a statement can be disputed (s),
    `notice_s` how long a change of the contracts is announced (s).

    The parts are public for questions (`rulebook.pods.pool(...)`); changes go through `execute` only.
    """

    def __init__(self, admin: str, dispute_window_s: int, notice_s: int = NOTICE_S) -> None:
        self._journal = journal = Journal()
        self.participants = ParticipantsBook(journal, admin)
        self.consortium = ConsortiumBook(journal, self.participants, notice_s)
        self.sessions = SessionsBook(journal, self.participants)
        self.lights = LightsBook(journal, self.participants, self.sessions)
        self.pods = PodsBook(journal, self.participants, self.sessions, self.lights)
        self.aggregates = AggregatesBook(journal, self.participants, self.sessions, self.pods)
        self.prequalification = PrequalificationBook(
            journal, self.participants, self.sessions, self.aggregates
        )
        self.market = MarketBook(
            journal, self.participants, self.sessions, self.lights, self.pods, self.aggregates
        )
        self.procurement = ProcurementBook(journal, self.participants, self.sessions)
        self.measurements = MeasurementsBook(journal, self.participants, self.sessions, self.pods)
        self.settlement = SettlementBook(
            journal, self.participants, self.sessions, self.prequalification, dispute_window_s
        )
        self._selections = SelectionRules(
            self.participants, self.sessions, self.lights, self.aggregates, self.prequalification, self.market
        )
        self._declarations = DeclarationRules(self.participants, self.sessions, self.pods, self.market)

    def execute(self, command: Command, sender: str, now: int) -> list[Event]:
        """Apply a command of `sender` at `now` (Unix seconds): its events in order.

        Raises:
            RuleViolation: with the name and values of the contracts' error (see `refusals.Refusal`); then
            nothing has changed.
        """
        try:
            events = self._dispatch(command, Call(sender, now))
        except BaseException:
            self._journal.roll_back()
            raise
        self._journal.commit()
        return events

    def _dispatch(self, command: Command, call: Call) -> list[Event]:
        match command:
            case ScheduleDays():
                return self.sessions.execute(command, call)
            case DeclarePerimeters() | PublishLights():
                return self.lights.execute(command, call)
            case RegisterPods() | ChangePods() | WithdrawPods() | GiveStaticLights():
                return self.pods.execute(command, call)
            case ClaimPods() | DropClaims() | HandOverPods() | MovePods():
                return self.pods.execute(command, call)
            case CreateAggregates() | JoinAggregate() | LeaveAggregate():
                return self.aggregates.execute(command, call)
            case SelectLocal() | SelectGlobal():
                return self._selections.execute(command, call)
            case DeclarePods() | ReleasePods():
                return self._declarations.execute(command, call)
            case FileBaselines():
                return self.market.file_baselines(command, call)
            case ProposeAgreements() | AcceptAgreements() | RecordOffers():
                return self.procurement.execute(command, call)
            case BindDevices() | EndDevices() | AnchorCheckpoint():
                return self.measurements.execute(command, call)
            case RecordStatements() | DisputeStatement() | AttestStatement():
                return self.settlement.execute(command, call)
        if command.contract == "Consortium":
            return self.consortium.execute(command, call)
        if command.contract == "Prequalification":
            return self.prequalification.execute(command, call)
        return self.participants.execute(command, call)
