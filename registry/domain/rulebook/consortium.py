"""The ledger's rules about its own code in memory (CON-1; contracts/src/Consortium.sol).

What the code does is not known here, nor whether there is any at an address: the chain refuses an address
without code (`CodeMissing`), the rulebook only the zero address.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from registry.domain.commands import (
    CarryOutChange,
    Command,
    ConsentToChange,
    ProposeChange,
    WithdrawChange,
)
from registry.domain.contract_changes import CONTRACTS, ChangeState, Code, consented
from registry.domain.events import (
    ChangeConsented,
    ChangeProposed,
    ChangeWithdrawn,
    ContractsChanged,
    Event,
)
from registry.domain.identifiers import bytes32_text
from registry.domain.participants import PartyKind
from registry.domain.refusals import Refusal
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.state import Call, Journal, Table

_NAMES = frozenset(bytes32_text(name) for name in CONTRACTS)


@dataclass(frozen=True, slots=True)
class _Change:
    version: int
    proposer: int
    codes: tuple[Code, ...]
    not_before: int
    state: ChangeState
    consents: tuple[int, ...]


_NO_CHANGE = _Change(0, 0, (), 0, ChangeState.NONE, ())


class ConsortiumBook:
    """Changes of the contracts and who consented."""

    def __init__(self, journal: Journal, participants: ParticipantsBook, notice_s: int) -> None:
        self._participants = participants
        self._notice_s = notice_s
        self._changes: Table[int, _Change] = Table(journal, _NO_CHANGE)
        self._version: Table[str, int] = Table(journal, 1)

    @property
    def version(self) -> int:
        """The version of the set of contracts in force."""
        return self._version["contracts"]

    def execute(self, command: Command, call: Call) -> list[Event]:
        """Apply a command of an operator.

        Raises:
            Refusal: ACT-1 or CON-1.
        """
        match command:
            case ProposeChange():
                self._require_operator(command.operator, call)
                return self._propose(command, call)
            case ConsentToChange():
                self._require_operator(command.operator, call)
                return self._consent(command)
            case WithdrawChange():
                self._require_operator(command.operator, call)
                return self._withdraw(command)
            case CarryOutChange():
                self._require_operator(command.operator, call)
                return self._carry_out(command, call)
        raise TypeError(f"{type(command).__name__} is no command of Consortium")

    def consents_to(self, change: int) -> tuple[int, int]:
        """Consents whose parties are not suspended, and the number of operators."""
        parties = self._participants.parties
        consents = [party for party in self._changes[change].consents if not parties[party].suspended]
        return len(consents), self._participants.operators

    def _propose(self, command: ProposeChange, call: Call) -> list[Event]:
        if not command.codes:
            raise Refusal("ChangeEmpty")
        earliest = call.now + self._notice_s
        if command.not_before < earliest:
            raise Refusal("NoticeTooShort", not_before=command.not_before, earliest=earliest)
        _require_known(command.codes)
        number, version = len(self._changes) + 1, self.version + 1
        self._changes[number] = _Change(
            version,
            command.operator,
            command.codes,
            command.not_before,
            ChangeState.OPEN,
            (command.operator,),
        )
        return [
            ChangeProposed(
                number, command.operator, version, command.codes, command.document_hash, command.not_before
            ),
            ChangeConsented(number, command.operator),
        ]

    def _consent(self, command: ConsentToChange) -> list[Event]:
        found = self._open(command.change)
        if command.operator in found.consents:
            raise Refusal("ConsentTwice", change=command.change, operator=command.operator)
        self._changes[command.change] = replace(found, consents=(*found.consents, command.operator))
        return [ChangeConsented(command.change, command.operator)]

    def _withdraw(self, command: WithdrawChange) -> list[Event]:
        found = self._open(command.change)
        if found.proposer != command.operator:
            raise Refusal(
                "ChangeOfOther", change=command.change, proposer=found.proposer, caller=command.operator
            )
        self._changes[command.change] = replace(found, state=ChangeState.WITHDRAWN)
        return [ChangeWithdrawn(command.change, command.operator)]

    def _carry_out(self, command: CarryOutChange, call: Call) -> list[Event]:
        change, found = command.change, self._open(command.change)
        if call.now < found.not_before:
            raise Refusal("ChangeTooEarly", change=change, not_before=found.not_before, now_at=call.now)
        if command.codes != found.codes:
            raise Refusal("CodesDiffer", change=change)
        consents, operators = self.consents_to(change)
        if not consented(consents, operators):
            raise Refusal("ConsentsMissing", change=change, consents=consents, operators=operators)
        self._changes[change] = replace(found, state=ChangeState.CARRIED_OUT)
        self._version["contracts"] = found.version
        return [ContractsChanged(change, found.version)]

    def _open(self, change: int) -> _Change:
        found = self._changes[change]
        if found.state is not ChangeState.OPEN:
            raise Refusal("ChangeNotOpen", change=change, change_state=found.state)
        if found.version != self.version + 1:
            raise Refusal("ChangeOutdated", change=change, version=found.version, in_force=self.version)
        return found

    def _require_operator(self, operator: int, call: Call) -> None:
        kind = self._participants.parties[operator].kind
        if kind not in (PartyKind.TSO, PartyKind.DSO):
            raise Refusal("NotOperator", party=operator)
        self._participants.require(kind, operator, call)


def _require_known(codes: Sequence[Code]) -> None:
    seen: set[bytes] = set()
    for code in codes:
        if code.name not in _NAMES:
            raise Refusal("ContractUnknown", name=code.name)
        if int(code.implementation, 16) == 0:
            raise Refusal("CodeMissing", name=code.name, implementation=code.implementation)
        if code.name in seen:
            raise Refusal("ContractUnknown", name=code.name)
        seen.add(code.name)
