"""What the intake remembers of keys is bounded and never older than the directory (DEV-1)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from registry.evidence.es256 import load_public_key, public_key_bytes
from registry.log import AccessNode, LogSettings
from registry.log.keys import Bindings, PublicKeys
from registry.ports import Accepted, DeviceKey, Refused
from tests.unit.log.log_house import NOTE_KEY, ORIGIN, RECEIPT_KEY, START, Device, Directory, House


class CountedDirectory(Directory):
    """Counts how often it is asked."""

    asked = 0

    def device(self, key_id: bytes) -> DeviceKey | None:
        self.asked += 1
        return super().device(key_id)


@pytest.mark.rule("DEV-1", "MEA-2")
def test_an_ended_binding_is_seen_by_the_next_batch(tmp_path: Path) -> None:
    house, version = House(tmp_path / "log"), [1]
    house.directory = CountedDirectory()
    device = house.device("a")
    with AccessNode(
        house.folder,
        house.directory,
        house.directory,
        house.clock,
        NOTE_KEY,
        RECEIPT_KEY,
        LogSettings(ORIGIN),
        devices_version=lambda: version[0],
    ) as node:
        (first,) = node.submit([device.reading(0, 1)])
        (second,) = node.submit([device.reading(1, 2)])
        assert isinstance(first, Accepted) and isinstance(second, Accepted)
        assert house.directory.asked == 1
        house.directory.keys[device.kid] = replace(
            house.directory.keys[device.kid], valid_until=START + 2 * 900
        )
        version[0] = 2
        again, third = node.submit([device.reading(1, 2), device.reading(2, 3)])
        assert isinstance(again, Accepted) and again.duplicate
        assert isinstance(third, Refused) and third.violation.rule == "DEV-1"


@pytest.mark.rule("DEV-1")
def test_without_a_version_the_directory_is_asked_each_time() -> None:
    directory = CountedDirectory()
    device = directory.bind(Device("a"))
    bindings = Bindings(directory, None, 10)
    for count in (1, 2, 3):
        assert bindings.current()(device.kid) is directory.keys[device.kid]
        assert directory.asked == count


@pytest.mark.rule("DEV-1")
def test_a_question_of_an_older_version_leaves_nothing_behind() -> None:
    directory, version = Directory(), [1]
    device = directory.bind(Device("a"))
    bindings = Bindings(directory, lambda: version[0], 10)
    older = bindings.current()
    version[0] = 2
    newer = bindings.current()
    before = older(device.kid)  # fills the memory of version 1
    directory.keys[device.kid] = replace(directory.keys[device.kid], valid_until=1)
    assert before is not None and newer(device.kid) == directory.keys[device.kid]


@pytest.mark.rule("DEV-1")
def test_an_unknown_key_is_not_remembered_and_memory_is_bounded() -> None:
    directory = CountedDirectory()
    bindings = Bindings(directory, lambda: 1, 2)
    device = Device("a")
    assert bindings.current()(device.kid) is None
    directory.bind(device)
    assert bindings.current()(device.kid) is not None
    others = [directory.bind(Device(name)) for name in "bcd"]
    directory.asked = 0
    for _ in range(2):
        assert all(bindings.current()(other.kid) == directory.keys[other.kid] for other in others)
    assert directory.asked == 1 + 2 + 2  # b is kept, c and d are asked for


def test_parsed_keys_are_right_and_bounded() -> None:
    keys = PublicKeys(3)
    points = [public_key_bytes(Device(str(number)).key.public_key()) for number in range(8)]
    for point in points * 2:
        assert keys.get(point) == load_public_key(point)
        assert len(keys) <= 3
    first = keys.get(points[0])
    for point in points:
        keys.get(point)
    assert keys.get(points[0]) is first
