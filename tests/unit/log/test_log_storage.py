"""Files, restart, healing, locks: the log on the disk (LOG-1, MEA-3)."""

from __future__ import annotations

import errno
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from registry.domain.errors import RuleViolation
from registry.evidence import merkle
from registry.evidence.checkpoints import open_checkpoint
from registry.evidence.tiles import TILE_WIDTH
from registry.log import AccessNode, check_folder
from registry.log import files as log_files
from registry.log import sequencer as log_sequencer
from registry.ports import Accepted, AlreadyInUse, DatabaseCorrupted, DiskFull
from tests.unit.log.log_house import ORIGIN, House


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "log")
    house.clock.seconds += 1000 * 900
    return house


FullDisk = Callable[[], AbstractContextManager[threading.Semaphore]]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> FullDisk:
    """While it is entered no file can be written; gives how often that was tried."""

    @contextmanager
    def full() -> Iterator[threading.Semaphore]:
        tried = threading.Semaphore(0)

        def refuse(handle: int, data: bytes) -> int:
            tried.release()
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(log_files.os, "write", refuse)
            yield tried

    return full


def wait_for(reached: Callable[[], bool], timeout_s: float = 60) -> bool:
    """Whether something is reached in time."""
    end = time.monotonic() + timeout_s
    while not reached():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def fill(house: House, node: AccessNode, count: int, name: str = "a", batch: int = 100) -> list[Accepted]:
    """Log ``count`` readings of a device, in batches."""
    device = house.device(name)
    readings = [device.reading(slot, slot + 1) for slot in range(count)]
    answers = [answer for at in range(0, count, batch) for answer in node.submit(readings[at : at + batch])]
    # each answer's receipt is asked for here: the log makes it while it is open
    assert all(isinstance(answer, Accepted) and answer.receipt for answer in answers)
    return [answer for answer in answers if isinstance(answer, Accepted)]


def reference_root(node: AccessNode, size: int) -> bytes:
    """The root by the recursive definition of RFC 9162 section 2.1.1."""

    def root(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return leaves[0]
        split = 1 << (len(leaves) - 1).bit_length() - 1
        return merkle.node_hash(root(leaves[:split]), root(leaves[split:]))

    return root([merkle.leaf_hash(node.entry(index)) for index in range(size)])


@pytest.mark.rule("LOG-1")
def test_folder_is_laid_out_as_tlog_tiles(house: House) -> None:
    with house.open() as node:
        fill(house, node, 600)
        head, key = node.checkpoint(), node.note_key
        assert head.root == reference_root(node, 600)
        assert node.log_id.hex() == __import__("hashlib").sha256(ORIGIN.encode()).hexdigest()
    tree = house.folder / "tree"
    assert (tree / "checkpoint").read_bytes() == head.note
    assert open_checkpoint(head.note, key).size == 600
    found = {str(path.relative_to(tree)) for path in tree.rglob("*") if path.is_file()}
    assert {"tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"} <= found
    assert {"tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"} <= found
    assert not any(name.startswith(("tile/0/000.p", "tile/0/001.p", "tile/entries/000.p")) for name in found)
    assert not any(name.endswith(".new") for name in found)
    assert (tree / "tile/0/000").stat().st_size == TILE_WIDTH * 32
    assert check_folder(tree, key).sound


@pytest.mark.rule("LOG-1")
@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 512, 513])
def test_proofs_at_every_size_lead_to_the_root(house: House, size: int) -> None:
    with house.open() as node:
        fill(house, node, size, batch=37)
        head = node.checkpoint()
        for index in {0, size // 3, size // 2, size - 1}:
            leaf = merkle.leaf_hash(node.entry(index))
            merkle.verify_inclusion(leaf, index, size, node.inclusion_proof(index, size), head.root)
        for old in range(37, size, 37):
            merkle.verify_consistency(
                old, size, node.checkpoint_at(old).root, head.root, node.consistency_proof(old, size)
            )


@pytest.mark.rule("LOG-1")
def test_places_that_are_not_there_are_named(house: House) -> None:
    with house.open() as node:
        fill(house, node, 3)
        for ask in (
            lambda: node.entry(3),
            lambda: node.receipt(3),
            lambda: node.receipt(-1),
            lambda: node.inclusion_proof(3, 3),
            lambda: node.inclusion_proof(0, 4),
            lambda: node.consistency_proof(2, 4),
            lambda: node.checkpoint_at(2),
        ):
            with pytest.raises(RuleViolation, match="LOG-1"):
                ask()


@pytest.mark.rule("MEA-3")
def test_an_empty_log_has_a_head_too(house: House) -> None:
    with house.open() as node:
        assert (node.checkpoint().size, node.checkpoint().root) == (0, merkle.EMPTY_ROOT)
    assert check_folder(house.folder / "tree").sound


@pytest.mark.rule("MEA-3")
@pytest.mark.parametrize("size", [5, 256, 300])
def test_a_restart_changes_nothing(house: House, size: int) -> None:
    with house.open() as node:
        answers, head = fill(house, node, size), node.checkpoint()
    with house.open() as node:
        assert node.checkpoint() == head
        assert [node.receipt(answer.index) for answer in answers] == [answer.receipt for answer in answers]
        fill(house, node, 10, "b")
        assert node.checkpoint().root == reference_root(node, size + 10)


@pytest.mark.rule("MEA-3", "LOG-1")
@pytest.mark.parametrize(
    "damage", ["no tree", "no tiles", "tile gone", "tile cut", "tile changed", "bundle gone", "old tree"]
)
def test_files_behind_the_database_are_derived_again(house: House, damage: str) -> None:
    tree, old = house.folder / "tree", house.folder.parent / "old tree"
    with house.open() as node:
        fill(house, node, 270, "a")
        shutil.copytree(tree, old)
        fill(house, node, 270, "b")
        head = node.checkpoint()
    whole = {path.relative_to(tree): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    match damage:
        case "no tree":
            shutil.rmtree(tree)
        case "no tiles":
            shutil.rmtree(tree / "tile")
        case "tile gone":
            (tree / "tile/0/002.p/28").unlink()
        case "tile cut":
            (tree / "tile/0/002.p/28").write_bytes(b"")
        case "tile changed":
            (tree / "tile/1/000.p/2").write_bytes(bytes(64))
        case "bundle gone":
            (tree / "tile/entries/002.p/28").unlink()
        case "old tree":
            shutil.rmtree(tree)
            shutil.copytree(old, tree)
    with house.open() as node:
        assert node.checkpoint() == head
        assert check_folder(tree, node.note_key).sound
    now = {path.relative_to(tree): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    assert {name: now[name] for name in whole if name in now} == {
        name: whole[name] for name in whole if name in now
    }
    names = {name for name in whole if ".p" not in str(name)} | {
        Path("tile/0/002.p/28"),
        Path("tile/entries/002.p/28"),
    }
    assert names <= set(now)


@pytest.mark.rule("MEA-3", "LOG-1")
def test_an_old_database_is_refused_so_that_no_size_gets_a_second_root(house: House) -> None:
    backup = house.folder.parent / "backup.sqlite"
    with house.open() as node:
        fill(house, node, 5, "a")
    shutil.copy(house.folder / "log.sqlite", backup)
    with house.open() as node:
        fill(house, node, 5, "b")
    shutil.copy(backup, house.folder / "log.sqlite")
    with pytest.raises(DatabaseCorrupted, match="size 10"):
        house.open()


@pytest.mark.rule("MEA-3")
@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM entries WHERE first = 0",
        "UPDATE checkpoints SET root = zeroblob(32) WHERE size = 5",
        "PRAGMA user_version = 99",
    ],
)
def test_a_damaged_database_is_named(house: House, damage: str) -> None:
    with house.open() as node:
        fill(house, node, 5)
    db = sqlite3.connect(house.folder / "log.sqlite", isolation_level=None)
    db.execute(damage)
    db.close()
    with pytest.raises(DatabaseCorrupted, match=r"log\.sqlite"):
        house.open()
    # the lock is free again
    with pytest.raises(DatabaseCorrupted):
        house.open()


def test_a_file_that_is_no_database_is_named(house: House) -> None:
    house.folder.mkdir(parents=True)
    (house.folder / "log.sqlite").write_bytes(b"no database " * 100)
    with pytest.raises(DatabaseCorrupted, match=r"log\.sqlite"):
        house.open()


def test_another_logs_checkpoint_is_not_overwritten(house: House) -> None:
    with house.open() as node:
        fill(house, node, 2)
    checkpoint = house.folder / "tree/checkpoint"
    checkpoint.write_bytes(checkpoint.read_bytes().replace(ORIGIN.encode(), b"another.log", 1))
    with pytest.raises(DatabaseCorrupted, match="not this log's"):
        house.open()


@pytest.mark.rule("MEA-3")
def test_one_process_per_log(house: House) -> None:
    with house.open(), pytest.raises(AlreadyInUse, match="held by process"):
        house.open()
    house.open().close()


@pytest.mark.rule("MEA-3")
def test_files_wait_for_a_full_disk_while_the_log_goes_on(house: House, full_disk: FullDisk) -> None:
    with house.open() as node:
        fill(house, node, 300)
        head, device = node.checkpoint(), house.device("b")
        with full_disk():
            (answer,) = node.submit([device.reading(0, 1)])
            assert isinstance(answer, Accepted) and answer.index == 300
            with pytest.raises(DiskFull, match="no space left"):
                node.checkpoint()
            assert (node.size, house.published()) == (301, head.note)
            assert house.checked_size(node) == 300
        assert node.checkpoint().root == reference_root(node, 301)
        assert house.checked_size(node) == 301
        assert node.receipt(300) == answer.receipt


@pytest.mark.rule("MEA-3", "LOG-1")
def test_statements_are_refused_whole_once_too_many_wait_for_their_files(
    house: House, full_disk: FullDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_sequencer, "_UNWRITTEN_MAX", 3)
    device = house.device("a")
    with house.open() as node:
        with full_disk():
            node.submit([device.reading(slot, slot + 1) for slot in range(4)])
            with pytest.raises(DiskFull, match="no space left"):
                node.submit([device.reading(4, 5)])
            assert (node.size, node.waiting) == (4, 0)
        first, again = node.submit([device.reading(4, 5), device.reading(0, 1)])
        assert isinstance(first, Accepted) and isinstance(again, Accepted)
        assert (first.index, first.duplicate, again.index, again.duplicate) == (4, False, 0, True)
        # what waited was written before, what came last is still ahead of its files
        assert house.checked_size(node) == 4


@pytest.mark.rule("LOG-1")
def test_files_follow_without_being_asked(house: House, full_disk: FullDisk) -> None:
    house.publish_every_s = 0.01
    device = house.device("a")
    with house.open() as node:
        with full_disk() as refused:
            node.submit([device.reading(0, 1)])
            assert refused.acquire(timeout=60) and refused.acquire(timeout=60)  # tried, and again
        assert wait_for(lambda: house.published() == node.checkpoint_at(1).note)
        node.submit([device.reading(1, 2)])
        assert wait_for(lambda: house.published() == node.checkpoint_at(2).note)
        assert house.checked_size(node) == 2


@pytest.mark.rule("LOG-1")
def test_many_commits_are_written_once(house: House) -> None:
    with house.open() as node:
        fill(house, node, 300, batch=10)
        assert not (house.folder / "tree" / "tile").exists() and node.unpublished == 300
        node.checkpoint()
        assert node.unpublished == 0
        tiles = {str(path.relative_to(house.folder / "tree")) for path in house.folder.rglob("tile/0/**/*")}
        assert tiles == {"tile/0/000", "tile/0/001.p", "tile/0/001.p/44"}


@pytest.mark.rule("LOG-1")
def test_proofs_do_not_depend_on_which_files_are_written(house: House) -> None:
    cuts = [1, 2, 255, 256, 257, 300, 511, 512, 700]
    device = house.device("a")
    with house.open() as node:
        for number, (start, end) in enumerate(pairwise([0, *cuts])):
            node.submit([device.reading(slot, slot + 1) for slot in range(start, end)])
            if number % 3 == 2:
                node.checkpoint()
        proofs = [
            (node.inclusion_proof(index, size), node.consistency_proof(size, 700))
            for size in cuts
            for index in {0, size // 2, size - 1}
        ]
        receipts = [node.receipt(index) for index in range(700)]
        node.checkpoint()
    with house.open() as node:
        assert receipts == [node.receipt(index) for index in range(700)]
        assert proofs == [
            (node.inclusion_proof(index, size), node.consistency_proof(size, 700))
            for size in cuts
            for index in {0, size // 2, size - 1}
        ]


@pytest.mark.rule("MEA-3", "LOG-1")
def test_many_threads_share_one_log(house: House) -> None:
    threads_count, each = 8, 25
    answers: dict[bytes, Accepted] = {}
    devices = [house.device(str(number)) for number in range(threads_count)]
    with house.open() as node:

        def work(number: int) -> None:
            for slot in range(each):
                statement = devices[number].reading(slot, slot + 1)
                (answer,) = node.submit([statement])
                assert isinstance(answer, Accepted) and not answer.duplicate
                answers[statement] = answer

        threads = [threading.Thread(target=work, args=(number,)) for number in range(threads_count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(answer.index for answer in answers.values()) == list(range(threads_count * each))
        assert all(node.entry(answer.index) == statement for statement, answer in answers.items())
        assert all(node.receipt(answer.index) == answer.receipt for answer in answers.values())
        assert check_folder(house.folder / "tree", node.note_key).sound
