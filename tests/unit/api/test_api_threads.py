"""Many requests at once: routes run in threads over one chain, one mirror, one vault and one log."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.unit.api.sandbox import (
    AUDITOR,
    BSP,
    COSE,
    DAY,
    DSO,
    LOCAL,
    OTHER_BSP,
    PERIMETER,
    SEQUENCE,
    Sandbox,
    pod_body,
)

ROUNDS = 6


def at_once(*jobs: Callable[[int], Any]) -> list[list[Any]]:
    """Every job in a thread of its own, all starting together, each several rounds."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[int], Any]) -> list[Any]:
        barrier.wait(30)
        return [job(number) for number in range(ROUNDS)]

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(60) for future in [pool.submit(run, job) for job in jobs]]


@pytest.mark.rule("MIR-1", "MEA-3")
def test_writes_and_reads_at_once(founded: Sandbox) -> None:
    """Nobody fails, nothing is lost or done twice, and the mirror equals one rebuilt from the chain."""
    founded.clock.set(max(founded.clock.now(), DAY.ends_at))
    before = len(founded.everything("/v1/pods", AUDITOR))
    size = founded.node.log.checkpoint().size

    def register(bsp: int, first: int) -> Callable[[int], Any]:
        return lambda n: founded.post(
            "/v1/pods", bsp, {"pods": [pod_body(f"IT001E{first + n:08d}", dso=DSO)]}
        )

    def aggregate(serial: int) -> Callable[[int], Any]:
        return lambda n: founded.post("/v1/aggregates", BSP, {"serial": serial + n, "scope": "local"})

    def light(n: int) -> Any:
        body = {
            "pod_id": founded.pods[2].hex,
            "light": "modulated",
            "up_kw": n + 1,
            "down_kw": 1,
            "perimeter": PERIMETER,
        }
        return founded.post("/v1/pods/static-lights", DSO, {"lights": [{**body, "reason": f"ROUND {n}"}]})

    def certify(pod: int) -> Callable[[int], Any]:
        return lambda n: founded.client.post(
            "/v1/statements/batch", content=founded.reading(pod, n, n + 1), headers=SEQUENCE
        )

    def read(path: str, party: int | None) -> Callable[[int], Any]:
        return lambda _: founded.get(path, party)

    answers = at_once(
        register(BSP, 44_000_000),
        register(OTHER_BSP, 45_000_000),
        aggregate(100),
        aggregate(200),
        light,
        certify(0),
        certify(4),
        read("/v1/pods", AUDITOR),
        read("/v1/statistics", None),
        read(f"/v1/aggregates/{LOCAL}/members", BSP),
        read("/health/ready", None),
        read("/v1/log/checkpoint", None),
    )
    assert {answer.status_code for job in answers for answer in job} <= {200, 201}, [
        answer.text for job in answers for answer in job if answer.status_code > 201
    ]
    transactions = [answer.json().get("transaction") for job in answers[2:5] for answer in job]
    assert len(set(transactions)) == len(transactions)
    assert len(founded.everything("/v1/pods", AUDITOR)) == before + 2 * ROUNDS
    assert founded.node.log.checkpoint().size == size + 2 * ROUNDS
    dump = list(founded.node.mirror.dump())
    founded.node.mirror.drop()
    founded.node.mirror.catch_up()
    assert list(founded.node.mirror.dump()) == dump


def test_a_repeated_write_is_done_once_however_many_ask(founded: Sandbox) -> None:
    body = {"serial": 300, "scope": "global"}
    headers = {"Idempotency-Key": "at once"}
    answers = [
        a
        for job in at_once(*[lambda _: founded.post("/v1/aggregates", BSP, body, headers=headers)] * 6)
        for a in job
    ]
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {201, 409}
    assert 201 in statuses
    assert len({answer.text for answer in answers if answer.status_code == 201}) == 1


@pytest.mark.rule("MEA-2", "MEA-3")
def test_one_statement_from_many_sides_is_logged_once(founded: Sandbox) -> None:
    founded.clock.set(max(founded.clock.now(), DAY.ends_at))
    data = founded.reading(0, 50, 500)
    size = founded.node.log.checkpoint().size
    send: Callable[[int], Any] = lambda _: founded.client.post("/v1/statements", content=data, headers=COSE)  # noqa: E731
    answers = [answer for job in at_once(*[send] * 8) for answer in job]
    assert sorted(answer.status_code for answer in answers) == [200] * (len(answers) - 1) + [201]
    assert len({answer.json()["receipt"] for answer in answers}) == 1
    assert founded.node.log.checkpoint().size == size + 1


@pytest.mark.rule("SET-1")
def test_waiting_devices_hold_nobody_up(founded: Sandbox) -> None:
    """More devices wait than there are threads for routes: others are answered, and nobody is refused."""
    path = f"/v1/pods/{founded.pods[0].hex}/setpoints"
    device = {"Authorization": f"Bearer {founded.device_token(0)}"}
    with ThreadPoolExecutor(90) as pool:
        waiting = [pool.submit(founded.get, path, None, headers=device, wait=3) for _ in range(80)]
        quick = [founded.get("/v1/time").status_code for _ in range(10)]
        assert quick == [200] * 10
        assert not all(future.done() for future in waiting)
        answers = [future.result(60) for future in waiting]
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json() == {"setpoints": []} for answer in answers)
