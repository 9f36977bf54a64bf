"""No body is read without an end.

What a request may carry, for every route and before anything else looks at it.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import too_large, violation_response
from registry.domain.errors import InputInvalid
from registry.domain.json_text import flaw_of

BODY_BYTES_MAX = 4 * 1024 * 1024
"""Holds the largest body that any route takes: a batch of 5,000 statements."""
KEY_HEADER = "Idempotency-Key"
_JSON = re.compile(r"[/+]json", re.IGNORECASE)
"""In the content type of whatever a route could parse as JSON."""


class LimitedBodies:
    """Reads the whole body, up to the limit, and hands it on as one message; 413 beyond it.

    JSON that is not in UTF-8 or nests too deeply is refused before anything parses it. Of the paths
    ``streamed`` only the length that is told is looked at: their routes take a body as it arrives, and count.
    A request that is to be repeatable is known by its whole body, whatever its path.
    """

    def __init__(
        self, app: ASGIApp, limit: int = BODY_BYTES_MAX, streamed: Collection[str] = frozenset()
    ) -> None:
        self._app = app
        self._limit = limit
        self._streamed = streamed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._limit:
            await violation_response(too_large(f"{length[:20]} bytes", self._limit))(scope, receive, send)
            return
        if scope["path"] in self._streamed and KEY_HEADER not in Headers(scope=scope):
            await self._app(scope, receive, send)
            return
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return  # the client is gone
            body += message.get("body", b"")
            if len(body) > self._limit:
                await violation_response(too_large(f"more than {self._limit} bytes", self._limit))(
                    scope, receive, send
                )
                return
            more = message.get("more_body", False)
        is_json = _JSON.search(Headers(scope=scope).get("content-type", ""))
        if is_json and (flaw := flaw_of(bytes(body))) is not None:
            refusal = InputInvalid(rule="API-1", field="body", found=flaw.found, allowed=flaw.allowed)
            await violation_response(refusal)(scope, receive, send)
            return
        await self._app(scope, replayed(bytes(body), receive), send)


def replayed(body: bytes, receive: Receive) -> Receive:
    """A channel that gives a body which was read already, then what the client says next."""
    left = [body]

    async def read() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return read
