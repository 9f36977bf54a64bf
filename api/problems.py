"""Problem documents (RFC 9457): every error of the register becomes one here, and only here.

A `RuleViolation` keeps its rule key, field and both values. Its status follows from the rule's nature: who may act is 403,
a missing object 404, a clash with what is recorded 409, anything else about the content 422.
"""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from registry.domain.errors import InputInvalid, RuleViolation
from registry.ports import OperationalError

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "https://flexledger.example/problems/"
CONFLICT_RULES = frozenset({"POD-1", "SES-2", "SES-3", "SES-4", "DTL-3", "DTL-4", "LOG-2"})


class NotFound(RuleViolation):
    """The object does not exist, or not for this caller: the two are not told apart."""


class Unauthenticated(RuleViolation):
    """The route needs a bearer token."""


def status_of(error: RuleViolation) -> int:
    """HTTP status of a violation."""
    if isinstance(error, NotFound):
        return 404
    if isinstance(error, Unauthenticated):
        return 401
    if error.rule.startswith("ACT-"):
        return 403
    if isinstance(error, InputInvalid):
        return 422
    return 409 if error.rule in CONFLICT_RULES else 422


def violation_response(error: RuleViolation) -> JSONResponse:
    """The problem document of a violated rule."""
    status = status_of(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return problem(status, f"{error.rule} refuses this", str(error), error.rule.lower(), error.as_dict(), headers)


def problem(
    status: int,
    title: str,
    detail: str,
    kind: str,
    fields: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem document."""
    body = {"type": TYPE_BASE + kind, "title": title, "status": status, "detail": detail, **(fields or {})}
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def install(app: FastAPI) -> None:
    """Register the handlers on an application."""

    @app.exception_handler(RuleViolation)
    async def on_violation(_: Request, error: RuleViolation) -> JSONResponse:
        return violation_response(error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        fields = {
            "rule": "API-1",
            "field": field,
            "found": repr(first.get("input"))[:200],
            "allowed": first["msg"],
            "errors": [{"field": ".".join(map(str, e["loc"])), "allowed": e["msg"]} for e in error.errors()[:50]],
        }
        return problem(422, "The request is malformed", f"{field}: {first['msg']}", "malformed", fields)

    @app.exception_handler(HTTPException)
    async def on_http(_: Request, error: HTTPException) -> JSONResponse:
        detail = str(error.detail)
        return problem(error.status_code, detail, detail, f"http-{error.status_code}", headers=error.headers)

    @app.exception_handler(OperationalError)
    async def on_operational(_: Request, error: OperationalError) -> JSONResponse:
        return problem(503, "The node cannot do this now", str(error), "unavailable", headers={"Retry-After": "5"})
