"""Writes that can be repeated.

`Idempotency-Key` (the same key and request give the same answer, once written).

A key belongs to its caller. Refusals are not kept: nothing was written, so the next try is a new one. Of a
write that was cut off (a crash, a chain that did not answer) nobody can say whether it was taken: its key
answers 409 until somebody has looked at what is recorded.
"""

from __future__ import annotations

from hashlib import sha256

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.exchange import WholeResponse
from api.limits import KEY_HEADER, replayed
from api.problems import KeyPending, violation_response
from registry.bootstrap import Node
from registry.domain.errors import InputInvalid, RuleViolation
from registry.ports import KeptAnswer

KEY_LENGTH_MAX = 200
REPLAYED = {"Idempotency-Replayed": "true"}


class Repeatable:
    """Makes every POST that carries the header repeatable. Expects its body in one message."""

    def __init__(self, app: ASGIApp, node: Node) -> None:
        self._app = app
        self._node = node

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        1. Claim the key: another request's, a finished or an unfinished one is answered here.
        2. Let the request through.
        3. Keep the answer if it was written; give the key back if it was refused.
        """
        key = (
            Headers(scope=scope).get(KEY_HEADER)
            if scope["type"] == "http" and scope["method"] == "POST"
            else None
        )
        if key is None:
            await self._app(scope, receive, send)
            return
        if not 0 < len(key) <= KEY_LENGTH_MAX or not (key.isascii() and key.isprintable()):
            await violation_response(_malformed(key))(scope, receive, send)
            return
        # 1. claim
        body = (await receive())["body"]
        fingerprint = _fingerprint(scope, body)
        caller = await run_in_threadpool(_caller, self._node, scope)
        kept = await run_in_threadpool(self._node.answers.begin, caller, key, fingerprint)
        if kept is not None:
            await _kept_answer(key, fingerprint, kept)(scope, receive, send)
            return
        # 2. through; an exception says nothing about whether the ledger took it: then the key stays claimed
        response = await WholeResponse.of(self._app, scope, replayed(body, receive))
        # 3. keep
        if response.status < 300:
            await run_in_threadpool(self._node.answers.finish, caller, key, response.status, response.body)
        elif response.status < 500:
            await run_in_threadpool(self._node.answers.forget, caller, key)
        await response.send(send)


def _kept_answer(key: str, fingerprint: bytes, kept: KeptAnswer) -> Response:
    if kept.fingerprint != fingerprint:
        return violation_response(
            InputInvalid(
                rule="API-3",
                field=KEY_HEADER,
                found=f"{key}, used for another request",
                allowed="a key of its own for every request",
            )
        )
    if kept.status is None:
        return violation_response(
            KeyPending(
                rule="API-3",
                field=KEY_HEADER,
                found=f"{key}, whose first request is under way or was cut off",
                allowed="a finished request",
                hint="look at what is recorded, then use a new key",
            )
        )
    return Response(kept.body, kept.status, REPLAYED, media_type="application/json")


def _malformed(key: str) -> InputInvalid:
    return InputInvalid(
        rule="API-3",
        field=KEY_HEADER,
        found=f"{len(key)} characters",
        allowed=f"1 to {KEY_LENGTH_MAX} printable ASCII characters",
    )


def _fingerprint(scope: Scope, body: bytes) -> bytes:
    content_type = Headers(scope=scope).get("content-type", "")
    head = f"{scope['path']}?{scope['query_string'].decode('latin-1')}\n{content_type}\n"
    return sha256(head.encode() + body).digest()


def _caller(node: Node, scope: Scope) -> str:
    scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return "anyone"
    try:
        principal = node.tokens.check(token.strip())
    except RuleViolation:
        return "anyone"
    return f"{principal.role.value}:{principal.party}:{principal.pod_id.hex()}"
