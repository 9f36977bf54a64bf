"""The ledger's settlement statements in memory (STT-4, STT-5; contracts/src/Settlement.sol)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry.domain.commands import AttestStatement, DisputeStatement, RecordStatements
from registry.domain.events import Event, StatementAttested, StatementDisputed, StatementRecorded
from registry.domain.identifiers import owner_of_aggregate, owner_of_product
from registry.domain.participants import PartyKind
from registry.domain.refusals import Refusal
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.prequalification import PrequalificationBook
from registry.domain.rulebook.sessions import SessionsBook
from registry.domain.rulebook.state import Call, Journal, Table
from registry.domain.statements import NO_STATEMENT, Statement


@dataclass(frozen=True, slots=True)
class RecordedStatement:
    """What the rules about a recorded statement are decided on."""

    bsp: int
    disputable_until: int
    disputed: bool = False


class SettlementBook:
    """Recorded statements, and the one in force per aggregate, product and day."""

    def __init__(
        self,
        journal: Journal,
        participants: ParticipantsBook,
        sessions: SessionsBook,
        prequalification: PrequalificationBook,
        dispute_window_s: int,
    ) -> None:
        self._participants = participants
        self._sessions = sessions
        self._prequalification = prequalification
        self._dispute_window_s = dispute_window_s
        self._statements: Table[bytes, RecordedStatement | None] = Table(journal, None)
        self._in_force: Table[tuple[int, int, int], bytes] = Table(journal, NO_STATEMENT)

    def execute(
        self, command: RecordStatements | DisputeStatement | AttestStatement, call: Call
    ) -> list[Event]:
        """Record, dispute or attest statements. TSO and DSO settle separately, each its own products (STT-5).

        Raises:
            Refusal: ACT-1, STT-4, PRD-1, SES-1.
        """
        match command:
            case RecordStatements():
                dso = self._participants.parties[command.operator].kind is PartyKind.DSO
                self._participants.require(PartyKind.DSO if dso else PartyKind.TSO, command.operator, call)
                return [
                    self._record(command.operator, statement, call.now) for statement in command.statements
                ]
            case DisputeStatement():
                self._participants.require(PartyKind.BSP, command.bsp, call)
                return [self._dispute(command, call.now)]
            case AttestStatement():
                self._participants.require(PartyKind.AUDITOR, command.auditor, call)
                self._known(command.statement_id)
                return [
                    StatementAttested(
                        command.statement_id, command.auditor, command.confirmed, command.bundle_hash
                    )
                ]

    def in_force(self, aggregate: int, product: int, day: int) -> bytes:
        """The statement in force, 32 zero bytes for none."""
        return self._in_force[aggregate, product, day]

    def _record(self, operator: int, statement: Statement, now: int) -> Event:
        statement_id = statement.statement_id
        if statement_id == NO_STATEMENT:
            raise Refusal("StatementUnknown", statement_id=statement_id)
        if statement_id in self._statements:
            raise Refusal("StatementExists", statement_id=statement_id)
        self._require_settleable(operator, statement, now)
        settled = statement.aggregate, statement.product, statement.day
        current = self._in_force[settled]
        if statement.supersedes != current:
            raise Refusal(
                "SupersedesWrong", statement_id=statement_id, in_force=current, found=statement.supersedes
            )
        disputable_until = now + self._dispute_window_s
        self._statements[statement_id] = RecordedStatement(
            owner_of_aggregate(statement.aggregate), disputable_until
        )
        self._in_force[settled] = statement_id
        return StatementRecorded(
            statement_id,
            operator,
            statement.aggregate,
            statement.product,
            statement.day,
            statement.commitment,
            statement.supersedes,
            disputable_until,
        )

    def _require_settleable(self, operator: int, statement: Statement, now: int) -> None:
        """An own product, and a day that is over (STT-4)."""
        refusal = Refusal(
            "NotSettleable",
            statement_id=statement.statement_id,
            product=statement.product,
            operator=operator,
            day=statement.day,
        )
        if owner_of_product(statement.product) != operator:
            raise refusal
        self._prequalification.product_of(statement.product)
        if self._sessions.schedule_of(statement.day).ends_at > now:
            raise refusal

    def _dispute(self, command: DisputeStatement, now: int) -> Event:
        statement = self._known(command.statement_id)
        if statement.bsp != command.bsp or now >= statement.disputable_until or statement.disputed:
            raise Refusal(
                "NotDisputable",
                statement_id=command.statement_id,
                bsp=command.bsp,
                until=statement.disputable_until,
                now_at=now,
            )
        self._statements[command.statement_id] = replace(statement, disputed=True)
        return StatementDisputed(command.statement_id, command.bsp, command.reason_hash)

    def _known(self, statement_id: bytes) -> RecordedStatement:
        found = self._statements[statement_id]
        if found is None:
            raise Refusal("StatementUnknown", statement_id=statement_id)
        return found
