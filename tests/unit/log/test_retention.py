"""Old delivery days leave the log, and what they proved stays provable (LOG-1, MEA-2)."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import RuleViolation
from registry.evidence import merkle
from registry.evidence.es256 import load_public_key, public_key_bytes
from registry.evidence.receipts import parse_receipt, verify_receipt
from registry.log import AccessNode, check_folder
from registry.log.engines.sqlite import SqliteEngine
from registry.log.retention import DetachmentUnderWay, Held, Stage, Step
from registry.log.store import Store
from registry.ports import Accepted, DatabaseCorrupted, Refused
from tests.unit.log.log_house import RECEIPT_KEY, START, Device, House

DAY_S = 86_400
DEVICES = [Device(str(number)) for number in range(7)]
FIRST = DeliveryDay.from_number(START // DAY_S)  # 28 October
DAYS = 4
COUNT = DAYS * 96 * len(DEVICES)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A log of four days whose third day is the last that still can be reported."""
    house = House(tmp_path / "log")
    for device in DEVICES:
        house.directory.bind(device)
    house.clock.seconds = START + DAYS * DAY_S
    with house.open() as node:
        for slot in range(DAYS * 96):
            fill(node, slot)
    house.clock.seconds = START + 2 * DAY_S + 35 * DAY_S
    return house


def fill(node: AccessNode, slot: int) -> None:
    answers = node.submit([device.reading(slot, slot + 1) for device in DEVICES])
    assert all(isinstance(answer, Accepted) for answer in answers)


def day(number: int) -> DeliveryDay:
    return DeliveryDay(FIRST.date + timedelta(number))


@pytest.mark.rule("LOG-1", "MEA-2")
def test_detached_days_are_gone_and_stay_provable(house: House, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    with house.open() as node:
        receipts = [node.receipt(index) for index in range(0, COUNT, 100)]
        entries = [node.entry(index) for index in range(COUNT)]
        steps: list[Step] = []
        assert node.held == Held(None, 0, None)
        found = node.detach(day(2), archive, steps.append)
        # days are local: they begin before midnight UTC, and START is at 10:00
        gone = sum(entry_day(entry) < day(2).number for entry in range(COUNT))
        assert found.minimum_index == gone // 256 * 256 and found.bundles == gone // 256
        assert node.held == Held(day(2), found.minimum_index, None)
        bundles = range(1, found.bundles + 1)
        assert [step for step in steps if step.stage is not Stage.DROPPING] == [
            Step(stage, done, found.bundles) for stage in (Stage.COPYING, Stage.REMOVING) for done in bundles
        ]
        assert {(step.done, step.total) for step in steps if step.stage is Stage.DROPPING} == {(0, 2), (1, 2)}
        tree, key = house.folder / "tree", node.note_key
        assert not (tree / "tile/entries/000").exists() and not (tree / "tile/0/000").exists()
        assert (archive / "tile/entries/000").exists() and (archive / "tile/0/000").exists()
        # the rest is as it was, and the log goes on
        assert [node.entry(index) for index in range(found.minimum_index, COUNT)] == entries[
            found.minimum_index :
        ]
        with pytest.raises(RuleViolation, match="LOG-1"):
            node.entry(0)
        pod = DEVICES[0].pod_id
        start = day(2).starts_at
        assert len(node.statements(pod, start, start + timedelta(10))) == (COUNT - gone) // len(DEVICES)
        with pytest.raises(RuleViolation, match=r"LOG-1.* the delivery days before it were detached"):
            node.statements(pod, start - timedelta(minutes=15), start)
        fill(node, DAYS * 96)
        assert check_folder(tree, key).sound
    with house.open() as node:
        assert check_folder(tree, key).sound
        assert check_folder(tree, key, archives=[archive]).sound
        assert refused_reasons(node) == 3 * ["the entries before it were detached"]
        # every entry of the log, with the archive beside it
        shutil.copytree(archive / "tile", tree / "tile", dirs_exist_ok=True)
        assert [node.entry(index) for index in range(COUNT)] == entries
        assert [node.receipt(index) for index in range(0, COUNT, 100)] == receipts
        public_key = load_public_key(public_key_bytes(RECEIPT_KEY.public_key()))
        for index, receipt in zip(range(0, COUNT, 100), receipts, strict=True):
            verify_receipt(parse_receipt(receipt), entries[index], public_key)


def refused_reasons(node: AccessNode) -> list[str]:
    """Why what was detached cannot be proved by the node itself."""
    reasons = []
    for ask in (
        lambda: node.receipt(0),
        lambda: node.inclusion_proof(0, COUNT),
        lambda: node.consistency_proof(3, COUNT),
    ):
        with pytest.raises(RuleViolation, match="LOG-1") as refused:
            ask()
        reasons.append(str(refused.value.allowed).partition(": ")[2])
    return reasons


def entry_day(index: int) -> int:
    slot = index // len(DEVICES)
    return day_of(START + slot * 900)


def day_of(start: int) -> int:
    return DeliveryDay.of(datetime.fromtimestamp(start, UTC)).number


@pytest.mark.rule("LOG-1", "LOG-2")
def test_sizes_at_the_border_stay_consistent(house: House, tmp_path: Path) -> None:
    with house.open() as node:
        found = node.detach(day(2), tmp_path / "archive")
        size = node.checkpoint().size
        border = next(at for at in range(found.minimum_index, size) if node.root_at(at) is not None)
        merkle.verify_consistency(
            border,
            size,
            node.checkpoint_at(border).root,
            node.checkpoint().root,
            node.consistency_proof(border, size),
        )


@pytest.mark.rule("MEA-2")
def test_a_detached_day_takes_no_statement_even_if_the_clock_goes_back(house: House, tmp_path: Path) -> None:
    with house.open() as node:
        node.detach(day(2), tmp_path / "archive")
        # an earlier month asked for later opens nothing
        node.detach(day(1), tmp_path / "archive")
        assert node.held.since == day(2)
        house.clock.seconds = START + DAYS * DAY_S
        again, other, late = node.submit(
            [DEVICES[0].reading(0, 1), DEVICES[1].reading(0, 1, import_wh=7), DEVICES[2].reading(1, 900)]
        )
        for answer in (again, other, late):
            assert isinstance(answer, Refused)
            assert answer.violation.rule == "MEA-2" and answer.violation.field == "period_start"
            assert "detached" in str(answer.violation)
        reused, fine = node.submit(
            [DEVICES[0].reading(DAYS * 96, 5), DEVICES[1].reading(DAYS * 96, DAYS * 96 + 1)]
        )
        assert isinstance(reused, Refused) and reused.violation.field in {"counter", "period_start"}
        house.clock.seconds += DAY_S
        (reused,) = node.submit([DEVICES[0].reading(DAYS * 96, 5)])
        assert isinstance(reused, Refused) and reused.violation.field == "counter"
        assert isinstance(fine, Refused)  # its period was not over yet


@pytest.mark.rule("LOG-1", "MEA-2")
def test_what_may_still_come_and_the_newest_entry_stay(house: House, tmp_path: Path) -> None:
    with house.open() as node:
        with pytest.raises(RuleViolation, match="accepted for 35 days"):
            node.detach(day(3), tmp_path / "archive")
        house.clock.seconds += 100 * DAY_S
        with pytest.raises(RuleViolation, match="newest entry"):
            node.detach(day(9), tmp_path / "archive")
        assert [node.entry(index) for index in (0, COUNT - 1)]
    assert not (tmp_path / "archive").exists()


@pytest.mark.rule("LOG-1")
def test_a_log_whose_newest_entry_is_late_keeps_its_days(house: House, tmp_path: Path) -> None:
    """The database's head is known by its newest entry, whatever day that is of."""
    late = house.directory.bind(Device("late"))
    house.clock.seconds = START + DAYS * DAY_S
    with house.open() as node:
        (answer,) = node.submit([late.reading(0, 1)])
        assert isinstance(answer, Accepted)
        house.clock.seconds += 100 * DAY_S
        with pytest.raises(RuleViolation, match="newest entry"):
            node.detach(day(2), tmp_path / "archive")
        assert node.held.detaching_until is None


@pytest.mark.rule("LOG-1", "MEA-3")
@pytest.mark.parametrize("step", [2, 4, 5, 6, 7, 8, 9, 11])
def test_an_interrupted_detachment_loses_nothing_and_can_be_repeated(
    house: House, tmp_path: Path, step: int
) -> None:
    archive = tmp_path / "archive"
    with house.open() as node:
        entries = [node.entry(index) for index in range(COUNT)]

    class PowerCut(BaseException):
        pass

    told = 0

    def progress(_: Step) -> None:
        nonlocal told
        told += 1
        if told == step:
            raise PowerCut

    with house.open() as node, pytest.raises(PowerCut):
        node.detach(day(2), archive, progress)
    with house.open() as node:
        fill(node, DAYS * 96)
        # what was asked for is not forgotten, and comes first
        assert node.held.detaching_until == day(2)
        with pytest.raises(DetachmentUnderWay, match=f"days before {day(2).date} is not done"):
            node.detach(day(1), archive)
        found = node.detach(day(2), archive)
        assert found.minimum_index > 0 and node.held == Held(day(2), found.minimum_index, None)
        assert [number for number, _ in Store(SqliteEngine(house.folder / "log.sqlite")).days()] == [
            day(2).number,
            day(3).number,
            day(4).number,
        ]
        assert check_folder(house.folder / "tree", node.note_key, archives=[archive]).sound
        shutil.copytree(archive / "tile", house.folder / "tree" / "tile", dirs_exist_ok=True)
        assert [node.entry(index) for index in range(COUNT)] == entries


@pytest.mark.rule("LOG-1")
def test_a_changed_archive_and_a_missing_tile_are_found(house: House, tmp_path: Path) -> None:
    archive, tree = tmp_path / "archive", house.folder / "tree"
    with house.open() as node:
        node.detach(day(2), archive)
        key = node.note_key
    bundle = archive / "tile/entries/001"
    data = bytearray(bundle.read_bytes())
    data[100] ^= 1
    bundle.write_bytes(data)
    report = check_folder(tree, key, archives=[archive])
    assert [finding.field for finding in report.findings] == ["entry 256", "root"]
    assert check_folder(tree, key).sound
    (tree / "tile/0/006").unlink()
    assert not check_folder(tree, key).sound


@pytest.mark.rule("MEA-3")
def test_damaged_tiles_of_a_pruned_log_are_not_made_up(house: House, tmp_path: Path) -> None:
    with house.open() as node:
        node.detach(day(2), tmp_path / "archive")
    shutil.rmtree(house.folder / "tree" / "tile" / "1")
    with pytest.raises(DatabaseCorrupted, match="detached"):
        house.open()
