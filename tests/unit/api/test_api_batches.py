"""Batches of statements, taken while they arrive: every whole item has its answer, whatever comes between
them and wherever the body or the connection ends (MEA-1, MEA-2, MEA-3).
"""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterable, Iterator
from hashlib import sha256
from typing import Any

import pytest
from httpx import Response
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message

from api.batches import PART_BYTES, Batch
from api.limits import BODY_BYTES_MAX
from registry.domain.errors import RuleViolation
from registry.evidence.cbor import end_of_item
from registry.log.judging import ITEM_BYTES_MAX, Body
from registry.ports import DatabaseUnreachable, Refused, SequenceAnswers
from tests.unit.api.sandbox import DAY, SEQUENCE, Sandbox
from tests.unit.evidence.mutated import mutated

PATH = "/v1/statements/batch"


@pytest.fixture(scope="module")
def over(founded: Sandbox) -> Sandbox:
    """The day is over: all of its readings can come."""
    founded.clock.set(max(founded.clock.now(), DAY.ends_at))
    return founded


def items_of(data: bytes) -> tuple[list[bytes], int]:
    """The items before the first place where none stands, and that place."""
    items: list[bytes] = []
    at = 0
    while at < len(data) and (end := end_of_item(data[: at + ITEM_BYTES_MAX], at)) is not None:
        items.append(data[at:end])
        at = end
    return items, at


def sent(sandbox: Sandbox, pieces: Iterable[bytes], **headers: str) -> Response:
    return sandbox.client.post(PATH, content=iter(pieces), headers=SEQUENCE | headers)


def asked(sandbox: Sandbox, messages: Iterable[Message]) -> list[Message]:
    """What the application says to messages that it reads one by one, as a server hands them on."""
    coming, heard = iter(messages), list[Message]()

    async def receive() -> Message:
        return next(coming)

    async def send(message: Message) -> None:
        heard.append(message)

    scope = {
        "type": "http", "method": "POST", "path": PATH, "raw_path": PATH.encode(), "query_string": b"",
        "headers": [(b"content-type", b"application/cbor-seq")], "http_version": "1.1", "scheme": "http",
        "server": ("node", 80), "client": ("device", 1), "root_path": "",
    }  # fmt: skip
    assert sandbox.client.portal is not None
    sandbox.client.portal.call(sandbox.client.app, scope, receive, send)
    return heard


def told(sandbox: Sandbox, pieces: Iterable[bytes]) -> Response:
    """The answer to a body that comes in these pieces; the last one is known as such."""
    *before, last = pieces
    heard = asked(
        sandbox,
        [
            *({"type": "http.request", "body": piece, "more_body": True} for piece in before),
            {"type": "http.request", "body": last, "more_body": False},
        ],
    )
    start, *rest = heard
    return Response(start["status"], content=b"".join(message.get("body", b"") for message in rest))


def check_answers(sandbox: Sandbox, items: list[bytes], answers: list[dict[str, Any]], size: int) -> None:
    """One answer for each item, and the log has grown by exactly what was accepted."""
    assert [answer["statement_id"] for answer in answers] == [sha256(item).hexdigest() for item in items]
    log, new = sandbox.node.log, []
    for item, answer in zip(items, answers, strict=True):
        if answer["status"] == "refused":
            assert answer["rule"] and answer["field"] and answer["found"] and answer["allowed"]
            assert "index" not in answer
            continue
        assert log.entry(answer["index"]) == item
        assert answer["receipt"] == f"/v1/statements/{answer['index']}/receipt"
        if answer["status"] == "accepted":
            new.append(answer["index"])
    assert new == list(range(size, log.checkpoint().size))


# ------------------------------------------------------------------------------------------------- garbage


@st.composite
def bodies(draw: st.DrawFn) -> list[bytes | tuple[int, int, int]]:
    """Readings (device, quarter, counter) among what is none."""
    reading = st.tuples(st.sampled_from([0, 4]), st.integers(0, 95), st.integers(1, 300))
    garbage = st.binary(max_size=40) | mutated() | st.sampled_from([b"\x9f", b"\xff", b"\x5b" + b"\xff" * 8])
    return draw(st.lists(st.one_of(reading, reading, reading, garbage), max_size=14))


def cut(data: bytes, places: Iterable[int]) -> Iterator[bytes]:
    at = 0
    for place in sorted({place % (len(data) + 1) for place in places}):
        yield data[at:place]
        at = place
    yield data[at:]


@pytest.mark.rule("MEA-1", "MEA-2")
@pytest.mark.parametrize("part_bytes", [1, 300, PART_BYTES])
@settings(max_examples=60, deadline=None)
@given(
    parts=bodies(),
    ends_early=st.none() | st.integers(0, 10_000),
    places=st.lists(st.integers(0, 10_000), max_size=6),
)
def test_whatever_comes_is_answered_item_by_item(
    over: Sandbox,
    part_bytes: int,
    parts: list[bytes | tuple[int, int, int]],
    ends_early: int | None,
    places: list[int],
) -> None:
    data = b"".join(part if isinstance(part, bytes) else over.reading(*part) for part in parts)
    if ends_early is not None:
        data = data[: ends_early % (len(data) + 1)]
    items, end = items_of(data)
    size = over.node.log.checkpoint().size
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.batches.PART_BYTES", part_bytes)
        answer = told(over, cut(data, places))
    if end == len(data):
        assert answer.status_code == 200, answer.text
    else:
        assert answer.status_code == 422, answer.text
        problem = answer.json()
        assert (problem["rule"], problem["field"]) == ("MEA-1", "body")
        assert problem["found"] == f"no whole item at byte {end}"
    check_answers(over, items, answer.json()["answers"], size)


# -------------------------------------------------------------------------------------------------- limits


@pytest.mark.rule("MEA-1", "MEA-3")
def test_what_stands_before_a_fault_is_taken_and_answered(fresh: Sandbox) -> None:
    fresh.clock.set(DAY.ends_at)
    good = [fresh.reading(0, quarter, quarter + 1) for quarter in range(4)]
    for number, cut_at in enumerate((1, len(good[0]) // 2, len(good[0]) - 1)):
        size = fresh.node.log.checkpoint().size
        problem = sent(fresh, [good[number] + good[number + 1][:cut_at]])
        assert problem.status_code == 422
        assert problem.json()["found"] == f"no whole item at byte {len(good[number])}"
        check_answers(fresh, good[number : number + 1], problem.json()["answers"], size)
        assert problem.json()["answers"][0]["status"] == "accepted"


@pytest.mark.rule("MEA-2")
def test_a_batch_has_at_most_5000_statements(over: Sandbox) -> None:
    assert sent(over, [b""]).json() == {"answers": []}
    assert len(sent(over, [b"\x80"] * 5_000).json()["answers"]) == 5_000
    for pieces in ([b"\x80" * 5_001], [b"\x80" * 5_000, b"\x80"], [b"\x80" * 9_000]):
        problem = sent(over, pieces)
        assert problem.status_code == 422
        assert problem.json()["found"] == "more than 5000 items"
        assert len(problem.json()["answers"]) == 5_000


@pytest.mark.rule("MEA-2")
def test_a_body_has_an_end(over: Sandbox) -> None:
    """Told by its length it is refused unread; sent in pieces, as soon as it is too long, and what came
    before is answered.
    """
    item = b"\x59\x0f\xfd" + bytes(ITEM_BYTES_MAX - 3)
    fitting = BODY_BYTES_MAX // ITEM_BYTES_MAX
    unread = over.client.post(PATH, content=item * (fitting + 1), headers=SEQUENCE)
    assert unread.status_code == 413 and "answers" not in unread.json()
    read = 0

    def endless() -> Iterator[Message]:
        nonlocal read
        while True:
            read += 1
            yield {"type": "http.request", "body": item, "more_body": True}

    start, body = asked(over, endless())
    problem = Response(start["status"], content=body["body"])
    assert problem.status_code == 413
    assert (problem.json()["field"], problem.json()["allowed"]) == ("body", f"at most {BODY_BYTES_MAX} bytes")
    assert read == fitting + 1
    assert [answer["found"] for answer in problem.json()["answers"]] == [f"{ITEM_BYTES_MAX} bytes"] * fitting
    assert len(sent(over, [item] * fitting).json()["answers"]) == fitting


@pytest.mark.rule("MEA-2")
def test_a_batch_with_a_key_is_the_same_batch(fresh: Sandbox) -> None:
    fresh.clock.set(DAY.ends_at)
    data = [fresh.reading(0, quarter, quarter + 1) for quarter in range(3)]
    first, again = (sent(fresh, data, **{"Idempotency-Key": "once"}) for _ in range(2))
    assert [answer["status"] for answer in first.json()["answers"]] == ["accepted"] * 3
    assert again.json() == first.json() and again.headers["Idempotency-Replayed"] == "true"
    cut_off = sent(fresh, [*data, b"\x9f"], **{"Idempotency-Key": "twice"})
    assert [answer["status"] for answer in cut_off.json()["answers"]] == ["duplicate"] * 3


# ------------------------------------------------------------------------------------- broken connections


@pytest.mark.rule("MEA-2", "MEA-3")
def test_after_a_broken_connection_the_same_batch_gets_the_first_receipts(
    fresh: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever it breaks: what was taken stays taken, and nothing is taken twice or half."""
    monkeypatch.setattr("api.batches.PART_BYTES", 500)
    fresh.clock.set(DAY.ends_at)
    readings = [fresh.reading(0, quarter, quarter + 1) for quarter in range(40)]
    data, log = b"".join(readings), fresh.node.log

    def broken_after(count: int) -> list[Message]:
        pieces = [data[at : at + 300] for at in range(0, count, 300)]
        messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        return asked(fresh, [*messages, {"type": "http.disconnect"}])

    sizes = []
    for count in (300, 900, 2_100, 4_000, len(data)):
        assert broken_after(count) == [], "nobody is there to be told"
        size = log.checkpoint().size
        sizes.append(size)
        assert [log.entry(index) for index in range(size)] == readings[:size]
    assert sizes == sorted(sizes) and 0 < sizes[1] < sizes[-1] <= 40
    answers = sent(fresh, [data]).json()["answers"]
    statuses = ["duplicate"] * sizes[-1] + ["accepted"] * (40 - sizes[-1])
    assert [answer["status"] for answer in answers] == statuses
    assert [answer["index"] for answer in answers] == list(range(40))


# ------------------------------------------------------------------------------------------- part by part


class Node:
    """Refuses every item; remembers the parts."""

    def __init__(self) -> None:
        self.parts: list[Body] = []

    def submit(self, body: Body) -> SequenceAnswers:
        self.parts.append(body)
        violation = RuleViolation(rule="MEA-1", field="tag", found="int", allowed="tag 18")
        items, end = items_of(body.data)
        return SequenceAnswers([Refused(violation, sha256(item).digest()) for item in items], end, None)


async def arriving(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@pytest.mark.rule("MEA-3")
@pytest.mark.parametrize("size", [1_000, 65_536, 10**7])
def test_parts_are_taken_as_they_arrive(size: int) -> None:
    node, item = Node(), b"\x58\xae" + bytes(174)
    data = item * 4_500
    batch = Batch(node.submit, 5_000, BODY_BYTES_MAX)
    asyncio.run(batch.take(arriving(data, size)))
    assert batch.fault is None and len(json.loads(batch.answers)) == 4_500
    if size < PART_BYTES:
        assert len(node.parts) == -(-len(data) // PART_BYTES)
        assert max(len(part.data) for part in node.parts) < PART_BYTES + size + len(item)
    taken = 0
    for part in node.parts:
        assert part.bytes_before == taken and data[taken:].startswith(part.data)
        taken += len(part.data) // len(item) * len(item)
    assert [part.last for part in node.parts] == [False] * (len(node.parts) - 1) + [
        True
    ] or size >= PART_BYTES


@pytest.mark.rule("MEA-3")
def test_a_long_body_takes_no_more_memory_than_a_part_and_the_answers() -> None:
    def peak(items: int) -> int:
        class Forgetful(Node):
            def submit(self, body: Body) -> SequenceAnswers:
                found = super().submit(body)
                self.parts.clear()
                return SequenceAnswers([], found.end, None)

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(items):
                yield b"\x59\x0f\xfd" + bytes(ITEM_BYTES_MAX - 3)

        batch = Batch(Forgetful().submit, 10**6, 10**9)
        tracemalloc.start()
        try:
            asyncio.run(batch.take(pieces()))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(4_000) < peak(200) + PART_BYTES


@pytest.mark.rule("MEA-3")
def test_a_node_that_fails_within_a_batch_is_told(fresh: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender learns nothing of what was taken before, and repeats it all."""
    monkeypatch.setattr("api.batches.PART_BYTES", 200)
    fresh.clock.set(DAY.ends_at)
    submit, log = fresh.node.log.submit_sequence, fresh.node.log
    data = [fresh.reading(4, quarter, 1 + quarter) for quarter in range(6)]
    calls = 0

    def failing(body: Body) -> SequenceAnswers:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise DatabaseUnreachable(found="nothing", expected="a database", remedy="start it")
        return submit(body)

    monkeypatch.setattr(log, "submit_sequence", failing)
    assert told(fresh, data).status_code == 503
    assert 0 < log.checkpoint().size < 6
    answers = told(fresh, data).json()["answers"]
    assert all(log.entry(answer["index"]) == item for answer, item in zip(answers, data, strict=True))
