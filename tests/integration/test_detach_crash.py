"""kill -9 of an access node that detaches old days while it takes statements (LOG-1, MEA-2, MEA-3)."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from registry.log import check_folder
from registry.log.retention import Held
from tests.integration.detach_child import DAYS, DEVICES, OLD, fresh, house_in, until
from tests.unit.log.log_house import START

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.rule("LOG-1", "MEA-2", "MEA-3")
def test_it_is_taken_up_where_it_was_killed(tmp_path: Path) -> None:
    """Each round gets one step further than the one before, until it ends by itself. In the end log and
    archive are the whole log, with everything that was answered meanwhile.
    """
    folder, archive, chance = tmp_path / "log", tmp_path / "archive", random.Random(20261129)
    house = house_in(folder)
    house.clock.seconds = START + DAYS * 86_400
    old = [device.reading(slot, slot + 1) for slot in OLD for device in DEVICES]
    with house.open() as node:
        node.submit(old)
    receipts: dict[int, str] = {}
    stages: set[str] = set()
    for round_ in range(1, 60):
        told = _run(folder, archive, round_, chance)
        for line in told:
            if line != ["done"]:
                index, receipt, stage = line
                assert receipts.setdefault(int(index), receipt) == receipt
                stages.add(stage)
        if told[-1] == ["done"]:
            break
    else:
        pytest.fail("it never ended")
    assert round_ > 4 and stages == {"copying", "dropping", "removing"}
    with house_in(folder).open() as node:
        held = node.held
        assert held == Held(until(), held.minimum_index, None) and held.minimum_index > 0
        assert check_folder(folder / "tree", node.note_key, archives=[archive]).sound
        assert [node.entry(at) for at in range(held.minimum_index, len(old))] == old[held.minimum_index :]
        for index, receipt in receipts.items():
            assert node.entry(index) == fresh(index - len(old))
            assert node.receipt(index).hex() == receipt


def _run(folder: Path, archive: Path, steps: int, chance: random.Random) -> list[list[str]]:
    """Run a child until it has told so many steps, and a moment longer, within the next one; every whole line
    it told.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.detach_child", str(folder), str(archive), str(steps)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None and child.stderr is not None
    told: list[bytes] = []
    try:
        while steps and (line := child.stdout.readline()):
            told.append(line)
            steps -= 1
        time.sleep(chance.random() * 0.03)  # the moment of the kill is to be any; nothing waits for it
    finally:
        child.kill()
    told += child.stdout.readlines()
    complaint = child.stderr.read().decode()
    child.stdout.close()
    child.stderr.close()
    assert child.wait(60) in (-9, 0), complaint
    return [line.decode().split() for line in told if line.endswith(b"\n")]
