"""What the access node takes and what it refuses, each with its rule and field (MEA-1, MEA-2, DEV-1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest

from registry.evidence.es256 import load_public_key, public_key_bytes
from registry.evidence.receipts import parse_receipt, verify_receipt
from registry.log import AccessNode, ConflictingStatement
from registry.ports import Accepted, Refused
from tests.unit.log.log_house import PERIOD_S, RECEIPT_KEY, START, Device, House

DAY_S = 86_400


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "log")


@pytest.fixture
def node(house: House) -> Iterator[AccessNode]:
    with house.open() as node:
        yield node


def refusal(node: AccessNode, statement: bytes) -> tuple[str, str]:
    """Rule and field of the one answer, which is to be a refusal that left the log as it was."""
    before = node.checkpoint()
    (answer,) = node.submit([statement])
    assert isinstance(answer, Refused)
    assert answer.statement_id == sha256(statement).digest()
    assert node.checkpoint() == before
    return answer.violation.rule, answer.violation.field


def accepted(node: AccessNode, statement: bytes) -> Accepted:
    (answer,) = node.submit([statement])
    assert isinstance(answer, Accepted), answer
    return answer


@pytest.mark.rule("MEA-2", "LOG-1")
def test_a_good_reading_is_logged_with_its_exact_bytes_and_a_receipt(house: House, node: AccessNode) -> None:
    statement = house.device("a").reading()
    answer = accepted(node, statement)
    assert (answer.index, answer.duplicate) == (0, False)
    assert answer.statement_id == sha256(statement).digest()
    assert node.entry(0) == statement
    public = load_public_key(public_key_bytes(RECEIPT_KEY.public_key()))
    assert verify_receipt(parse_receipt(answer.receipt), statement, public) == node.checkpoint().root


@pytest.mark.rule("MEA-1", "MEA-2")
@pytest.mark.parametrize("statement", [b"", b"\x00", b"\xd2\x84", bytes(600)])
def test_malformed_bytes(node: AccessNode, statement: bytes) -> None:
    rule, _ = refusal(node, statement)
    assert rule == "MEA-1"


@pytest.mark.rule("MEA-2", "DEV-1")
def test_unknown_key_and_key_of_another_pod(house: House, node: AccessNode) -> None:
    assert refusal(node, Device("stranger").reading()) == ("MEA-2", "kid")
    device = house.device("a")
    assert refusal(node, device.reading(pod_id=bytes(32))) == ("DEV-1", "pod_id")


@pytest.mark.rule("DEV-1")
@pytest.mark.parametrize(
    ("valid_from", "valid_until", "good"),
    [
        (START, START + PERIOD_S, True),
        (START + 1, START + PERIOD_S, False),
        (START, START + PERIOD_S - 1, False),
        (0, START, False),
        (START + PERIOD_S, 2**40, False),
    ],
)
def test_the_key_is_valid_for_the_whole_period(
    house: House, node: AccessNode, valid_from: int, valid_until: int, good: bool
) -> None:
    statement = house.device("a", valid_from, valid_until).reading()
    if good:
        accepted(node, statement)
    else:
        assert refusal(node, statement) == ("DEV-1", "period_start")


@pytest.mark.rule("DEV-1")
def test_a_reading_once_accepted_stays_so_after_its_key_was_revoked(house: House, node: AccessNode) -> None:
    device = house.device("a")
    first = accepted(node, device.reading(0, 1))
    house.device("a", 0, START + PERIOD_S)
    again = accepted(node, device.reading(0, 1))
    assert again.duplicate and again.receipt == first.receipt
    assert refusal(node, device.reading(1, 2)) == ("DEV-1", "period_start")


@pytest.mark.rule("MEA-2")
def test_every_changed_bit_is_refused(house: House, node: AccessNode) -> None:
    statement = house.device("a").reading()
    for bit in range(0, len(statement) * 8, 7):
        changed = bytearray(statement)
        changed[bit // 8] ^= 1 << bit % 8
        refusal(node, bytes(changed))
    assert node.conflicts() == []


@pytest.mark.rule("MEA-2")
def test_period_aligned_and_of_the_markets_length(house: House, node: AccessNode) -> None:
    device = house.device("a")
    assert refusal(node, device.reading(period_start=START + 420)) == ("MEA-2", "period_start")
    assert refusal(node, device.reading(period_length=1800)) == ("MEA-2", "period_length")


@pytest.mark.rule("MEA-2")
def test_neither_in_the_future_nor_older_than_the_window(house: House, node: AccessNode) -> None:
    device, clock = house.device("a"), house.clock
    clock.seconds = START + PERIOD_S - 61
    assert refusal(node, device.reading(0, 1)) == ("MEA-2", "period_start")
    clock.seconds += 1  # a minute of clock difference is forgiven
    accepted(node, device.reading(0, 1))
    clock.seconds = START + 2 * PERIOD_S + 35 * DAY_S
    accepted(node, device.reading(1, 2))
    clock.seconds += 1
    assert refusal(node, device.reading(1, 3, import_wh=7)) == ("MEA-2", "period_start")


@pytest.mark.rule("MEA-2")
def test_the_same_bytes_again_get_the_first_receipt(house: House, node: AccessNode) -> None:
    a, b = house.device("a"), house.device("b")
    first = accepted(node, a.reading())
    node.submit([b.reading(slot, slot + 1) for slot in range(30)])
    house.clock.seconds += 100 * DAY_S
    again = accepted(node, a.reading())
    assert again == Accepted(first.index, a.reading(), first.receipt, duplicate=True)
    assert node.checkpoint().size == 31


@pytest.mark.rule("MEA-2")
def test_twice_in_one_batch_is_once_in_the_log(house: House, node: AccessNode) -> None:
    device = house.device("a")
    one, other, two = node.submit([device.reading(0, 1), device.reading(1, 2), device.reading(0, 1)])
    assert isinstance(one, Accepted) and isinstance(two, Accepted) and isinstance(other, Accepted)
    assert (one.index, other.index, two.index) == (0, 1, 0)
    assert (one.duplicate, two.duplicate) == (False, True)
    assert one.receipt == two.receipt


@pytest.mark.rule("MEA-2")
def test_conflicts_are_refused_and_kept_with_both_sides(house: House, node: AccessNode) -> None:
    device = house.device("a")
    original = device.reading(0, 1)
    accepted(node, original)
    house.clock.seconds += 5
    other_energy, reused = device.reading(0, 2, import_wh=1), device.reading(1, 1)
    for statement in (other_energy, reused, other_energy):
        (answer,) = node.submit([statement])
        assert isinstance(answer, Refused) and isinstance(answer.violation, ConflictingStatement)
    assert [(each.field, each.index, each.logged, each.refused) for each in node.conflicts()] == [
        ("period_start", 0, original, other_energy),
        ("counter", 0, original, reused),
    ]
    assert [each.received_at for each in node.conflicts()] == [house.clock.seconds] * 2
    assert node.conflicts(device.pod_id) == node.conflicts()
    assert node.conflicts(bytes(32)) == []
    assert node.conflicts(after=node.conflicts()[0].id) == node.conflicts()[1:]
    # what was refused used nothing up
    accepted(node, device.reading(1, 2))


@pytest.mark.rule("MEA-2")
def test_counter_gaps_are_listed_and_close(house: House, node: AccessNode) -> None:
    a, b = house.device("a"), house.device("b")
    node.submit([a.reading(0, 3), a.reading(1, 7), b.reading(0, 2)])
    listed = {(each.key_id, each.first, each.last) for each in node.gaps()}
    assert listed == {(a.kid, 1, 2), (a.kid, 4, 6), (b.kid, 1, 1)}
    node.submit([a.reading(2, 5), a.reading(3, 1), b.reading(1, 1)])
    assert [(each.first, each.last) for each in node.gaps(a.kid)] == [(2, 2), (4, 4), (6, 6)]
    assert node.gaps(b.kid) == []
    node.submit([a.reading(slot, counter) for slot, counter in ((4, 2), (5, 4), (6, 6))])
    assert node.gaps() == []


@pytest.mark.rule("MEA-2")
def test_each_statement_of_a_batch_is_answered_in_its_place(house: House, node: AccessNode) -> None:
    device = house.device("a")
    batch = [
        device.reading(0, 1),
        b"no",
        device.reading(1, 2),
        Device("stranger").reading(),
        device.reading(2, 3),
    ]
    answers = node.submit(batch)
    assert [type(answer) for answer in answers] == [Accepted, Refused, Accepted, Refused, Accepted]
    assert [answer.statement_id for answer in answers] == [sha256(statement).digest() for statement in batch]
    assert node.submit([]) == []


def test_statements_of_a_pod_by_period(house: House, node: AccessNode) -> None:
    a, b = house.device("a"), house.device("b")
    node.submit([a.reading(2, 1), b.reading(2, 1), a.reading(0, 2), a.reading(4, 3)])
    start, end = (datetime.fromtimestamp(START + slot * PERIOD_S, UTC) for slot in (0, 4))
    found = node.statements(a.pod_id, start, end)
    assert [(each.index, each.data) for each in found] == [(2, a.reading(0, 2)), (0, a.reading(2, 1))]
    assert found[0].payload == a.payload(0, 2)
