"""A front and its log over one pipe: keys learned beforehand, changes of bindings (MEA-2, DEV-1)."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from registry.log.fronts import Front, LogLost
from registry.ports import Accepted, Answer, DeviceKey, Refused
from tests.unit.log.log_house import START, Directory, House


class Silent(Directory):
    """Lists keys and answers no question."""

    def devices(self, key_ids: Sequence[bytes]) -> list[DeviceKey | None]:
        raise AssertionError("asked for what was learned")


@contextmanager
def front_of(house: House) -> Iterator[Front]:
    with house.open() as node:
        pipe, child = multiprocessing.Pipe()
        thread = Thread(target=node.fronts.serve, args=(pipe,))
        thread.start()
        try:
            yield Front(child, node.fronts.settings(), house.clock)
        finally:
            child.close()
            thread.join()


def answer(front: Front, data: bytes) -> Answer:
    return asyncio.run(front.submit([data]))[0]


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path, Silent())
    house.clock.seconds += 40 * 900
    return house


@pytest.mark.rule("DEV-1")
def test_keys_are_learned_before_anybody_signs(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.log.fronts._LEARN", 3)
    devices = [house.device(f"d{number}") for number in range(6)]  # two whole pages
    with front_of(house) as front:
        front.learn_keys()
        for number, device in enumerate(devices):
            taken = answer(front, device.reading())
            assert isinstance(taken, Accepted) and taken.index == number


@pytest.mark.rule("DEV-1", "MEA-2")
def test_what_was_learned_is_forgotten_when_it_changes(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.clock.seconds += 40 * 900
    a, b = house.device("a"), house.device("b")
    with front_of(house) as front:
        front.learn_keys()
        house.device("b", valid_until=START)
        refused = answer(front, b.reading())
        assert isinstance(refused, Refused) and refused.violation.rule == "DEV-1"
        assert isinstance(answer(front, a.reading()), Accepted)


@pytest.mark.rule("MEA-3")
def test_a_front_without_its_log_says_so(house: House) -> None:
    with front_of(house) as front:
        pass
    with pytest.raises(LogLost, match="send again once the node is back"):
        front.learn_keys()
