"""A crash at each single step to the disk, one after the other: nothing accepted is lost, nothing is there
twice (MEA-3).
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from registry.log import AccessNode, check_folder
from registry.log import files as log_files
from registry.log import tile_folder as log_tile_folder
from registry.ports import Accepted
from tests.unit.log.log_house import Device, House


class PowerCut(BaseException):
    """The process is gone."""


@contextmanager
def power_cut_at(monkeypatch: pytest.MonkeyPatch, step: int) -> Iterator[None]:
    """Fail before the disk's operation number ``step`` and at every one after it."""
    count = itertools.count(1)

    def cut(operation: Callable[..., Any]) -> Callable[..., Any]:
        def maybe(*arguments: Any, **named: Any) -> Any:
            if next(count) >= step:
                raise PowerCut
            return operation(*arguments, **named)

        return maybe

    with monkeypatch.context() as patch:
        patch.setattr(log_files.os, "write", cut(log_files.os.write))
        patch.setattr(log_files.os, "fsync", cut(lambda handle: None))
        patch.setattr(log_tile_folder.shutil, "rmtree", cut(log_tile_folder.shutil.rmtree))
        patch.setattr(Path, "replace", cut(Path.replace))
        yield


def submit_all(
    node: AccessNode, batches: list[list[bytes]], heads: dict[int, bytes]
) -> dict[bytes, Accepted]:
    """Submit batch by batch; returns what was answered, with every head that was seen in ``heads``."""
    answered = {}
    for batch in batches:
        for statement, answer in zip(batch, node.submit(batch), strict=True):
            assert isinstance(answer, Accepted) and answer.receipt
            answered[statement] = answer
        see(node, heads)
    return answered


def see(node: AccessNode, heads: dict[int, bytes]) -> None:
    head = node.checkpoint()
    assert heads.setdefault(head.size, head.root) == head.root


@pytest.mark.rule("MEA-3", "LOG-1")
def test_a_power_cut_before_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device("a")
    readings = [device.reading(slot, slot + 1) for slot in range(264)]
    # these batches fill a tile, so that a tile of the level above begins and partial ones go
    cuts = (250, 251, 252, 254, 257, 260, 264)
    first, batches = readings[:250], [readings[start:end] for start, end in itertools.pairwise(cuts)]
    heads: dict[int, bytes] = {}
    base = house_in(tmp_path / "base", device)
    with base.open() as node:
        before = submit_all(node, [first], heads)
    for step in itertools.count(1):
        house = house_in(Path(shutil.copytree(base.folder, tmp_path / str(step))), device)
        answered, cut = dict(before), False
        try:
            # when the process is gone nobody closes the log either
            with power_cut_at(monkeypatch, step), house.open() as node:
                key = node.note_key
                for batch in batches:
                    answered |= submit_all(node, [batch], heads)
        except PowerCut:
            cut = True
        # whoever reads the folder meanwhile finds a sound log, if an older one
        assert check_folder(house.folder / "tree", key).sound
        with house.open() as node:
            see(node, heads)
            for statement, answer in answered.items():
                assert node.entry(answer.index) == statement
            again = submit_all(node, batches, heads)
            for statement, answer in again.items():
                assert answer.duplicate or statement not in answered
                assert answer.receipt == answered.get(statement, answer).receipt
            assert sorted(answer.index for answer in (before | again).values()) == list(range(len(readings)))
            assert node.checkpoint().size == len(readings)
            assert check_folder(house.folder / "tree", node.note_key).sound
        shutil.rmtree(house.folder)
        if not cut:
            assert step > 40
            return


def house_in(folder: Path, device: Device) -> House:
    house = House(folder)
    house.clock.seconds += 300 * 900
    house.directory.bind(device)
    return house
