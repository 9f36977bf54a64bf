"""Rights that a BSP lends to another party for a time (ACT-1)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.deps import AsOf, BspCaller, KnownCaller, NodeDep, signer_for, written
from api.pages import PAGE_DEFAULT, After, Limit, page_model, page_of
from api.schemas.answers import Page, Written
from api.schemas.requests import DelegationBody, DelegationEndBody
from api.sight import require_role
from api.visibility import PARTIES
from registry.domain.commands import DelegateRight, EndDelegation
from registry.domain.participants import Right
from registry.services.identity import Role
from registry.views import DelegationView

router = APIRouter(prefix="/v1/delegations", tags=["delegations"])


@router.post("", status_code=201)
def delegate(node: NodeDep, caller: BspCaller, body: DelegationBody) -> Written:
    """Let another party file the caller's baselines until a time, a year away at most."""
    command = DelegateRight(caller.party, body.agent, Right.FILE_BASELINES, body.valid_until)
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.post("/ends")
def end(node: NodeDep, caller: BspCaller, body: DelegationEndBody) -> Written:
    """Take the right back."""
    command = EndDelegation(caller.party, body.agent, Right.FILE_BASELINES)
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.get("", response_model=page_model(DelegationView))
def delegations(
    node: NodeDep,
    caller: KnownCaller,
    as_of: AsOf,
    as_agent: bool = False,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """What a BSP lends; with `as_agent=true` what the caller, whatever it is, was lent."""
    require_role(caller, *(PARTIES if as_agent else (Role.BSP,)))
    side = {"agent": caller.party} if as_agent else {"party": caller.party}
    return page_of(
        DelegationView,
        lambda position, size: node.mirror.delegations(as_of=as_of, after=position, limit=size, **side),
        after,
        limit,
        lambda _: True,
    )
