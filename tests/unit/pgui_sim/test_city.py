"""Fleets of any size from one command: made, run, killed, taken up again (PGU-2)."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from typer.testing import CliRunner

from pgui_sim.city import CityPlan, derived_pod_id, read_plan, write_plan
from pgui_sim.city_run import CityRun, make_city, run_city
from pgui_sim.fleet import shards
from pgui_sim.state import ShardState, StateUnusable
from pgui_sim.statement import PERIOD_S, message, protected_header, signed_bytes
from registry.cli.main import app as flexledger
from tests.unit.pgui_sim.access_node_stub import AccessNodeStub
from tests.unit.pgui_sim.fleets import PLATFORM, START, new_fleet, pod

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def node() -> Iterator[AccessNodeStub]:
    with AccessNodeStub(now=START) as stub:
        yield stub


def plan_of(pods: int, **changes: Any) -> CityPlan:
    return CityPlan(pods=pods, start=START, shard_devices=64, **changes)


def made(folder: Path, plan: CityPlan, pod_ids: Path | None = None) -> Path:
    write_plan(folder, plan, pod_ids)
    make_city(folder, plan, 1, lambda what, more: None)
    return folder


def run(folder: Path, quarters: int, server: str | None, processes: int = 1) -> CityRun:
    plan = read_plan(folder)
    assert plan is not None
    return run_city(folder, plan, quarters, server, processes, lambda what, more: None, lambda quarter: None)


def public_keys(folder: Path) -> dict[bytes, bytes]:
    """POD to x || y, read as docs/pgui.md says."""
    data = (folder / "keys.cbor").read_bytes()
    items = [cbor2.loads(data[at : at + 101]) for at in range(0, len(data), 101)]
    return dict(items)


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    db = sqlite3.connect(path)
    found = db.execute(query).fetchall()
    db.close()
    return found


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pgui_sim", "fleet", *arguments],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.rule("PGU-2")
def test_the_same_plan_makes_the_same_devices_with_other_keys(tmp_path: Path) -> None:
    first, second = made(tmp_path / "a", plan_of(150)), made(tmp_path / "b", plan_of(150))
    assert len(shards(first)) == 3
    for one, other in zip(shards(first), shards(second), strict=True):
        assert one.stat().st_mode & 0o077 == 0
        assert rows(one, "SELECT content FROM profiles") == rows(other, "SELECT content FROM profiles")
        plants = "SELECT pod_index, pod_id, profile, scale_ppm, shift_quarters, up_w, drift_ppm FROM devices"
        assert rows(one, plants) == rows(other, plants)
        assert len(rows(one, plants)) > 20
    keys, others = public_keys(first), public_keys(second)
    assert list(keys) == list(others) == [derived_pod_id(index) for index in range(150)]
    assert not set(keys.values()) & set(others.values())
    secrets = {row[0] for path in shards(first) for row in rows(path, "SELECT secret FROM devices")}
    assert len(secrets) == 150 and {len(secret) for secret in secrets} == {32}
    assert not any(secret in (first / "keys.cbor").read_bytes() for secret in secrets)


@pytest.mark.rule("PGU-2", "MEA-1")
@pytest.mark.parametrize("processes", [1, 2])
def test_every_device_certifies_every_quarter_hour_once(
    tmp_path: Path, node: AccessNodeStub, processes: int
) -> None:
    state = made(tmp_path / "fleet", plan_of(130))
    done = run(state, 3, node.url, processes)
    assert (done.summary.signed, done.summary.accepted, done.summary.queued) == (390, 390, 0)
    assert [quarter.summary.signed for quarter in done.quarters] == [130] * 3
    assert all(len(quarter.resident_kib) == (3 if processes == 2 else 1) for quarter in done.quarters)
    assert max(node.batches) == 64
    expected = {(derived_pod_id(index), number) for index in range(130) for number in (1, 2, 3)}
    assert {(payload[2], payload[5]) for payload in node.payloads()} == expected
    assert {payload[3] for payload in node.payloads()} == {START + slot * PERIOD_S for slot in range(3)}
    keys = public_keys(state)
    for statement in node.statements:
        protected, _, payload, signature = cbor2.loads(statement).value
        point = b"\x04" + keys[cbor2.loads(payload)[2]]
        assert protected == protected_header(sha256(point).digest())
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        key.verify(encode_dss_signature(r, s), signed_bytes(protected, payload), ec.ECDSA(SHA256()))
    # accepted statements take no room any more, and a second run has nothing to do
    assert all(rows(path, "SELECT count(*) FROM queue") == [(0,)] for path in shards(state))
    again = run(state, 3, node.url, processes)
    assert (again.summary.signed, again.summary.accepted, len(again.quarters)) == (0, 0, 1)


@pytest.mark.rule("PGU-1", "PGU-2")
def test_what_was_stored_without_an_access_node_is_forwarded_later(
    tmp_path: Path, node: AccessNodeStub
) -> None:
    state = made(tmp_path / "fleet", plan_of(100))
    stored = run(state, 2, None)
    assert (stored.summary.signed, stored.summary.accepted, stored.summary.queued) == (200, 0, 200)
    sent = run(state, 2, node.url)
    assert (sent.summary.signed, sent.summary.accepted, sent.summary.queued) == (0, 200, 0)


@pytest.mark.rule("PGU-1", "PGU-2", "MEA-3")
def test_a_killed_fleet_neither_loses_nor_reuses_a_counter(tmp_path: Path, node: AccessNodeStub) -> None:
    """Kill the process in front at its third and then its tenth request, with others at work, then go on.
    Requests of a shard and quarter-hour: one for the time, one upload.
    """
    state = made(tmp_path / "fleet", plan_of(200))
    arguments = ["--state", str(state), "--pods", "200", "--quarters", "5", "--server", node.url]
    for kill_at in (3, 10):
        node.on_request = _kill_at(kill_at, ["fleet", *arguments, "--processes", "2"])
        node.on_request("start")
    node.on_request = lambda path: None
    done = command(*arguments, "--processes", "2")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["queued"] == 0
    # the stub keeps the same bytes once: twice a counter would be two statements of the same counter
    assert Counter((payload[2], payload[5]) for payload in node.payloads()) == Counter(
        (derived_pod_id(index), counter) for index in range(200) for counter in range(1, 6)
    )
    assert len({(payload[2], payload[3]) for payload in node.payloads()}) == 1000


def _kill_at(number: int, arguments: list[str]) -> Any:
    """A request hook: its first call, by the test, starts the program and sees it killed at that request."""
    program: list[subprocess.Popen[bytes]] = []
    seen, guard = [0], threading.Lock()

    def hook(path: str) -> None:
        if path == "start":
            program.append(
                subprocess.Popen(
                    [sys.executable, "-m", "pgui_sim", *arguments],
                    cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip
            assert program[0].wait(60) == -9
            return
        with guard:
            seen[0] += 1
            if seen[0] == number:
                program[0].kill()

    return hook


@pytest.mark.rule("PGU-2")
def test_making_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    state = made(tmp_path / "fleet", plan_of(150))
    keys = public_keys(state)
    lost = shards(state)[1]
    lost.unlink()
    lost.with_suffix(".new").write_bytes(b"unfinished")
    (state / "keys.cbor").unlink()
    told: Counter[str] = Counter()
    make_city(state, plan_of(150), 1, lambda what, more: told.update({what: more}))
    assert told == {"made": 150}
    again = public_keys(state)
    kept = [again[pod_id] == key for pod_id, key in keys.items()]
    assert kept == [True] * 64 + [False] * 64 + [True] * 22


@pytest.mark.rule("PGU-2")
def test_a_shard_is_run_by_one_process_at_a_time(tmp_path: Path) -> None:
    state = made(tmp_path / "fleet", plan_of(3))
    (shard,) = shards(state)
    holder = ShardState(shard)
    with pytest.raises(StateUnusable, match="in use by another run"):
        ShardState(shard, wait_s=0)
    holder.close()
    ShardState(shard, wait_s=0).close()


@pytest.mark.rule("SET-1", "PGU-2")
def test_setpoints_are_fetched_at_once_and_only_for_those_who_ask(
    tmp_path: Path, node: AccessNodeStub
) -> None:
    state = made(tmp_path / "fleet", plan_of(40, asking=6, setpoint_keys=(PLATFORM.point.hex(),)))
    asked, pair = [], threading.Barrier(2)

    def meet(path: str) -> None:
        if path.endswith("/setpoints"):
            asked.append(path.split("/")[3])
            pair.wait(10)  # breaks if requests come one by one

    node.on_request = meet
    payload = b"".join(
        (b"\xa7\x01\x03\x02\x58\x20", derived_pod_id(2), b"\x03\x1a", START.to_bytes(4, "big"), b"\x04\x19")
    ) + bytes.fromhex("0384 0501 061903e8 071a") + START.to_bytes(4, "big")  # fmt: skip
    header = protected_header(PLATFORM.kid)
    order = message(header, payload, PLATFORM.sign(signed_bytes(header, payload)))
    node.setpoints = {derived_pod_id(2).hex(): [(1, order)]}
    done = run(state, 1, node.url)
    assert sorted(asked) == sorted(derived_pod_id(index).hex() for index in range(6))
    assert (done.summary.setpoints, done.summary.executions, done.summary.problems) == (1, 1, [])
    assert done.summary.accepted == 41


@pytest.mark.rule("PGU-2")
def test_refused_statements_are_counted_and_kept(
    tmp_path: Path, node: AccessNodeStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    reason = {"rule": "DEV-1", "field": "kid", "found": "unbound", "allowed": "a bound key"}
    monkeypatch.setattr(
        node, "submit", lambda body: [{"status": "refused", **reason}] * (len(body) // 170 or 1)
    )
    state = made(tmp_path / "fleet", plan_of(1))
    done = run(state, 1, node.url)
    assert done.figures()["refused"] == {"DEV-1 kid": 1}
    assert done.summary.queued == 0
    ((answer,),) = rows(shards(state)[0], "SELECT answer FROM queue")
    assert json.loads(answer)["rule"] == "DEV-1"


@pytest.mark.rule("PGU-2")
def test_pod_ids_come_from_a_file(tmp_path: Path) -> None:
    file, plan = tmp_path / "ids", plan_of(70)
    ids = [sha256(bytes([index])).digest() for index in range(80)]
    file.write_text("".join(f"0x{pod_id.hex()}\n" for pod_id in ids))
    assert list(public_keys(made(tmp_path / "fleet", plan, file))) == ids[:70]
    for lines, complaint in (
        (["zz"], "line 1: found 'zz', allowed 64 hexadecimal digits"),
        ([ids[0].hex()] * 2, "line 2: found .* again, allowed once"),
        ([ids[0].hex()], "found 1 lines, allowed 70"),
    ):
        file.write_text("\n".join(lines))
        with pytest.raises(ValueError, match=complaint):
            write_plan(tmp_path / "other", plan, file)
        assert read_plan(tmp_path / "other") is None


@pytest.mark.rule("PGU-2")
def test_memory_is_flat_and_the_summary_says_so(tmp_path: Path) -> None:
    done = command(
        "--state", str(tmp_path), "--pods", "6000", "--quarters", "6", "--start", str(START), "--no-send"
    )
    assert done.returncode == 0, done.stderr
    assert "resident memory of each process" in done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert (summary["pods"], summary["signed"], summary["queued"]) == (6000, 36_000, 36_000)
    _, warm, *_, last = (quarter["resident_kib"][0] for quarter in summary["quarters"])
    # Flat is within some 12 KiB from the second to the sixth; statements kept by mistake, as bytes alone, are
    # 1.3 MiB a quarter-hour, 5 MiB in all.
    assert last - warm < 2 * 1024


@pytest.mark.rule("PGU-2")
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--pods", "4"], "pods: found 4, allowed 3, as the fleet in"),
        (["--pods", "3", "--start", "900"], f"start: found 900, allowed {START}"),
        (["--pods", "3", "--start", "901"], "start: found 901, allowed a multiple of 900"),
    ],
)
def test_another_fleet_in_the_same_folder_is_told(
    tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    made(tmp_path, plan_of(3))
    done = command("--state", str(tmp_path), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr


def test_a_wrong_platform_key_and_a_fleet_from_a_file_are_told(tmp_path: Path) -> None:
    done = command("--state", str(tmp_path / "a"), "--pods", "1", "--platform-key", "04" + "00" * 64)
    assert done.returncode == 2 and "platform_key: found" in done.stderr
    assert not (tmp_path / "a").exists()
    with pytest.raises(StateUnusable, match="made from a file"):
        read_plan(new_fleet(tmp_path / "b", pod(0)))


@pytest.mark.rule("PGU-2")
def test_flexledger_passes_its_arguments_on(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, list[str]]] = []
    monkeypatch.setattr("os.execv", lambda program, arguments: started.append((program, arguments)))
    arguments = ["fleet", "--pods", "580000", "--help"]
    assert CliRunner().invoke(flexledger, ["pgui", *arguments]).exit_code == 0
    assert started == [(sys.executable, [sys.executable, "-m", "pgui_sim", *arguments])]


def test_a_shard_made_by_parts_is_not_there_until_it_is_whole(tmp_path: Path) -> None:
    def breaks() -> Iterator[Any]:
        raise RuntimeError("power lost")
        yield

    with pytest.raises(RuntimeError, match="power lost"):
        ShardState.create(tmp_path / "shard-0000.sqlite", START, [], breaks(), False)
    assert shards(tmp_path) == []
