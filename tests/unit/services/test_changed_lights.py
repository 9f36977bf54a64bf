"""Publishing only what changed, in as few transactions as blocks can hold (DTL-2, SES-4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from registry.domain.calendar import from_unix
from registry.domain.commands import DeclarePerimeters
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import perimeter_id
from registry.domain.lights import GREEN_LIGHT, RED_LIGHT, CellLight, Colour, PerimeterDraft
from registry.services import changed_lights
from registry.services.changed_lights import Publication, open_light_session, publish_changed_lights
from registry.services.publish_lights import DayLights
from tests.unit.api.sandbox import DAY, DSO, OTHER_PERIMETER, PERIMETER, TSO, Sandbox

GREEN = (GREEN_LIGHT,) * DAY.hours


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A day before its first session, the test's own."""
    sandbox = Sandbox.founded(tmp_path_factory.mktemp("changed"))
    yield sandbox
    sandbox.close()


def at(sandbox: Sandbox, session: int) -> None:
    sandbox.clock.set(from_unix(sandbox.schedule.lfp_gates[session - 1]) - timedelta(minutes=5))


def publish(sandbox: Sandbox, session: int, up: tuple[CellLight, ...]) -> Publication:
    lights = [DayLights(PERIMETER, up, GREEN, {})]
    return publish_changed_lights(sandbox.node.recorder, DSO, sandbox.node.signers[DSO], DAY, session, lights)


def with_cell(hour: int, light: CellLight) -> tuple[CellLight, ...]:
    return (*GREEN[:hour], light, *GREEN[hour + 1 :])


@pytest.mark.rule("DTL-2")
def test_a_rerun_publishes_what_differs_and_nothing_when_nothing_does(sandbox: Sandbox) -> None:
    node = sandbox.node
    at(sandbox, 1)
    first = publish(sandbox, 1, with_cell(9, CellLight(Colour.YELLOW, 70)))
    assert first.changed == {PERIMETER: 48} and len(first.receipts) == 1 and first.unchanged == ()
    head = node.ledger.head().number
    again = publish(sandbox, 1, with_cell(9, CellLight(Colour.YELLOW, 70)))
    assert again == Publication(1, {}, (PERIMETER,), ())
    assert node.ledger.head().number == head
    newer = publish(sandbox, 1, with_cell(9, CellLight(Colour.YELLOW, 71)))
    assert newer.changed == {PERIMETER: 1} and len(newer.receipts) == 1
    assert node.ledger.head().number == head + 1
    in_force = node.mirror.light_in_force(PERIMETER, DAY.number)
    assert in_force is not None and in_force.up_lights[9].capability_kw == 71
    flagged = publish(sandbox, 1, with_cell(9, CellLight(Colour.YELLOW, 71, reactive=True)))
    assert flagged.changed == {PERIMETER: 1}, "reactive support is part of the light"


@pytest.mark.rule("DTL-2")
def test_a_city_of_perimeters_goes_in_several_transactions(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed_lights, "PERIMETERS_PER_TRANSACTION", 2)
    numbers = [perimeter_id(DSO, 100 + number) for number in range(5)]
    drafts = tuple(PerimeterDraft(number, (), bytes(32)) for number in numbers)
    sandbox.record(DeclarePerimeters(DSO, drafts), DSO)
    at(sandbox, 1)
    node, lights = sandbox.node, [DayLights(number, GREEN, GREEN, {}) for number in numbers]
    found = publish_changed_lights(node.recorder, DSO, node.signers[DSO], DAY, 1, lights)
    assert len(found.receipts) == 3 and list(found.changed) == numbers
    # the last one is refused: what stood before it stands, and the next run has only the rest to do
    foreign = DayLights(OTHER_PERIMETER, GREEN, GREEN, {})
    changed = [DayLights(number, with_cell(9, RED_LIGHT), GREEN, {}) for number in numbers]
    with pytest.raises(RuleViolation, match="DTL-1"):
        publish_changed_lights(
            node.recorder, DSO, node.signers[DSO], DAY, 1, [*changed[:4], foreign, changed[4]]
        )
    again = publish_changed_lights(node.recorder, DSO, node.signers[DSO], DAY, 1, changed)
    assert list(again.changed) == numbers[4:] and len(again.receipts) == 1


@pytest.mark.rule("DTL-2", "SES-1")
def test_hours_that_the_session_cannot_plan_keep_their_light(sandbox: Sandbox) -> None:
    at(sandbox, 1)
    publish(sandbox, 1, with_cell(3, RED_LIGHT))
    at(sandbox, 2)
    assert publish(sandbox, 2, GREEN).receipts == (), "hour 3 is session 1's alone"
    later = publish(sandbox, 2, with_cell(4, RED_LIGHT))
    assert later.changed == {PERIMETER: 1}
    in_force = sandbox.node.mirror.light_in_force(PERIMETER, DAY.number)
    assert in_force is not None and in_force.session == 2
    assert [hour for hour, light in enumerate(in_force.up_lights) if light == RED_LIGHT] == [3, 4]


@pytest.mark.rule("SES-4")
def test_the_open_session_is_found_or_when_the_next_one_opens(sandbox: Sandbox) -> None:
    node, schedule = sandbox.node, sandbox.schedule
    for session, gate in enumerate(schedule.lfp_gates, start=1):
        assert open_light_session(node.mirror, DAY, from_unix(gate) - timedelta(seconds=1)) == session
        with pytest.raises(RuleViolation) as refused:
            open_light_session(node.mirror, DAY, from_unix(gate))
        assert refused.value.rule == "SES-4"
        expected = f"LFP {session + 1} opens at" if session < 6 else "before the gate of LFP 6"
        assert expected in str(refused.value)
        msd = from_unix(schedule.msd_gates[session - 1])
        if session < 6:
            assert open_light_session(node.mirror, DAY, msd) == session + 1
    with pytest.raises(RuleViolation, match="LFP 1 opens at"):
        open_light_session(node.mirror, DAY, from_unix(schedule.opens_at) - timedelta(seconds=1))
    with pytest.raises(RuleViolation, match="SES-1"):
        open_light_session(node.mirror, DAY.plus(1), node.clock.now())


@pytest.mark.rule("DTL-2")
def test_what_the_ledger_refuses_is_refused(sandbox: Sandbox) -> None:
    at(sandbox, 1)
    with pytest.raises(RuleViolation, match="DTL-2"):
        publish(sandbox, 1, GREEN[:23])
    with pytest.raises(RuleViolation):
        publish_changed_lights(
            sandbox.node.recorder,
            DSO,
            sandbox.node.signers[TSO],
            DAY,
            1,
            [DayLights(PERIMETER, GREEN, GREEN, {})],
        )
    assert sandbox.node.mirror.light_in_force(PERIMETER, DAY.number) is None
