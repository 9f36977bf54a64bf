"""The Merkle tree of RFC 9162 section 2.1 over SHA-256: hashing, proofs and their verification (LOG-1).

A *node* ``(level, index)`` is the root of the perfect subtree over the leaves ``[index << level, (index + 1)
<< level)``; such hashes never change once their leaves exist, so they are what a log stores. Proofs are made
from a reader of them and checked without one. Indices and sizes count leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import sha256
from typing import Final

from registry.domain.errors import RuleViolation

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = sha256(b"").digest()
SIZE_MAX: Final = 2**63 - 1

NodeReader = Callable[[int, int], bytes]
"""Gives the hash of the node ``(level, index)``; asked only for nodes that are complete in the tree at
hand.
"""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a log entry: SHA-256 of ``00 || entry``."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256 of ``01 || left || right``."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree that only grows, kept as the roots of its perfect subtrees from left to right: at most 63
    hashes.

    ``Frontier(size, nodes)`` resumes one; ``nodes`` has one hash per set bit of ``size``, the largest subtree
    first.
    """

    __slots__ = ("_nodes", "_size")

    def __init__(self, size: int = 0, nodes: Sequence[bytes] = ()) -> None:
        if len(nodes) != size.bit_count():
            raise RuleViolation(
                rule="LOG-1",
                field="nodes",
                found=f"{len(nodes)} hashes",
                allowed=f"{size.bit_count()} for a size of {size}",
            )
        self._size = size
        self._nodes = list(nodes)

    @classmethod
    def read(cls, size: int, reader: NodeReader) -> Frontier:
        """The frontier of a stored tree of ``size`` leaves."""
        nodes, start = [], 0
        for level in range(size.bit_length() - 1, -1, -1):
            if size >> level & 1:
                nodes.append(reader(level, start >> level))
                start += 1 << level
        return cls(size, nodes)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    @property
    def nodes(self) -> tuple[bytes, ...]:
        """Roots of the perfect subtrees, the largest first."""
        return tuple(self._nodes)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        nodes, carry = self._nodes, self._size
        while carry & 1:
            leaf = node_hash(nodes.pop(), leaf)
            carry >>= 1
        nodes.append(leaf)
        self._size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves so far; of none, the hash of the empty string."""
        if not self._nodes:
            return EMPTY_ROOT
        root = self._nodes[-1]
        for node in reversed(self._nodes[:-1]):
            root = node_hash(node, root)
        return root


def tree_root(size: int, reader: NodeReader) -> bytes:
    """The root of the first ``size`` leaves of a stored tree."""
    return _range_root(reader, 0, size) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, reader: NodeReader) -> list[bytes]:
    """The audit path of leaf ``index`` in the tree of ``size`` leaves, from the leaf upwards (RFC 9162
    section 2.1.3.1).
    """
    _check_index(index, size)
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range_root(reader, middle, end))
            end = middle
        else:
            path.append(_range_root(reader, start, middle))
            start = middle
    path.reverse()
    return path


def consistency_proof(old_size: int, new_size: int, reader: NodeReader) -> list[bytes]:
    """The proof that the tree of ``old_size`` leaves is a prefix of that of ``new_size`` (RFC 9162 section
    2.1.4.1).

    Empty for equal sizes and for an empty old tree, which is a prefix of every tree.
    """
    _check_sizes(old_size, new_size)
    if old_size in (0, new_size):
        return []
    start, end, path, on_left_edge = 0, new_size, [], True
    while old_size != end:
        middle = start + _split(end - start)
        if old_size <= middle:
            path.append(_range_root(reader, middle, end))
            end = middle
        else:
            path.append(_range_root(reader, start, middle))
            start, on_left_edge = middle, False
    if not on_left_edge:
        path.append(_range_root(reader, start, end))
    path.reverse()
    return path


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """The root that ``path`` leads to from the leaf hash ``leaf`` at ``index`` (RFC 9162 section 2.1.3.2).

    Raises :class:`RuleViolation` (LOG-1) if the path has not exactly the length the position asks for.
    """
    _check_index(index, size)
    _check_hashes(path)
    root, position, last = leaf, index, size - 1
    for node in path:
        if last == 0:
            raise _length_violation(path, index, size)
        if position & 1 or position == last:
            root = node_hash(node, root)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            root = node_hash(root, node)
        position >>= 1
        last >>= 1
    if last:
        raise _length_violation(path, index, size)
    return root


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash stands at ``index`` in the tree of ``size`` leaves with ``root`` (LOG-1).

    Raises :class:`RuleViolation` (LOG-1) with both roots if it does not.
    """
    found = root_from_inclusion(leaf, index, size, path)
    if found != root:
        raise RuleViolation(rule="LOG-1", field="root", found=found.hex(), allowed=root.hex())


def verify_consistency(
    old_size: int, new_size: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that nothing below ``old_size`` changed while the log grew (LOG-1; RFC 9162 section 2.1.4.2).

    Raises :class:`RuleViolation` (LOG-1): field ``proof`` for a path of a wrong length, ``old_root`` or
    ``new_root`` for one that leads elsewhere.
    """
    _check_sizes(old_size, new_size)
    _check_hashes(path)
    # 1. nothing to prove: equal trees, or an empty old one
    if old_size in (0, new_size):
        if path:
            raise _proof_violation(f"{len(path)} hashes", "an empty path")
        expected = EMPTY_ROOT if old_size == 0 else new_root
        _check_root("old_root", old_root, expected)
        return
    # 2. where old_size is a power of two its root is itself the first node
    nodes = list(path) if old_size.bit_count() != 1 else [old_root, *path]
    if not nodes:
        raise _proof_violation("an empty path", "at least one hash")
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    # 3. climb to both roots at once
    old_found = new_found = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            raise _proof_violation(f"{len(path)} hashes", "fewer")
        if position & 1 or position == last:
            old_found, new_found = node_hash(node, old_found), node_hash(node, new_found)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new_found = node_hash(new_found, node)
        position >>= 1
        last >>= 1
    if last:
        raise _proof_violation(f"{len(path)} hashes", "more")
    _check_root("old_root", old_root, old_found)
    _check_root("new_root", new_root, new_found)


def _split(count: int) -> int:
    """The largest power of two smaller than ``count`` (``count`` > 1)."""
    return 1 << (count - 1).bit_length() - 1


def _range_root(reader: NodeReader, start: int, end: int) -> bytes:
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return reader(level, start >> level)
    middle = start + _split(count)
    return node_hash(_range_root(reader, start, middle), _range_root(reader, middle, end))


def _check_index(index: int, size: int) -> None:
    if not 0 < size <= SIZE_MAX:
        raise RuleViolation(rule="LOG-1", field="size", found=size, allowed=f"1 .. {SIZE_MAX}")
    if not 0 <= index < size:
        raise RuleViolation(rule="LOG-1", field="index", found=index, allowed=f"0 .. {size - 1}")


def _check_sizes(old_size: int, new_size: int) -> None:
    if not 0 <= new_size <= SIZE_MAX:
        raise RuleViolation(rule="LOG-1", field="new_size", found=new_size, allowed=f"0 .. {SIZE_MAX}")
    if not 0 <= old_size <= new_size:
        raise RuleViolation(rule="LOG-1", field="old_size", found=old_size, allowed=f"0 .. {new_size}")


def _check_hashes(path: Sequence[bytes]) -> None:
    for node in path:
        if len(node) != HASH_BYTES:
            raise _proof_violation(f"a hash of {len(node)} bytes", f"hashes of {HASH_BYTES} bytes")


def _check_root(field: str, stated: bytes, computed: bytes) -> None:
    if stated != computed:
        raise RuleViolation(rule="LOG-1", field=field, found=stated.hex(), allowed=computed.hex())


def _proof_violation(found: str, allowed: str) -> RuleViolation:
    return RuleViolation(rule="LOG-1", field="proof", found=found, allowed=allowed)


def _length_violation(path: Sequence[bytes], index: int, size: int) -> RuleViolation:
    return _proof_violation(f"{len(path)} hashes", f"the path length of leaf {index} in a tree of {size}")
