"""The example log: entries, RFC 9162 trees and proofs over them; vectors of docs/formats/checkpoint.md."""

from __future__ import annotations

from typing import Any

from tests.vectors.making.payloads import READING, START
from tests.vectors.making.signing import sha256, statement

LEAVES = 13
ORIGIN = "example.org/flexledger/1"


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry)


def tree(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    k = split(len(leaves))
    return sha256(b"\x01" + tree(leaves[:k]) + tree(leaves[k:]))


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def inclusion(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*inclusion(m, leaves[:k]), tree(leaves[k:])]
    return [*inclusion(m - k, leaves[k:]), tree(leaves[:k])]


def consistency(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 9162 section 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [tree(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*consistency(m, leaves[:k], whole), tree(leaves[k:])]
    return [*consistency(m - k, leaves[k:], False), tree(leaves[:k])]


ENTRIES = [statement({**READING, 3: START + 900 * n, 5: n + 1, 6: 400 + n}) for n in range(LEAVES)]
LEAF_HASHES = [leaf_hash(entry) for entry in ENTRIES]


def merkle_vectors() -> dict[str, Any]:
    return {
        "entries": [entry.hex() for entry in ENTRIES],
        "leaf_hashes": [leaf.hex() for leaf in LEAF_HASHES],
        "roots": [tree(LEAF_HASHES[:size]).hex() for size in range(LEAVES + 1)],
        "inclusion": [
            {"index": m, "size": size, "path": [node.hex() for node in inclusion(m, LEAF_HASHES[:size])]}
            for size in (1, 2, 7, 8, LEAVES)
            for m in range(size)
        ],
        "consistency": [
            {"old": m, "new": size, "path": [node.hex() for node in consistency(m, LEAF_HASHES[:size])]}
            for size in (1, 2, 7, 8, LEAVES)
            for m in range(1, size + 1)
        ],
    }
