"""Settlement statements and their evidence, for the parties of the deal and the auditor (STT-4, AUD-1)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Response

from api.deps import After, AsOf, KnownCaller, Limit, NodeDep, delivery_day, existing, hex_id, page_of, signer_for, written
from api.problems import NotFound
from api.schemas.answers import Page, Written, answer, answer_model
from api.schemas.requests import AttestationBody, DisputeBody
from api.visibility import require_role, sees_settlement, settlement_scope
from registry.domain.commands import AttestStatement, DisputeStatement
from registry.services.bundle_settlement import bundle_settlement
from registry.services.identity import Role
from registry.services.sealing import opened
from registry.views import StatementView

router = APIRouter(prefix="/v1/settlements", tags=["settlement"])


@router.get("", response_model=Page[answer_model(StatementView)])  # type: ignore[misc]
def settlements(
    node: NodeDep, caller: KnownCaller, as_of: AsOf, day: str | None = None, after: After = None, limit: Limit = 100
) -> Page[Any]:
    """Recorded statements that concern the caller."""
    number = delivery_day(day).number if day is not None else None
    rows = node.mirror.statements(day=number, as_of=as_of, after=after, limit=limit, **settlement_scope(caller))
    return page_of(rows, limit, lambda row: sees_settlement(caller, row))


@router.get("/{statement_id}", response_model=answer_model(StatementView))
def settlement(node: NodeDep, caller: KnownCaller, statement_id: str, as_of: AsOf) -> Any:
    """What the ledger holds of a statement."""
    row = node.mirror.statement(hex_id(statement_id, "statement_id"), as_of=as_of)
    return answer(existing(row, lambda found: sees_settlement(caller, found), "statement_id", statement_id))


@router.get("/{statement_id}/document")
def document(node: NodeDep, caller: KnownCaller, statement_id: str) -> dict[str, Any]:
    """The statement itself: periods, energies, prices, amounts (PRIV-3)."""
    row = _visible(node, caller, statement_id)
    opening = opened(node.vault, row.commitment, "settlement")
    if caller.party not in opening.owners:
        raise NotFound(rule="API-2", field="statement_id", found=statement_id, allowed="a statement that exists for the caller")
    return dict(opening.payload)


@router.get("/{statement_id}/evidence", response_class=Response)
def evidence(node: NodeDep, caller: KnownCaller, statement_id: str) -> Response:
    """The evidence bundle: check it anywhere with `flexledger verify` (AUD-1)."""
    row = _visible(node, caller, statement_id)
    data = bundle_settlement(node.recorder, node.log, row.statement_id)
    headers = {
        "Content-Disposition": f'attachment; filename="{statement_id}.flexbundle"',
        "X-Content-SHA256": sha256(data).hexdigest(),
    }
    return Response(data, media_type="application/zip", headers=headers)


@router.post("/{statement_id}/disputes", status_code=201, response_model=Written)
def dispute(node: NodeDep, caller: KnownCaller, statement_id: str, body: DisputeBody) -> Written:
    """Dispute a statement within its window (STT-4)."""
    require_role(caller, Role.BSP)
    command = DisputeStatement(caller.party, hex_id(statement_id, "statement_id"), sha256(body.reason.encode()).digest())
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.post("/{statement_id}/attestations", status_code=201, response_model=Written)
def attest(node: NodeDep, caller: KnownCaller, statement_id: str, body: AttestationBody) -> Written:
    """Attest that the figures were re-derived, or not."""
    require_role(caller, Role.AUDITOR)
    command = AttestStatement(
        caller.party, hex_id(statement_id, "statement_id"), body.confirmed, bytes.fromhex(body.bundle_sha256)
    )
    return written(node.recorder.record(command, signer_for(node, caller)))


def _visible(node: NodeDep, caller: KnownCaller, statement_id: str) -> StatementView:
    row = node.mirror.statement(hex_id(statement_id, "statement_id"))
    return existing(row, lambda found: sees_settlement(caller, found), "statement_id", statement_id)
