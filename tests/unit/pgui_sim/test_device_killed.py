"""A device that loses power neither reuses nor passes over a counter, and loses no statement (PGU-1)."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pgui_sim.fleet import Orders, run_fleet
from pgui_sim.statement import PERIOD_S
from tests.unit.pgui_sim.access_node_stub import AccessNodeStub
from tests.unit.pgui_sim.fleets import START, new_fleet, pod, pod_id

ROOT = Path(__file__).resolve().parents[3]
DEVICES = 60  # more than one commit's worth
SLOTS = 20


@pytest.mark.rule("PGU-1", "MEA-3")
def test_killed_at_any_request_and_run_again(tmp_path: Path) -> None:
    """Kill the program at its first, tenth, ... request, each time going on from what is on the disk."""
    state = new_fleet(tmp_path, *(pod(index) for index in range(DEVICES)))
    with AccessNodeStub() as node:
        # one request for the time, one per device, then three batches, of which two are left in the end
        for kill_at in (1, 10, 55, 62, 63, 63):
            _run_and_kill(state, node, kill_at)
        node.on_request = lambda path: None
        summary = run_fleet(state, Orders(node.url, START + SLOTS * PERIOD_S), 1, lambda what, more: None)
    assert summary.queued == 0
    assert Counter((payload[2], payload[5]) for payload in node.payloads()) == Counter(
        (pod_id(index), counter) for index in range(DEVICES) for counter in range(1, SLOTS + 1)
    )
    assert len({(payload[2], payload[3]) for payload in node.payloads()}) == DEVICES * SLOTS


def _run_and_kill(state: Path, node: AccessNodeStub, kill_at: int) -> None:
    seen = 0

    def kill(path: str) -> None:
        nonlocal seen
        seen += 1
        if seen == kill_at:
            child.kill()

    until = str(START + SLOTS * PERIOD_S)
    node.on_request = lambda path: None
    child = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pgui_sim",
            "run",
            "--state",
            str(state),
            "--server",
            node.url,
            "--until",
            until,
        ],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    node.on_request = kill
    assert child.wait(60) == -9
