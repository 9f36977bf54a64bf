"""The access node's operator has a settled month detached while the node is served (LOG-1, STT-4)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest

from api.detacher import Detacher
from registry.domain.calendar import DeliveryDay, unix
from registry.evidence.payloads import Clock, Reading
from registry.evidence.statements import sign
from registry.log import check_folder
from registry.log.retention import Step
from tests.unit.api.refusals import refused
from tests.unit.api.sandbox import ACCESS_NODE, COSE, DAY, DSO, SEQUENCE, Sandbox

pytestmark = pytest.mark.rule("LOG-1")
PATH = "/v1/log/detachment"
MONTH = f"{DAY.date:%Y-%m}"
JULY, LATER = DeliveryDay(date(2026, 7, 1)), DeliveryDay(date(2026, 8, 10))
IDLE = {
    "held_since": None,
    "minimum_index": 0,
    "detaching_until": None,
    "progress": None,
    "failure": None,
}


class Old:
    """A log of three days of June and one of August, whose operator has an archive."""

    def __init__(self, sandbox: Sandbox, archive: Path) -> None:
        self.sandbox, self.archive, self.counter = sandbox, archive, 0
        sandbox.node.settings.log_archive = archive
        sandbox.clock.set(DAY.plus(4).starts_at)
        readings = [self.reading(DAY.plus(day), quarter) for day in range(3) for quarter in range(96)]
        answer = sandbox.client.post("/v1/statements/batch", content=b"".join(readings), headers=SEQUENCE)
        assert answer.is_success
        sandbox.clock.set(LATER.starts_at + timedelta(hours=6))
        self.send(0)

    @property
    def detacher(self) -> Detacher:
        return self.sandbox.client.app.state.detacher  # type: ignore[attr-defined, no-any-return]

    def reading(self, day: DeliveryDay, quarter: int) -> bytes:
        self.counter += 1
        start, device = unix(day.quarter_start(quarter)), self.sandbox.devices[0]
        pod_id = self.sandbox.pods[0].pod_id
        return sign(Reading(pod_id, start, 900, self.counter, 0, 1, 0, 0, 0, int(Clock.SYNCHRONISED)), device)

    def send(self, quarter: int) -> None:
        """A reading of August is taken."""
        answer = self.sandbox.client.post(
            "/v1/statements", content=self.reading(LATER, quarter), headers=COSE
        )
        assert answer.status_code == 201, answer.text

    def sound(self) -> bool:
        tree = self.sandbox.node.log_tree
        self.sandbox.node.log.checkpoint()
        return check_folder(tree, self.sandbox.node.log.note_key, archives=[self.archive]).sound


@pytest.fixture
def old(fresh: Sandbox, tmp_path: Path) -> Iterator[Old]:
    yield Old(fresh, tmp_path / "archive")


@pytest.mark.rule("STT-4", "MEA-2")
def test_a_month_is_detached_beside_the_intake(old: Old) -> None:
    sandbox = old.sandbox
    assert sandbox.get(PATH, ACCESS_NODE).json() == IDLE
    asked = sandbox.post(PATH, ACCESS_NODE, {"month": MONTH})
    assert (asked.status_code, asked.json()) == (202, {**IDLE, "detaching_until": "2026-07-01"})
    # the same again is the same; another month waits
    assert sandbox.post(PATH, ACCESS_NODE, {"month": MONTH}).status_code == 202
    other = refused(sandbox.post(PATH, ACCESS_NODE, {"month": "2026-05"}), 409, "LOG-1")
    assert "one detachment at a time" in other["allowed"]
    seen = []

    def look(step: Step) -> None:
        told(step)
        old.send(len(seen) + 1)
        seen.append(sandbox.get(PATH, ACCESS_NODE).json()["progress"])

    told = old.detacher._tell
    old.detacher._tell = look  # type: ignore[method-assign]
    old.detacher.work()
    assert seen[0] == {"stage": "copying", "done": 1, "total": 1}
    assert seen[-1] == {"stage": "removing", "done": 1, "total": 1}
    assert {"stage": "dropping", "done": 2, "total": 3} in seen
    ended = {**IDLE, "held_since": "2026-07-01", "minimum_index": 256}
    assert sandbox.get(PATH, ACCESS_NODE).json() == ended
    assert (old.archive / "tile/entries/000").exists()
    assert old.sound()
    refused(sandbox.get("/v1/statements/0/receipt"), 422, "LOG-1")
    readings = f"/v1/pods/{sandbox.pods[0].hex}/readings"
    refused(sandbox.get(readings, DSO, day=str(DAY.date)), 422, "LOG-1")
    assert sandbox.get(readings, DSO, day=str(LATER.date)).status_code == 200
    # and again, for nothing
    assert sandbox.post(PATH, ACCESS_NODE, {"month": MONTH}).status_code == 202
    old.detacher.work()
    assert sandbox.get(PATH, ACCESS_NODE).json() == ended


@pytest.mark.rule("STT-4", "MEA-2")
def test_what_cannot_go_is_refused_with_its_reason(old: Old, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = old.sandbox
    for month, rule, field in (("2026-13", "STT-4", "month"), ("2026-07", "MEA-2", "until")):
        assert refused(sandbox.post(PATH, ACCESS_NODE, {"month": month}), 422, rule)["field"] == field
    with monkeypatch.context() as without:
        without.setattr(sandbox.node.settings, "log_archive", None)
        problem = refused(sandbox.post(PATH, ACCESS_NODE, {"month": MONTH}), 422, "LOG-1")
        assert problem["field"] == "archive" and "FLEXLEDGER_LOG_ARCHIVE" in problem["hint"]
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(sandbox.node, "signers", {})
        refused(sandbox.post(PATH, ACCESS_NODE, {"month": MONTH}), 403, "ACT-1")
        refused(sandbox.get(PATH, ACCESS_NODE), 403, "ACT-1")
    assert sandbox.get(PATH, ACCESS_NODE).json() == IDLE


@pytest.mark.rule("STT-4")
def test_a_month_that_is_not_final_is_refused(played: Sandbox, tmp_path: Path) -> None:
    played.node.settings.log_archive = tmp_path
    try:
        problem = refused(played.post(PATH, ACCESS_NODE, {"month": MONTH}), 422, "STT-4")
    finally:
        played.node.settings.log_archive = None
    assert problem["field"].startswith("settlement of 2026-06-")


def test_two_requests_at_once_are_one_detachment(old: Old) -> None:
    answers = []
    both = threading.Barrier(2)

    def ask(month: str) -> None:
        both.wait()
        answers.append(old.sandbox.post(PATH, ACCESS_NODE, {"month": month}).status_code)

    threads = [threading.Thread(target=ask, args=(month,)) for month in (MONTH, "2026-05")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [202, 409]


@pytest.mark.rule("MEA-3")
def test_a_node_that_is_served_again_takes_it_up(old: Old) -> None:
    """The node ends in the middle; the next one does the rest without being asked, and says what is in the
    way.
    """
    sandbox, steps = old.sandbox, []
    sandbox.post(PATH, ACCESS_NODE, {"month": MONTH})
    ended = Detacher(sandbox.node)

    def end(step: Step) -> None:
        steps.append(step)
        if len(steps) == 3:
            ended._stop.set()
        told(step)

    told, ended._tell = ended._tell, end  # type: ignore[method-assign]
    ended.work()
    assert len(steps) == 3 and ended.failure is None
    assert sandbox.node.log.held.detaching_until == JULY
    # an archive that cannot be written is said, and tried again
    sandbox.node.settings.log_archive = sandbox.node.log_tree
    done = threading.Event()
    log, ask = sandbox.node.log, sandbox.node.log.detach
    old.detacher.work()
    state = sandbox.get(PATH, ACCESS_NODE).json()
    assert (state["failure"], state["detaching_until"]) == ("RuleViolation", "2026-07-01")
    sandbox.node.settings.log_archive = old.archive

    def detach(*args: object) -> object:
        found = ask(*args)  # type: ignore[arg-type]
        done.set()
        return found

    log.detach = detach  # type: ignore[method-assign, assignment]
    with Detacher(sandbox.node) as again:
        assert done.wait(60)
    assert again.failure is None
    assert log.held.since == JULY and log.held.detaching_until is None
    assert old.sound()
