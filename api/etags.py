"""`ETag` on every JSON answer to a GET, and 304 for who has it already."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256

from fastapi import FastAPI, Request
from starlette.responses import Response

from api.repeatable import body_of


def install(app: FastAPI) -> None:
    """Add the header to every successful JSON answer."""

    @app.middleware("http")
    async def tagged(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        json_answer = response.headers.get("content-type", "").startswith("application/json")
        if request.method != "GET" or response.status_code != 200 or not json_answer:
            return response
        body = await body_of(response)
        tag = f'"{sha256(body).hexdigest()[:32]}"'
        headers = {**dict(response.headers), "ETag": tag, "Cache-Control": "private, no-cache"}
        known = [candidate.strip().removeprefix("W/") for candidate in request.headers.get("if-none-match", "").split(",")]
        if tag in known:
            headers.pop("content-length", None)
            return Response(status_code=304, headers=headers)
        return Response(body, 200, headers)
