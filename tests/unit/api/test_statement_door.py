"""The door of a front: statements answered before any application (MEA-2, MEA-3)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.gathering import Gatherer
from api.schemas.documents import AcceptedStatement, Problem
from api.statements import STATEMENT_BYTES_MAX, StatementDoor
from registry.domain.errors import RuleViolation
from registry.ports import Accepted, Answer, DiskFull, Refused

pytestmark = pytest.mark.rule("MEA-2", "MEA-3")
COSE = b"application/cose"
PATH = "/v1/statements"


async def submit(statements: Sequence[bytes]) -> list[Answer]:
    """Answers by what the statement says."""
    answers: list[Answer] = []
    for number, data in enumerate(statements):
        if data == b"refuse":
            violation = RuleViolation(rule="MEA-2", field="kid", found='a "quoted" text', allowed="another")
            answers.append(Refused(violation, sha256(data).digest()))
        elif data == b"full":
            raise DiskFull(found="0 bytes", expected="room", remedy="make room")
        elif data == b"defect":
            raise ValueError("a defect")
        else:
            answers.append(Accepted(number + 7, data, b"", data == b"again"))
    return answers


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 299, "headers": []})
    await send({"type": "http.response.body", "body": b"the application"})


class Reply:
    """What came back: status, headers, body."""

    def __init__(self, messages: list[Message]) -> None:
        start, *rest = messages
        self.status: int = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}
        self.body = b"".join(message["body"] for message in rest)


def post(*pieces: bytes, media_type: bytes | None = COSE, path: str = PATH, method: str = "POST") -> Reply:
    sent = asyncio.run(_post(iter(pieces), len(pieces), media_type, path, method))
    return Reply(sent)


async def _post(
    pieces: Iterator[bytes], left: int, media_type: bytes | None, path: str, method: str
) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        nonlocal left
        left -= 1
        if left < 0:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": next(pieces), "more_body": left > 0}

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [] if media_type is None else [(b"content-type", media_type)]
    scope: dict[str, Any] = {"type": "http", "method": method, "path": path, "headers": headers}
    await StatementDoor(application, Gatherer(submit, 1))(scope, receive, send)
    return sent


@pytest.mark.parametrize(("data", "status"), [(b"first", 201), (b"again", 200)])
def test_what_is_taken_is_said_as_documented(data: bytes, status: int) -> None:
    reply = post(data[:2], data[2:])
    said = AcceptedStatement.model_validate_json(reply.body, strict=True)
    assert (reply.status, said.duplicate, said.index) == (status, status == 200, 7)
    assert said.statement_id == sha256(data).hexdigest()
    assert reply.headers == {
        "content-type": "application/json",
        "content-length": str(len(reply.body)),
        "location": "/v1/statements/7/receipt",
    }
    assert said.receipt == reply.headers["location"]


@pytest.mark.parametrize(
    ("pieces", "media_type", "status", "rule", "field"),
    [
        ([b"refuse"], COSE, 422, "MEA-2", "kid"),
        ([b"first"], b"application/json", 422, "API-1", "content-type"),
        ([b"first"], None, 422, "API-1", "content-type"),
        ([b"first"], b"\xff\xfe", 422, "API-1", "content-type"),
        ([bytes(STATEMENT_BYTES_MAX + 1)], COSE, 413, "API-1", "body"),
        ([b"1"] * (STATEMENT_BYTES_MAX + 1), COSE, 413, "API-1", "body"),
        ([b"full"], COSE, 503, "API-4", "node"),
        ([b"defect"], COSE, 500, "API-4", "node"),
    ],
)
def test_what_is_not_taken_is_a_problem(
    pieces: list[bytes], media_type: bytes | None, status: int, rule: str, field: str
) -> None:
    reply = post(*pieces, media_type=media_type)
    said = Problem.model_validate_json(reply.body)
    assert (reply.status, said.status, said.rule, said.field) == (status, status, rule, field)
    assert reply.headers["content-type"] == "application/problem+json"
    assert ("retry-after" in reply.headers) == (status == 503)
    assert b"0 bytes" not in reply.body and reply.body != b"a defect"


def test_parameters_of_the_media_type_do_not_matter() -> None:
    assert post(b"first", media_type=b"Application/COSE; cose-type=cose-sign1").status == 201


def test_a_client_that_went_away_gets_no_answer() -> None:
    assert asyncio.run(_post(iter([b"some"]), 0, COSE, PATH, "POST")) == []


@pytest.mark.parametrize(("path", "method"), [("/health/live", "GET"), (PATH, "GET"), (PATH + "/1", "POST")])
def test_everything_else_is_the_applications(path: str, method: str) -> None:
    assert post(b"first", path=path, method=method).status == 299
