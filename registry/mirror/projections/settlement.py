"""Settlement statements (STT-4, AUD-1)."""

from __future__ import annotations

from registry.domain.events import StatementAttested, StatementDisputed, StatementRecorded
from registry.domain.identifiers import owner_of_aggregate
from registry.mirror.changes import Changes, Projection
from registry.mirror.keys import key, party_part
from registry.mirror.tables import AttestationRow, DisputeRow, Statement

_NONE = bytes(32)


def _recorded(changes: Changes, event: StatementRecorded, _time: int) -> None:
    supersedes = None if event.supersedes == _NONE else event.supersedes
    row = {
        "statement_id": event.statement_id,
        "operator": event.operator,
        "bsp": owner_of_aggregate(event.aggregate),
        "aggregate": event.aggregate,
        "product": event.product,
        "day": event.day,
        "commitment": event.commitment,
        "supersedes": supersedes,
        "superseded_by": None,
        "disputable_until": event.disputable_until,
    }
    changes.put(Statement, event.statement_id.hex(), row)
    if supersedes is not None:
        changes.amend(Statement, supersedes.hex(), superseded_by=event.statement_id)


def _disputed(changes: Changes, event: StatementDisputed, _time: int) -> None:
    row = {"statement_id": event.statement_id, "bsp": event.bsp, "reason_hash": event.reason_hash}
    changes.put(DisputeRow, event.statement_id.hex(), row)


def _attested(changes: Changes, event: StatementAttested, _time: int) -> None:
    row = {
        "statement_id": event.statement_id,
        "auditor": event.auditor,
        "confirmed": event.confirmed,
        "bundle_hash": event.bundle_hash,
    }
    place = key(event.statement_id.hex(), party_part(event.auditor), changes.place)
    changes.put(AttestationRow, place, row)


PROJECTIONS: dict[str, Projection] = {
    "StatementRecorded": _recorded,
    "StatementDisputed": _disputed,
    "StatementAttested": _attested,
}
