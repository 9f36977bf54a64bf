"""Changes of the contracts (CON-1)."""

from __future__ import annotations

from registry.domain.contract_changes import ChangeState
from registry.domain.events import (
    ChangeConsented,
    ChangeProposed,
    ChangeWithdrawn,
    ConsortiumFounded,
    ContractsChanged,
)
from registry.mirror.changes import Changes, Projection
from registry.mirror.keys import change_part
from registry.mirror.tables import ContractChange


def _founded(_changes: Changes, _event: ConsortiumFounded, _time: int) -> None:
    """The fact alone: there is no change to show."""


def _proposed(changes: Changes, event: ChangeProposed, _time: int) -> None:
    row = {
        "change": event.change,
        "version": event.version,
        "proposer": event.operator,
        "codes": [[code.name.hex(), code.implementation, code.initial.hex()] for code in event.codes],
        "document_hash": event.document_hash,
        "not_before": event.not_before,
        "consents": [],
        "state": int(ChangeState.OPEN),
    }
    changes.put(ContractChange, change_part(event.change), row)


def _consented(changes: Changes, event: ChangeConsented, _time: int) -> None:
    key = change_part(event.change)
    consents = changes.need(ContractChange, key)["consents"]
    changes.amend(ContractChange, key, consents=[*consents, event.operator])


def _withdrawn(changes: Changes, event: ChangeWithdrawn, _time: int) -> None:
    changes.amend(ContractChange, change_part(event.change), state=int(ChangeState.WITHDRAWN))


def _carried_out(changes: Changes, event: ContractsChanged, _time: int) -> None:
    changes.amend(ContractChange, change_part(event.change), state=int(ChangeState.CARRIED_OUT))


PROJECTIONS: dict[str, Projection] = {
    "ConsortiumFounded": _founded,
    "ChangeProposed": _proposed,
    "ChangeConsented": _consented,
    "ChangeWithdrawn": _withdrawn,
    "ContractsChanged": _carried_out,
}
