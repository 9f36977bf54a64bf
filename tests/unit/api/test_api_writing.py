"""The way of a day through the API alone, write by write, each with a refusal of the ledger next to it."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from registry.domain.calendar import from_unix, unix
from registry.domain.commands import MoveQualification
from registry.domain.enums import QualificationState
from registry.domain.identifiers import aggregate_id
from registry.evidence.payloads import Clock, Reading
from registry.evidence.statements import parse, sign
from registry.services.issue_setpoints import PodTarget, issue_setpoints
from registry.services.qualification import NO_EVIDENCE
from registry.services.settle_day import settle_day
from tests.unit.api.refusals import refused
from tests.unit.api.sandbox import (
    ACCESS_NODE,
    AUDITOR,
    BALANCING,
    BSP,
    CONGESTION,
    COSE,
    DAY,
    DSO,
    OTHER_BSP,
    OTHER_DSO,
    PERIMETER,
    SEQUENCE,
    TSO,
    Sandbox,
    pod_body,
    point,
    signed_kw,
)

DATE = DAY.date.isoformat()
HOUR, KW = 18, 30
GREEN = [{"colour": "green", "capability_kw": None}] * DAY.hours
POOL = aggregate_id(BSP, 50)


@pytest.fixture(scope="module")
def new_pods(founded: Sandbox) -> list[str]:
    """Two PODs, registered through the API."""
    body = {"pods": [pod_body("IT001E00550001"), pod_body("IT001E00550002")]}
    answer = founded.post("/v1/pods", BSP, body)
    assert answer.status_code == 201
    pod_ids: list[str] = answer.json()["pod_ids"]
    return pod_ids


@pytest.fixture(scope="module")
def lit_pods(founded: Sandbox, new_pods: list[str]) -> list[str]:
    """With static lights: one confirmed, one modulated."""
    lights = [
        {"pod_id": new_pods[0], "light": "confirmed", "up_kw": 40, "down_kw": 60, "perimeter": PERIMETER},
        {
            "pod_id": new_pods[1],
            "light": "modulated",
            "up_kw": 30,
            "down_kw": 60,
            "perimeter": PERIMETER,
            "reason": "CABLE",
        },
    ]
    answer = founded.post("/v1/pods/static-lights", DSO, {"lights": lights})
    assert answer.status_code == 200
    assert answer.json()["events"] == ["StaticLightGiven", "StaticLightGiven"]
    return new_pods


@pytest.fixture(scope="module")
def pool(founded: Sandbox, lit_pods: list[str]) -> int:
    """A local aggregate of both, qualified."""
    assert founded.post("/v1/aggregates", BSP, {"serial": 50, "scope": "local"}).status_code == 201
    joined = founded.post(f"/v1/aggregates/{POOL}/members", BSP, {"pod_ids": lit_pods})
    assert joined.json()["events"] == ["PodJoined", "PodJoined"]
    applied = founded.post("/v1/qualifications", BSP, {"aggregate": POOL, "product": CONGESTION})
    assert applied.status_code == 201
    for state, performance in ((QualificationState.TESTING, 0), (QualificationState.QUALIFIED, 960)):
        step = MoveQualification(DSO, (POOL,), (CONGESTION,), (state,), (performance,), (NO_EVIDENCE,))
        founded.record(step, DSO)
    return POOL


@pytest.mark.rule("POD-1", "PRIV-1")
def test_a_bsp_registers_and_reads_back(founded: Sandbox, new_pods: list[str]) -> None:
    pod = founded.get(f"/v1/pods/{new_pods[0]}", BSP).json()
    assert (pod["bsp"], pod["dso"], pod["declared_up_kw"], pod["light"]) == (BSP, DSO, 40, "requested")
    code = founded.get(f"/v1/pods/{new_pods[0]}/code", BSP).json()
    assert (code["pod_code"], code["technologies"]) == ("IT001E00550001", ["photovoltaic", "storage"])
    assert not code["erased"]


@pytest.mark.rule("POD-1")
def test_a_pod_is_registered_once_whoever_tries(founded: Sandbox, new_pods: list[str]) -> None:
    for bsp in (BSP, OTHER_BSP):
        problem = refused(founded.post("/v1/pods", bsp, {"pods": [pod_body("IT001E00550001")]}), 422, "POD-1")
        assert problem["errors"][0]["row"] == 0


@pytest.mark.rule("PRIV-2")
def test_an_erased_pod_has_no_code(founded: Sandbox) -> None:
    (pod_id,) = founded.post("/v1/pods", BSP, {"pods": [pod_body("IT001E00550003")]}).json()["pod_ids"]
    founded.node.vault.erase_pod(bytes.fromhex(pod_id))
    answer = founded.get(f"/v1/pods/{pod_id}/code", BSP).json()
    assert answer == {
        "pod_id": pod_id,
        "erased": True,
        "pod_code": None,
        "position": None,
        "technologies": None,
    }


@pytest.mark.rule("POD-2")
def test_a_dso_never_grants_more_than_was_declared(founded: Sandbox, lit_pods: list[str]) -> None:
    light = {
        "pod_id": lit_pods[0],
        "light": "modulated",
        "up_kw": 41,
        "down_kw": 60,
        "perimeter": PERIMETER,
        "reason": "X",
    }
    refused(founded.post("/v1/pods/static-lights", DSO, {"lights": [light]}), 422, "POD-2")
    shown = founded.get(f"/v1/pods/{lit_pods[1]}", DSO).json()
    assert (shown["light"], shown["granted_up_kw"]) == ("modulated", 30)


@pytest.mark.rule("POD-2", "DEV-1", "AGG-1", "POD-5", "SES-3", "BAS-1")
def test_a_write_that_names_a_hidden_pod_is_told_it_is_not_there(founded: Sandbox, pool: int) -> None:
    foreign = founded.pods[6]  # of the other BSP, on the other DSO's grid
    light = {"light": "confirmed", "up_kw": 40, "down_kw": 60, "perimeter": PERIMETER}
    key = {"key_x": "11" * 32, "key_y": "22" * 32, "valid_from": 0, "valid_until": 9}
    for path, party, body in (
        ("/v1/pods/withdrawals", BSP, lambda pod: {"pod_ids": [pod]}),
        ("/v1/pods/static-lights", DSO, lambda pod: {"lights": [{"pod_id": pod, **light}]}),
        ("/v1/devices", DSO, lambda pod: {"bindings": [{"pod_id": pod, **key}]}),
        (f"/v1/aggregates/{pool}/members", BSP, lambda pod: {"pod_ids": [pod]}),
        (f"/v1/aggregates/{pool}/departures", BSP, lambda pod: {"pod_ids": [pod]}),
        (
            "/v1/baselines",
            BSP,
            lambda pod: {"day": DATE, "baselines": [{"pod_id": pod, "energy_wh": [0] * 96}]},
        ),
        (
            "/v1/declarations",
            BSP,
            lambda pod: {
                "day": DATE,
                "aggregate": pool,
                "perimeter": PERIMETER,
                "pods": [{"pod_id": pod, "quarters": [0]}],
                "complete": False,
            },
        ),
    ):
        hidden = founded.post(path, party, body(foreign.hex))
        missing = founded.post(path, party, body("ab" * 32))
        refused(hidden, 404, "API-2")
        assert hidden.text.replace(foreign.hex, "") == missing.text.replace("ab" * 32, "")


@pytest.mark.rule("AGG-1")
def test_a_write_to_a_hidden_aggregate_is_told_it_is_not_there(
    founded: Sandbox, pool: int, lit_pods: list[str]
) -> None:
    for path in ("members", "departures"):
        refused(
            founded.post(f"/v1/aggregates/{pool}/{path}", OTHER_BSP, {"pod_ids": lit_pods[:1]}), 404, "API-2"
        )
    refused(
        founded.post("/v1/qualifications", OTHER_BSP, {"aggregate": pool, "product": BALANCING}), 404, "API-2"
    )


@pytest.mark.rule("AGG-2")
def test_a_pod_is_in_one_local_aggregate(founded: Sandbox, pool: int, lit_pods: list[str]) -> None:
    founded.post("/v1/aggregates", BSP, {"serial": 51, "scope": "local"})
    other = aggregate_id(BSP, 51)
    refused(founded.post(f"/v1/aggregates/{other}/members", BSP, {"pod_ids": lit_pods[:1]}), 422, "AGG-2")


@pytest.mark.rule("DEV-1", "MEA-2", "SET-1")
def test_a_device_is_bound_certifies_and_is_commanded(
    founded: Sandbox, lit_pods: list[str], trading: None
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    x, y = point(key)
    start, end = unix(founded.clock.now()), unix(DAY.plus(100).starts_at)
    binding = {
        "pod_id": lit_pods[0],
        "key_x": x.hex(),
        "key_y": y.hex(),
        "valid_from": start,
        "valid_until": end,
    }
    assert founded.post("/v1/devices", DSO, {"bindings": [binding]}).status_code == 201
    refused(founded.post("/v1/devices", DSO, {"bindings": [binding]}), 422, "DEV-1")
    off_curve = {**binding, "key_x": "00" * 32}
    refused(founded.post("/v1/devices", DSO, {"bindings": [off_curve]}), 422, "DEV-1")
    # a setpoint is fetched
    pod_id = bytes.fromhex(lit_pods[0])
    issue_setpoints(
        founded.node.log, founded.node.platform(DSO), DAY, [PodTarget(pod_id, 4 * HOUR, 1_000 * KW)]
    )
    founded.pods.append(type(founded.pods[0])("IT001E00550001", BSP, DSO, PERIMETER, pod_id))
    number = len(founded.pods) - 1
    device = {"Authorization": f"Bearer {founded.device_token(number, key)}"}
    fetched = founded.get(f"/v1/pods/{lit_pods[0]}/setpoints", headers=device).json()["setpoints"]
    (setpoint,) = [parse(base64.b64decode(data)).payload for data in fetched]
    assert setpoint.power_w == 1_000 * KW
    assert founded.get(f"/v1/pods/{lit_pods[0]}/setpoints", headers=device, after=1).json() == {
        "setpoints": []
    }
    # readings: accepted, duplicate, conflicting, forged; each in its place of a batch
    founded.clock.set(max(founded.clock.now(), DAY.quarter_start(2)))

    def reading(quarter: int, counter: int, export_wh: int = 5) -> bytes:
        begin = unix(DAY.quarter_start(quarter))
        return sign(Reading(pod_id, begin, 900, counter, 0, export_wh, 0, 0, 0, int(Clock.SYNCHRONISED)), key)

    good, conflicting = reading(0, 1), reading(0, 2, 6)
    forged = good[:-1] + bytes([good[-1] ^ 1])
    data = good + good + conflicting + forged + reading(1, 3)
    answers = founded.client.post("/v1/statements/batch", content=data, headers=SEQUENCE).json()["answers"]
    assert [answer["status"] for answer in answers] == [
        "accepted",
        "duplicate",
        "refused",
        "refused",
        "accepted",
    ]
    assert answers[0]["receipt"] == answers[1]["receipt"]
    assert answers[0]["statement_id"] == sha256(good).hexdigest()
    assert all(
        answers[place][name] for place in (2, 3) for name in ("rule", "field", "found", "allowed", "detail")
    )
    assert "rule" not in answers[0] and "receipt" not in answers[2]
    again = founded.client.post("/v1/statements", content=conflicting, headers=COSE)
    refused(again, 422, "MEA-2")
    # the conflict is shown to the POD's DSO and the auditor
    for party, expected in ((DSO, 1), (AUDITOR, 1), (OTHER_DSO, 0)):
        page = founded.get("/v1/conflicts", party).json()
        assert (len(page["items"]), page["next"]) == (expected, None)
    (conflict,) = founded.get("/v1/conflicts", DSO).json()["items"]
    assert (base64.b64decode(conflict["logged"]), base64.b64decode(conflict["refused"])) == (
        good,
        conflicting,
    )


@pytest.fixture(scope="module")
def trading(founded: Sandbox, pool: int, lit_pods: list[str]) -> Iterator[None]:
    """The first session pair up to the DSO's gate: baselines, lights, a selection, a declaration."""
    baselines = [{"pod_id": pod, "energy_wh": [100] * 96} for pod in lit_pods]
    filed = founded.post("/v1/baselines", BSP, {"day": DATE, "baselines": baselines})
    assert filed.status_code == 201
    founded.clock.set(from_unix(founded.schedule.baseline_gate))
    refused(founded.post("/v1/baselines", BSP, {"day": DATE, "baselines": baselines}), 422, "BAS-1")
    lights = {"day": DATE, "session": 1, "lights": [{"perimeter": PERIMETER, "up": GREEN, "down": GREEN}]}
    refused(founded.post("/v1/lights", DSO, {**lights, "session": 2}), 409, "SES-4")
    founded.clock.set(from_unix(founded.schedule.lfp_gates[0]) - timedelta(minutes=10))
    assert founded.post("/v1/lights", DSO, lights).json()["events"] == ["LightsPublished"]
    foreign = {**lights, "lights": [{**lights["lights"][0], "perimeter": 12 << 24 | 1}]}  # type: ignore[index]
    refused(founded.post("/v1/lights", DSO, foreign), 422, "DTL-1")
    offer = {
        "product": CONGESTION,
        "aggregate": pool,
        "perimeter": PERIMETER,
        "kw": list(signed_kw(HOUR, 71)),
        "use_price_milli_eur_per_mwh": 200_000,
    }
    offers = {"day": DATE, "market": "lfp", "session": 1, "offers": [offer]}
    offered = founded.post("/v1/offers", BSP, offers)
    assert (offered.status_code, offered.json()["events"]) == (201, ["OfferRecorded"])
    (rests_on,) = offered.json()["commitments"]
    order = {
        "aggregate": pool,
        "perimeter": PERIMETER,
        "kw": list(signed_kw(HOUR, KW)),
        "chain": [CONGESTION],
        "tested_aggregate": pool,
        "rests_on": rests_on,
    }
    outcome = {"day": DATE, "session": 1, "selections": [order]}
    beyond = {**outcome, "selections": [{**order, "kw": list(signed_kw(HOUR, 72))}]}
    refused(founded.post("/v1/selections", DSO, beyond), 422, "SES-5")
    nothing = {**outcome, "selections": [{**order, "rests_on": "ab" * 32}]}
    refused(founded.post("/v1/selections", DSO, nothing), 422, "PRIV-3")
    greedy = {**outcome, "selections": [{**order, "kw": list(signed_kw(HOUR, 71))}]}
    refused(founded.post("/v1/selections", DSO, greedy), 409, "SES-2")
    assert founded.post("/v1/selections", DSO, outcome).json()["events"] == ["SelectionRecorded"]
    refused(founded.post("/v1/selections", DSO, outcome), 409, "SES-4")
    quarters = [4 * HOUR + quarter for quarter in range(4)]
    declaration = {
        "day": DATE,
        "aggregate": pool,
        "perimeter": PERIMETER,
        "pods": [{"pod_id": lit_pods[0], "quarters": quarters}],
        "complete": True,
    }
    declared = founded.post("/v1/declarations", BSP, declaration)
    assert declared.status_code == 201
    assert declared.json()["events"] == ["PodDeclared", "DeclarationCompleted"]
    yield


@pytest.mark.rule("SES-3", "SES-4", "DTL-2", "BAS-1")
def test_a_session_is_played_through_the_api(
    founded: Sandbox, trading: None, pool: int, lit_pods: list[str]
) -> None:
    (declaration,) = founded.everything(f"/v1/declarations/{DATE}", BSP)
    assert (declaration["pod_id"], declaration["aggregate"]) == (lit_pods[0], pool)
    assert len(founded.everything(f"/v1/baselines/{DATE}", BSP)) == 2
    (light,) = founded.everything(f"/v1/lights/{DATE}", DSO)
    assert light["up_lights"] == [{**cell, "reactive": False} for cell in GREEN]


@pytest.mark.rule("DTL-4", "SES-3")
def test_the_scope_decides_who_selects(founded: Sandbox, trading: None, pool: int) -> None:
    """A local aggregate does not exist for the TSO, nor a global one for a DSO."""
    order = {
        "aggregate": pool,
        "perimeter": PERIMETER,
        "kw": list(signed_kw(HOUR, 1)),
        "chain": [BALANCING],
        "tested_aggregate": pool,
        "rests_on": "ab" * 32,
    }
    refused(
        founded.post("/v1/selections", TSO, {"day": DATE, "session": 1, "selections": [order]}), 404, "API-2"
    )


@pytest.mark.rule("STT-4", "AUD-1")
def test_a_statement_is_disputed_and_attested(founded: Sandbox, trading: None, pool: int) -> None:
    founded.clock.set(max(founded.clock.now(), DAY.ends_at + timedelta(hours=1)))
    node = founded.node
    done = settle_day(node.recorder, node.log, DSO, node.signers[DSO], pool, CONGESTION, DAY)
    path = f"/v1/settlements/{done.statement_id.hex()}"
    assert founded.get(path, BSP).json()["dispute"] is None
    assert founded.post(f"{path}/disputes", BSP, {"reason": "the meter was right"}).status_code == 201
    refused(founded.post(f"{path}/disputes", BSP, {"reason": "again"}), 422, "STT-4")
    attestation = {"confirmed": False, "bundle_sha256": "cd" * 32}
    assert founded.post(f"{path}/attestations", AUDITOR, attestation).status_code == 201
    shown = founded.get(path, AUDITOR).json()
    assert shown["dispute"]["bsp"] == BSP
    assert shown["dispute"]["reason_hash"] == sha256(b"the meter was right").hexdigest()
    assert [(entry["auditor"], entry["confirmed"]) for entry in shown["attestations"]] == [(AUDITOR, False)]


@pytest.mark.rule("ACT-1")
def test_a_node_writes_only_for_parties_whose_key_it_holds(
    founded: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(founded.node, "signers", {DSO: founded.node.signers[DSO]})
    problem = refused(founded.post("/v1/aggregates", BSP, {"serial": 60, "scope": "local"}), 403, "ACT-1")
    assert problem["hint"] == "write through a node of your own"


@pytest.mark.rule("LOG-2")
def test_the_caretaker_follows_and_anchors(founded: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = founded.client.app.state.caretaker  # type: ignore[attr-defined]
    founded.clock.set(max(founded.clock.now(), DAY.ends_at))
    founded.client.post("/v1/statements", content=founded.reading(0, 9, 9), headers=COSE)
    founded.clock.set(founded.clock.now() + timedelta(hours=1))
    keeper.work()
    assert keeper.failure is None
    (anchor,) = founded.node.mirror.checkpoints()
    assert (anchor.node, anchor.size) == (ACCESS_NODE, founded.node.log.checkpoint().size)

    def broken() -> None:
        raise RuntimeError("gone")

    with monkeypatch.context() as patch:
        patch.setattr(founded.node.mirror, "catch_up", broken)
        keeper.work()
        ready = founded.get("/health/ready")
        assert (ready.status_code, ready.json()["caretaker"]) == (503, "RuntimeError")
    keeper.work()
    assert founded.get("/health/ready").status_code == 200
