"""The life of a device key, from binding to revocation: in the log's intake and in the auditor's bundle."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from httpx import Response

from registry.domain.calendar import from_unix, unix
from registry.domain.devices import key_id
from registry.evidence.payloads import Clock, Reading
from registry.evidence.statements import sign
from registry.evidence.verify import Trust, verify_bundle_bytes
from registry.ledger.artifacts import load_artifacts
from registry.services.bundle_settlement import bundle_settlement
from registry.services.issue_setpoints import PodTarget, issue_setpoints
from registry.services.settle_day import settle_day
from tests.unit.api.sandbox import (
    ACCESS_NODE,
    AUDITOR,
    BSP,
    CONGESTION,
    COSE,
    DAY,
    DSO,
    LOCAL,
    LOCAL_HOUR,
    LOCAL_KW,
    OTHER_BSP,
    OTHER_DSO,
    TSO,
    Sandbox,
    point,
)

Key = ec.EllipticCurvePrivateKey
ABIS = {name: artifact.abi for name, artifact in load_artifacts().by_name.items()}
NOON = 48
"""The quarter-hour at which keys change hands."""
FOREVER = unix(DAY.plus(300).starts_at)


@pytest.fixture
def sandbox(fresh: Sandbox) -> Sandbox:
    """A founded day of its own: bindings cannot be taken back."""
    return fresh


def starts(quarter: int) -> int:
    return unix(DAY.quarter_start(quarter))


def bind(
    sandbox: Sandbox, pod: int, start: int, end: int = FOREVER, party: int = DSO
) -> tuple[Key, Response]:
    """Bind a new key by the API."""
    key = ec.generate_private_key(ec.SECP256R1())
    x, y = point(key)
    body = {
        "pod_id": sandbox.pods[pod].hex,
        "key_x": x.hex(),
        "key_y": y.hex(),
        "valid_from": start,
        "valid_until": FOREVER,
    }
    return key, sandbox.post("/v1/devices", party, {"bindings": [body]})


def end(sandbox: Sandbox, pod: int, at: int, party: int = DSO, reason: str = "STOLEN") -> Response:
    """Revoke a POD's latest key by the API."""
    ending = {"pod_id": sandbox.pods[pod].hex, "valid_until": at}
    return sandbox.post("/v1/devices/endings", party, {"endings": [ending], "reason": reason})


def reading(
    sandbox: Sandbox, pod: int, key: Key, quarter: int, counter: int, export_wh: int = 3_000
) -> bytes:
    start = starts(quarter)
    payload = Reading(
        sandbox.pods[pod].pod_id, start, 900, counter, 0, export_wh, 0, 0, 0, int(Clock.SYNCHRONISED)
    )
    return sign(payload, key)


def send(sandbox: Sandbox, statement: bytes) -> tuple[int, str, str]:
    """Status, and rule and field of a refusal."""
    answer = sandbox.client.post("/v1/statements", content=statement, headers=COSE)
    body = answer.json()
    return answer.status_code, body.get("rule", ""), body.get("field", "")


ACCEPTED, AGAIN = (201, "", ""), (200, "", "")
OUTSIDE = (422, "DEV-1", "period_start")


@pytest.mark.rule("DEV-1", "MEA-2")
def test_a_revoked_keys_earlier_readings_are_taken_and_later_ones_are_not(sandbox: Sandbox) -> None:
    key = sandbox.devices[0]
    sandbox.clock.set(DAY.quarter_start(NOON) + timedelta(minutes=5))
    accepted = reading(sandbox, 0, key, 10, 1)
    assert send(sandbox, accepted) == ACCEPTED
    assert end(sandbox, 0, starts(NOON)).status_code == 201
    # days later, inside the acceptance window: the day's readings come in late
    sandbox.clock.set(DAY.ends_at + timedelta(days=20))
    assert send(sandbox, reading(sandbox, 0, key, NOON - 1, 2)) == ACCEPTED
    assert send(sandbox, reading(sandbox, 0, key, NOON, 3)) == OUTSIDE
    assert send(sandbox, reading(sandbox, 0, key, NOON + 20, 4)) == OUTSIDE
    assert send(sandbox, reading(sandbox, 0, key, 11, 3)) == ACCEPTED
    assert send(sandbox, accepted) == AGAIN
    # beyond the window nothing is taken any more, but what was taken is still answered
    sandbox.clock.set(DAY.ends_at + timedelta(days=40))
    assert send(sandbox, reading(sandbox, 0, key, 12, 4)) == (422, "MEA-2", "period_start")
    assert send(sandbox, accepted) == AGAIN


@pytest.mark.rule("DEV-1")
@pytest.mark.parametrize("announced", [True, False], ids=["bound before", "bound after"])
def test_rotation_takes_over_where_the_new_key_begins(sandbox: Sandbox, announced: bool) -> None:
    """Whether the DSO bound it before that instant or after: one key per period, and always the same one."""
    old = sandbox.devices[0]
    if not announced:
        sandbox.clock.set(DAY.quarter_start(NOON + 2))
    new, bound = bind(sandbox, 0, starts(NOON))
    assert bound.json()["events"] == ["DeviceEnded", "DeviceBound"]
    sandbox.clock.set(DAY.ends_at + timedelta(hours=1))
    assert send(sandbox, reading(sandbox, 0, old, NOON - 1, 1)) == ACCEPTED
    assert send(sandbox, reading(sandbox, 0, new, NOON - 2, 1)) == OUTSIDE
    assert send(sandbox, reading(sandbox, 0, old, NOON, 2)) == OUTSIDE
    assert send(sandbox, reading(sandbox, 0, new, NOON, 1)) == ACCEPTED
    bound_ever = sandbox.node.mirror.devices(pod_id=sandbox.pods[0].pod_id)
    assert {(row.key_id, unix(row.valid_until)) for row in bound_ever} == {
        (key_id(*point(old)), starts(NOON)),
        (key_id(*point(new)), FOREVER),
    }


@pytest.mark.rule("DEV-1")
def test_a_period_in_which_keys_change_hands_has_no_reading(sandbox: Sandbox) -> None:
    old = sandbox.devices[0]
    new, _ = bind(sandbox, 0, starts(NOON) + 300)
    sandbox.clock.set(DAY.ends_at)
    for key in (old, new):
        assert send(sandbox, reading(sandbox, 0, key, NOON, 1)) == OUTSIDE
    assert send(sandbox, reading(sandbox, 0, old, NOON - 1, 1)) == ACCEPTED
    assert send(sandbox, reading(sandbox, 0, new, NOON + 1, 1)) == ACCEPTED


@pytest.mark.rule("DEV-1", "AUD-1", "STT-1")
def test_an_evidence_bundle_over_a_rotation_and_a_revocation(sandbox: Sandbox) -> None:
    """The hour that was sold is read by two keys, the second revoked afterwards; the auditor has it whole."""
    node, first = sandbox.node, 4 * LOCAL_HOUR
    sandbox.qualify()
    sandbox.file_baselines()
    sandbox.trade()
    issue_setpoints(
        node.log, node.platform(DSO), DAY, [PodTarget(sandbox.pods[0].pod_id, first, 1_000 * LOCAL_KW)]
    )
    old = sandbox.devices[0]
    new, _ = bind(sandbox, 0, starts(first + 2))
    sandbox.clock.set(DAY.quarter_start(first + 5))
    assert send(sandbox, reading(sandbox, 0, new, first + 2, 1)) == ACCEPTED
    assert end(sandbox, 0, starts(first + 4)).status_code == 201
    sandbox.clock.set(DAY.ends_at + timedelta(hours=6))
    rest = [(old, first, 1), (old, first + 1, 2), (new, first + 3, 2)]
    assert [send(sandbox, reading(sandbox, 0, key, q, n)) for key, q, n in rest] == [ACCEPTED] * 3
    assert send(sandbox, reading(sandbox, 0, new, first + 4, 3)) == OUTSIDE
    node.anchorer(ACCESS_NODE).anchor()
    node.mirror.catch_up()
    done = settle_day(node.recorder, node.log, DSO, node.signers[DSO], LOCAL, CONGESTION, DAY)
    (deal,) = done.document["deals"]
    served = [line for line in deal["lines"] if line["requested_wh"]]
    assert [line["delivered_wh"] for line in served] == [250 * LOCAL_KW] * 4
    bundle = bundle_settlement(node.recorder, node.log, done.statement_id)
    report = verify_bundle_bytes(bundle, Trust(), ABIS)
    assert report.ok, report
    assert "4 statements, 0 conflicts, 2 keys" in str(report)


@pytest.mark.rule("DEV-1")
def test_who_sees_the_keys_of_a_pod(sandbox: Sandbox) -> None:
    new, _ = bind(sandbox, 0, starts(NOON))
    pod = sandbox.pods[0].hex
    expected = {key_id(*point(key)).hex() for key in (sandbox.devices[0], new)}
    for party in (DSO, BSP, AUDITOR):
        items = sandbox.everything("/v1/devices", party, pod_id=pod)
        assert {item["key_id"] for item in items} == expected, party
        assert sandbox.everything("/v1/devices", party, 1, pod_id=pod) == items
    missing = sandbox.get("/v1/devices", OTHER_BSP, pod_id="ab" * 32)
    for party in (OTHER_BSP, OTHER_DSO):
        hidden = sandbox.get("/v1/devices", party, pod_id=pod)
        assert hidden.status_code == 404
        assert hidden.text.replace(pod, "") == missing.text.replace("ab" * 32, "")
    assert sandbox.get("/v1/devices", TSO, pod_id=pod).status_code == 403
    assert sandbox.get("/v1/devices", DSO).status_code == 422
    assert sandbox.everything("/v1/devices", AUDITOR, pod_id=sandbox.pods[2].hex) == []
    (ended,) = [
        item for item in sandbox.everything("/v1/devices", DSO, pod_id=pod) if item["end_reason"] is not None
    ]
    assert bytes.fromhex(ended["end_reason"]).rstrip(b"\0") == b"replaced"
    assert ended["valid_until"] == from_unix(starts(NOON)).isoformat().replace("+00:00", "Z")


@pytest.mark.rule("DEV-1", "ACT-1")
def test_refusals_of_an_ending(sandbox: Sandbox) -> None:
    now = unix(sandbox.clock.now())
    unknown = sandbox.post(
        "/v1/devices/endings",
        DSO,
        {"endings": [{"pod_id": "ab" * 32, "valid_until": now}], "reason": "LOST"},
    )
    assert (unknown.status_code, unknown.json()["field"]) == (404, "pod_id at place 0")
    assert end(sandbox, 0, now, party=OTHER_DSO).status_code == 404
    assert end(sandbox, 0, now, party=BSP).status_code == 403
    assert _refused(end(sandbox, 2, now)) == "DEV-1"  # it never had a key
    assert _refused(end(sandbox, 0, 1)) == "DEV-1"  # before the validity began
    assert _refused(end(sandbox, 0, FOREVER + 10**9)) == "DEV-1"  # never longer
    for reason in ("", "x" * 33, "ü", "a\nb"):
        assert end(sandbox, 0, now, reason=reason).status_code == 422
    # all or none: the second has no key, so the first keeps its validity
    pods = [{"pod_id": sandbox.pods[number].hex, "valid_until": now} for number in (0, 2)]
    both = sandbox.post("/v1/devices/endings", DSO, {"endings": pods, "reason": "LOST"})
    assert _refused(both) == "DEV-1"
    (device,) = sandbox.everything("/v1/devices", DSO, pod_id=sandbox.pods[0].hex)
    assert device["end_reason"] is None


@pytest.mark.rule("DEV-1", "POD-5")
def test_the_dso_ends_a_key_that_it_bound_after_the_pod_was_withdrawn(sandbox: Sandbox) -> None:
    body = {"pod_ids": [sandbox.pods[4].hex]}
    assert sandbox.post("/v1/pods/withdrawals", OTHER_BSP, body).status_code == 200
    assert sandbox.get("/v1/devices", OTHER_BSP, pod_id=sandbox.pods[4].hex).status_code == 404
    now = unix(sandbox.clock.now())
    assert end(sandbox, 4, now).status_code == 201
    (device,) = sandbox.everything("/v1/devices", DSO, pod_id=sandbox.pods[4].hex)
    assert bytes.fromhex(device["end_reason"]).rstrip(b"\0") == b"STOLEN"


@pytest.mark.rule("MEA-2")
def test_gaps_are_listed_until_the_missing_statement_arrives(sandbox: Sandbox) -> None:
    third, _ = bind(sandbox, 3, unix(sandbox.clock.now()), party=OTHER_DSO)
    sandbox.clock.set(DAY.ends_at)
    keys = {0: sandbox.devices[0], 3: third, 4: sandbox.devices[4]}
    for pod, counters in ((0, (1, 3, 7)), (3, (5,)), (4, (2,))):
        for place, counter in enumerate(counters):
            assert send(sandbox, reading(sandbox, pod, keys[pod], place, counter)) == ACCEPTED
    names = {key_id(*point(key)).hex(): pod for pod, key in keys.items()}

    def listed(party: int, limit: int = 100) -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = []
        for item in sandbox.everything("/v1/gaps", party, limit):
            assert item["pod_id"] == sandbox.pods[names[item["key_id"]]].hex
            found.append((names[item["key_id"]], item["first"], item["last"]))
        return found

    everywhere = {(0, 2, 2), (0, 4, 6), (3, 1, 4), (4, 1, 1)}
    assert set(listed(AUDITOR)) == everywhere
    assert set(listed(DSO)) == {gap for gap in everywhere if gap[0] != 3}
    assert listed(OTHER_DSO) == [(3, 1, 4)]
    for party in (AUDITOR, DSO, OTHER_DSO):
        for limit in (1, 2, 3):
            assert listed(party, limit) == listed(party)
    text: Any = [sandbox.get("/v1/gaps", OTHER_DSO, limit=limit).text for limit in (1, 2)]
    assert not any(sandbox.pods[0].hex in page or next(iter(names)) in page for page in text)
    assert send(sandbox, reading(sandbox, 0, keys[0], 20, 5)) == ACCEPTED
    assert set(listed(AUDITOR)) == {(0, 2, 2), (0, 4, 4), (0, 6, 6), (3, 1, 4), (4, 1, 1)}
    assert send(sandbox, reading(sandbox, 0, keys[0], 21, 2)) == ACCEPTED
    assert (0, 2, 2) not in listed(DSO)
    assert sandbox.get("/v1/gaps", DSO, after="zz").status_code == 422
    assert sandbox.get("/v1/gaps", DSO, after="ab" * 32 + ".9" + "9" * 18).status_code == 422


def _refused(answer: Response) -> str:
    assert answer.status_code == 422, answer.text
    return str(answer.json()["rule"])
