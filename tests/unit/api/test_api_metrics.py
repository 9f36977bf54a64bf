"""What `/metrics` says is what happened, and it says it whatever is down."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from api.metrics import exposition
from registry.domain.aggregates import AggregateDraft, Scope
from registry.domain.commands import CreateAggregates
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import aggregate_id
from registry.log import AccessNode, LogSettings
from registry.log.metrics import Door, PrometheusMeter, Stages
from registry.log.placing import Outcome, Standing
from registry.ports import ChainUnreachable
from registry.services.issue_setpoints import PodTarget, issue_setpoints
from tests.unit.api.sandbox import ACCESS_NODE, AUDITOR, BSP, COSE, DAY, DSO, SEQUENCE, Sandbox
from tests.unit.log.log_house import NOTE_KEY, RECEIPT_KEY, House

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Samples:
    """Every sample by name and labels; each stands once, in a family that stands once."""
    found: Samples = {}
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert family.documentation and family.type != "unknown"
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found
            found[key] = sample.value
    return found


def scrape(sandbox: Sandbox) -> Samples:
    answer = sandbox.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return parsed(answer.text)


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples.get((name, frozenset(labels.items())), 0.0)


@pytest.fixture
def afterwards(founded: Sandbox) -> Iterator[Sandbox]:
    """The day is over; counters of devices go on from test to test."""
    founded.clock.set(max(founded.clock.now(), DAY.ends_at))
    yield founded


@pytest.mark.rule("MEA-2")
def test_statements_are_counted_by_outcome_and_rule(afterwards: Sandbox) -> None:
    sandbox = afterwards
    first, second = sandbox.reading(0, 1, 1), sandbox.reading(0, 2, 2)
    signed = sandbox.reading(4, 1, 1)
    stranger = signed[:-1] + bytes([signed[-1] ^ 1])
    other_bytes = sandbox.reading(0, 1, 1, export_wh=9)
    before = scrape(sandbox)
    body = b"".join((first, second, first, stranger, other_bytes))
    answers = sandbox.client.post("/v1/statements/batch", content=body, headers=SEQUENCE).json()["answers"]
    sandbox.client.post("/v1/statements", content=b"\x00", headers=COSE)
    after = scrape(sandbox)
    told = Counter((answer["status"], answer.get("rule", "")) for answer in answers) + Counter(
        {("refused", "MEA-1"): 1}
    )
    assert told["accepted", ""] == 2 and told["duplicate", ""] == 1
    for (outcome, rule), count in told.items():
        labels = {"outcome": outcome, "rule": rule}
        name = "flexledger_statements_total"
        assert value(after, name, **labels) - value(before, name, **labels) == count, labels
    rose = {
        key for key in after if key[0] == "flexledger_statements_total" and after[key] > before.get(key, 0)
    }
    assert len(rose) == len(told)
    for name, risen in (("count", 2), ("sum", 6)):
        name = f"flexledger_batch_messages_{name}"
        assert value(after, name, door="statements") - value(before, name, door="statements") == risen
    for stage in ("judge", "place", "answer"):
        labels = {"door": "statements", "stage": stage}
        count = "flexledger_stage_seconds_count"
        assert value(after, count, **labels) - value(before, count, **labels) == 2
        assert value(after, "flexledger_stage_seconds_sum", **labels) >= 0
    assert value(after, "flexledger_log_entries") == sandbox.node.log.checkpoint().size
    assert value(scrape(sandbox), "flexledger_log_unpublished_entries") == 0
    assert value(after, "flexledger_log_entries") - value(before, "flexledger_log_entries") == 2


@pytest.mark.rule("SET-1")
def test_setpoints_logged_and_delivered(founded: Sandbox) -> None:
    sandbox = founded
    before = scrape(sandbox)
    wanted = [PodTarget(sandbox.pods[4].pod_id, 95, watts) for watts in (100, 200)]
    issue_setpoints(sandbox.node.log, sandbox.node.platform(DSO), DAY.plus(2), wanted)
    path = f"/v1/pods/{sandbox.pods[4].hex}/setpoints"
    for after, count in ((0, 2), (1, 1), (2, 0)):
        device = {"Authorization": f"Bearer {sandbox.device_token(4)}"}
        got = sandbox.get(path, headers=device, after=after).json()["setpoints"]
        assert len(got) == count
    now = scrape(sandbox)
    logged = {"outcome": "accepted", "rule": ""}
    name = "flexledger_setpoints_total"
    assert value(now, name, **logged) - value(before, name, **logged) == 2
    name = "flexledger_setpoints_delivered_total"
    assert value(now, name) - value(before, name) == 3


@pytest.mark.rule("LOG-2")
def test_the_lag_of_anchors(afterwards: Sandbox) -> None:
    sandbox = afterwards
    sandbox.node.anchorer(ACCESS_NODE).anchor()
    samples = scrape(sandbox)
    assert value(samples, "flexledger_anchor_lag_entries") == 0
    assert value(samples, "flexledger_anchor_lag_seconds") == 0
    readings = [sandbox.reading(0, 30 + number, 30 + number) for number in range(3)]
    sandbox.client.post("/v1/statements/batch", content=b"".join(readings), headers=SEQUENCE)
    sandbox.clock.set(sandbox.clock.now() + timedelta(seconds=70))
    samples = scrape(sandbox)
    assert value(samples, "flexledger_anchor_lag_entries") == 3
    assert value(samples, "flexledger_anchor_lag_seconds") == 70
    sandbox.node.anchorer(ACCESS_NODE).anchor()
    assert value(scrape(sandbox), "flexledger_anchor_lag_entries") == 0


@pytest.mark.rule("MIR-1")
def test_the_lag_of_the_mirror(founded: Sandbox) -> None:
    node = founded.node
    node.mirror.catch_up()
    assert value(scrape(founded), "flexledger_mirror_lag_blocks") == 0
    draft = AggregateDraft(aggregate_id(BSP, 900), Scope.LOCAL, bytes(32))
    node.ledger.send(CreateAggregates(BSP, (draft,)), node.signers[BSP])
    assert value(scrape(founded), "flexledger_mirror_lag_blocks") == 1
    node.mirror.catch_up()
    assert value(scrape(founded), "flexledger_mirror_lag_blocks") == 0


def test_a_chain_that_is_down_hides_nothing_else(founded: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def down() -> None:
        raise ChainUnreachable(found="nothing", expected="a chain", remedy="start it")

    monkeypatch.setattr(founded.node.ledger, "head", down)
    samples = scrape(founded)
    assert value(samples, "flexledger_source_up", source="mirror") == 0
    assert value(samples, "flexledger_source_up", source="log") == 1
    assert not [key for key in samples if key[0] == "flexledger_mirror_lag_blocks"]
    assert [key for key in samples if key[0] == "flexledger_log_entries"]
    monkeypatch.undo()
    assert value(scrape(founded), "flexledger_source_up", source="mirror") == 1


def test_requests_are_counted_by_template_and_status(founded: Sandbox) -> None:
    name = "flexledger_http_requests_total"
    pod = founded.pods[0].hex
    asked = {
        ("GET", "/v1/pods/{pod_id}", "200"): lambda: founded.get(f"/v1/pods/{pod}", BSP),
        ("GET", "/v1/pods/{pod_id}", "404"): lambda: founded.get(f"/v1/pods/{'ab' * 32}", BSP),
        ("GET", "/v1/pods/{pod_id}", "401"): lambda: founded.get(f"/v1/pods/{pod}"),
        ("GET", "/v1/products", "200"): lambda: founded.get("/v1/products"),
        ("POST", "/v1/aggregates", "422"): lambda: founded.post("/v1/aggregates", BSP, {}),
        ("GET", "other", "404"): lambda: founded.get(f"/{pod}"),
        ("DELETE", "/v1/products", "405"): lambda: founded.client.delete("/v1/products"),
        ("other", "/v1/products", "405"): lambda: founded.client.request("BREW", "/v1/products"),
        ("POST", "other", "413"): lambda: founded.client.post("/v1/statements", content=bytes(5 << 20)),
    }
    for number, ((method, route, status), ask) in enumerate(asked.items(), 1):
        labels = {"method": method, "route": route, "status": status}
        before = value(scrape(founded), name, **labels)
        for _ in range(number % 3 + 1):
            assert str(ask().status_code) == status
        assert value(scrape(founded), name, **labels) - before == number % 3 + 1, labels


def test_a_defect_is_counted_as_500(founded: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {"method": "GET", "route": "/v1/statistics", "status": "500"}
    monkeypatch.setattr(founded.node.mirror, "statistics", lambda: 1 / 0)
    assert founded.get("/v1/statistics").status_code == 500
    assert value(scrape(founded), "flexledger_http_requests_total", **labels) == 1


@pytest.mark.rule("PRIV-1")
def test_labels_name_nobody(played: Sandbox) -> None:
    for pod in played.pods:
        played.get(f"/v1/pods/{pod.hex}", AUDITOR)
    text = played.get("/metrics").text
    for pod in played.pods:
        assert pod.hex not in text and pod.code not in text
    own = {key for name, labels in parsed(text) if name.startswith("flexledger_") for key, _ in labels}
    assert own == {"outcome", "rule", "door", "stage", "le", "method", "route", "status", "source"}


def test_statements_that_wait_for_their_turn(afterwards: Sandbox) -> None:
    sandbox, log = afterwards, afterwards.node.log
    batches = [[sandbox.reading(4, 10 * n + k, 10 * n + k) for k in range(n)] for n in (2, 3)]
    threads = [threading.Thread(target=log.submit, args=(batch,)) for batch in batches]
    deadline = time.monotonic() + 20
    with log._sequencer._turn:  # nobody gets it
        for thread in threads:
            thread.start()
        while value(scrape(sandbox), "flexledger_sequencer_waiting") != 5:
            assert time.monotonic() < deadline
    for thread in threads:
        thread.join(20)
    assert value(scrape(sandbox), "flexledger_sequencer_waiting") == 0


OUTCOME = st.sampled_from(("accepted", "duplicate", "MEA-1", "MEA-2", "DEV-1", "SET-1"))


@settings(max_examples=50, deadline=None)
@given(batches=st.lists(st.tuples(st.sampled_from(Door), st.lists(OUTCOME, max_size=40)), max_size=8))
def test_any_batches_are_counted_exactly(batches: list[tuple[Door, list[str]]]) -> None:
    registry = CollectorRegistry()
    meter = PrometheusMeter(registry)
    expected: Counter[tuple[str, str, str]] = Counter()
    for door, outcomes in batches:
        meter.taken(door, [outcome_of(outcome) for outcome in outcomes], Stages(0.25, 0.5, 0.125))
        for outcome in outcomes:
            known = outcome in ("accepted", "duplicate")
            expected[door.value, outcome if known else "refused", "" if known else outcome] += 1
    samples = parsed(exposition([registry]).decode())
    counted = {
        (door.value, labels["outcome"], labels["rule"]): count
        for door in Door
        for (name, pairs), count in samples.items()
        if name == f"flexledger_{door.value}_total" and (labels := dict(pairs))
    }
    assert counted == expected
    for door in Door:
        mine = [outcomes for at, outcomes in batches if at is door]
        assert value(samples, "flexledger_batch_messages_sum", door=door.value) == sum(map(len, mine))
        assert value(samples, "flexledger_stage_seconds_sum", door=door.value, stage="place") == len(mine) / 2


def outcome_of(outcome: str) -> Outcome:
    known: dict[str, Outcome] = {"accepted": 0, "duplicate": Standing(0)}
    return known.get(outcome, RuleViolation(rule=outcome, field="f", found=0, allowed=1))


def test_the_node_tells_its_meter_once_per_batch(tmp_path: Path) -> None:
    """However many statements come at once: what is counted does not slow the way of a statement."""
    told: list[tuple[Door, int]] = []

    class Listening:
        def taken(self, door: Door, outcomes: Sequence[Outcome], stages: Stages) -> None:
            told.append((door, len(outcomes)))

        def delivered(self, setpoints: int) -> None:
            raise AssertionError("nothing was asked for")

    house = House(tmp_path)
    device = house.device("a")
    with AccessNode(
        tmp_path,
        house.directory,
        house.directory,
        house.clock,
        NOTE_KEY,
        RECEIPT_KEY,
        LogSettings("log.example/metered"),
        Listening(),
    ) as node:
        node.submit([device.reading(slot, slot + 1) for slot in range(20)])
        node.submit([])
        node.log_setpoints([b""])
        assert node.setpoints(device.pod_id, 0) == []
    assert told == [(Door.STATEMENTS, 20), (Door.STATEMENTS, 0), (Door.SETPOINTS, 1)]
