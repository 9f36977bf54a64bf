"""Setpoints as server-sent events, for devices that stay connected (SET-1).

An event is one signed setpoint: `id` is its sequence, `data` its bytes in base64. Within a stream each
setpoint comes once and in order; a device that was away says by `Last-Event-ID` what it had, and gets what
came since and can still be begun. A stream holds no thread: it looks for news when the log has grown.
"""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

import anyio
from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.deps import DeviceCaller, NodeDep, PodId, existing
from api.problems import problem
from api.visibility import PODS
from registry.bootstrap import Node
from registry.evidence.payloads import Setpoint
from registry.evidence.statements import parse
from registry.services.identity import Principal

router = APIRouter(prefix="/v1", tags=["measurements"])
STREAMS_MAX = 1_000
"""Devices that may stay connected at once."""
LOOK_S = 0.25
"""How often a stream looks whether the log has grown."""
HEARTBEAT_S = 15.0
"""Longest silence; shorter than what proxies and mobile networks cut off."""
RETRY_S = 5
HEARTBEAT = b":\n\n"
_FULL = {
    "rule": "API-4",
    "field": "streams",
    "found": "as many as this node serves",
    "allowed": "a stream less, or GET /v1/pods/{pod_id}/setpoints",
}


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A device's place among the open streams."""

    key_id: bytes


class Streams:
    """The open streams of an application: at most so many, and one per device, the newest.

    A device whose connection broke unnoticed connects again: its old stream then ends instead of holding a
    place. Used by the event loop's thread only.
    """

    def __init__(self, limit: int = STREAMS_MAX) -> None:
        self._limit = limit
        self._newest: dict[bytes, Place] = {}
        self._closed = False

    def enter(self, key_id: bytes) -> Place | None:
        """A place for a device's new stream; None if there is none left."""
        if self._closed or (key_id not in self._newest and len(self._newest) >= self._limit):
            return None
        place = self._newest[key_id] = Place(key_id)
        return place

    def holds(self, place: Place) -> bool:
        """Whether this place is still its device's."""
        return not self._closed and self._newest.get(place.key_id) is place

    def leave(self, place: Place) -> None:
        """Give a place back; harmless if a newer stream has taken it over."""
        if self._newest.get(place.key_id) is place:
            del self._newest[place.key_id]

    def close(self) -> None:
        """End all streams and let no new one in: the server stops."""
        self._closed = True


class EventStream(StreamingResponse):
    """Server-sent events; gives its place back however it ends."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncIterator[bytes], streams: Streams, place: Place) -> None:
        super().__init__(events, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self._streams = streams
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until there are no more or the device is gone."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.leave(self._place)


@router.get(
    "/pods/{pod_id}/setpoints/stream",
    status_code=200,
    response_class=EventStream,
    responses={200: {"content": {EventStream.media_type: {"schema": {"type": "string"}}}}},
)
async def stream(
    request: Request,
    node: NodeDep,
    caller: DeviceCaller,
    pod_id: PodId,
    last_event_id: Annotated[
        int, Header(ge=0, le=2**32 - 1, description="sequence of the last setpoint known")
    ] = 0,
) -> Response:
    """Signed setpoints of the device's own POD, as they are logged, until its binding ends (SET-1, DEV-1)."""
    row = await run_in_threadpool(node.mirror.pod, caller.pod_id)
    existing(row, lambda pod: pod_id == caller.pod_id.hex() and PODS.of(caller)(pod), "pod_id", pod_id)
    streams = cast(Streams, request.app.state.streams)
    place = streams.enter(caller.key_id)
    if place is None:
        title = "The node serves no more streams now"
        return problem(503, title, title, "api-4", _FULL, {"Retry-After": str(RETRY_S)})
    return EventStream(_events(node, caller, last_event_id, lambda: streams.holds(place)), streams, place)


async def _events(
    node: Node, caller: Principal, after: int, wanted: Callable[[], bool]
) -> AsyncIterator[bytes]:
    """Events and heartbeats of one stream, while it is `wanted`.

    1. When the log has grown, read what is new for the POD and still applies.
    2. Before anything is handed out, and at every heartbeat, ask how long the device is bound: who was
       revoked gets nothing more.
    3. Hand out, in order, and remember the last one.
    """
    yield b"retry: %d\n\n" % (1_000 * RETRY_S)
    bound_until = await run_in_threadpool(_bound_until, node, caller)
    size, spoke_at = -1, time.monotonic()
    while wanted() and node.clock.now() < bound_until:
        # 1. read
        found: list[bytes] = []
        if (grown := node.log.size) != size:
            found, size = await run_in_threadpool(node.log.setpoints, caller.pod_id, after), grown
        if found or time.monotonic() - spoke_at >= HEARTBEAT_S:
            # 2. bound
            bound_until = await run_in_threadpool(_bound_until, node, caller)
            if node.clock.now() >= bound_until:
                return
            # 3. hand out
            for data in found:
                after = _sequence_of(data)
                yield b"id: %d\nevent: setpoint\ndata: %s\n\n" % (after, base64.b64encode(data))
            if not found:
                yield HEARTBEAT
            spoke_at = time.monotonic()
        await anyio.sleep(LOOK_S)


def _bound_until(node: Node, caller: Principal) -> datetime:
    device = node.mirror.device_of_key(caller.key_id)
    return device.valid_until if device is not None else node.clock.now()


def _sequence_of(data: bytes) -> int:
    payload = parse(data).payload
    assert isinstance(payload, Setpoint)
    return payload.sequence
