"""No body is read without an end.

What a request may carry, for every route and before anything else looks at it.
"""

from __future__ import annotations

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import BodyTooLarge, violation_response
from registry.domain.errors import InputInvalid

BODY_BYTES_MAX = 4 * 1024 * 1024
"""Holds the largest body that any route takes: a batch of 5,000 statements."""

NESTING_MAX = 32
"""Levels of a JSON body. Libraries of the chain raise the interpreter's recursion limit so far that a deeper
one could exhaust the stack."""
_JSON_STRING = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_TOO_DEEP = InputInvalid(
    rule="API-1",
    field="body",
    found=f"more than {NESTING_MAX} levels",
    allowed=f"at most {NESTING_MAX} levels of nesting",
)

_NO_UTF8 = InputInvalid(
    rule="API-1", field="body", found="zero bytes", allowed="JSON in UTF-8 (RFC 8259 section 8.1)"
)


class LimitedBodies:
    """Reads the whole body, up to the limit, and hands it on as one message; 413 beyond it.

    JSON that nests too deeply is refused before anything parses it.
    """

    def __init__(self, app: ASGIApp, limit: int = BODY_BYTES_MAX) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._limit:
            await violation_response(too_large(f"{length[:20]} bytes", self._limit))(scope, receive, send)
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
        fault = _json_fault(bytes(body)) if "json" in _content_type(scope) else None
        if fault is not None:
            await violation_response(fault)(scope, receive, send)
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


def _content_type(scope: Scope) -> str:
    return Headers(scope=scope).get("content-type", "").lower()


def _json_fault(body: bytes) -> InputInvalid | None:
    """Why a JSON body is not even parsed."""
    # Parsers take bytes with zeros among them for UTF-16 or UTF-32, in which brackets cannot be counted.
    if b"\0" in body:
        return _NO_UTF8
    return _TOO_DEEP if nests_too_deeply(body) else None


def nests_too_deeply(body: bytes) -> bool:
    """Whether JSON text has more than `NESTING_MAX` levels. Takes linear time, whatever the text is."""
    if body.count(b"[") + body.count(b"{") <= NESTING_MAX:
        return False
    depth = 0
    for bracket in _JSON_STRING.sub(b"", body).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > NESTING_MAX:
            return True
    return False


def too_large(found: str, limit: int) -> BodyTooLarge:
    """The refusal of a body."""
    return BodyTooLarge(rule="API-1", field="body", found=found, allowed=f"at most {limit} bytes")
