"""`ETag` on every JSON answer to a GET, and 304 for who has it already."""

from __future__ import annotations

from hashlib import sha256

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from api.exchange import WholeResponse


class Tagged:
    """Tags by content.

    The same answer to the same caller has the same tag, whatever was recorded in between.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        response = await WholeResponse.of(self._app, scope, receive)
        headers = response.headers
        if response.status == 200 and headers.get("content-type", "").startswith("application/json"):
            tag = f'"{sha256(response.body).hexdigest()[:32]}"'
            headers["ETag"] = tag
            headers["Cache-Control"] = "private, no-cache"
            headers["Vary"] = "Authorization"
            if _knows(Headers(scope=scope).get("if-none-match", ""), tag):
                response.status, response.body = 304, b""
                del headers["content-length"], headers["content-type"]
        await response.send(send)


def _knows(if_none_match: str, tag: str) -> bool:
    known = [candidate.strip().removeprefix("W/") for candidate in if_none_match.split(",")]
    return tag in known or "*" in known
