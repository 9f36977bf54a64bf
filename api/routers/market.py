"""Sessions: outcomes, declarations, baselines (SES-1..6, BAS-1)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.deps import (
    AsOf,
    BspCaller,
    KnownCaller,
    NodeDep,
    OperatorCaller,
    PathDay,
    SessionFilter,
    existing,
    own_pods,
    signer_for,
    written,
)
from api.pages import PAGE_DEFAULT, After, Limit, page_model, page_of
from api.schemas.answers import Page, Written
from api.schemas.requests import BaselinesBody, DeclarationBody, OutcomeBody
from api.sight import require_role
from api.visibility import AGGREGATES, BASELINES, DECLARATIONS, PARTIES, SELECTIONS
from registry.bootstrap import Node
from registry.domain.commands import DeclarePods
from registry.domain.errors import InputInvalid
from registry.domain.market import PodQuarters
from registry.domain.participants import Right
from registry.domain.sessions import Market
from registry.services.file_baselines import file_baselines
from registry.services.identity import Principal, Role
from registry.services.select_flexibility import Order, select_flexibility
from registry.views import BaselineView, DeclarationView, SelectionView

router = APIRouter(prefix="/v1", tags=["market"])


@router.post("/selections", status_code=201)
def select(node: NodeDep, caller: OperatorCaller, body: OutcomeBody) -> Written:
    """Record a session's outcome, all or none: a DSO that of an LFP, a TSO that of an MSD (SES-4). What is
    paid says the agreement or bid that each rests on (SES-5).
    """
    for item in body.selections:
        row = node.mirror.aggregate(item.aggregate)
        existing(row, AGGREGATES.of(caller), "aggregate", item.aggregate)
    orders = [
        Order(
            aggregate=item.aggregate,
            perimeter=item.perimeter,
            kw=tuple(item.kw),
            chain=tuple(item.chain),
            tested_aggregate=item.tested_aggregate,
            rests_on=bytes.fromhex(item.rests_on),
        )
        for item in body.selections
    ]
    market = Market.LFP if caller.role is Role.DSO else Market.MSD
    signer = signer_for(node, caller)
    return written(
        select_flexibility(node.recorder, caller.party, signer, market, body.day, body.session, orders)
    )


@router.get("/selections/{day}", response_model=page_model(SelectionView))
def selections(
    node: NodeDep,
    caller: KnownCaller,
    day: PathDay,
    as_of: AsOf,
    session: SessionFilter = None,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Outcomes of a delivery day."""
    filters = {**SELECTIONS.filters(caller), "session": session, "as_of": as_of}
    return page_of(
        SelectionView,
        lambda position, size: node.mirror.selections(day.number, after=position, limit=size, **filters),
        after,
        limit,
        SELECTIONS.of(caller),
    )


@router.post("/declarations", status_code=201)
def declare(node: NodeDep, caller: BspCaller, body: DeclarationBody) -> Written:
    """Declare which PODs fulfil a selection, all or none; `complete` frees the rest (SES-3)."""
    row = node.mirror.aggregate(body.aggregate)
    existing(row, AGGREGATES.of(caller), "aggregate", body.aggregate)
    pod_ids = own_pods(node, caller, (pod.pod_id for pod in body.pods), body.day.number)
    command = DeclarePods(
        bsp=caller.party,
        aggregate=body.aggregate,
        perimeter=body.perimeter,
        day=body.day.number,
        pods=tuple(PodQuarters(pod_id, pod.bits()) for pod_id, pod in zip(pod_ids, body.pods, strict=True)),
        complete=body.complete,
    )
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.get("/declarations/{day}", response_model=page_model(DeclarationView))
def declarations(
    node: NodeDep,
    caller: KnownCaller,
    day: PathDay,
    as_of: AsOf,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Which PODs serve which market on a delivery day."""
    scope = DECLARATIONS.filters(caller)
    return page_of(
        DeclarationView,
        lambda position, size: node.mirror.declarations(
            day.number, as_of=as_of, after=position, limit=size, **scope
        ),
        after,
        limit,
        DECLARATIONS.of(caller),
    )


@router.post("/baselines", status_code=201)
def baselines(node: NodeDep, caller: KnownCaller, body: BaselinesBody) -> Written:
    """File baselines before the gate, all or none (BAS-1): a BSP its own; an agent, whatever it is itself,
    names the BSP in whose place (ACT-1).
    """
    if body.bsp is None or body.bsp == caller.party:
        require_role(caller, Role.BSP)
        holder = caller
    else:
        require_role(caller, *PARTIES)
        holder = _in_place_of(node, caller, body.bsp)
    pod_ids = own_pods(node, holder, (item.pod_id for item in body.baselines), body.day.number)
    if len(set(pod_ids)) != len(pod_ids):
        raise InputInvalid(rule="BAS-1", field="baselines", found="a POD twice", allowed="each POD once")
    energies = {pod_id: tuple(item.energy_wh) for pod_id, item in zip(pod_ids, body.baselines, strict=True)}
    (receipt,) = file_baselines(node.recorder, holder.party, signer_for(node, caller), body.day, energies)
    return written(receipt)


@router.get("/baselines/{day}", response_model=page_model(BaselineView))
def filed(
    node: NodeDep,
    caller: KnownCaller,
    day: PathDay,
    as_of: AsOf,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Commitments to the baselines of a day: a BSP's own, for the auditor all."""
    scope = BASELINES.filters(caller)
    return page_of(
        BaselineView,
        lambda position, size: node.mirror.baselines(
            day.number, as_of=as_of, after=position, limit=size, **scope
        ),
        after,
        limit,
        BASELINES.of(caller),
    )


def _in_place_of(node: Node, agent: Principal, bsp: int) -> Principal:
    """The BSP that has lent the agent the right to file its baselines.

    Raises:
        NotFound: API-2, it has not, or not any more.
    """
    now = node.clock.now()
    lent = [
        row
        for row in node.mirror.delegations(party=bsp, agent=agent.party)
        if row.right is Right.FILE_BASELINES and row.valid_until > now
    ]
    existing(lent[0] if lent else None, lambda row: not row.ended, "bsp", bsp)
    return Principal(Role.BSP, bsp)
