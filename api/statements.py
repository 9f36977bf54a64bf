"""One statement per request: checked, gathered with others, answered (MEA-2, MEA-3).

What is done here is done hundreds of times more often than anything else that the interface does, so it goes
without what other routes have: :class:`StatementDoor` stands before an application and its middlewares.
"""

from __future__ import annotations

import logging
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from api.gathering import Gatherer
from api.problems import response_to, too_large, violation_response
from registry.domain.errors import InputInvalid
from registry.ports import Accepted

STATEMENT_BYTES_MAX = 4096
STATEMENTS_PATH: Final = "/v1/statements"
COSE: Final = "application/cose"
_log = logging.getLogger(__name__)


async def answer_statement(gatherer: Gatherer, media_type: str, data: bytes) -> ASGIApp:
    """The answer to one statement: 201 once it is durable, 200 for the same bytes again, the problem document
    of a refusal.

    Raises InputInvalid (API-1) for another media type, :class:`~api.problems.BodyTooLarge`, and what
    :meth:`~api.gathering.Gatherer.take` raises.
    """
    require_media_type(media_type, COSE)
    if len(data) > STATEMENT_BYTES_MAX:
        raise too_large(f"{len(data)} bytes", STATEMENT_BYTES_MAX)
    answer = await gatherer.take(data)
    return Taken(answer) if isinstance(answer, Accepted) else violation_response(answer.violation)


def require_media_type(found: str, allowed: str) -> None:
    """Raises InputInvalid (API-1) if a content type is not the one allowed; its parameters do not matter."""
    kind = found.partition(";")[0].strip().lower()
    if kind != allowed:
        raise InputInvalid(rule="API-1", field="content-type", found=kind or "none", allowed=allowed)


def receipt_path(index: int) -> str:
    """Where the receipt of an entry is."""
    return f"/v1/statements/{index}/receipt"


class Taken:
    """That a statement is in the log, as :class:`api.schemas.documents.AcceptedStatement` describes it.

    Everything in it is a number, hexadecimal or a path made of them, so nothing needs to be escaped.
    """

    __slots__ = ("_body", "_receipt", "_status")

    def __init__(self, answer: Accepted) -> None:
        self._receipt = receipt_path(answer.index)
        self._status, duplicate = (200, "true") if answer.duplicate else (201, "false")
        self._body = (
            f'{{"index":{answer.index},"statement_id":"{answer.statement_id.hex()}",'
            f'"receipt":"{self._receipt}","duplicate":{duplicate}}}'
        ).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", b"%d" % len(self._body)),
            (b"location", self._receipt.encode()),
        ]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": self._body})


class StatementDoor:
    """Takes what is posted to :data:`STATEMENTS_PATH`; everything else goes on to an application.

    Attributes:
        direct: what answers POST requests by their path, before the application.
    """

    def __init__(self, app: ASGIApp, gatherer: Gatherer) -> None:
        self._app = app
        self._gatherer = gatherer
        self.direct: dict[str, ASGIApp] = {STATEMENTS_PATH: self._take}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        posted = scope["type"] == "http" and scope["method"] == "POST"
        await (self.direct.get(scope["path"], self._app) if posted else self._app)(scope, receive, send)

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        media_type = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
        try:
            data = await _body(receive)
            answer = await answer_statement(self._gatherer, media_type.decode("latin-1"), data)
        except ClientDisconnect:
            return
        except Exception as error:
            answer = response_to(error)
            if answer.status_code == 500:
                _log.exception("a statement was not answered")
        await answer(scope, receive, send)


async def _body(receive: Receive) -> bytes:
    """A request's body; no more is read than a statement can have.

    Raises ClientDisconnect, :class:`~api.problems.BodyTooLarge`.
    """
    data, more = b"", True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientDisconnect
        data += message.get("body", b"")
        if len(data) > STATEMENT_BYTES_MAX:
            raise too_large(f"more than {STATEMENT_BYTES_MAX} bytes", STATEMENT_BYTES_MAX)
        more = message.get("more_body", False)
    return data
