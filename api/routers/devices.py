"""Device keys of PODs: bound, replaced, revoked by the connecting DSO; what they passed over (DEV-1, MEA-2).

Binding a new key ends the one before it where the new one begins. A key certifies periods that lie in its
validity as a whole, so both should change hands at the start of a quarter-hour: the period in which a
validity ends in between has no valid reading.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.deps import (
    HEX_ID,
    AsOf,
    DsoCaller,
    KnownCaller,
    NodeDep,
    existing,
    own_pods,
    signer_for,
    written,
)
from api.pages import PAGE_DEFAULT, After, Limit, page_model, page_of
from api.schemas.answers import Page, Written
from api.schemas.documents import GapAnswer, Gaps
from api.schemas.requests import DevicesBody, EndingsBody
from api.sight import require_role
from api.visibility import DEVICE_ROLES, PODS, sees_device
from registry.bootstrap import Node
from registry.domain.commands import BindDevices, EndDevices
from registry.domain.devices import Binding
from registry.domain.identifiers import bytes32_text
from registry.ports import CounterGap
from registry.services.identity import Principal, Role
from registry.views import DeviceView

router = APIRouter(prefix="/v1", tags=["devices"])
GAP_KEY = r"^[0-9a-f]{64}\.[0-9]{1,18}$"


@router.get("/devices", response_model=page_model(DeviceView))
def devices(
    node: NodeDep,
    caller: KnownCaller,
    as_of: AsOf,
    pod_id: Annotated[str, Query(pattern=HEX_ID, description="the POD's ledger id")],
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Keys of a POD, bound ever, with their validity: for its BSP, its DSO and the auditor (DEV-1)."""
    require_role(caller, *DEVICE_ROLES)
    _require_visible(node, caller, pod_id)
    pod = node.mirror.pod(bytes.fromhex(pod_id))
    return page_of(
        DeviceView,
        lambda position, size: node.mirror.devices(
            pod_id=bytes.fromhex(pod_id), as_of=as_of, after=position, limit=size
        ),
        after,
        limit,
        lambda row: sees_device(caller, row, pod),
    )


@router.post("/devices", status_code=201)
def bind(node: NodeDep, caller: DsoCaller, body: DevicesBody) -> Written:
    """Bind PGUI keys to PODs, all or none; a key before it ends where the new one begins (DEV-1)."""
    pod_ids = own_pods(node, caller, (binding.pod_id for binding in body.bindings))
    bindings = tuple(
        Binding(pod_id, bytes.fromhex(b.key_x), bytes.fromhex(b.key_y), b.valid_from, b.valid_until)
        for pod_id, b in zip(pod_ids, body.bindings, strict=True)
    )
    return written(node.recorder.record(BindDevices(caller.party, bindings), signer_for(node, caller)))


@router.post("/devices/endings", status_code=201)
def end(node: NodeDep, caller: DsoCaller, body: EndingsBody) -> Written:
    """End the validity of the PODs' latest keys, all or none: revocation (DEV-1).

    What a key certified for periods before stays valid; what it signs for a period that reaches beyond the
    end is refused.
    """
    for number, ending in enumerate(body.endings):
        _require_visible(node, caller, ending.pod_id, f"pod_id at place {number}")
    command = EndDevices(
        dso=caller.party,
        pod_ids=tuple(bytes.fromhex(ending.pod_id) for ending in body.endings),
        valid_until=tuple(ending.valid_until for ending in body.endings),
        reason=bytes32_text(body.reason),
    )
    return written(node.recorder.record(command, signer_for(node, caller)))


@router.get("/gaps")
def gaps(
    node: NodeDep,
    caller: KnownCaller,
    after: Annotated[str | None, Query(pattern=GAP_KEY, description="`next` of the page before")] = None,
    limit: Limit = PAGE_DEFAULT,
) -> Gaps:
    """Counters that devices passed over and that have not arrived, for DSO and auditor (MEA-2).

    A gap closes when the missing statements come; one that stays was a statement lost in the device.
    """
    require_role(caller, Role.DSO, Role.AUDITOR)
    shown: list[GapAnswer] = []
    position = _position(after)
    while len(shown) <= limit:
        rows = node.log.gaps(after=position, limit=limit + 1)
        shown += [answer for gap in rows if (answer := _visible_gap(node, caller, gap)) is not None]
        if len(rows) <= limit:
            break
        position = rows[-1].key_id, rows[-1].first
    more = len(shown) > limit
    last = shown[limit - 1] if more else None
    return Gaps(items=shown[:limit], next=f"{last.key_id}.{last.first}" if last else None)


def _require_visible(node: Node, caller: Principal, pod_id: str, what: str = "pod_id") -> None:
    """The POD, or a key that the caller once bound to it, is there for the caller.

    Raises:
        NotFound: API-2.
    """
    identity = bytes.fromhex(pod_id)
    pod = node.mirror.pod(identity)
    visible = (pod is not None and PODS.of(caller)(pod)) or any(
        sees_device(caller, device, pod) for device in node.mirror.devices(pod_id=identity)
    )
    existing(identity if visible else None, lambda _: True, what, pod_id)


def _position(after: str | None) -> tuple[bytes, int]:
    if after is None:
        return b"", 0
    key_id, _, first = after.partition(".")
    return bytes.fromhex(key_id), int(first)


def _visible_gap(node: Node, caller: Principal, gap: CounterGap) -> GapAnswer | None:
    device = node.mirror.device_of_key(gap.key_id)
    if device is None or not sees_device(caller, device, node.mirror.pod(device.pod_id)):
        return None
    return GapAnswer(key_id=gap.key_id.hex(), pod_id=device.pod_id.hex(), first=gap.first, last=gap.last)
