"""Signatures verified in worker processes: same answers, and a worker may die at any time (MEA-2, MEA-3)."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.evidence.es256 import public_key_bytes
from registry.evidence.statements import parse
from registry.log import AccessNode, LogSettings, check_folder
from registry.log.verifying import InProcess, Signed, WorkerPool
from registry.ports import Accepted, Refused
from tests.unit.log.log_house import NOTE_KEY, ORIGIN, RECEIPT_KEY, Device, House

DEVICES = [Device(str(number)) for number in range(6)]


def signed(device: Device, slot: int = 0, *, broken: bool = False) -> Signed:
    statement = parse(device.reading(slot, slot + 1))
    tbs = statement.tbs[:-1] + b"\7" if broken else statement.tbs
    return public_key_bytes(device.key.public_key()), statement.signature, tbs


BATCH = [signed(device, slot, broken=slot % 3 == 0) for device in DEVICES for slot in range(20)]
NO_KEY: Signed = (b"\4" + bytes(64), BATCH[1][1], BATCH[1][2])
EXPECTED = InProcess(4).verify(BATCH)


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    pool = WorkerPool(2, 4)
    yield pool
    pool.close()


@pytest.mark.rule("MEA-2")
@pytest.mark.parametrize("size", [0, 1, 31, 33, 65, 120])
def test_workers_answer_as_the_process_itself(pool: WorkerPool, size: int) -> None:
    assert EXPECTED.count(True) == 6 * 13 and EXPECTED.count(False) == 6 * 7
    assert pool.verify(BATCH[:size]) == EXPECTED[:size]
    assert pool.verify([NO_KEY, BATCH[1]]) == InProcess(4).verify([NO_KEY, BATCH[1]]) == [False, True]


@pytest.mark.rule("MEA-2", "MEA-3")
def test_killed_workers_are_replaced(pool: WorkerPool) -> None:
    """Killed while many threads use them, all of them, again and again: every answer comes, and is right."""
    wrong: list[list[bool]] = []

    def ask() -> None:
        for at in range(0, 60, 10):
            found = pool.verify(BATCH[at:])
            if found != EXPECTED[at:]:
                wrong.append(found)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(2):
        for pid in pool.pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(pool.pids) == 2
    assert pool.verify(BATCH) == EXPECTED


@pytest.mark.rule("MEA-2", "MEA-3")
def test_a_node_with_workers_loses_nothing_when_they_are_killed(tmp_path: Path) -> None:
    house = House(tmp_path / "log")
    house.clock.seconds += 1000 * 900
    for device in DEVICES:
        house.device(device.name)
    settings = LogSettings(ORIGIN, verifiers=2)
    with AccessNode(
        house.folder, house.directory, house.directory, house.clock, NOTE_KEY, RECEIPT_KEY, settings
    ) as node:
        stranger = Device("stranger").reading(0, 1)
        accepted = []
        for slot in range(0, 40, 10):
            batch = [device.reading(at, at + 1) for device in DEVICES for at in range(slot, slot + 10)]
            for pid in node.verifier_pids:
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
