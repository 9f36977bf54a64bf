"""Sessions: outcomes, declarations, baselines (SES-1..6, BAS-1)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.deps import After, AsOf, KnownCaller, Limit, NodeDep, delivery_day, page_of, signer_for, written
from api.schemas.answers import Page, Written, answer_model
from api.schemas.requests import BaselinesBody, DeclarationBody, OutcomeBody
from api.visibility import PARTICIPANTS, require_role, sees_declaration, sees_selection
from registry.domain.calendar import DeliveryDay
from registry.domain.commands import DeclarePods
from registry.domain.market import PodQuarters
from registry.domain.sessions import Market
from registry.domain.settlement_case import DealTerms
from registry.services.file_baselines import file_baselines
from registry.services.identity import Role
from registry.services.select_flexibility import Order, select_flexibility
from registry.views import BaselineView, DeclarationView, SelectionView

router = APIRouter(prefix="/v1", tags=["market"])


@router.post("/selections", status_code=201, response_model=Written)
def select(node: NodeDep, caller: KnownCaller, body: OutcomeBody) -> Written:
    """Record a session's outcome: a DSO that of an LFP, a TSO that of an MSD (SES-4)."""
    require_role(caller, Role.DSO, Role.TSO)
    orders = [
        Order(s.aggregate, s.perimeter, tuple(s.kw), tuple(s.chain), s.tested_aggregate, DealTerms(**s.terms.model_dump()))
        for s in body.selections
    ]
    market = Market.LFP if caller.role is Role.DSO else Market.MSD
    receipt = select_flexibility(
        node.recorder, caller.party, signer_for(node, caller), market, DeliveryDay(body.day), body.session, orders
    )
    return written(receipt)


@router.get("/selections/{day}", response_model=Page[answer_model(SelectionView)])  # type: ignore[misc]
def selections(
    node: NodeDep, caller: KnownCaller, day: str, as_of: AsOf, session: int | None = None, after: After = None, limit: Limit = 100
) -> Page[Any]:
    """Outcomes of a delivery day."""
    require_role(caller, *PARTICIPANTS)
    own = {"bsp": caller.party} if caller.role is Role.BSP else {}
    rows = node.mirror.selections(delivery_day(day).number, session=session, as_of=as_of, after=after, limit=limit, **own)
    return page_of(rows, limit, lambda row: sees_selection(caller, row))


@router.post("/declarations", status_code=201, response_model=Written)
def declare(node: NodeDep, caller: KnownCaller, body: DeclarationBody) -> Written:
    """Declare which PODs fulfil a selection; `complete` frees the rest (SES-3)."""
    require_role(caller, Role.BSP)
    command = DeclarePods(
        bsp=caller.party,
        aggregate=body.aggregate,
        perimeter=body.perimeter,
        day=DeliveryDay(body.day).number,
        pods=tuple(PodQuarters(bytes.fromhex(pod.pod_id), pod.bits()) for pod in body.pods),
        complete=body.complete,
    )
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.get("/declarations/{day}", response_model=Page[answer_model(DeclarationView)])  # type: ignore[misc]
def declarations(
    node: NodeDep, caller: KnownCaller, day: str, as_of: AsOf, after: After = None, limit: Limit = 100
) -> Page[Any]:
    """Which PODs serve which market on a delivery day."""
    require_role(caller, *PARTICIPANTS)
    own = {"bsp": caller.party} if caller.role is Role.BSP else {}
    rows = node.mirror.declarations(delivery_day(day).number, as_of=as_of, after=after, limit=limit, **own)
    return page_of(rows, limit, lambda row: sees_declaration(caller, row))


@router.post("/baselines", status_code=201, response_model=list[Written])
def baselines(node: NodeDep, caller: KnownCaller, body: BaselinesBody) -> list[Written]:
    """File baselines before the gate (BAS-1)."""
    require_role(caller, Role.BSP)
    energies = {bytes.fromhex(item.pod_id): tuple(item.energy_wh) for item in body.baselines}
    receipts = file_baselines(node.recorder, caller.party, signer_for(node, caller), DeliveryDay(body.day), energies)
    return [written(receipt) for receipt in receipts]


@router.get("/baselines/{day}", response_model=Page[answer_model(BaselineView)])  # type: ignore[misc]
def filed(node: NodeDep, caller: KnownCaller, day: str, as_of: AsOf, after: After = None, limit: Limit = 100) -> Page[Any]:
    """Commitments to the baselines of a day: a BSP's own, for the auditor all."""
    require_role(caller, Role.BSP, Role.AUDITOR)
    own = {"bsp": caller.party} if caller.role is Role.BSP else {}
    return page_of(node.mirror.baselines(delivery_day(day).number, as_of=as_of, after=after, limit=limit, **own), limit)
