"""Problem documents (RFC 9457): every error of the register becomes one here, and only here.

Each names the rule, the field, what was found and what is allowed. Its status follows from the rule's nature:
who may act is 403 (401 without a valid token), a missing object 404, a clash with what is recorded 409, a
body beyond the limit 413, anything else about the content 422; a node that cannot do its work now is 503.
Rules of the interface itself:

    API-1   a request has the form that /openapi.json says
    API-2   what is asked for exists for the caller; hidden and missing are not told apart
    API-3   an `Idempotency-Key` belongs to one request
    API-4   the node can reach what it works with: chain, databases, disk
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from registry.domain.errors import InputInvalid, RuleViolation
from registry.domain.refusals import Refusal
from registry.log.retention import DetachmentUnderWay
from registry.ports import OperationalError
from registry.services.identity import TokenInvalid
from registry.services.register_pods import ApplicationsInvalid

MEDIA_TYPE = "application/problem+json"
TYPE_BASE = "https://flexledger.example/problems/"
CONFLICT_RULES = frozenset({"POD-1", "SES-2", "SES-3", "SES-4", "DTL-3", "DTL-4", "LOG-2"})
ERRORS_SHOWN_MAX = 50
TEXT_SHOWN_MAX = 200
_log = logging.getLogger(__name__)


class NotFound(RuleViolation):
    """The object does not exist, or not for this caller: the two are not told apart."""


class Unauthenticated(RuleViolation):
    """The route needs a bearer token."""


class BodyTooLarge(RuleViolation):
    """The body is longer than the route takes."""


class KeyPending(RuleViolation):
    """The idempotency key was claimed by a request whose end is not known."""


_STATUS_OF_CLASS: tuple[tuple[type[RuleViolation], int], ...] = (
    (NotFound, 404),
    (Unauthenticated, 401),
    (TokenInvalid, 401),
    (BodyTooLarge, 413),
    (KeyPending, 409),
    (DetachmentUnderWay, 409),
    (InputInvalid, 422),
    (ApplicationsInvalid, 422),
)
_HTTP_FIELDS = {404: ("path", "a route of /openapi.json"), 405: ("method", "a method that the route has")}


def status_of(error: RuleViolation) -> int:
    """HTTP status of a violation."""
    for kind, status in _STATUS_OF_CLASS:
        if isinstance(error, kind):
            return status
    if error.rule.startswith("ACT-"):
        return 403
    return 409 if error.rule in CONFLICT_RULES else 422


def violation_response(error: RuleViolation, **more: object) -> JSONResponse:
    """The problem document of a violated rule, with ``more`` members; of a batch with bad rows, every row;
    of a typed error of the contracts, its name and values.
    """
    status = status_of(error)
    fields: dict[str, Any] = {name: text or "an empty text" for name, text in error.as_dict().items()}
    fields |= more
    if isinstance(error, ApplicationsInvalid):
        fields["errors"] = [{"row": row.row, **row.violation.as_dict()} for row in error.rows]
    if isinstance(error, Refusal):
        fields |= {"error": error.name, "values": error.plain_values()}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return problem(status, f"{error.rule} refuses this", str(error), error.rule.lower(), fields, headers)


def too_large(found: str, limit: int) -> BodyTooLarge:
    """The refusal of a body."""
    return BodyTooLarge(rule="API-1", field="body", found=found, allowed=f"at most {limit} bytes")


def problem(
    status: int,
    title: str,
    detail: str,
    kind: str,
    fields: Mapping[str, object],
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """One problem document."""
    body = {"type": TYPE_BASE + kind, "title": title, "status": status, "detail": detail, **fields}
    return JSONResponse(body, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def response_to(error: Exception) -> JSONResponse:
    """The problem document of what ended a request."""
    if isinstance(error, RuleViolation):
        return violation_response(error)
    if isinstance(error, OperationalError):
        _log.error("%s", error)
        # Paths and addresses are the operator's business: they are in the log only.
        fields = {"rule": "API-4", "field": "node", "found": error.title, "allowed": error.expected}
        detail = f"The node cannot do this now: {error.title}; its operator finds the cause in its log"
        return problem(503, "The node cannot do this now", detail, "api-4", fields, {"Retry-After": "5"})
    fields = {"rule": "API-4", "field": "node", "found": "a defect", "allowed": "an answer"}
    detail = "The node failed on this request; its operator finds the cause in its log"
    return problem(500, "A defect of the node", detail, "api-4", fields)


def install(app: FastAPI) -> None:
    """Register the handlers on an application."""

    @app.exception_handler(RuleViolation)
    @app.exception_handler(OperationalError)
    @app.exception_handler(Exception)  # the server logs the traceback of a defect; the caller gets none of it
    async def on_error(_: Request, error: Exception) -> JSONResponse:
        return response_to(error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid_request(_: Request, error: RequestValidationError) -> JSONResponse:
        errors = [_malformed(entry) for entry in error.errors()[:ERRORS_SHOWN_MAX]]
        first = errors[0]
        detail = f"API-1: {first['field']}: found {first['found']}, allowed {first['allowed']}"
        return problem(
            422, "The request is malformed", detail, "api-1", {"rule": "API-1", **first, "errors": errors}
        )

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> JSONResponse:
        field, allowed = _HTTP_FIELDS.get(error.status_code, ("body", "a body that can be read as JSON"))
        found = {"path": request.url.path[:TEXT_SHOWN_MAX], "method": request.method}.get(
            field, str(error.detail)
        )
        fields = {"rule": "API-1", "field": field, "found": found, "allowed": allowed}
        return problem(
            error.status_code, str(error.detail), str(error.detail), "api-1", fields, error.headers
        )


def _malformed(entry: Mapping[str, Any]) -> dict[str, str]:
    """One error of pydantic: which field, what was there, what is allowed."""
    found = "nothing" if entry["type"] == "missing" else repr(entry.get("input"))[:TEXT_SHOWN_MAX]
    return {
        "field": ".".join(str(part) for part in entry["loc"]),
        "found": found,
        "allowed": str(entry["msg"]),
    }
