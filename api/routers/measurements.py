"""Devices: statements in, setpoints out; receipts and conflicts (MEA-1..3, SET-1, DEV-1, LOG-1)."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from api.deps import KnownCaller, NodeDep, existing, hex_id, signer_for, written
from api.problems import violation_response
from api.schemas.answers import Written
from api.schemas.requests import DevicesBody
from api.visibility import require_role, sees_pod
from registry.domain.commands import BindDevices
from registry.domain.devices import Binding
from registry.domain.errors import InputInvalid
from registry.evidence.cbor import split_sequence
from registry.ports import Accepted, Answer
from registry.services.identity import Role

router = APIRouter(prefix="/v1", tags=["measurements"])
STATEMENT_BYTES_MAX = 4096
BATCH_BYTES_MAX = 4 * 1024 * 1024
BATCH_ITEMS_MAX = 5_000
_BODY = {"requestBody": {"required": True, "content": {"application/cose": {"schema": {"type": "string", "format": "binary"}}}}}
_SEQUENCE = {
    "requestBody": {"required": True, "content": {"application/cbor-seq": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.post("/statements", status_code=201, openapi_extra=_BODY)
async def statement(request: Request, node: NodeDep) -> Response:
    """One certified statement (COSE_Sign1). 201 with the receipt, 200 for the same bytes again; it needs no token, it proves itself."""
    data = await _body(request, "application/cose", STATEMENT_BYTES_MAX)
    (answer,) = await run_in_threadpool(node.log.submit, [data])
    if not isinstance(answer, Accepted):
        return violation_response(answer.violation)
    return JSONResponse(_accepted(answer), status_code=200 if answer.duplicate else 201)


@router.post("/statements/batch", openapi_extra=_SEQUENCE)
async def statements(request: Request, node: NodeDep) -> dict[str, Any]:
    """A CBOR sequence of statements; one answer each, in order."""
    data = await _body(request, "application/cbor-seq", BATCH_BYTES_MAX)
    items = split_sequence(data, rule="MEA-1", field="body")
    if len(items) > BATCH_ITEMS_MAX:
        raise InputInvalid(rule="API-1", field="body", found=f"{len(items)} statements", allowed=f"at most {BATCH_ITEMS_MAX}")
    answers = await run_in_threadpool(node.log.submit, items)
    return {"answers": [_answer(answer) for answer in answers]}


@router.get("/pods/{pod_id}/setpoints")
def setpoints(
    node: NodeDep,
    caller: KnownCaller,
    pod_id: str,
    after: Annotated[int, Query(ge=0, le=2**32)] = 0,
    wait: Annotated[float, Query(ge=0, le=60)] = 0,
) -> dict[str, list[str]]:
    """Signed setpoints of the caller's POD that still apply, in order; waits for the first up to `wait` seconds (SET-1)."""
    require_role(caller, Role.PGUI)
    identity = hex_id(pod_id, "pod_id")
    existing(node.mirror.pod(identity), lambda pod: sees_pod(caller, pod), "pod_id", pod_id)
    return {"setpoints": [base64.b64encode(data).decode() for data in node.log.setpoints(identity, after, wait)]}


@router.get("/statements/{index}/receipt")
def receipt(node: NodeDep, index: Annotated[int, Path(ge=0, le=2**63 - 1)]) -> Response:
    """The COSE receipt of an entry, as it was answered first (LOG-1)."""
    return Response(node.log.receipt(index), media_type="application/cose")


@router.get("/conflicts")
def conflicts(node: NodeDep, caller: KnownCaller, after: Annotated[int, Query(ge=0)] = 0) -> dict[str, Any]:
    """Refused statements that contradict the log, for the DSO of the POD and the auditor (MEA-2)."""
    require_role(caller, Role.DSO, Role.AUDITOR)
    found = node.log.conflicts(after=after)
    shown = []
    for conflict in found:
        pod = node.mirror.pod(conflict.pod_id)
        if pod is not None and sees_pod(caller, pod):
            shown.append(
                {
                    "id": conflict.id,
                    "pod_id": conflict.pod_id.hex(),
                    "key_id": conflict.key_id.hex(),
                    "field": conflict.field,
                    "index": conflict.index,
                    "logged": base64.b64encode(conflict.logged).decode(),
                    "refused": base64.b64encode(conflict.refused).decode(),
                    "received_at": conflict.received_at,
                }
            )
    return {"items": shown, "next": found[-1].id if found else None}


@router.post("/devices", status_code=201, response_model=Written)
def bind(node: NodeDep, caller: KnownCaller, body: DevicesBody) -> Written:
    """Bind PGUI keys to PODs (DEV-1)."""
    require_role(caller, Role.DSO)
    bindings = tuple(
        Binding(
            bytes.fromhex(b.pod_id), bytes.fromhex(b.key_x), bytes.fromhex(b.key_y), b.valid_from, b.valid_until
        )
        for b in body.bindings
    )
    return written(node.recorder.record(BindDevices(caller.party, bindings), signer_for(node, caller)))


async def _body(request: Request, media_type: str, limit: int) -> bytes:
    found = request.headers.get("content-type", "").partition(";")[0].strip()
    if found != media_type:
        raise InputInvalid(rule="API-1", field="content-type", found=found or "none", allowed=media_type)
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > limit:
            raise InputInvalid(rule="API-1", field="body", found=f"more than {limit} bytes", allowed=f"at most {limit} bytes")
    return bytes(data)


def _accepted(answer: Accepted) -> dict[str, Any]:
    return {
        "index": answer.index,
        "statement_id": answer.statement_id.hex(),
        "receipt": base64.b64encode(answer.receipt).decode(),
        "duplicate": answer.duplicate,
    }


def _answer(answer: Answer) -> dict[str, Any]:
    if isinstance(answer, Accepted):
        fields = _accepted(answer)
        return {"status": "duplicate" if fields.pop("duplicate") else "accepted", **fields}
    return {
        "status": "refused",
        "statement_id": answer.statement_id.hex(),
        **answer.violation.as_dict(),
        "detail": str(answer.violation),
    }
