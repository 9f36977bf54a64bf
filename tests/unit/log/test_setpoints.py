"""Setpoints are checked, logged, then delivered; executions answer what was delivered (SET-1)."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.domain.errors import RuleViolation
from registry.evidence.statements import parse, sign
from registry.log import AccessNode, ConflictingStatement
from registry.ports import Accepted, Refused
from tests.unit.log.log_house import PERIOD_S, START, Device, House, private_key


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "log")
    house.clock.seconds = START
    return house


@pytest.fixture
def node(house: House) -> Iterator[AccessNode]:
    with house.open() as node:
        yield node


def logged(node: AccessNode, setpoint: bytes) -> Accepted:
    """Log one setpoint; what is refused is raised."""
    (answer,) = node.log_setpoints([setpoint])
    if isinstance(answer, Refused):
        raise answer.violation
    return answer


def refusal(node: AccessNode, setpoint: bytes) -> tuple[str, str]:
    before = node.checkpoint()
    with pytest.raises(RuleViolation) as raised:
        logged(node, setpoint)
    assert node.checkpoint() == before
    return raised.value.rule, raised.value.field


@pytest.mark.rule("SET-1")
def test_logged_before_delivered_in_order_until_they_expire(house: House, node: AccessNode) -> None:
    device = house.device("a")
    assert node.setpoints(device.pod_id, 0) == []
    sent = [device.setpoint(slot, sequence) for slot, sequence in ((4, 1), (1, 2), (2, 3))]
    answers = node.log_setpoints(sent)
    assert [answer.index for answer in answers if isinstance(answer, Accepted)] == [0, 1, 2]
    assert [node.entry(index) for index in range(3)] == sent
    assert node.setpoints(device.pod_id, 0) == sent
    assert node.setpoints(device.pod_id, 1) == sent[1:]
    assert node.setpoints(house.device("b").pod_id, 0) == []
    house.clock.seconds = START + PERIOD_S + 301  # the second one expired a second ago
    assert node.setpoints(device.pod_id, 0) == [sent[0], sent[2]]
    assert node.last_setpoint_sequence(device.pod_id) == 3


@pytest.mark.rule("SET-1")
def test_refusals(house: House, node: AccessNode) -> None:
    device = house.device("a")
    setpoint = device.setpoint(1, 1)
    assert refusal(node, device.reading()) == ("SET-1", "type")
    assert refusal(node, sign_as_stranger(device)) == ("SET-1", "kid")
    assert refusal(node, Device("unbound").setpoint(1, 1)) == ("SET-1", "kid")
    assert refusal(node, setpoint[:-1] + bytes((setpoint[-1] ^ 1,))) == ("SET-1", "signature")
    assert refusal(node, device.setpoint(1, 1, period_start=START + 1000)) == ("SET-1", "period_start")
    assert refusal(node, device.setpoint(1, 1, period_length=1800)) == ("SET-1", "period_length")
    assert refusal(node, device.setpoint(1, 1, expires_at=START)) == ("SET-1", "expires_at")
    assert refusal(node, device.setpoint(1, 2)) == ("SET-1", "sequence")
    house.device("a", 0, START + PERIOD_S)
    assert refusal(node, setpoint) == ("SET-1", "pod_id")


def sign_as_stranger(device: Device) -> bytes:
    return sign(parse(device.setpoint(1, 1)).payload, private_key("no platform"))


@pytest.mark.rule("SET-1", "MEA-2")
def test_the_same_again_and_the_same_sequence_again(house: House, node: AccessNode) -> None:
    device = house.device("a")
    setpoint = device.setpoint(1, 1)
    first = logged(node, setpoint)
    house.clock.seconds += 10 * PERIOD_S
    assert logged(node, setpoint) == Accepted(first.index, setpoint, first.receipt, duplicate=True)
    for other in (device.setpoint(20, 1), device.setpoint(20, 1, power_w=-5)):
        with pytest.raises(ConflictingStatement, match="sequence"):
            logged(node, other)
    assert [(each.field, each.logged) for each in node.conflicts()] == [("sequence", setpoint)] * 2


@pytest.mark.rule("SET-1")
def test_a_setpoint_does_not_come_in_by_the_devices_door(house: House, node: AccessNode) -> None:
    (answer,) = node.submit([house.device("a").setpoint(1, 1)])
    assert isinstance(answer, Refused) and answer.violation.field == "type"


@pytest.mark.rule("SET-1")
def test_an_execution_answers_a_setpoint_of_this_log_once(house: House, node: AccessNode) -> None:
    a, b = house.device("a"), house.device("b")
    setpoint = a.setpoint(1, 1)
    logged(node, setpoint)
    house.clock.seconds = START + 10 * PERIOD_S
    unknown, wrong_pod, wrong_period, good, again, same = node.submit(
        [
            a.execution(b"another", 1, 1),
            b.execution(setpoint, 1, 1),
            a.execution(setpoint, 2, 1),
            a.execution(setpoint, 1, 1),
            a.execution(setpoint, 1, 2, achieved_power_w=999),
            a.execution(setpoint, 1, 1),
        ]
    )
    fields = [
        each.violation.field
        for each in (unknown, wrong_pod, wrong_period, again)
        if isinstance(each, Refused)
    ]
    assert fields == ["setpoint_id", "pod_id", "period_start", "setpoint_id"]
    assert isinstance(good, Accepted) and isinstance(same, Accepted) and same.duplicate
    assert [each.field for each in node.conflicts()] == ["setpoint_id"]
    assert node.gaps() == []


@pytest.mark.rule("SET-1")
def test_a_refusal_may_come_before_the_period_an_execution_may_not(house: House, node: AccessNode) -> None:
    device = house.device("a")
    setpoint = device.setpoint(1, 1)
    logged(node, setpoint)
    early = device.execution(setpoint, 1, 1)
    refused = device.execution(setpoint, 1, 1, outcome=2, achieved_power_w=0)
    one, two = node.submit([early, refused])
    assert isinstance(one, Refused) and one.violation.field == "period_start"
    assert isinstance(two, Accepted)


@pytest.mark.rule("SET-1")
def test_a_waiting_device_gets_a_setpoint_as_soon_as_it_is_logged(house: House, node: AccessNode) -> None:
    device = house.device("a")
    got: list[bytes] = []
    waiting = threading.Thread(target=lambda: got.extend(node.setpoints(device.pod_id, 0, wait_s=30)))
    began = time.monotonic()
    waiting.start()
    setpoint = device.setpoint(1, 1)
    logged(node, setpoint)
    waiting.join(20)
    assert got == [setpoint]
    assert time.monotonic() - began < 20


def test_waiting_ends_when_nothing_comes(house: House, node: AccessNode) -> None:
    began = time.monotonic()
    assert node.setpoints(house.device("a").pod_id, 0, wait_s=0.05) == []
    assert time.monotonic() - began >= 0.05
