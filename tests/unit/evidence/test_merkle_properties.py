"""The log's tree against the recursive definition of RFC 9162, for any size and position."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from registry.domain.errors import RuleViolation
from registry.evidence import merkle
from registry.evidence.tiles import (
    TILE_WIDTH,
    TileBuilder,
    TileName,
    entry_bundle,
    index_path,
    node_reader,
    split_entry_bundle,
    split_tile,
    tiles_for_growth,
)

pytestmark = pytest.mark.rule("LOG-1")
SIZES = st.integers(0, 300)


def leaves_of(size: int) -> list[bytes]:
    return [merkle.leaf_hash(index.to_bytes(4, "big")) for index in range(size)]


LEAVES = leaves_of(70_000)


def naive_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def reader_of(leaves: list[bytes]) -> merkle.NodeReader:
    def read(level: int, index: int) -> bytes:
        below = leaves[index << level : (index + 1) << level]
        assert len(below) == 1 << level, "asked for a node that is not complete"
        return naive_root(below)

    return read


@given(SIZES)
def test_root_is_the_recursive_definition(size: int) -> None:
    leaves = LEAVES[:size]
    frontier = merkle.Frontier()
    frontier.extend(leaves)
    assert frontier.root() == merkle.tree_root(size, reader_of(leaves)) == naive_root(leaves)
    assert merkle.Frontier.read(size, reader_of(leaves)).nodes == frontier.nodes


@given(SIZES, SIZES)
def test_a_resumed_tree_grows_like_one_that_never_stopped(first: int, more: int) -> None:
    stopped = merkle.Frontier()
    stopped.extend(LEAVES[:first])
    resumed = merkle.Frontier(stopped.size, stopped.nodes)
    resumed.extend(LEAVES[first : first + more])
    assert (resumed.size, resumed.root()) == (first + more, naive_root(LEAVES[: first + more]))


def test_a_frontier_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(RuleViolation, match="nodes"):
        merkle.Frontier(3, [bytes(32)])


@given(SIZES.filter(bool), st.data())
def test_inclusion_proves_its_leaf_and_no_other(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = LEAVES[:size]
    path, root = merkle.inclusion_proof(index, size, reader_of(leaves)), naive_root(leaves)
    merkle.verify_inclusion(leaves[index], index, size, path, root)
    with pytest.raises(RuleViolation):
        merkle.verify_inclusion(LEAVES[size], index, size, path, root)
    if size > 1:
        with pytest.raises(RuleViolation):
            merkle.verify_inclusion(leaves[index], (index + 1) % size, size, path, root)
    with pytest.raises(RuleViolation):
        merkle.verify_inclusion(leaves[index], index, size, [*path, bytes(32)], root)
    if path:
        with pytest.raises(RuleViolation):
            merkle.verify_inclusion(leaves[index], index, size, path[:-1], root)
        at = data.draw(st.integers(0, len(path) - 1))
        with pytest.raises(RuleViolation):
            merkle.verify_inclusion(
                leaves[index], index, size, [*path[:at], bytes(32), *path[at + 1 :]], root
            )


@given(SIZES, SIZES, st.data())
def test_consistency_proves_a_prefix_and_no_fork(old: int, more: int, data: st.DataObject) -> None:
    new = old + more
    old_root, new_root = naive_root(LEAVES[:old]), naive_root(LEAVES[:new])
    path = merkle.consistency_proof(old, new, reader_of(LEAVES[:new]))
    merkle.verify_consistency(old, new, old_root, new_root, path)
    with pytest.raises(RuleViolation):
        merkle.verify_consistency(old, new, bytes(32), new_root, path)
    with pytest.raises(RuleViolation):
        merkle.verify_consistency(old, new, old_root, new_root, [*path, bytes(32)])
    if old:
        with pytest.raises(RuleViolation):
            merkle.verify_consistency(old, new, old_root, bytes(32), path)
    if path:
        with pytest.raises(RuleViolation):
            merkle.verify_consistency(old, new, old_root, new_root, path[:-1])
        at = data.draw(st.integers(0, len(path) - 1))
        with pytest.raises(RuleViolation):
            merkle.verify_consistency(old, new, old_root, new_root, [*path[:at], bytes(32), *path[at + 1 :]])


@given(st.integers(2, 300), st.data())
def test_a_log_that_changed_an_entry_cannot_prove_consistency(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new - 1))
    changed = data.draw(st.integers(0, old - 1))
    forked = [*LEAVES[:changed], LEAVES[-1], *LEAVES[changed + 1 : new]]
    path = merkle.consistency_proof(old, new, reader_of(forked))
    with pytest.raises(RuleViolation):
        merkle.verify_consistency(old, new, naive_root(LEAVES[:old]), naive_root(forked), path)


@pytest.mark.parametrize(
    "call",
    [
        lambda: merkle.inclusion_proof(5, 5, reader_of([])),
        lambda: merkle.inclusion_proof(-1, 5, reader_of([])),
        lambda: merkle.root_from_inclusion(bytes(32), 0, 0, []),
        lambda: merkle.root_from_inclusion(bytes(32), 0, 2, [bytes(31)]),
        lambda: merkle.consistency_proof(3, 2, reader_of([])),
        lambda: merkle.verify_consistency(1, 2**63, bytes(32), bytes(32), []),
    ],
)
def test_positions_outside_the_tree_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(RuleViolation):
        call()


# ------------------------------------------------------------------------------------------------------ tiles


@pytest.mark.parametrize(
    ("index", "path"),
    [
        (0, "000"), (67, "067"), (999, "999"), (1000, "x001/000"), (1_234_067, "x001/x234/067"),
        (1_000_000, "x001/x000/000"),
    ],
)  # fmt: skip
def test_tile_numbers_as_paths(index: int, path: str) -> None:
    assert index_path(index) == path
    assert TileName(3, index).path == f"tile/3/{path}"
    assert TileName(0, index, 5).path == f"tile/0/{path}.p/5"
    assert TileName(0, index, 255).entries_path == f"tile/entries/{path}.p/255"


def test_tiles_of_a_log_of_70000() -> None:
    tiles = list(tiles_for_growth(0, 70_000))
    assert [name for name in tiles if name.level == 0] == [
        *(TileName(0, index) for index in range(273)), TileName(0, 273, 112),
    ]  # fmt: skip
    assert [name for name in tiles if name.level] == [TileName(1, 0), TileName(1, 1, 17), TileName(2, 0, 1)]
    assert list(tiles_for_growth(0, 256)) == [TileName(0, 0), TileName(1, 0, 1)]
    assert list(tiles_for_growth(70_000, 70_000)) == []


@given(st.lists(st.integers(0, 700), min_size=1, max_size=6), st.data())
def test_tiles_hold_what_proofs_need(steps: list[int], data: st.DataObject) -> None:
    """However the log grew, and wherever it was stopped and resumed, its files give the roots and proofs of
    every checkpoint.
    """
    files: dict[TileName, bytes] = {}
    builder, size = TileBuilder(), 0
    for step in steps:
        written = builder.extend(LEAVES[size : size + step])
        names = [name for name, _ in written]
        assert sorted(names) == sorted(tiles_for_growth(size, size + step))
        files |= dict(written)
        size += step
        assert builder.size == size
        builder = _resumed(files, size)
    reader = node_reader(lambda: size, files.__getitem__)
    assert merkle.tree_root(size, reader) == naive_root(LEAVES[:size])
    if size:
        index = data.draw(st.integers(0, size - 1))
        path = merkle.inclusion_proof(index, size, reader)
        merkle.verify_inclusion(LEAVES[index], index, size, path, naive_root(LEAVES[:size]))


def _resumed(files: dict[TileName, bytes], size: int) -> TileBuilder:
    """A builder as a restarted log makes it: from the partial tiles of its last checkpoint."""
    open_tiles, rest = [], size
    while rest:
        rest, width = divmod(rest, TILE_WIDTH)
        open_tiles.append(files[TileName(len(open_tiles), rest, width)] if width else b"")
    return TileBuilder(size, open_tiles)


def test_large_tree_through_three_levels_of_tiles() -> None:
    files = dict(TileBuilder().extend(LEAVES))
    reader = node_reader(lambda: len(LEAVES), files.__getitem__)
    assert merkle.tree_root(len(LEAVES), reader) == naive_root(LEAVES)
    assert split_tile(files[TileName(1, 0)])[0] == naive_root(LEAVES[:256])


def test_a_tile_of_the_wrong_length_is_refused() -> None:
    reader = node_reader(lambda: 2, lambda name: bytes(32))
    with pytest.raises(RuleViolation, match="tile/0/000"):
        reader(0, 1)
    with pytest.raises(RuleViolation, match="open tile 0"):
        TileBuilder(2, [bytes(32)])


@given(st.lists(st.binary(max_size=300), max_size=20), st.data())
def test_entry_bundles(entries: list[bytes], data: st.DataObject) -> None:
    bundle = entry_bundle(entries)
    assert split_entry_bundle(bundle) == entries
    cut = data.draw(st.integers(0, len(bundle)))
    ends = {len(entry_bundle(entries[:count])) for count in range(len(entries) + 1)}
    assume(cut not in ends)
    with pytest.raises(RuleViolation):
        split_entry_bundle(bundle[:cut])


def test_an_entry_too_long_for_a_bundle_is_refused() -> None:
    with pytest.raises(RuleViolation, match="65536 bytes"):
        entry_bundle([bytes(65_536)])
