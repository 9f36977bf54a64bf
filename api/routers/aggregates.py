"""Aggregates, their members, their qualifications (AGG-1..3, PRQ-1, TOE-2)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path

from api.deps import After, AsOf, KnownCaller, Limit, NodeDep, delivery_day, existing, page_of, signer_for, written
from api.schemas.answers import Page, Written, answer, answer_model
from api.schemas.requests import AggregateBody, ApplicationBody, PodIdsBody
from api.visibility import aggregate_scope, qualification_scope, require_role, sees_aggregate, sees_qualification
from registry.domain.commands import ApplyForQualification, CreateAggregates, JoinAggregate, LeaveAggregate
from registry.domain.aggregates import AggregateDraft
from registry.domain.identifiers import aggregate_id
from registry.services.identity import Role
from registry.services.qualification import NO_EVIDENCE, qualification_of
from registry.views import AggregateView, MembershipView, QualificationView

router = APIRouter(prefix="/v1", tags=["aggregates and qualifications"])
AggregateNumber = Annotated[int, Path(ge=1, le=2**40 - 1)]
ProductNumber = Annotated[int, Path(ge=1, le=2**32 - 1)]


@router.get("/aggregates", response_model=Page[answer_model(AggregateView)])  # type: ignore[misc]
def aggregates(node: NodeDep, caller: KnownCaller, as_of: AsOf, after: After = None, limit: Limit = 100) -> Page[Any]:
    """Aggregates that concern the caller."""
    rows = node.mirror.aggregates(as_of=as_of, after=after, limit=limit, **aggregate_scope(caller))
    return page_of(rows, limit, lambda row: sees_aggregate(caller, row))


@router.post("/aggregates", status_code=201, response_model=Written)
def create(node: NodeDep, caller: KnownCaller, body: AggregateBody) -> Written:
    """Create an aggregate; its number is `bsp << 24 | serial` (AGG-1)."""
    require_role(caller, Role.BSP)
    draft = AggregateDraft(aggregate_id(caller.party, body.serial), body.market, bytes(32))
    return written(node.recorder.record(CreateAggregates(caller.party, (draft,)), signer_for(node, caller)))


@router.get("/aggregates/{aggregate}/members", response_model=Page[answer_model(MembershipView)])  # type: ignore[misc]
def members(
    node: NodeDep, caller: KnownCaller, aggregate: AggregateNumber, as_of: AsOf, day: str | None = None, after: After = None, limit: Limit = 100
) -> Page[Any]:
    """Members of an aggregate, ever or on a delivery day."""
    existing(node.mirror.aggregate(aggregate), lambda row: sees_aggregate(caller, row), "aggregate", aggregate)
    number = delivery_day(day).number if day is not None else None
    rows = node.mirror.memberships(aggregate=aggregate, day=number, as_of=as_of, after=after, limit=limit)
    return page_of(rows, limit)


@router.post("/aggregates/{aggregate}/members", response_model=Written)
def join(node: NodeDep, caller: KnownCaller, aggregate: AggregateNumber, body: PodIdsBody) -> Written:
    """Put PODs into an aggregate, from the first delivery day whose LFP 1 has not opened (AGG-2)."""
    require_role(caller, Role.BSP)
    command = JoinAggregate(caller.party, aggregate, tuple(map(bytes.fromhex, body.pod_ids)))
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.post("/aggregates/{aggregate}/departures", response_model=Written)
def leave(node: NodeDep, caller: KnownCaller, aggregate: AggregateNumber, body: PodIdsBody) -> Written:
    """Take PODs out of an aggregate."""
    require_role(caller, Role.BSP)
    command = LeaveAggregate(caller.party, aggregate, tuple(map(bytes.fromhex, body.pod_ids)))
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.get("/qualifications", response_model=Page[answer_model(QualificationView)])  # type: ignore[misc]
def qualifications(
    node: NodeDep, caller: KnownCaller, as_of: AsOf, aggregate: int | None = None, after: After = None, limit: Limit = 100
) -> Page[Any]:
    """Applications and where they stand (PRQ-1)."""
    rows = node.mirror.qualifications(
        aggregate=aggregate, as_of=as_of, after=after, limit=limit, **qualification_scope(caller)
    )
    return page_of(rows, limit, lambda row: sees_qualification(caller, row))


@router.post("/qualifications", status_code=201, response_model=Written)
def apply(node: NodeDep, caller: KnownCaller, body: ApplicationBody) -> Written:
    """Apply for the qualification of an aggregate."""
    require_role(caller, Role.BSP)
    command = ApplyForQualification(caller.party, (body.aggregate,), (body.product,), (NO_EVIDENCE,))
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.get("/aggregates/{aggregate}/qualifications/{product}")
def is_qualified(
    node: NodeDep, caller: KnownCaller, aggregate: AggregateNumber, product: ProductNumber, as_of: AsOf
) -> dict[str, Any]:
    """Is the aggregate qualified for the product? The answer names the chain of equivalences, or the rule that failed (TOE-2)."""
    existing(node.mirror.aggregate(aggregate), lambda row: sees_aggregate(caller, row), "aggregate", aggregate)
    return qualification_of(node.mirror, aggregate, product, as_of or node.clock.now(), as_of).as_document()
