"""PODs: registration by BSPs, static lights by DSOs, reading by whom it concerns (POD-1..3)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.deps import AsOf, After, KnownCaller, Limit, NodeDep, delivery_day, existing, hex_id, page_of, signer_for, written
from api.schemas.answers import Page, Written, answer, answer_model
from api.schemas.requests import PodIdsBody, RegisterPodsBody, StaticLightsBody
from api.visibility import pod_scope, require_role, sees_pod
from registry.domain.commands import GiveStaticLights, WithdrawPods
from registry.domain.identifiers import bytes32_text
from registry.domain.pods import NO_REASON, StaticLightDecision
from registry.services.identity import Role
from registry.services.register_pods import PodApplication, register_pods
from registry.views import HistoryEntry, PodView

router = APIRouter(prefix="/v1/pods", tags=["PODs"])


@router.post("", status_code=201)
def register(node: NodeDep, caller: KnownCaller, body: RegisterPodsBody) -> dict[str, Any]:
    """Register PODs, all or none (POD-1). The answer gives the ledger ids in the order of the request."""
    require_role(caller, Role.BSP)
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
    return {
        "pod_ids": [pod_id.hex() for pod_id in done.pod_ids],
        "transactions": [receipt.tx_hash.hex() for receipt in done.receipts],
    }


@router.post("/withdrawals", response_model=Written)
def withdraw(node: NodeDep, caller: KnownCaller, body: PodIdsBody) -> Written:
    """End the registration of PODs (POD-5)."""
    require_role(caller, Role.BSP)
    command = WithdrawPods(caller.party, tuple(bytes.fromhex(pod_id) for pod_id in body.pod_ids))
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.post("/static-lights", response_model=Written)
def give_static_lights(node: NodeDep, caller: KnownCaller, body: StaticLightsBody) -> Written:
    """Give static lights, all or none (POD-2)."""
    require_role(caller, Role.DSO)
    decisions = tuple(
        StaticLightDecision(
            pod_id=bytes.fromhex(light.pod_id),
            light=light.decision,
            up_kw=light.up_kw,
            down_kw=light.down_kw,
            perimeter=light.perimeter,
            reason=bytes32_text(light.reason) if light.reason else NO_REASON,
        )
        for light in body.lights
    )
    return written(node.recorder.record(GiveStaticLights(caller.party, decisions), signer_for(node, caller)))


@router.get("", response_model=Page[answer_model(PodView)])  # type: ignore[misc]
def pods(
    node: NodeDep,
    caller: KnownCaller,
    as_of: AsOf,
    day: str | None = None,
    perimeter: int | None = None,
    aggregate: int | None = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[Any]:
    """PODs of the caller, as of a delivery day or as they stand last."""
    filters = {**pod_scope(caller), "perimeter": perimeter, "aggregate": aggregate}
    number = delivery_day(day).number if day is not None else None
    rows = node.mirror.pods(day=number, as_of=as_of, after=after, limit=limit, **filters)
    return page_of(rows, limit, lambda row: sees_pod(caller, row))


@router.get("/{pod_id}", response_model=answer_model(PodView))
def pod(node: NodeDep, caller: KnownCaller, pod_id: str, as_of: AsOf, day: str | None = None) -> Any:
    """One POD."""
    number = delivery_day(day).number if day is not None else None
    row = node.mirror.pod(hex_id(pod_id, "pod_id"), day=number, as_of=as_of)
    return answer(existing(row, lambda found: sees_pod(caller, found), "pod_id", pod_id))


@router.get("/{pod_id}/code")
def pod_code(node: NodeDep, caller: KnownCaller, pod_id: str) -> dict[str, Any]:
    """Code, position and technologies behind a POD's ledger id, for its BSP and its DSO (PRIV-1)."""
    require_role(caller, Role.BSP, Role.DSO)
    identity = hex_id(pod_id, "pod_id")
    existing(node.mirror.pod(identity), lambda found: sees_pod(caller, found), "pod_id", pod_id)
    secret = node.vault.pod(identity)
    if secret is None:
        return {"pod_id": pod_id, "pod_code": None, "erased": True}
    return {"pod_id": pod_id, "pod_code": secret.pod_code, **dict(secret.payload), "erased": False}


@router.get("/{pod_id}/history", response_model=list[answer_model(HistoryEntry)])  # type: ignore[misc]
def history(node: NodeDep, caller: KnownCaller, pod_id: str, limit: Limit = 100) -> Any:
    """Every step in the life of a POD, with transaction, block, time and actor."""
    identity = hex_id(pod_id, "pod_id")
    existing(node.mirror.pod(identity), lambda found: sees_pod(caller, found), "pod_id", pod_id)
    return [answer(entry) for entry in node.mirror.history("pod", pod_id, limit=limit)]
