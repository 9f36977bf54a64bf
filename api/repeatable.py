"""Writes that can be repeated: `Idempotency-Key` (the same key and body give the same answer, once written).

A key belongs to its caller. Refusals are not kept: nothing was written, so the next try is a new one. A write that was cut
off by a crash cannot be vouched for: its key answers 409 until somebody has looked at what is recorded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response, StreamingResponse

from api.problems import problem
from registry.bootstrap import Node
from registry.domain.errors import RuleViolation

HEADER = "idempotency-key"
KEY_LENGTH_MAX = 200
Next = Callable[[Request], Awaitable[Response]]


def install(app: FastAPI) -> None:
    """Make every POST that carries the header repeatable."""

    @app.middleware("http")
    async def repeatable(request: Request, call_next: Next) -> Response:
        key = request.headers.get(HEADER)
        if request.method != "POST" or key is None:
            return await call_next(request)
        if not 0 < len(key) <= KEY_LENGTH_MAX:
            return problem(422, "The request is malformed", f"{HEADER}: 1 to {KEY_LENGTH_MAX} characters", "malformed")
        node: Node = request.app.state.node
        caller = await run_in_threadpool(_caller, node, request)
        fingerprint = sha256(f"{request.url.path}?{request.url.query}\n".encode() + await request.body()).digest()
        kept = await run_in_threadpool(node.answers.begin, caller, key, fingerprint)
        if kept is not None:
            if kept.fingerprint != fingerprint:
                return problem(
                    422, "Key used for another request", f"{HEADER} {key} belongs to another request; choose a new one", "key-reused"
                )
            if kept.status is None:
                detail = "the first request with this key is under way or was cut off; look at what is recorded, then use a new key"
                return problem(409, "Not known yet", detail, "key-pending")
            return Response(kept.body, kept.status, {"Idempotency-Replayed": "true"}, media_type="application/json")
        # An exception here says nothing about whether the ledger took it: then the key stays claimed.
        response = await call_next(request)
        body = await body_of(response)
        if response.status_code < 300:
            await run_in_threadpool(node.answers.finish, caller, key, response.status_code, body)
        elif response.status_code < 500:
            await run_in_threadpool(node.answers.forget, caller, key)
        return Response(body, response.status_code, dict(response.headers))


def _caller(node: Node, request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return "anyone"
    try:
        principal = node.tokens.check(token)
    except RuleViolation:
        return "anyone"
    return f"{principal.role.value}:{principal.party}:{principal.pod_id.hex()}"


async def body_of(response: Response) -> bytes:
    """The whole body of an answer that a middleware got back."""
    if isinstance(response, StreamingResponse) or hasattr(response, "body_iterator"):
        chunks = [chunk async for chunk in response.body_iterator]
        return b"".join(chunk if isinstance(chunk, bytes) else str(chunk).encode() for chunk in chunks)
    return bytes(response.body)
