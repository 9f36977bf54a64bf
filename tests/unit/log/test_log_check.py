"""A log folder is re-derived from its entries, and what differs is named (LOG-1)."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from registry.domain.errors import RuleViolation
from registry.evidence.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from registry.evidence.tiles import entry_bundle, split_entry_bundle
from registry.log import check_folder
from tests.unit.log.log_house import NOTE_KEY, ORIGIN, House

KEY = NoteKey(ORIGIN, NOTE_KEY.public_key().public_bytes_raw())
SIZE = 700


@pytest.fixture(scope="module")
def sound_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    house = House(tmp_path_factory.mktemp("check") / "log")
    house.clock.seconds += SIZE * 900
    device = house.device("a")
    with house.open() as node:
        for at in range(0, SIZE, 100):
            node.submit([device.reading(slot, slot + 1) for slot in range(at, at + 100)])
    return house.folder / "tree"


@pytest.fixture
def tree(sound_tree: Path, tmp_path: Path) -> Iterator[Path]:
    yield Path(shutil.copytree(sound_tree, tmp_path / "tree"))


def fields(tree: Path) -> list[str]:
    return [finding.field for finding in check_folder(tree, KEY).findings]


@pytest.mark.rule("LOG-1")
def test_a_sound_folder(tree: Path) -> None:
    steps: list[tuple[int, int]] = []
    report = check_folder(tree, KEY, lambda done, total: steps.append((done, total)))
    assert (report.sound, report.signed, report.checkpoint.size) == (True, True, SIZE)
    assert steps == [(256, SIZE), (512, SIZE), (SIZE, SIZE)]
    assert not check_folder(tree).signed


@pytest.mark.rule("LOG-1")
@pytest.mark.parametrize("index", [0, 255, 256, 511, 699])
def test_a_changed_entry_is_named(tree: Path, index: int) -> None:
    path = tree / "tile/entries" / ("002.p/188" if index >= 512 else f"{index // 256:03d}")
    entries = split_entry_bundle(path.read_bytes())
    entries[index % 256] = entries[index % 256][:-1] + bytes((entries[index % 256][-1] ^ 1,))
    path.write_bytes(entry_bundle(entries))
    assert fields(tree) == [f"entry {index}", "root"]


def change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)


@pytest.mark.rule("LOG-1")
@pytest.mark.parametrize(
    ("file", "damage", "expected"),
    [
        ("tile/0/000", change, ["entry 1", "tile/1/000.p/2, hash 0"]),
        ("tile/1/000.p/2", change, ["tile/1/000.p/2, hash 1"]),
        ("tile/0/001", Path.unlink, ["tile/0/001", "tile/1/000.p/2"]),
        ("tile/1/000.p/2", Path.unlink, ["tile/1/000.p/2"]),
        ("tile/entries/001", Path.unlink, ["tile/0/001"]),
        ("tile/entries/001", lambda path: path.write_bytes(b"\xff\xff"), ["tile/0/001"]),
    ],
)
def test_changed_and_missing_files_are_named(
    tree: Path, file: str, damage: Callable[[Path], object], expected: list[str]
) -> None:
    damage(tree / file)
    assert fields(tree) == expected


@pytest.mark.rule("LOG-1")
def test_a_checkpoint_with_another_root_or_by_another_key(tree: Path) -> None:
    (tree / "checkpoint").write_bytes(sign_checkpoint(Checkpoint(ORIGIN, SIZE, bytes(32)), NOTE_KEY))
    assert fields(tree) == ["root"]
    with pytest.raises(RuleViolation, match="LOG-1"):
        check_folder(tree, NoteKey(ORIGIN, bytes(32)))
    (tree / "checkpoint").unlink()
    with pytest.raises(RuleViolation, match="checkpoint"):
        check_folder(tree)
