"""kill -9 of the access node and of its workers in the middle of their work, again and again (MEA-3, LOG-1).

``make crash`` does the same for hundreds of rounds.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest

from registry.evidence.es256 import load_public_key, public_key_bytes
from registry.evidence.receipts import parse_receipt, verify_receipt
from registry.log import check_folder
from tests.integration.intake_child import house_in
from tests.unit.log.log_house import RECEIPT_KEY

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "20"))


@pytest.mark.rule("MEA-3", "LOG-1")
def test_what_was_answered_survives_kill_9(tmp_path: Path) -> None:
    """In each round: start the node, with or without workers, let it answer some batches of three threads,
    and kill it somewhere within the next ones; before that, in every other round with workers, one of these.

    In the end every answer of every round is true of the log, nothing stands in it twice, and no size ever
    had two roots.
    """
    folder, chance = tmp_path / "log", random.Random(20261120)
    answers: dict[int, tuple[str, str]] = {}
    roots: dict[int, str] = {}
    for number in range(ROUNDS):
        heads, verifiers = chance.randint(1, 25), number % 2
        for line in _run_until_killed(folder, verifiers, heads, chance):
            if line[0] == "head":
                size, root = int(line[1]), line[2]
                assert roots.setdefault(size, root) == root
            elif line[0] != "workers":
                index, statement, receipt = int(line[0]), line[1], line[2]
                assert answers.setdefault(index, (statement, receipt)) == (statement, receipt)
    assert len(answers) > 5 * ROUNDS
    public_key = load_public_key(public_key_bytes(RECEIPT_KEY.public_key()))
    with house_in(folder).open() as node:
        size = node.checkpoint().size
        for index, (statement, receipt) in answers.items():
            assert node.entry(index).hex() == statement
            assert node.receipt(index).hex() == receipt
            verify_receipt(parse_receipt(bytes.fromhex(receipt)), bytes.fromhex(statement), public_key)
        assert max(Counter(node.entry(index) for index in range(size)).values()) == 1
        for old, root in roots.items():
            assert node.checkpoint_at(old).root.hex() == root
        assert node.gaps() == [] and node.conflicts() == []
        assert check_folder(folder / "tree", node.note_key).sound


def _run_until_killed(folder: Path, verifiers: int, heads: int, chance: random.Random) -> list[list[str]]:
    """Run a child until it has told so many heads, and a moment longer; returns every whole line it told."""
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.intake_child", str(folder), str(verifiers)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert child.stdout is not None and child.stderr is not None
    told: list[bytes] = []
    workers: list[int] = []
    try:
        while heads and (line := child.stdout.readline()):
            told.append(line)
            heads -= line.startswith(b"head")
            if line.startswith(b"workers"):
                workers = [int(pid) for pid in line.split()[1:]]
            elif workers and chance.random() < 0.1:
                with suppress(ProcessLookupError):
                    os.kill(workers.pop(), signal.SIGKILL)
        time.sleep(chance.random() * 0.03)  # the moment of the kill is to be any; nothing waits for it
    finally:
        child.kill()
    told += child.stdout.readlines()
    complaint = child.stderr.read().decode()
    child.stdout.close()
    child.stderr.close()
    assert child.wait(60) == -9, complaint
    return [line.decode().split() for line in told if line.endswith(b"\n")]
