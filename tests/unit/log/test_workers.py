"""Statements judged in worker processes: same verdicts, and a worker may die at any time (MEA-2, MEA-3)."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from registry.evidence.acceptance import AcceptanceRules
from registry.log import check_folder
from registry.log.judged import Judged, Refusal
from registry.log.judging import Body
from registry.log.keys import KeyFeed
from registry.log.workers import InProcess, WorkerPool
from registry.ports import Accepted, Refused
from tests.unit.log.log_house import START, Device, Directory, House

DEVICES = [Device(str(number)) for number in range(6)]
NOW = START + 1000 * 900
RULES = AcceptanceRules()


def broken(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


BATCH = [
    broken(data) if number % 3 == 0 else data
    for number, data in enumerate(device.reading(slot, slot + 1) for device in DEVICES for slot in range(20))
]
BATCH += [b"no statement", DEVICES[0].setpoint(1, 1), Device("stranger").reading(0, 1)]


def directory() -> Directory:
    directory = Directory()
    for device in DEVICES:
        directory.bind(device)
    return directory


def tell(judged: Judged) -> tuple[object, ...]:
    others = {
        number: str(other.violation) if isinstance(other, Refusal) else other
        for number, other in judged.others.items()
    }
    columns = (judged.kids, judged.pods, judged.starts, judged.counters, judged.leaves, judged.frames)
    return (judged.count, list(judged.numbers), columns, judged.ends, others)


def judged_here(batch: list[bytes]) -> tuple[object, ...]:
    return tell(InProcess(KeyFeed(directory()), RULES, 100).judge(batch, NOW))


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2, KeyFeed(directory()), RULES, 4)
    yield pool
    pool.close()


@pytest.mark.rule("MEA-2")
@pytest.mark.parametrize("size", [0, 1, 33, len(BATCH)])
def test_workers_answer_as_the_process_itself(pool: WorkerPool, size: int) -> None:
    expected = judged_here(BATCH[:size])
    assert tell(pool.judge(BATCH[:size], NOW)) == expected
    assert len(expected[1]) == sum(number % 3 != 0 for number in range(min(size, 120)))  # type: ignore[arg-type]


@pytest.mark.rule("MEA-1", "MEA-2")
def test_a_sequence_is_judged_as_its_items(pool: WorkerPool) -> None:
    items = [data for data in BATCH if data != b"no statement"]
    body = b"".join(items)
    assert tell(pool.judge(Body(body, len(items)), NOW)) == judged_here(items)
    for wrong, found in (
        (Body(body, len(items) - 1), f"more than {len(items) - 1} items"),
        (Body(body[:-1], 500), f"no whole item at byte {len(body) - len(items[-1])}"),
    ):
        judged = pool.judge(wrong, NOW)
        assert judged.fault is not None and judged.fault.found == found
        assert judged.end == len(body) - len(items[-1])
        assert tell(judged) == judged_here(items[:-1])
    assert tell(pool.judge(BATCH[:5], NOW)) == judged_here(BATCH[:5])


@pytest.mark.rule("DEV-1")
def test_keys_can_be_learned_beforehand() -> None:
    class Silent(Directory):
        def devices(self, key_ids: object) -> list[object]:  # type: ignore[override]
            raise AssertionError("asked for what was learned")

    known, silent = directory(), Silent()
    pool = WorkerPool(2, KeyFeed(silent), RULES, 100)
    try:
        pool.learn(known.keys.values())
        assert all(len(pool.judge(BATCH[1:3], NOW).numbers) == 2 for _ in range(4))
    finally:
        pool.close()


@pytest.mark.rule("MEA-2", "MEA-3")
def test_killed_workers_are_replaced(pool: WorkerPool) -> None:
    """Killed while many threads use them, all of them, again and again: every answer comes, and is right."""
    expected = {at: judged_here(BATCH[at:]) for at in range(0, 60, 10)}
    wrong: list[int] = []

    def ask() -> None:
        for at in range(0, 60, 10):
            if tell(pool.judge(BATCH[at:], NOW)) != expected[at]:
                wrong.append(at)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        for pid in pool.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(pool.pids) == 2
    assert tell(pool.judge(BATCH, NOW)) == judged_here(BATCH)


@pytest.mark.rule("MEA-2", "MEA-3")
def test_a_node_with_workers_loses_nothing_when_they_are_killed(tmp_path: Path) -> None:
    house = House(tmp_path / "log", verifiers=2)
    house.clock.seconds += 1000 * 900
    for device in DEVICES:
        house.device(device.name)
    with house.open() as node:
        stranger = Device("stranger").reading(0, 1)
        accepted = []
        for slot in range(0, 40, 10):
            batch = [device.reading(at, at + 1) for device in DEVICES for at in range(slot, slot + 10)]
            for pid in node.verifier_pids:
                with suppress(ProcessLookupError):  # killed before and not used since
                    os.kill(pid, signal.SIGKILL)
            *answers, refused = node.submit([*batch, stranger])
            assert isinstance(refused, Refused) and refused.violation.field == "kid"
            for statement, answer in zip(batch, answers, strict=True):
                assert isinstance(answer, Accepted) and not answer.duplicate
                accepted.append((answer.index, statement))
        assert [index for index, _ in accepted] == list(range(240))
        assert all(node.entry(index) == statement for index, statement in accepted)
        assert check_folder(house.folder / "tree", node.note_key).sound
        pids = node.verifier_pids
    with House(tmp_path / "log", house.directory, house.clock).open() as node:
        assert node.checkpoint().size == 240 and node.verifier_pids == []
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
