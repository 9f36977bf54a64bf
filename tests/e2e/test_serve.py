"""`flexledger serve` and `flexledger verify` as processes: what a user and an auditor run."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from api import __main__ as server
from registry.cli.main import app
from registry.cli.outcome import EXIT_DONE, EXIT_FAILED, EXIT_REFUSED
from registry.services.bundle_settlement import bundle_settlement
from tests.unit.api.sandbox import BSP, Sandbox

ROOT = Path(__file__).resolve().parents[2]
FLEXLEDGER = [sys.executable, "-W", "ignore", "-m", "registry.cli"]
OFFLINE = """
import socket, sys
def refuse(*_):
    raise RuntimeError("the network was used")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
sys.argv[0] = "flexledger"
from registry.cli.main import app
app()
"""
OUTSIDER = [sys.executable, "-W", "ignore", "-c", OFFLINE]
WAIT_S = 60


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What a played day left: the node's folder `state`, and the files an auditor gets."""
    folder = tmp_path_factory.mktemp("served")
    sandbox = Sandbox.played(folder / "state")
    files = {"state": sandbox.folder, "deployment": folder / "deployment.json"}
    for name, statement in sandbox.statements.items():
        files[name] = folder / f"{name}.flexbundle"
        data = bundle_settlement(sandbox.node.recorder, sandbox.node.log, bytes.fromhex(statement))
        files[name].write_bytes(data)
    files["deployment"].write_bytes((sandbox.folder / "chain" / "deployment.json").read_bytes())
    sandbox.close()
    return files


def environment(**own: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FLEXLEDGER_")}
    return {**kept, "PYTHONPATH": str(ROOT), **own}


@contextmanager
def served(state: Path, end: signal.Signals) -> Iterator[httpx.Client]:
    """The API of a process that ends with a signal."""
    process = subprocess.Popen(
        [*FLEXLEDGER, "serve", "--state", str(state), "--port", "0"],
        cwd=ROOT,
        env=environment(PYTHONWARNINGS="ignore"),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        match = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert match, line + process.stderr.read()
        with httpx.Client(base_url=match[0], timeout=WAIT_S) as client:
            yield client
        process.send_signal(end)
        rest = process.communicate(timeout=WAIT_S)[1]
        assert process.returncode == (0 if end == signal.SIGTERM else -end)
        assert rest == ""
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def contents(client: httpx.Client, bearer: dict[str, str]) -> dict[str, object]:
    """What a restart must not change."""
    lists = ("parties", "products", "pods", "aggregates", "settlements")
    answers = {name: client.get(f"/v1/{name}", headers=bearer) for name in lists}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(lists, 200)
    found: dict[str, object] = {name: answer.json()["items"] for name, answer in answers.items()}
    assert all(found.values()), "each list has something to lose"
    return {**found, "checkpoint": client.get("/v1/log/checkpoint").text}


@pytest.mark.rule("MIR-1", "MEA-3")
def test_killed_and_served_again_nothing_is_lost(bundles: dict[str, Path]) -> None:
    state = bundles["state"]
    with served(state, signal.SIGKILL) as client:
        assert client.get("/health/ready").json()["status"] == "ready"
        assert client.get("/openapi.json").json()["info"]["title"] == "FlexLedger"
        assert client.get("/docs").status_code == 200
        assert client.get("/v1/pods").status_code == 401
        token = CliRunner().invoke(app, ["token", "--party", str(BSP), "--state", str(state)])
        assert token.exit_code == EXIT_DONE, token.stderr
        bearer = {"Authorization": f"Bearer {token.stdout.strip()}"}
        before = contents(client, bearer)
        in_use = CliRunner().invoke(app, ["status", "--state", str(state)])
        assert in_use.exit_code == EXIT_FAILED and "already in use" in in_use.stderr
    with served(state, signal.SIGTERM) as client:
        assert contents(client, bearer) == before
    assert CliRunner().invoke(app, ["status", "--state", str(state)]).exit_code == EXIT_DONE


def test_a_folder_without_a_node_is_not_made_one(tmp_path: Path) -> None:
    refused = CliRunner().invoke(app, ["serve", "--state", str(tmp_path / "typo"), "--port", "0"])
    assert refused.exit_code == EXIT_FAILED and "holds no node" in refused.stderr
    assert not (tmp_path / "typo").exists()


def test_asked_to_stop_while_it_opens_it_ends_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked_to_stop(*_: object) -> None:
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(server, "_listen", asked_to_stop)
    try:
        assert server.main() == EXIT_DONE
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.mark.rule("AUD-1")
def test_an_outsider_verifies_without_state_and_network(bundles: dict[str, Path], tmp_path: Path) -> None:
    done = subprocess.run(
        [*OUTSIDER, "verify", str(bundles["local"]), "--deployment", str(bundles["deployment"])],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment(),
        timeout=WAIT_S,
    )
    assert done.returncode == EXIT_DONE, done.stdout + done.stderr
    for check in ("container", "trust", "certified readings", "lights", "figures"):
        assert re.search(rf"✓ \w+-\d +{check} ", done.stdout), check
    assert list(tmp_path.iterdir()) == []


@pytest.mark.rule("AUD-1")
def test_a_changed_copy_fails_and_programs_can_read_why(bundles: dict[str, Path], tmp_path: Path) -> None:
    copy = tmp_path / "copy.flexbundle"
    data = bytearray(bundles["global"].read_bytes())
    data[len(data) // 2] ^= 1
    copy.write_bytes(data)
    refused = CliRunner().invoke(app, ["verify", str(copy), "--json"])
    assert refused.exit_code == EXIT_REFUSED and refused.stderr == ""
    found = json.loads(refused.stdout)
    assert found["ok"] is False and found["figures"] is None
    assert [check["name"] for check in found["checks"] if not check["ok"]]
