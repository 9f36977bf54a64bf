"""Witnesses: this node as one of other logs (C2SP tlog-witness under the submission prefix /v1/witness), and
what others said of its own log (LOG-2).
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse

from api import problems
from api.deps import NodeDep, existing
from api.problems import too_large
from registry.bootstrap import Node
from registry.domain.errors import InputInvalid, RuleViolation
from registry.evidence.witnessing import REQUEST_BYTES_MAX, SIZE_MEDIA_TYPE, AddCheckpoint
from registry.log.witness import LogForked, LogUnknown, NoteUntrusted, ProofInvalid, SizeDiffers

router = APIRouter(prefix="/v1", tags=["public"])
STATUS_OF: tuple[tuple[type[RuleViolation], int], ...] = (
    (LogUnknown, 404),
    (NoteUntrusted, 403),
    (LogForked, 409),
    (ProofInvalid, 422),
    (InputInvalid, 400),
)
_TEXT = {"schema": {"type": "string"}}
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


@router.get("/witness", response_class=PlainTextResponse)
def witness_key(node: NodeDep) -> Response:
    """The key this node cosigns with, as note tools write it."""
    return PlainTextResponse(f"{node.witness.key}\n")


@router.get("/log/checkpoint.cosigned", response_class=PlainTextResponse)
def cosigned_checkpoint(node: NodeDep) -> Response:
    """The newest head of the measurement log that witnesses cosigned, with their signatures under it."""
    note = existing(node.cosigner.cosigned(), lambda _: True, "checkpoint.cosigned", "none")
    return PlainTextResponse(note)


@router.get("/log/cosigned/{size}", response_class=PlainTextResponse)
def anchored_checkpoint(node: NodeDep, size: Annotated[int, Path(ge=0, lt=2**63)]) -> Response:
    """The checkpoint of an anchored size, with the cosignatures under it that its anchor counted.

    404 where the anchor counted none.
    """
    note = existing(node.cosigner.kept(size), lambda _: True, "size", size)
    return PlainTextResponse(note)


@router.post(
    "/witness/add-checkpoint",
    response_class=PlainTextResponse,
    responses={
        409: {
            "description": "The size cosigned last; or a problem document: two roots for one size",
            "content": {SIZE_MEDIA_TYPE: _TEXT, problems.MEDIA_TYPE: {"schema": _PROBLEM}},
        }
    },
    openapi_extra={"requestBody": {"required": True, "content": {"text/plain": _TEXT}}},
)
async def add_checkpoint(request: Request, node: NodeDep) -> Response:
    """Cosigns a checkpoint that continues the one cosigned last, and proves it.

    200 with the signature line; 409 with the size cosigned last if the proof starts elsewhere. It needs no
    token: the log's signature is what counts.
    """
    body = await request.body()
    if len(body) > REQUEST_BYTES_MAX:
        raise too_large(f"{len(body)} bytes", REQUEST_BYTES_MAX)
    return await run_in_threadpool(_answer, node, body)


def _answer(node: Node, body: bytes) -> Response:
    try:
        return PlainTextResponse(node.witness.add_checkpoint(AddCheckpoint.parse(body)))
    except SizeDiffers as differs:
        return Response(f"{differs.known_size}\n".encode(), 409, media_type=SIZE_MEDIA_TYPE)
    except RuleViolation as violation:
        status = next(status for kind, status in STATUS_OF if isinstance(violation, kind))
        title, kind = f"{violation.rule} refuses this", violation.rule.lower()
        return problems.problem(status, title, str(violation), kind, violation.as_dict())
