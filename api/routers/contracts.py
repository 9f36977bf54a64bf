"""Which code the ledger's contracts run, and the operators' consent to other code (CON-1)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from api.deps import AsOf, NodeDep, OperatorCaller, existing, signer_for, written
from api.pages import PAGE_DEFAULT, After, Limit, page_model, page_of
from api.schemas.answers import Page, Written, answer, answer_model
from api.schemas.documents import Contracts
from api.schemas.requests import ChangeBody
from registry.domain.commands import CarryOutChange, ConsentToChange, ProposeChange, WithdrawChange
from registry.domain.contract_changes import Code
from registry.domain.identifiers import bytes32_text
from registry.views import ContractChangeView

router = APIRouter(prefix="/v1/contracts", tags=["contracts"])
ChangeNumber = Annotated[int, Path(ge=1, le=2**32 - 1)]


@router.get("", tags=["public"])
def contracts(node: NodeDep) -> Contracts:
    """The chain, the lasting addresses of the contracts, and the version of their code that this node speaks
    to.
    """
    ledger = node.ledger
    return Contracts(
        chain_id=ledger.chain_id,
        version=ledger.contracts_version,
        first_block=ledger.first_block,
        addresses=dict(ledger.addresses),
    )


@router.get("/changes", response_model=page_model(ContractChangeView), tags=["public"])
def changes(node: NodeDep, as_of: AsOf, after: After = None, limit: Limit = PAGE_DEFAULT) -> Page[Any]:
    """Proposed changes of the contracts, and who consented (CON-1)."""
    return page_of(
        ContractChangeView,
        lambda position, size: node.mirror.contract_changes(as_of=as_of, after=position, limit=size),
        after,
        limit,
    )


@router.get("/changes/{change}", response_model=answer_model(ContractChangeView), tags=["public"])
def change(node: NodeDep, as_of: AsOf, change: ChangeNumber) -> Any:
    """One change."""
    row = node.mirror.contract_change(change, as_of=as_of)
    return answer(existing(row, lambda _: True, "change", change))


@router.post("/changes", status_code=201)
def propose(node: NodeDep, caller: OperatorCaller, body: ChangeBody) -> Written:
    """Propose other code for some contracts; the proposer consents by it (CON-1)."""
    codes = tuple(
        Code(bytes32_text(code.name), code.implementation, bytes.fromhex(code.initial)) for code in body.codes
    )
    command = ProposeChange(caller.party, codes, bytes.fromhex(body.document_hash), body.not_before)
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.post("/changes/{change}/consents", status_code=201)
def consent(node: NodeDep, caller: OperatorCaller, change: ChangeNumber) -> Written:
    """Consent to a change: compare its code before, `python -m tools.consortium compare` (CON-1)."""
    return written(node.recorder.record(ConsentToChange(caller.party, change), signer_for(node, caller)))


@router.post("/changes/{change}/withdrawal", status_code=201)
def withdraw(node: NodeDep, caller: OperatorCaller, change: ChangeNumber) -> Written:
    """Withdraw a change that the caller proposed (CON-1)."""
    return written(node.recorder.record(WithdrawChange(caller.party, change), signer_for(node, caller)))


@router.post("/changes/{change}/execution", status_code=201)
def carry_out(node: NodeDep, caller: OperatorCaller, change: ChangeNumber) -> Written:
    """Put a change into force that more than two thirds of the operators consented to (CON-1).

    From its block on this node can follow only if its release knows the new version.
    """
    row = existing(node.mirror.contract_change(change), lambda _: True, "change", change)
    codes = tuple(Code(bytes32_text(code.name), code.implementation, code.initial) for code in row.codes)
    command = CarryOutChange(caller.party, change, codes)
    return written(node.ledger.send(command, signer_for(node, caller)))
