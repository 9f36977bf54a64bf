"""Tools that nobody here wrote check what the log says: receipts by scitt-cose, the tree by pymerkle.

They read the log's public folder and what its clients were answered, and share no code with the register.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pymerkle
import pytest
import scitt_cose
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from scitt_cose import merkle as scitt_merkle

from registry.evidence.es256 import load_public_key
from registry.log import AccessNode
from registry.ports import Accepted
from tests.unit.log.log_house import RECEIPT_KEY, House

SIZES = (1, 2, 3, 7, 255, 256, 257, 300, 530)
RECEIPTS: dict[str, Any] = json.loads(
    (Path(__file__).parents[1] / "vectors" / "receipts.json").read_text(encoding="utf-8")
)

pytestmark = pytest.mark.rule("LOG-1")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = House(tmp_path_factory.mktemp("outside") / "log")
    house.clock.seconds += SIZES[-1] * 900
    return house


@pytest.fixture(scope="module")
def answered(house: House) -> list[bytes]:
    """The receipts that a device was answered with, while the log went through `SIZES`; entry by entry."""
    device = house.device("a")
    receipts: list[bytes] = []
    with house.open() as node:
        for start, end in pairwise((0, *SIZES)):
            batch = node.submit([device.reading(slot, slot + 1) for slot in range(start, end)])
            for index, answer in enumerate(batch, start):
                assert isinstance(answer, Accepted) and answer.index == index
                receipts.append(answer.receipt)
    return receipts


@pytest.fixture
def node(house: House, answered: list[bytes]) -> Iterator[AccessNode]:
    with house.open() as node:
        yield node


@pytest.fixture(scope="module")
def entries(house: House, answered: list[bytes]) -> list[bytes]:
    """The log's entries, out of its bundles by the words of the page alone."""
    found: list[bytes] = []
    for path in ("000", "001", f"002.p/{SIZES[-1] - 512}"):
        bundle = (house.folder / "tree/tile/entries" / path).read_bytes()
        while bundle:
            length = int.from_bytes(bundle[:2])
            found.append(bundle[2 : 2 + length])
            bundle = bundle[2 + length :]
    assert len(found) == SIZES[-1]
    return found


@pytest.fixture(scope="module")
def tree(entries: list[bytes]) -> pymerkle.InmemoryTree:
    """The same entries in somebody else's tree."""
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    return tree


def pem(key: Any) -> bytes:
    return bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


# --------------------------------------------------------------------------------------------------- receipts


def test_receipts_verify(answered: list[bytes], entries: list[bytes], tree: pymerkle.InmemoryTree) -> None:
    for index, receipt in enumerate(answered):
        found = scitt_cose.verify_receipt(
            receipt,
            leaf_entry_hex=entries[index].hex(),
            log_public_key_pem=pem(RECEIPT_KEY.public_key()),
        )
        assert found.ok, found.errors
        size = next(size for size in SIZES if size > index)
        assert (found.leaf_index, found.tree_size) == (index, size)
        assert found.root == tree.get_root(size).hex()


def test_receipts_of_something_else_do_not(answered: list[bytes], entries: list[bytes]) -> None:
    receipt, key = answered[300], pem(RECEIPT_KEY.public_key())
    other_key = pem(House(Path()).device("a").key.public_key())
    for shown, entry, log_key in [
        (receipt, entries[301], key),
        (receipt, entries[300][:-1], key),
        (receipt, entries[300], other_key),
        (answered[299], entries[300], key),
        (receipt[:-1] + bytes((receipt[-1] ^ 1,)), entries[300], key),
    ]:
        found = scitt_cose.verify_receipt(shown, leaf_entry_hex=entry.hex(), log_public_key_pem=log_key)
        assert not found.ok


@pytest.mark.parametrize("vector", RECEIPTS["good"], ids=range(len(RECEIPTS["good"])))
def test_the_good_vectors_verify(vector: dict[str, Any]) -> None:
    key = load_public_key(bytes.fromhex(RECEIPTS["public_key"]))
    found = scitt_cose.verify_receipt(
        bytes.fromhex(vector["receipt"]), leaf_entry_hex=vector["entry"], log_public_key_pem=pem(key)
    )
    assert found.ok, found.errors
    assert (found.leaf_index, found.tree_size, found.root) == (
        vector["index"],
        vector["size"],
        vector["root"],
    )


# --------------------------------------------------------------------------------------------- tree and tiles


def test_every_published_root_is_that_of_the_entries(node: AccessNode, tree: pymerkle.InmemoryTree) -> None:
    for size in SIZES:
        assert node.checkpoint_at(size).root == tree.get_root(size)


def test_every_hash_in_the_tiles_is_that_of_the_entries(house: House, entries: list[bytes]) -> None:
    """Level 0 holds leaf hashes, level 1 the roots over 256 entries each."""
    tiles = house.folder / "tree" / "tile"
    level_0 = b"".join((tiles / "0" / name).read_bytes() for name in ("000", "001", "002.p/18"))
    assert level_0.hex() == "".join(scitt_merkle.leaf_hash(entry.hex()) for entry in entries)
    blocks = [[entry.hex() for entry in entries[start : start + 256]] for start in (0, 256)]
    assert (tiles / "1/000.p/2").read_bytes().hex() == "".join(map(scitt_merkle.merkle_root, blocks))


def test_inclusion_proofs_verify(node: AccessNode, tree: pymerkle.InmemoryTree, entries: list[bytes]) -> None:
    for size in SIZES:
        root = tree.get_root(size)
        for index in {0, size // 2, size - 1}:
            path = [each.hex() for each in node.inclusion_proof(index, size)]
            assert scitt_merkle.verify_inclusion(entries[index].hex(), index, size, path, root.hex())
            theirs = tree.prove_inclusion(index + 1, size)  # they count from one, and begin with the leaf
            assert path == [each.hex() for each in theirs.path[1:]]


def test_consistency_proofs_between_any_two_sizes_verify(
    node: AccessNode, tree: pymerkle.InmemoryTree
) -> None:
    for old in SIZES:
        for new in (size for size in SIZES if size >= old):
            path = [each.hex() for each in node.consistency_proof(old, new)]
            roots = tree.get_root(old).hex(), tree.get_root(new).hex()
            assert scitt_merkle.verify_consistency(*roots, old, new, path)
            if old < new:
                assert not scitt_merkle.verify_consistency(roots[1], roots[1], old, new, path)
