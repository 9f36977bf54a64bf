"""Statements in, setpoints out; receipts and conflicts (MEA-1..3, SET-1, LOG-1)."""

from __future__ import annotations

import base64
import json
import time
from typing import Annotated, Any

import anyio
from anyio import CapacityLimiter
from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from api.batches import Batch
from api.deps import DeviceCaller, KnownCaller, NodeDep, PodId, existing
from api.direct import DirectRoute
from api.limits import BODY_BYTES_MAX
from api.problems import violation_response
from api.schemas.documents import (
    AcceptedStatement,
    BatchAnswers,
    ConflictAnswer,
    Conflicts,
    Setpoints,
)
from api.sight import require_role
from api.statements import COSE, STATEMENTS_PATH, answer_statement, require_media_type
from api.visibility import PODS
from registry.services.identity import Role

router = APIRouter(prefix="/v1", tags=["measurements"])
BATCH_ITEMS_MAX = 5_000
CONFLICTS_PER_PAGE = 100
BATCH_PATH = "/v1/statements/batch"
SEQUENCE = "application/cbor-seq"
WAIT_S_MAX = 60
LONG_POLLS_MAX = 64
"""Devices that may wait for a setpoint at once; the next ones are answered at once and ask again."""
WAIT_SLICE_S = 1.0
"""How long a waiting request holds its thread before it looks whether its device is still there."""


def _binary(media_type: str) -> dict[str, Any]:
    return {"content": {media_type: {"schema": {"type": "string", "format": "binary"}}}}


async def statement(request: Request) -> ASGIApp:
    """One certified statement (COSE_Sign1). 201 once it is durable, 200 for the same bytes again; ``receipt``
    says where its receipt is.

    It needs no token, it proves itself.
    """
    media_type = request.headers.get("content-type", "")
    return await answer_statement(request.app.state.gatherer, media_type, await request.body())


@router.post(
    "/statements/batch",
    responses={200: {"model": BatchAnswers}},
    openapi_extra={"requestBody": {"required": True, **_binary(SEQUENCE)}},
)
async def statements(request: Request, node: NodeDep) -> Response:
    """A CBOR sequence of statements; one answer each, in order. A refused one does not hold up the others.
    ``receipt`` says where the receipt of an accepted one is.

    Statements are taken while the body arrives. If the body itself is at fault (too long, too many items, an
    item without an end), the problem document has the ``answers`` to all statements before the fault.
    """
    require_media_type(request.headers.get("content-type", ""), SEQUENCE)
    batch = Batch(node.log.submit_sequence, BATCH_ITEMS_MAX, BODY_BYTES_MAX)
    try:
        await batch.take(request.stream())
    except ClientDisconnect:
        return Unheard()
    if batch.fault:
        return violation_response(batch.fault, answers=json.loads(batch.answers))
    return Response(b'{"answers":%b}' % batch.answers, media_type="application/json")


@router.get("/pods/{pod_id}/setpoints")
async def setpoints(
    request: Request,
    node: NodeDep,
    caller: DeviceCaller,
    pod_id: PodId,
    after: Annotated[int, Query(ge=0, le=2**32 - 1, description="sequence of the last one known")] = 0,
    wait: Annotated[float, Query(ge=0, le=WAIT_S_MAX, description="seconds to wait for the first")] = 0,
) -> Setpoints:
    """Signed setpoints of the device's own POD that still apply, in order (SET-1)."""
    identity = bytes.fromhex(pod_id)
    row = await run_in_threadpool(node.mirror.pod, identity)
    existing(row, PODS.of(caller), "pod_id", pod_id)
    limiter: CapacityLimiter = request.app.state.long_polls
    deadline = time.monotonic() + wait
    found = await run_in_threadpool(node.log.setpoints, identity, after)
    while not found and (left := deadline - time.monotonic()) > 0 and limiter.available_tokens > 0:
        found = await anyio.to_thread.run_sync(
            node.log.setpoints, identity, after, min(left, WAIT_SLICE_S), limiter=limiter
        )
        if await request.is_disconnected():
            break
    return Setpoints(setpoints=[base64.b64encode(data).decode() for data in found])


@router.get(
    "/statements/{index}/receipt", response_class=Response, responses={200: _binary(COSE)}, tags=["public"]
)
def receipt(node: NodeDep, index: Annotated[int, Path(ge=0, le=2**63 - 1)]) -> Response:
    """The COSE receipt of an entry, as it was answered first (LOG-1)."""
    there = index < node.log.size
    existing(index if there else None, lambda _: True, "index", index)
    return Response(node.log.receipt(index), media_type=COSE)


@router.get("/conflicts")
def conflicts(
    node: NodeDep, caller: KnownCaller, after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0
) -> Conflicts:
    """Refused statements that contradict the log, for the DSO of the POD and the auditor (MEA-2)."""
    require_role(caller, Role.DSO, Role.AUDITOR)
    found = node.log.conflicts(after=after, limit=CONFLICTS_PER_PAGE)
    shown = [
        ConflictAnswer(
            id=conflict.id,
            pod_id=conflict.pod_id.hex(),
            key_id=conflict.key_id.hex(),
            field=conflict.field,
            index=conflict.index,
            logged=base64.b64encode(conflict.logged).decode(),
            refused=base64.b64encode(conflict.refused).decode(),
            received_at=conflict.received_at,
        )
        for conflict in found
        if (pod := node.mirror.pod(conflict.pod_id)) is not None and PODS.of(caller)(pod)
    ]
    return Conflicts(items=shown, next=found[-1].id if len(found) == CONFLICTS_PER_PAGE else None)


class Unheard(Response):
    """No answer: the client is gone."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send nothing."""


def install(app: FastAPI) -> None:
    """Add what devices ask most to the application itself, tried before any router."""
    app.router.add_api_route(
        STATEMENTS_PATH,
        statement,
        methods=["POST"],
        route_class_override=DirectRoute,
        response_model=None,
        tags=["measurements"],
        status_code=201,
        responses={
            201: {"model": AcceptedStatement},
            200: {"model": AcceptedStatement, "description": "Known already"},
        },
        openapi_extra={"requestBody": {"required": True, **_binary(COSE)}},
    )
