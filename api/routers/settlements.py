"""Settlement statements and their evidence, for the parties of the deal and the auditor (STT-4, AUD-1)."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from fastapi import APIRouter, Response

from api.deps import (
    AsOf,
    AuditorCaller,
    BspCaller,
    DayFilter,
    KnownCaller,
    NodeDep,
    StatementId,
    existing,
    signer_for,
    written,
)
from api.pages import PAGE_DEFAULT, After, Limit, page_model, page_of
from api.schemas.answers import Page, Written, answer, answer_model
from api.schemas.documents import SettlementDocument
from api.schemas.requests import AttestationBody, DisputeBody
from api.visibility import SETTLEMENTS, sees_opening
from registry.bootstrap import Node
from registry.domain.commands import AttestStatement, DisputeStatement
from registry.services.bundle_settlement import bundle_settlement
from registry.services.identity import Principal
from registry.services.sealing import opened
from registry.views import StatementView

router = APIRouter(prefix="/v1/settlements", tags=["settlement"])
BUNDLE = "application/zip"


@router.get("", response_model=page_model(StatementView))
def settlements(
    node: NodeDep,
    caller: KnownCaller,
    as_of: AsOf,
    day: DayFilter,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Recorded statements that concern the caller."""
    scope = SETTLEMENTS.filters(caller)
    return page_of(
        StatementView,
        lambda position, size: node.mirror.statements(
            day=day, as_of=as_of, after=position, limit=size, **scope
        ),
        after,
        limit,
        SETTLEMENTS.of(caller),
    )


@router.get("/{statement_id}", response_model=answer_model(StatementView))
def settlement(node: NodeDep, caller: KnownCaller, statement_id: StatementId, as_of: AsOf) -> Any:
    """What the ledger holds of a statement."""
    row = node.mirror.statement(bytes.fromhex(statement_id), as_of=as_of)
    return answer(existing(row, SETTLEMENTS.of(caller), "statement_id", statement_id))


@router.get("/{statement_id}/document")
def document(node: NodeDep, caller: KnownCaller, statement_id: StatementId) -> SettlementDocument:
    """The statement itself: periods, energies, prices, amounts (PRIV-3)."""
    row = _visible(node, caller, statement_id)
    opening = opened(node.vault, row.commitment, "settlement")
    existing(opening, lambda found: sees_opening(caller, found), "statement_id", statement_id)
    return SettlementDocument(**opening.payload)


@router.get(
    "/{statement_id}/evidence",
    response_class=Response,
    responses={200: {"content": {BUNDLE: {"schema": {"type": "string", "format": "binary"}}}}},
)
def evidence(node: NodeDep, caller: KnownCaller, statement_id: StatementId) -> Response:
    """The evidence bundle: check it anywhere with `flexledger verify` (AUD-1).

    It holds the ledger's blocks, and so the quantities that every node of the consortium can read (PRIV-3).
    """
    row = _visible(node, caller, statement_id)
    data = bundle_settlement(node.recorder, node.log, row.statement_id, node.cosigner.kept)
    headers = {
        "Content-Disposition": f'attachment; filename="{statement_id}.flexbundle"',
        "X-Content-SHA256": sha256(data).hexdigest(),
    }
    return Response(data, media_type=BUNDLE, headers=headers)


@router.post("/{statement_id}/disputes", status_code=201)
def dispute(node: NodeDep, caller: BspCaller, statement_id: StatementId, body: DisputeBody) -> Written:
    """Dispute a statement within its window (STT-4)."""
    row = _visible(node, caller, statement_id)
    command = DisputeStatement(caller.party, row.statement_id, sha256(body.reason.encode()).digest())
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.post("/{statement_id}/attestations", status_code=201)
def attest(node: NodeDep, caller: AuditorCaller, statement_id: StatementId, body: AttestationBody) -> Written:
    """Attest that the figures were re-derived, or not (AUD-1)."""
    row = _visible(node, caller, statement_id)
    command = AttestStatement(
        caller.party, row.statement_id, body.confirmed, bytes.fromhex(body.bundle_sha256)
    )
    return written(node.recorder.record(command, signer_for(node, caller)))


def _visible(node: Node, caller: Principal, statement_id: str) -> StatementView:
    row = node.mirror.statement(bytes.fromhex(statement_id))
    return existing(row, SETTLEMENTS.of(caller), "statement_id", statement_id)
