"""Old months leave the measurement log while the node is served (LOG-1, STT-4)."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Request

from api.deps import AccessNodeCaller, NodeDep, signer_for
from api.detacher import Detacher
from api.schemas.documents import DetachmentAnswer, DetachmentProgress
from api.schemas.requests import DetachmentBody
from registry.bootstrap import Node
from registry.services.identity import Principal

router = APIRouter(prefix="/v1/log", tags=["measurements"])


@router.post("/detachment", status_code=202)
def detach(
    request: Request, node: NodeDep, caller: AccessNodeCaller, body: DetachmentBody
) -> DetachmentAnswer:
    """Begins to move a delivery month and all before it into the archive, once its settlement is final and no
    statement for it can be accepted any more. One at a time: another one meanwhile is refused with 409.
    """
    _require_own(node, caller)
    detacher = _detacher(request)
    detacher.ask(body.month)
    return _answer(node, detacher)


@router.get("/detachment")
def detachment(request: Request, node: NodeDep, caller: AccessNodeCaller) -> DetachmentAnswer:
    """What of the log is held, and how far the detachment under way is."""
    _require_own(node, caller)
    return _answer(node, _detacher(request))


def _require_own(node: Node, caller: Principal) -> None:
    """A log is its own access node's business, not that of another one."""
    signer_for(node, caller)


def _detacher(request: Request) -> Detacher:
    return cast(Detacher, request.app.state.detacher)


def _answer(node: Node, detacher: Detacher) -> DetachmentAnswer:
    held, step = node.log.held, detacher.step
    progress = DetachmentProgress(stage=step.stage.value, done=step.done, total=step.total) if step else None
    return DetachmentAnswer(
        held_since=held.since.date if held.since else None,
        minimum_index=held.minimum_index,
        detaching_until=held.detaching_until.date if held.detaching_until else None,
        progress=progress,
        failure=detacher.failure,
    )
