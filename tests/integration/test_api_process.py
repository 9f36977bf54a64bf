"""`python -m api` as a process: it serves, says in one line why it cannot, and a restart keeps everything."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from registry.bootstrap import SystemClock, open_node
from registry.config import Settings
from registry.domain.commands import AdmitParties
from registry.domain.enums import PartyKind
from registry.domain.identifiers import eic_check_character
from registry.domain.participants import Admission
from registry.services.identity import Principal, Role

ROOT = Path(__file__).resolve().parents[2]
BSP, DSO = 21, 11
WAIT_S = 30


def environment(state: Path, **settings: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("FLEXLEDGER_")}
    return {**own, "FLEXLEDGER_STATE": str(state), "FLEXLEDGER_PORT": "0", **settings}


def refused(state: Path, **settings: str) -> str:
    """The one line with which the process ends."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "api"],
        cwd=ROOT,
        env=environment(state, **settings),
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("flexledger: ")
    assert done.stdout == ""
    return line


@contextmanager
def serving(state: Path, end: int = signal.SIGTERM, **settings: str) -> Iterator[httpx.Client]:
    """The process, and a client of it, or of its fronts where the settings say that it has any; it ends in
    order with a signal.
    """
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "api"],
        cwd=ROOT,
        env=environment(state, **settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(2 if "FLEXLEDGER_FRONTS" in settings else 1)]
        line = lines[-1]
        match = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert match, line
        with httpx.Client(base_url=match[0], timeout=WAIT_S) as client:
            yield client
        process.send_signal(end)
        rest = process.communicate(timeout=WAIT_S)[1]
        assert process.returncode == (0 if end != signal.SIGKILL else -signal.SIGKILL)
        assert "Traceback" not in rest, rest
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A node with a BSP and a DSO."""
    folder = tmp_path / "node"
    with open_node(Settings(state=folder), SystemClock()) as node:
        admissions = []
        for party, kind in ((BSP, PartyKind.BSP), (DSO, PartyKind.DSO)):
            body = f"10XPROCESS-{party:03d}-"
            eic = (body + eic_check_character(body)).encode()
            signer = node.keys.party(f"party-{party}")
            admissions.append(Admission(party, kind, eic, f"Party {party}", signer.address))
        assert node.admin is not None
        node.recorder.record(AdmitParties(tuple(admissions)), node.admin)
    return folder


def token(state: Path) -> dict[str, str]:
    with open_node(Settings(state=state), SystemClock()) as node:
        assert node.issuer is not None
        text = node.issuer.issue(Principal(Role.BSP, BSP), datetime.now(UTC))
    return {"Authorization": f"Bearer {text}"}


def pod(number: int) -> dict[str, object]:
    return {
        "pod_code": f"IT001E{number:08d}",
        "dso": DSO,
        "category": "storage",
        "voltage": "low",
        "up_kw": 5,
        "down_kw": 5,
        "activation_time_s": 60,
        "position": "45.1,7.6",
        "technologies": ["battery"],
    }


@pytest.mark.rule("POD-1", "MIR-1")
def test_a_restart_keeps_everything(state: Path) -> None:
    """Killed at once it has lost nothing; asked to stop it ends in order, and writes no traceback."""
    bsp = {**token(state), "Idempotency-Key": "first"}
    with serving(state, signal.SIGKILL) as client:
        assert client.get("/docs").status_code == 200
        assert client.get("/health/ready").json()["status"] == "ready"
        first = client.post("/v1/pods", json={"pods": [pod(1), pod(2)]}, headers=bsp)
        assert first.status_code == 201
        listed = client.get("/v1/pods", headers=bsp).json()
        checkpoint = client.get("/v1/log/checkpoint").text
    with serving(state, signal.SIGTERM) as client:
        assert client.get("/v1/pods", headers=bsp).json() == listed
        assert client.get("/v1/log/checkpoint").text == checkpoint
        again = client.post("/v1/pods", json={"pods": [pod(1), pod(2)]}, headers=bsp)
        assert (again.status_code, again.content) == (201, first.content)
        code = client.get(f"/v1/pods/{first.json()['pod_ids'][1]}/code", headers=bsp)
        assert code.json()["pod_code"] == "IT001E00000002"
        refusal = refused(state)
    assert "already in use" in refusal and str(state) in refusal


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = refused(tmp_path / "node", FLEXLEDGER_PORT=str(port))
    assert "port in use" in line and f"127.0.0.1:{port}" in line


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"FLEXLEDGER_PORT": "70000"}, ("FLEXLEDGER_PORT", "70000")),
        ({"FLEXLEDGER_HOST": "192.0.2.1"}, ("FLEXLEDGER_HOST", "192.0.2.1")),
        ({"FLEXLEDGER_CHAIN_URL": "http://127.0.0.1:1"}, ("deployment",)),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, settings: dict[str, str], words: tuple[str, ...]) -> None:
    line = refused(tmp_path / "node", **settings)
    assert not (tmp_path / "node").exists()
    assert all(word in line for word in words), line


@pytest.mark.rule("MEA-2")
def test_fronts_take_statements_on_a_port_of_their_own(tmp_path: Path) -> None:
    with serving(tmp_path, FLEXLEDGER_FRONTS="1", FLEXLEDGER_INTAKE_PORT="0") as front:
        answer = front.post("/v1/statements", content=b"?", headers={"Content-Type": "application/cose"})
        assert (answer.status_code, answer.json()["rule"]) == (422, "MEA-1")
        assert front.get("/v1/parties").status_code == 404
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        line = refused(tmp_path, FLEXLEDGER_FRONTS="1", FLEXLEDGER_INTAKE_PORT=port)
    assert "FLEXLEDGER_INTAKE_PORT" in line
