"""How far each reading is, and who may ask: accepted, logged, anchored, final."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.calendar import from_unix
from registry.services.reading_status import reading_statuses
from tests.unit.api.sandbox import (
    ACCESS_NODE,
    AUDITOR,
    BSP,
    DAY,
    DSO,
    LOCAL_HOUR,
    OTHER_BSP,
    OTHER_DSO,
    SEQUENCE,
    TSO,
    Sandbox,
    pod_body,
)

DATE = DAY.date.isoformat()


@pytest.fixture
def sandbox(fresh: Sandbox) -> Sandbox:
    """A day of its own, which is over."""
    fresh.clock.set(DAY.ends_at)
    return fresh


def asked(sandbox: Sandbox, party: int = DSO, pod: int = 0, day: str = DATE) -> dict[str, Any]:
    answer = sandbox.get(f"/v1/pods/{sandbox.pods[pod].hex}/readings", party, day=day)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def send(sandbox: Sandbox, *readings: bytes) -> None:
    body = b"".join(readings)
    answers = sandbox.client.post("/v1/statements/batch", content=body, headers=SEQUENCE).json()["answers"]
    assert {answer["status"] for answer in answers} == {"accepted"}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.rule("MEA-3", "LOG-1", "LOG-2")
def test_a_reading_is_accepted_logged_anchored_final(sandbox: Sandbox) -> None:
    """Step by step, with another POD's readings and anchors in between."""
    node = sandbox.node
    assert asked(sandbox)["readings"] == []
    assert asked(sandbox)["missing"] == list(range(96))
    send(sandbox, sandbox.reading(4, 0, 1))
    first = sandbox.reading(0, 7, 1)
    accepted_at = sandbox.clock.now()
    send(sandbox, first)
    (status,) = asked(sandbox)["readings"]
    assert (status["quarter"], status["index"], status["counter"]) == (7, 1, 1)
    assert status["statement_id"] == sha256(first).hexdigest()
    assert instant(status["period_start"]) == DAY.quarter_start(7)
    assert instant(status["accepted_at"]) == accepted_at
    assert (status["export_wh"], status["import_wh"], status["unsettled"]) == (3_000, 0, None)
    assert (status["anchor"], status["final"]) == (None, False)
    sandbox.clock.set(sandbox.clock.now() + timedelta(seconds=90))
    receipt = node.anchorer(ACCESS_NODE).anchor()
    assert receipt is not None
    assert asked(sandbox)["readings"][0]["anchor"] is None  # the mirror has not followed yet
    node.mirror.catch_up()
    (status,) = asked(sandbox)["readings"]
    assert status["anchor"] == {
        "witnesses": 0,
        "size": 2,
        "transaction": receipt.tx_hash.hex(),
        "block": receipt.block_number,
        "time": from_unix(receipt.block_time).isoformat().replace("+00:00", "Z"),
    }
    assert status["final"] is True
    send(sandbox, sandbox.reading(0, 3, 2), sandbox.reading(0, 9, 3))
    body = asked(sandbox)
    assert [(r["quarter"], r["index"], r["final"]) for r in body["readings"]] == [
        (3, 2, False),
        (7, 1, True),
        (9, 3, False),
    ]
    assert body["missing"] == [q for q in range(96) if q not in (3, 7, 9)]


@pytest.mark.rule("LOG-2")
@settings(max_examples=25, deadline=None)
@given(wait=st.integers(0, 12))
def test_an_anchor_is_final_once_enough_blocks_followed(played: Sandbox, wait: int) -> None:
    node = played.node
    position = node.mirror.position()
    assert position is not None
    found = reading_statuses(node.log, node.mirror, played.pods[0].pod_id, DAY, wait)
    assert len(found) == 4
    for status in found:
        assert status.anchor is not None
        assert status.final == (position.number - status.anchor.recorded.block_number >= wait)
    assert reading_statuses(node.log, node.mirror, played.pods[0].pod_id, DAY, 0)[0].final


@pytest.mark.rule("LOG-2")
def test_each_reading_has_the_first_anchor_that_covers_it(sandbox: Sandbox) -> None:
    node = sandbox.node
    expected: dict[int, int] = {}
    quarters = iter((40, 3, 77, 12, 8, 90, 1))
    counter = 0
    for count in (1, 3, 2):
        for _ in range(count):
            counter += 1
            quarter = next(quarters)
            send(sandbox, sandbox.reading(0, quarter, counter))
            expected[quarter] = 0
        receipt = node.anchorer(ACCESS_NODE).anchor()
        assert receipt is not None
        expected = {quarter: block or receipt.block_number for quarter, block in expected.items()}
    send(sandbox, sandbox.reading(0, next(quarters), counter + 1))
    node.mirror.catch_up()
    shown = {r["quarter"]: r["anchor"] and r["anchor"]["block"] for r in asked(sandbox)["readings"]}
    assert shown == {**expected, 1: None}
    assert len(set(shown.values())) == 4


@pytest.mark.rule("MEA-2", "STT-3")
def test_missing_are_only_periods_that_are_over(founded: Sandbox) -> None:
    founded.clock.set(max(founded.clock.now(), DAY.quarter_start(2) + timedelta(minutes=14)))
    send(founded, founded.reading(0, 0, 1))
    assert asked(founded)["missing"] == [1]
    founded.clock.set(DAY.quarter_start(3))
    assert asked(founded)["missing"] == [1, 2]
    assert asked(founded, day=DAY.plus(1).date.isoformat())["missing"] == []


@pytest.mark.rule("PRIV-1")
def test_who_sees_readings(played: Sandbox) -> None:
    seen = {BSP: {0, 1, 2, 3}, OTHER_BSP: {4, 5, 6}, DSO: {0, 1, 2, 4, 5}, OTHER_DSO: {3, 6}}
    for party, numbers in {**seen, AUDITOR: set(range(7))}.items():
        missing = played.get(f"/v1/pods/{'ab' * 32}/readings", party, day=DATE)
        for number, pod in enumerate(played.pods):
            answer = played.get(f"/v1/pods/{pod.hex}/readings", party, day=DATE)
            assert answer.status_code == (200 if number in numbers else 404), (party, number)
            if number not in numbers:
                assert answer.text.replace(pod.hex, "") == missing.text.replace("ab" * 32, "")
    assert played.get(f"/v1/pods/{played.pods[0].hex}/readings", TSO, day=DATE).status_code == 403
    shown = [reading["quarter"] for reading in asked(played, BSP)["readings"]]
    assert shown == [4 * LOCAL_HOUR + quarter for quarter in range(4)]


@pytest.mark.rule("POD-5", "PRIV-1")
def test_a_bsp_sees_the_days_on_which_it_was_responsible(fresh: Sandbox) -> None:
    """The POD changes its BSP between two delivery days; each sees its own day and not the other's."""
    sandbox, pod, node = fresh, fresh.pods[0], fresh.node
    sandbox.clock.set(DAY.starts_at - timedelta(hours=1))  # the day has opened: changes hold from the next
    assert sandbox.post("/v1/pods/withdrawals", BSP, {"pod_ids": [pod.hex]}).status_code == 200
    latest = node.mirror.pod(pod.pod_id)
    assert latest is not None and latest.from_day == DAY.number + 1
    assert sandbox.post("/v1/pods", OTHER_BSP, {"pods": [pod_body(pod.code)]}).status_code == 201
    new_id = node.vault.pod_id_of(pod.code)
    assert new_id is not None
    sandbox.clock.set(DAY.plus(1).ends_at)
    send(sandbox, sandbox.reading(0, 0, 1))
    today, tomorrow = DATE, DAY.plus(1).date.isoformat()

    def status(party: int, pod_id: bytes, day: str) -> int:
        return sandbox.get(f"/v1/pods/{pod_id.hex()}/readings", party, day=day).status_code

    assert len(asked(sandbox, BSP)["readings"]) == 1
    assert status(BSP, pod.pod_id, tomorrow) == 404
    assert status(OTHER_BSP, pod.pod_id, today) == 404
    assert status(OTHER_BSP, new_id, tomorrow) == 200
    assert status(OTHER_BSP, new_id, today) == 404
    for day in (today, tomorrow):
        assert status(DSO, pod.pod_id, day) == status(AUDITOR, pod.pod_id, day) == 200
        assert status(OTHER_DSO, pod.pod_id, day) == 404


def test_the_day_must_be_one(played: Sandbox) -> None:
    path = f"/v1/pods/{played.pods[0].hex}/readings"
    assert played.get(path, DSO).status_code == 422
    for wrong in ("2026-02-30", "yesterday", "2200-01-01"):
        assert played.get(path, DSO, day=wrong).status_code == 422
