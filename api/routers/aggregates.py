"""Aggregates, their members, their qualifications (AGG-1..3, PRQ-1, TOE-2)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.deps import (
    AggregateNumber,
    AreaFilter,
    AsOf,
    BspCaller,
    DayFilter,
    KnownCaller,
    NodeDep,
    ProductNumber,
    existing,
    own_pods,
    signer_for,
    written,
)
from api.pages import PAGE_DEFAULT, After, Limit, page_model, page_of
from api.schemas.answers import Page, Written
from api.schemas.documents import QualificationAnswer
from api.schemas.requests import AggregateBody, ApplicationBody, PodIdsBody
from api.visibility import AGGREGATES, PODS, QUALIFICATIONS
from registry.bootstrap import Node
from registry.domain.aggregates import AggregateDraft
from registry.domain.calendar import DeliveryDay
from registry.domain.commands import ApplyForQualification, CreateAggregates, JoinAggregate, LeaveAggregate
from registry.domain.identifiers import aggregate_id
from registry.services.identity import Principal, Role
from registry.services.qualification import NO_EVIDENCE, qualification_of
from registry.views import AggregateView, MembershipView, QualificationView

router = APIRouter(prefix="/v1", tags=["aggregates and qualifications"])


@router.get("/aggregates", response_model=page_model(AggregateView))
def aggregates(
    node: NodeDep, caller: KnownCaller, as_of: AsOf, after: After = None, limit: Limit = PAGE_DEFAULT
) -> Page[Any]:
    """Aggregates that concern the caller."""
    scope = AGGREGATES.filters(caller)
    return page_of(
        AggregateView,
        lambda position, size: node.mirror.aggregates(as_of=as_of, after=position, limit=size, **scope),
        after,
        limit,
        AGGREGATES.of(caller),
    )


@router.post("/aggregates", status_code=201)
def create(node: NodeDep, caller: BspCaller, body: AggregateBody) -> Written:
    """Create an aggregate; its number is `bsp << 24 | serial` (AGG-1)."""
    draft = AggregateDraft(aggregate_id(caller.party, body.serial), body.market, bytes(32))
    return written(node.recorder.record(CreateAggregates(caller.party, (draft,)), signer_for(node, caller)))


@router.get("/aggregates/{aggregate}/members", response_model=page_model(MembershipView))
def members(
    node: NodeDep,
    caller: KnownCaller,
    aggregate: AggregateNumber,
    as_of: AsOf,
    day: DayFilter,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Members of an aggregate, ever or on a delivery day; to a DSO those on its grid."""
    _require_visible(node, caller, aggregate)
    return page_of(
        MembershipView,
        lambda position, size: node.mirror.memberships(
            aggregate=aggregate, day=day, as_of=as_of, after=position, limit=size
        ),
        after,
        limit,
        lambda row: caller.role is not Role.DSO or _on_its_grid(node, caller, row.pod_id),
    )


@router.post("/aggregates/{aggregate}/members")
def join(node: NodeDep, caller: BspCaller, aggregate: AggregateNumber, body: PodIdsBody) -> Written:
    """Put PODs into an aggregate, all or none, from the first day whose LFP 1 has not opened (AGG-2)."""
    _require_visible(node, caller, aggregate)
    command = JoinAggregate(caller.party, aggregate, own_pods(node, caller, body.pod_ids))
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.post("/aggregates/{aggregate}/departures")
def leave(node: NodeDep, caller: BspCaller, aggregate: AggregateNumber, body: PodIdsBody) -> Written:
    """Take PODs out of an aggregate, all or none."""
    _require_visible(node, caller, aggregate)
    command = LeaveAggregate(caller.party, aggregate, own_pods(node, caller, body.pod_ids))
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.get("/qualifications", response_model=page_model(QualificationView))
def qualifications(
    node: NodeDep,
    caller: KnownCaller,
    as_of: AsOf,
    aggregate: AreaFilter = None,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Applications and where they stand (PRQ-1)."""
    scope = QUALIFICATIONS.filters(caller)
    return page_of(
        QualificationView,
        lambda position, size: node.mirror.qualifications(
            aggregate=aggregate, as_of=as_of, after=position, limit=size, **scope
        ),
        after,
        limit,
        QUALIFICATIONS.of(caller),
    )


@router.post("/qualifications", status_code=201)
def apply(node: NodeDep, caller: BspCaller, body: ApplicationBody) -> Written:
    """Apply for the qualification of an aggregate."""
    _require_visible(node, caller, body.aggregate)
    command = ApplyForQualification(caller.party, (body.aggregate,), (body.product,), (NO_EVIDENCE,))
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.get("/aggregates/{aggregate}/qualifications/{product}")
def is_qualified(
    node: NodeDep, caller: KnownCaller, aggregate: AggregateNumber, product: ProductNumber, as_of: AsOf
) -> QualificationAnswer:
    """Is the aggregate qualified for the product? With the chain, or the rule that failed (TOE-2)."""
    _require_visible(node, caller, aggregate)
    existing(node.mirror.product(product, as_of=as_of), lambda _: True, "product", product)
    at = as_of or node.clock.now()
    asked = qualification_of(node.mirror, aggregate, product, at, DeliveryDay.of(at), as_of)
    return QualificationAnswer(**asked.as_document())


def _require_visible(node: Node, caller: Principal, aggregate: int) -> None:
    existing(node.mirror.aggregate(aggregate), AGGREGATES.of(caller), "aggregate", aggregate)


def _on_its_grid(node: Node, caller: Principal, pod_id: bytes) -> bool:
    pod = node.mirror.pod(pod_id)
    return pod is not None and PODS.of(caller)(pod)
