"""Fronts of the intake as processes: same answers, nothing lost with one that is killed, none outlives its
node (MEA-2, MEA-3).
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from api.fronts import Fronts
from registry.log import AccessNode
from tests.unit.log.log_house import START, Device, House

pytestmark = pytest.mark.rule("MEA-2", "MEA-3")
COSE = {"Content-Type": "application/cose"}
PATIENCE_S = 120
PROGRAM = """
import socket, sys
from pathlib import Path
from tests.integration.test_fronts import opened
listener = socket.create_server(("127.0.0.1", 0))
with opened(Path(sys.argv[1]), listener) as (house, node, fronts, client):
    while not fronts.pids or client.get("/health/live").status_code != 200: pass
    print(client.base_url.port, *fronts.pids, flush=True)
    sys.stdin.read()
"""


@contextmanager
def opened(folder: Path, listener: socket.socket) -> Iterator[tuple[House, AccessNode, Fronts, httpx.Client]]:
    """A node with two fronts, and a client of theirs; devices a and b."""
    house = House(folder)
    for name in "ab":
        house.device(name)
    house.clock.seconds += 40 * 900
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with (
        house.open() as node,
        Fronts(node, listener, 2, house.clock) as fronts,
        httpx.Client(base_url=url, timeout=PATIENCE_S) as client,
    ):
        yield house, node, fronts, client


def until(met: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not met():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


def test_fronts_answer_as_the_api_does_and_survive_one_another(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    a, b, stranger = Device("a"), Device("b"), Device("stranger")
    with opened(tmp_path, listener) as (house, node, fronts, client):

        def send(data: bytes) -> httpx.Response:
            return client.post("/v1/statements", content=data, headers=COSE)

        # the same answers
        first = send(a.reading(0, 1))
        assert first.status_code == 201 and first.json()["index"] == 0
        again = send(a.reading(0, 1))
        assert again.status_code == 200 and again.json()["duplicate"] is True
        assert send(stranger.reading(0, 1)).json()["rule"] == "MEA-2"
        conflict = send(a.reading(0, 2))
        assert (conflict.status_code, conflict.json()["rule"]) == (422, "MEA-2")
        assert send(bytes(200_000)).status_code == 413
        assert send(b"nonsense").json()["rule"] == "MEA-1"
        assert client.post("/v1/statements", content=b"", headers={}).json()["rule"] == "API-1"
        assert client.get("/v1/parties").status_code == 404
        # a binding that ends counts from the next statement on, in every front
        house.device("b", valid_until=START)
        for slot in range(1, 9):
            with httpx.Client(base_url=client.base_url, timeout=PATIENCE_S) as other:
                answer = other.post("/v1/statements", content=b.reading(slot, slot), headers=COSE)
            assert answer.json()["rule"] in ("DEV-1", "MEA-2"), answer.text
        # one is killed
        until(lambda: len(fronts.pids) == 2, "two fronts")
        killed = fronts.pids[0]
        os.kill(killed, signal.SIGKILL)
        taken = {}
        for slot in range(1, 30):
            with httpx.Client(base_url=client.base_url, timeout=PATIENCE_S) as other:
                answer = other.post("/v1/statements", content=a.reading(slot, slot + 1), headers=COSE)
            assert answer.status_code == 201
            taken[answer.json()["index"]] = a.reading(slot, slot + 1)
        until(lambda: len(fronts.pids) == 2 and killed not in fronts.pids, "a front in its place")
        assert sorted(taken) == list(range(1, 30)) and node.checkpoint().size == 30
        assert all(node.entry(index) == data for index, data in taken.items())
        pids = fronts.pids
    assert all(map(gone, pids))


def test_a_front_ends_with_its_node(tmp_path: Path) -> None:
    words = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        port, *pids = map(int, child.stdout.readline().split())
        child.send_signal(signal.SIGKILL)
    until(lambda: all(map(gone, pids)), "fronts end with their node")
    socket.create_server(("127.0.0.1", port)).close()
