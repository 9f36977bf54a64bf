"""Devices at work against an access node: queue, outages, restarts, setpoints, faults."""

from __future__ import annotations

import base64
import json
import sqlite3
import subprocess
import sys
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

from pgui_sim.faults import Fault, FaultImpossible, parse_fault
from pgui_sim.fleet import Offline, Orders, Summary, run_fleet
from pgui_sim.fleet_file import FleetFileInvalid, read_fleet_file
from pgui_sim.keystore import DeviceKey
from pgui_sim.meter import ProfileEnded
from pgui_sim.state import StateUnusable
from pgui_sim.statement import PERIOD_S, Outcome
from pgui_sim.uplink import Unreachable, Uplink
from tests.unit.pgui_sim.access_node_stub import AccessNodeStub
from tests.unit.pgui_sim.fleets import START, fleet_content, new_fleet, pod, pod_id, setpoint

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def node() -> Iterator[AccessNodeStub]:
    with AccessNodeStub() as stub:
        yield stub


def run(state: Path, node: AccessNodeStub, slots: int, **orders: Any) -> Summary:
    """Run up to the end of the quarter-hour number ``slots``."""
    return run_fleet(state, Orders(node.url, START + slots * PERIOD_S, **orders), 1, lambda what, more: None)


def counters_of(node: AccessNodeStub, index: int) -> list[int]:
    return sorted(payload[5] for payload in node.payloads() if payload[2] == pod_id(index))


@pytest.mark.rule("PGU-1")
def test_every_quarter_hour_is_certified_once_over_several_runs(tmp_path: Path, node: AccessNodeStub) -> None:
    state = new_fleet(tmp_path, pod(0), pod(7))
    first, again, rest = run(state, node, 3), run(state, node, 3), run(state, node, 8)
    assert (first.signed, first.accepted, again.signed, again.accepted, rest.accepted) == (6, 6, 0, 0, 10)
    assert all(summary.queued == 0 and not summary.problems for summary in (first, again, rest))
    for index in (0, 7):
        assert counters_of(node, index) == list(range(1, 9))
    readings = [(payload[2], payload[3]) for payload in node.payloads()]
    assert Counter(readings) == Counter(
        (pod_id(index), START + slot * PERIOD_S) for index in (0, 7) for slot in range(8)
    )
    assert {(payload[6], payload[7], payload[11]) for payload in node.payloads()} == {(1000, 250, 1)}


@pytest.mark.rule("PGU-1")
def test_an_offline_device_stores_and_forwards(tmp_path: Path, node: AccessNodeStub) -> None:
    state = new_fleet(tmp_path, pod(0), pod(1))
    outage = Offline(1, START + 2 * PERIOD_S, START + 6 * PERIOD_S)
    first = run(state, node, 4, offline=(outage,))
    assert (first.signed, first.accepted, first.queued) == (8, 4, 4)
    assert counters_of(node, 1) == []
    second = run(state, node, 6, offline=(outage,))
    assert (second.signed, second.accepted, second.queued) == (4, 8, 0)
    assert counters_of(node, 1) == [1, 2, 3, 4, 5, 6]


@pytest.mark.rule("PGU-1")
def test_server_errors_are_waited_out_and_an_unreachable_server_loses_nothing(tmp_path: Path) -> None:
    state = new_fleet(tmp_path, pod(0))
    with AccessNodeStub() as node:
        url = node.url
    lost = run_fleet(state, Orders(url, START + 2 * PERIOD_S), 1, lambda what, more: None)
    assert (lost.signed, lost.accepted, lost.queued) == (2, 0, 2)
    assert "/v1/statements/batch" in lost.problems[-1]
    with AccessNodeStub(fail_next=2) as node:
        found = run(state, node, 3)
    assert (found.accepted, found.queued) == (3, 0)


def test_pauses_between_attempts_grow() -> None:
    pauses: list[float] = []
    with (
        AccessNodeStub(fail_next=100) as node,
        Uplink(node.url, sleep=pauses.append) as uplink,
        pytest.raises(Unreachable, match="status 503"),
    ):
        uplink.time()
    assert pauses == sorted(pauses) and len(pauses) == 3 and pauses[0] < pauses[-1]


@pytest.mark.rule("PGU-1", "MEA-3")
def test_a_lost_answer_is_fetched_by_sending_the_same_bytes_again(
    tmp_path: Path, node: AccessNodeStub
) -> None:
    state = new_fleet(tmp_path, pod(0))
    node.lose_next_answer = True
    summary = run(state, node, 4)
    assert (summary.accepted, summary.duplicates, summary.queued) == (0, 4, 0)
    assert counters_of(node, 0) == [1, 2, 3, 4]


@pytest.mark.rule("PGU-2")
def test_uploads_go_in_batches(tmp_path: Path, node: AccessNodeStub) -> None:
    state = new_fleet(tmp_path, *(pod(index) for index in range(12)))
    summary = run(state, node, 96)
    assert summary.accepted == 12 * 96
    assert node.batches == [500, 500, 152]


@pytest.mark.rule("PGU-2")
def test_several_shards_share_processes(
    tmp_path: Path, node: AccessNodeStub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pgui_sim.fleet.SHARD_DEVICES", 2)
    state = new_fleet(tmp_path, *(pod(index, quarters=4) for index in range(5)))
    assert len(list(state.glob("shard-*.sqlite"))) == 3
    assert len(json.loads((state / "keys.json").read_text())) == 5
    told: Counter[str] = Counter()
    summary = run_fleet(
        state, Orders(node.url, START + 4 * PERIOD_S), 2, lambda what, more: told.update({what: more})
    )
    assert (summary.signed, summary.accepted, summary.queued) == (20, 20, 0)
    assert told == {"certified": 5, "answered": 20}
    assert all(counters_of(node, index) == [1, 2, 3, 4] for index in range(5))
    with pytest.raises(ProfileEnded):
        run_fleet(state, Orders(node.url, START + 5 * PERIOD_S), 2, lambda what, more: None)


@pytest.mark.rule("SET-1", "PGU-1")
def test_a_setpoint_moves_the_plant_and_is_answered_after_its_period(
    tmp_path: Path, node: AccessNodeStub
) -> None:
    ems = {"follow_ppm": 950_000}
    state = new_fleet(tmp_path, pod(0, ems=ems), pod(1, ems={"refuse": True}), pod(2, ems={"delay_s": 450}))
    sent = {index: setpoint(index, 1, slot=2, power_w=2000) for index in range(3)}
    node.setpoints = {pod_id(index).hex(): [(1, data)] for index, data in sent.items()}
    summary = run(state, node, 4)
    assert (summary.setpoints, summary.executions, summary.problems) == (3, 3, [])
    answers = {payload[2]: payload for payload in node.payloads() if payload[1] == 2}
    outcomes = {index: (answers[pod_id(index)][7], answers[pod_id(index)][8]) for index in range(3)}
    assert outcomes == {0: (Outcome.EXECUTED, 1900), 1: (Outcome.REFUSED, 0), 2: (Outcome.PARTLY, 1000)}
    for index, data in sent.items():
        assert answers[pod_id(index)][6] == id_of(data)
        assert answers[pod_id(index)][3] == START + 2 * PERIOD_S
    moved = {
        payload[3]: (payload[6], payload[7])
        for payload in node.payloads()
        if payload[1] == 1 and payload[2] == pod_id(0)
    }
    assert moved[START + PERIOD_S] == (1000, 250)
    assert moved[START + 2 * PERIOD_S] == (1000 - 475, 250)
    assert moved[START + 3 * PERIOD_S] == (1000, 250)
    assert counters_of(node, 0) == [1, 2, 3, 4, 5]


@pytest.mark.rule("SET-1")
def test_expired_superseded_repeated_and_foreign_setpoints(tmp_path: Path, node: AccessNodeStub) -> None:
    state = new_fleet(tmp_path, pod(0))
    run(state, node, 2)
    late = setpoint(0, 1, slot=1, power_w=500)
    earlier, later = setpoint(0, 2, slot=3, power_w=900), setpoint(0, 3, slot=3, power_w=-900)
    foreign = setpoint(0, 4, slot=3, power_w=3000, key=DeviceKey.generate())
    node.setpoints = {pod_id(0).hex(): [(1, late), (2, earlier), (3, later), (4, foreign)]}
    summary = run(state, node, 3)
    assert (summary.setpoints, summary.executions) == (3, 1)
    assert "unknown key" in summary.problems[0]
    # the same again, from the beginning: nothing is taken or answered twice
    node.setpoints = {pod_id(0).hex(): [(9, late), (9, earlier), (9, later)]}
    second = run(state, node, 5)
    assert (second.setpoints, second.executions) == (0, 2)
    answers = {payload[6]: (payload[7], payload[8]) for payload in node.payloads() if payload[1] == 2}
    by_setpoint = {data: answers.get(id_of(data)) for data in (late, earlier, later, foreign)}
    assert by_setpoint == {
        late: (Outcome.EXPIRED, 0),
        earlier: (Outcome.REFUSED, 0),
        later: (Outcome.EXECUTED, -900),
        foreign: None,
    }
    assert counters_of(node, 0) == list(range(1, 9))


def id_of(data: bytes) -> bytes:
    return sha256(data).digest()


@pytest.mark.rule("SET-1", "PGU-1")
def test_a_device_shows_whose_setpoints_it_may_fetch(tmp_path: Path, node: AccessNodeStub) -> None:
    state = new_fleet(tmp_path, pod(0))
    node.now = START + 77
    run(state, node, 1)
    (public,) = json.loads((state / "keys.json").read_text())
    header, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in node.tokens[0].split("."))
    assert json.loads(header) == {"alg": "ES256", "typ": "JWT", "kid": public["key_id"]}
    assert json.loads(claims) == {
        "sub": pod_id(0).hex(),
        "aud": "flexledger",
        "iat": START + 77,
        "exp": START + 377,
    }
    point = bytes.fromhex("04" + public["key_x"] + public["key_y"])
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    key.verify(encode_dss_signature(r, s), node.tokens[0].rpartition(".")[0].encode(), ec.ECDSA(SHA256()))


@pytest.mark.rule("PGU-1")
def test_faults_come_on_top_and_leave_the_genuine_statements_whole(
    tmp_path: Path, node: AccessNodeStub
) -> None:
    state = new_fleet(tmp_path, *(pod(index) for index in range(8)))
    run(state, node, 1)
    summary = run(state, node, 3, faults={index: [fault] for index, fault in enumerate(Fault)})
    assert summary.signed == 16
    assert [(each["fault"], each["device"], each["rule"]) for each in summary.refused] == [
        (Fault.BAD_CLOCK, 0, "MEA-2")
    ]
    assert summary.duplicates == 1
    genuine = {(pod_id(index), counter) for index in range(8) for counter in (1, 2, 3)}
    sent = Counter((payload[2], payload[5]) for payload in node.payloads())
    assert genuine <= set(sent)
    faulty = [cbor2.loads(statement).value for statement in node.statements]
    assert len(faulty) == 24 + len(Fault) - 2
    follow_up = run(state, node, 4)
    assert (follow_up.signed, follow_up.accepted, follow_up.refused) == (8, 8, [])


def test_a_counter_cannot_be_reused_before_it_was_used(tmp_path: Path, node: AccessNodeStub) -> None:
    state = new_fleet(tmp_path, pod(0))
    with pytest.raises(FaultImpossible, match="reused-counter"):
        run(state, node, 1, faults={0: [Fault.REUSED_COUNTER]})
    assert node.statements == []


def test_orders_to_a_stranger_and_profiles_that_end_are_told(tmp_path: Path, node: AccessNodeStub) -> None:
    state = new_fleet(tmp_path, pod(0, quarters=4))
    with pytest.raises(ValueError, match="pod_index: found 5"):
        run(state, node, 1, faults={5: [Fault.REPLAY]})
    with pytest.raises(ProfileEnded, match="the profile covers"):
        run(state, node, 5)


@pytest.mark.parametrize("text", ["melted=1", "replay", "replay=", "replay=x", "=1"])
def test_unknown_faults_are_told(text: str) -> None:
    with pytest.raises(ValueError, match="fault: found"):
        parse_fault(text)


def test_fault_names_may_be_written_either_way() -> None:
    assert parse_fault("wrong_key=3,4") == (Fault.WRONG_KEY, [3, 4]) == parse_fault("Wrong-Key=3,4")


def test_a_fleet_is_not_made_over_another(tmp_path: Path) -> None:
    new_fleet(tmp_path, pod(0))
    with pytest.raises(StateUnusable, match="holds a fleet already"):
        new_fleet(tmp_path, pod(0))


@pytest.mark.rule("PGU-1")
def test_keys_stay_on_the_device(tmp_path: Path) -> None:
    state = new_fleet(tmp_path, pod(0))
    (shard,) = state.glob("shard-*.sqlite")
    assert shard.stat().st_mode & 0o077 == 0
    db = sqlite3.connect(shard)
    (secret,) = db.execute("SELECT secret FROM devices").fetchone()
    db.close()
    assert secret.hex() not in (state / "keys.json").read_text()
    assert secret.hex() not in repr(DeviceKey(secret))


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pgui_sim", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.rule("PGU-2")
def test_the_command_line_makes_runs_and_sums_up(tmp_path: Path, node: AccessNodeStub) -> None:
    file, state = tmp_path / "pods.json", str(tmp_path / "fleet")
    file.write_text(json.dumps(fleet_content([pod(0), pod(1)])))
    made = command("make-fleet", "--state", state, "--pods", str(file))
    assert made.returncode == 0, made.stderr
    until = str(START + 2 * PERIOD_S)
    outage = f"0:{START}:{START + 9 * PERIOD_S}"
    place = ("--state", state, "--server", node.url)
    done = command("run", *place, "--until", until, "--fault", "bad-clock=1", "--offline", outage)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert list(summary) == [
        "signed",
        "accepted",
        "duplicates",
        "refused",
        "executions",
        "setpoints",
        "queued",
    ]
    (refused,) = summary.pop("refused")
    assert (refused["rule"], refused["field"], refused["device"], refused["fault"]) == (
        "MEA-2", "period_start", 1, "bad-clock"
    )  # fmt: skip
    assert summary == {
        "signed": 4,
        "accepted": 2,
        "duplicates": 0,
        "executions": 0,
        "setpoints": 0,
        "queued": 2,
    }


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"start": 1}, "start: found 1, allowed a multiple of 900"),
        ({"pods": []}, "pods: found none"),
        ({"pods": [pod(0), pod(0)]}, "the same pod_index twice"),
        ({"pods": [pod(0, pod_id="zz")]}, "pods[0].pod_id: found 'zz', allowed 32 bytes in hexadecimal"),
        ({"pods": [pod(0, up_w=-1)]}, "pods[0].up_w: found -1"),
        ({"pods": [pod(0, ems={"refuse": 1})]}, "pods[0].ems.refuse: found 1"),
        (
            {"pods": [pod(0, profile={"import_w": [1], "export_w": [1.5]})]},
            "pods[0].profile.export_w[0]: found 1.5",
        ),
        ({"pods": [pod(0, profile={"import_w": [1], "export_w": []})]}, "as many as import_w"),
        ({"setpoint_keys": [{"x": "01" * 32, "y": "02" * 32}]}, "setpoint_keys[0].x"),
    ],
)
def test_a_wrong_fleet_file_is_told_in_one_line(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    file = tmp_path / "pods.json"
    file.write_text(json.dumps({**fleet_content([pod(0)]), **change}))
    with pytest.raises(FleetFileInvalid) as raised:
        read_fleet_file(file)
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)
