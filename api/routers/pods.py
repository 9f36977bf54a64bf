"""PODs: registration by BSPs, static lights by DSOs, reading by whom it concerns (POD-1..3, POD-5)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.deps import (
    AreaFilter,
    AsOf,
    At,
    BspCaller,
    DayFilter,
    DsoCaller,
    KnownCaller,
    NodeDep,
    PodId,
    existing,
    own_pods,
    signer_for,
    written,
)
from api.pages import PAGE_DEFAULT, After, Limit, page_model, page_of
from api.schemas.answers import Page, Written, answer, answer_model
from api.schemas.documents import PodCode, RegisteredPods, Responsible
from api.schemas.requests import (
    HandoversBody,
    MovesBody,
    PodClaimsBody,
    PodIdsBody,
    RegisterPodsBody,
    StaticLightsBody,
)
from api.sight import require_role
from api.visibility import CLAIMS, POD_STEPS, PODS, sees_on_day
from registry.domain.calendar import DeliveryDay
from registry.domain.commands import DropClaims, GiveStaticLights, HandOverPods, MovePods, WithdrawPods
from registry.domain.identifiers import bytes32_text
from registry.domain.pods import NO_REASON, Handover, StaticLightDecision
from registry.services.claim_pods import ClaimWish, claim_pods
from registry.services.identity import Role
from registry.services.register_pods import PodApplication, register_pods
from registry.views import ClaimView, HistoryEntry, PodView

router = APIRouter(prefix="/v1/pods", tags=["PODs"])


@router.post("", status_code=201)
def register(node: NodeDep, caller: BspCaller, body: RegisterPodsBody) -> RegisteredPods:
    """Register PODs, all or none (POD-1). The answer gives the ledger ids in the order of the request."""
    applications = [
        PodApplication(
            pod_code=pod.pod_code,
            dso=pod.dso,
            category=pod.kinds()[0],
            voltage=pod.kinds()[1],
            up_kw=pod.up_kw,
            down_kw=pod.down_kw,
            activation_time_s=pod.activation_time_s,
            position=pod.position,
            technologies=tuple(pod.technologies),
        )
        for pod in body.pods
    ]
    done = register_pods(node.recorder, caller.party, signer_for(node, caller), applications)
    return RegisteredPods(
        pod_ids=[pod_id.hex() for pod_id in done.pod_ids],
        transactions=[receipt.tx_hash.hex() for receipt in done.receipts],
    )


@router.post("/withdrawals")
def withdraw(node: NodeDep, caller: BspCaller, body: PodIdsBody) -> Written:
    """End the registration of PODs, all or none (POD-5)."""
    command = WithdrawPods(caller.party, own_pods(node, caller, body.pod_ids))
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.post("/claims", status_code=201)
def claim(node: NodeDep, caller: BspCaller, body: PodClaimsBody) -> RegisteredPods:
    """Claim PODs of another BSP, all or none (POD-5); their DSO hands them over."""
    wishes = [ClaimWish(claim.pod_code, claim.mandate) for claim in body.claims]
    done = claim_pods(node.recorder, caller.party, signer_for(node, caller), wishes)
    return RegisteredPods(
        pod_ids=[pod_id.hex() for pod_id in done.pod_ids], transactions=[done.receipt.tx_hash.hex()]
    )


@router.post("/claims/drops")
def drop_claims(node: NodeDep, caller: BspCaller, body: PodIdsBody) -> Written:
    """Take claims back, all or none (POD-5)."""
    command = DropClaims(caller.party, tuple(bytes.fromhex(pod_id) for pod_id in body.pod_ids))
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.get("/claims", response_model=page_model(ClaimView))
def claims(
    node: NodeDep,
    caller: KnownCaller,
    as_of: AsOf,
    pending: bool = False,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Claims that concern the caller; `pending=true`: those that can still be granted (POD-5)."""
    scope = CLAIMS.filters(caller)
    return page_of(
        ClaimView,
        lambda position, size: node.mirror.claims(
            pending=pending, as_of=as_of, after=position, limit=size, **scope
        ),
        after,
        limit,
        CLAIMS.of(caller),
    )


@router.post("/handovers")
def hand_over(node: NodeDep, caller: DsoCaller, body: HandoversBody) -> Written:
    """Hand claimed PODs over to their next BSPs, all or none (POD-5)."""
    pod_ids = own_pods(node, caller, (handover.pod_id for handover in body.handovers))
    handovers = tuple(
        Handover(pod_id, handover.bsp) for pod_id, handover in zip(pod_ids, body.handovers, strict=True)
    )
    return written(node.recorder.record(HandOverPods(caller.party, handovers), signer_for(node, caller)))


@router.post("/moves")
def move(node: NodeDep, caller: DsoCaller, body: MovesBody) -> Written:
    """PODs of a perimeter that was split or merged move into a successor with their lights (DTL-1)."""
    command = MovePods(caller.party, body.perimeter, own_pods(node, caller, body.pod_ids))
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.post("/static-lights")
def give_static_lights(node: NodeDep, caller: DsoCaller, body: StaticLightsBody) -> Written:
    """Give static lights, all or none (POD-2)."""
    pod_ids = own_pods(node, caller, (light.pod_id for light in body.lights))
    decisions = tuple(
        StaticLightDecision(
            pod_id=pod_id,
            light=light.decision,
            up_kw=light.up_kw,
            down_kw=light.down_kw,
            perimeter=light.perimeter,
            reason=bytes32_text(light.reason) if light.reason else NO_REASON,
        )
        for pod_id, light in zip(pod_ids, body.lights, strict=True)
    )
    return written(node.recorder.record(GiveStaticLights(caller.party, decisions), signer_for(node, caller)))


@router.get("", response_model=page_model(PodView))
def pods(
    node: NodeDep,
    caller: KnownCaller,
    as_of: AsOf,
    day: DayFilter,
    perimeter: AreaFilter = None,
    aggregate: AreaFilter = None,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """PODs of the caller, as of a delivery day or as they stand last."""
    filters = {
        **PODS.filters(caller),
        "perimeter": perimeter,
        "aggregate": aggregate,
        "day": day,
        "as_of": as_of,
    }
    return page_of(
        PodView,
        lambda position, size: node.mirror.pods(after=position, limit=size, **filters),
        after,
        limit,
        PODS.of(caller),
    )


@router.get("/{pod_id}", response_model=answer_model(PodView))
def pod(node: NodeDep, caller: KnownCaller, pod_id: PodId, as_of: AsOf, day: DayFilter) -> Any:
    """One POD, as of a delivery day or as it stands last."""
    row = node.mirror.pod(bytes.fromhex(pod_id), day=day, as_of=as_of)
    return answer(existing(row, PODS.of(caller), "pod_id", pod_id))


@router.get("/{pod_id}/responsible")
def responsible(node: NodeDep, caller: KnownCaller, pod_id: PodId, at: At, as_of: AsOf) -> Responsible:
    """Which BSP is responsible for a POD in the delivery period that holds an instant (POD-5)."""
    require_role(caller, Role.BSP, Role.DSO, Role.AUDITOR)
    identity, day = bytes.fromhex(pod_id), DeliveryDay.of(at)
    then = node.mirror.pod(identity, day=day.number, as_of=as_of)
    latest = node.mirror.pod(identity, as_of=as_of)
    existing(latest, lambda _: sees_on_day(caller, then, latest), "pod_id", pod_id)
    bsp = None if then is None or then.withdrawn else then.bsp
    return Responsible(pod_id=pod_id, day=day.date, at=at, bsp=bsp)


@router.get("/{pod_id}/code")
def pod_code(node: NodeDep, caller: KnownCaller, pod_id: PodId) -> PodCode:
    """Code, position and technologies behind a POD's ledger id, for its BSP and its DSO (PRIV-1)."""
    require_role(caller, Role.BSP, Role.DSO)
    identity = bytes.fromhex(pod_id)
    existing(node.mirror.pod(identity), PODS.of(caller), "pod_id", pod_id)
    secret = node.vault.pod(identity)
    if secret is None:
        return PodCode(pod_id=pod_id, erased=True)
    return PodCode(
        pod_id=pod_id,
        erased=False,
        pod_code=secret.pod_code,
        position=secret.payload.get("position"),
        technologies=secret.payload.get("technologies"),
    )


@router.get("/{pod_id}/history", response_model=page_model(HistoryEntry))
def history(
    node: NodeDep, caller: KnownCaller, pod_id: PodId, after: After = None, limit: Limit = PAGE_DEFAULT
) -> Page[Any]:
    """Every step in the life of a POD, oldest first, with transaction, block, time and actor."""
    row = node.mirror.pod(bytes.fromhex(pod_id))
    existing(row, PODS.of(caller), "pod_id", pod_id)
    return page_of(
        HistoryEntry,
        lambda position, size: node.mirror.history("pod", pod_id, after=position, limit=size),
        after,
        limit,
        POD_STEPS.of(caller),
    )
