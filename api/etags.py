"""`ETag` on every JSON answer to a GET, and 304 for who has it already."""

from __future__ import annotations

from hashlib import sha256

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Tagged:
    """Tags by content.

    The same answer to the same caller has the same tag, whatever was recorded in between. JSON is kept back
    until it is whole; everything else passes as it comes, so that a stream stays one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        chunks: list[bytes] = []

        async def tagged(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_taggable(message):
                start = message
                return
            if start is None:
                await send(message)
                return
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                await _send_tagged(scope, start, b"".join(chunks), send)

        await self._app(scope, receive, tagged)


def _is_taggable(start: Message) -> bool:
    content_type = Headers(raw=start["headers"]).get("content-type", "")
    return start["status"] == 200 and content_type.startswith("application/json")


async def _send_tagged(scope: Scope, start: Message, body: bytes, send: Send) -> None:
    status, headers = 200, MutableHeaders(raw=list(start["headers"]))
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers["ETag"] = tag
    headers["Cache-Control"] = "private, no-cache"
    headers["Vary"] = "Authorization"
    if _knows(Headers(scope=scope).get("if-none-match", ""), tag):
        status, body = 304, b""
        del headers["content-length"], headers["content-type"]
    await send({"type": "http.response.start", "status": status, "headers": headers.raw})
    await send({"type": "http.response.body", "body": body})


def _knows(if_none_match: str, tag: str) -> bool:
    known = [candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")]
    return tag in known or "*" in known
