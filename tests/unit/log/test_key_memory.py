"""What the gate remembers of keys is bounded and never older than the directory (DEV-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from registry.log.keys import KeyBook, KeyFeed
from registry.ports import Accepted, DeviceKey, Refused
from tests.unit.log.log_house import START, Device, Directory, House


class CountedDirectory(Directory):
    """Counts for how many keys it is asked."""

    asked = 0

    def devices(self, key_ids: Sequence[bytes]) -> list[DeviceKey | None]:
        self.asked += len(key_ids)
        return super().devices(key_ids)


@pytest.mark.rule("DEV-1", "MEA-2")
@pytest.mark.parametrize("verifiers", [0, 1])
def test_an_ended_binding_is_seen_by_the_next_batch(tmp_path: Path, verifiers: int) -> None:
    directory = CountedDirectory()
    house = House(tmp_path / "log", directory, verifiers=verifiers)
    device, other = house.device("a"), house.device("b")
    with house.open() as node:
        for slot in range(2):
            answers = node.submit([device.reading(slot, slot + 1), other.reading(slot, slot + 1)])
            assert all(isinstance(answer, Accepted) for answer in answers)
        assert directory.asked == 2
        directory.keys[device.kid] = replace(directory.keys[device.kid], valid_until=START + 2 * 900)
        again, third, fine = node.submit([device.reading(1, 2), device.reading(2, 3), other.reading(2, 3)])
        assert isinstance(again, Accepted) and again.duplicate
        assert isinstance(third, Refused) and third.violation.rule == "DEV-1"
        assert isinstance(fine, Accepted)
        assert directory.asked == 3  # only the key that had changed


@pytest.mark.rule("DEV-1", "MEA-2")
@pytest.mark.parametrize("verifiers", [0, 1])
def test_a_key_that_is_bound_later_is_found(tmp_path: Path, verifiers: int) -> None:
    house = House(tmp_path / "log", verifiers=verifiers)
    device = Device("a")
    with house.open() as node:
        (refused,) = node.submit([device.reading(0, 1)])
        assert isinstance(refused, Refused) and refused.violation.field == "kid"
        house.directory.bind(device)
        (answer,) = node.submit([device.reading(0, 1)])
        assert isinstance(answer, Accepted)


@pytest.mark.rule("DEV-1")
def test_changes_of_several_editions_add_up() -> None:
    directory = Directory()
    feed = KeyFeed(directory)
    editions = [feed.edition()]
    devices = [Device(name) for name in "abc"]
    for device in devices:
        directory.bind(device)
        editions.append(feed.edition())
    assert editions == sorted(set(editions)) and feed.edition() == editions[-1]
    assert feed.changed(editions[1], editions[3]) == {devices[1].kid, devices[2].kid}
    assert feed.changed(editions[3], editions[3]) == set()


@pytest.mark.rule("DEV-1")
def test_what_cannot_be_told_is_any_key(monkeypatch: pytest.MonkeyPatch) -> None:
    directory = Directory()
    feed = KeyFeed(directory)
    first = feed.edition()
    monkeypatch.setattr(directory, "changed_since", lambda version: None)
    directory.bind(Device("a"))
    monkeypatch.undo()
    unknown = feed.edition()
    assert feed.changed(first, unknown) is not None
    monkeypatch.setattr(directory, "changed_since", lambda version: None)
    directory.bind(Device("b"))
    gone = feed.edition()
    assert feed.changed(unknown, gone) is None
    monkeypatch.undo()
    for number in range(70):
        directory.bind(Device(f"c{number}"))
        last = feed.edition()
    assert feed.changed(gone, last) is None, "a book that missed too many changes begins anew"


@pytest.mark.rule("DEV-1")
def test_a_book_is_bounded_and_forgets() -> None:
    directory, book = Directory(), KeyBook(3)
    keys = [directory.keys[directory.bind(Device(str(number))).kid] for number in range(5)]
    ids = [key.key_id for key in keys]
    beyond = book.learn([None, *keys])
    assert len(book) == 3 and set(beyond) == set(ids[3:])
    assert book.unknown([*ids, ids[4]]) == ids[3:]
    book.forget([ids[0]])
    assert book.get(ids[0]) is None and book.get(ids[1]) is not None
    book.forget(None)
    assert len(book) == 0


@pytest.mark.rule("MEA-2")
def test_a_key_off_the_curve_verifies_nothing() -> None:
    book = KeyBook(3)
    assert book.learn([DeviceKey(b"k" * 32, b"p" * 32, b"\x04" + bytes(64), 0, 1)]) == {}
    assert len(book) == 0
