"""The log as static files: C2SP ``tlog-tiles`` (LOG-1). Names and bytes only; who writes them is the log's
business.

A *tile* holds up to 256 consecutive hashes of one tile level; hash ``i`` of level ``l`` is the node ``(8 * l,
i)`` of :mod:`registry.evidence.merkle`. Only the last tile of a level may be partial. An *entry bundle* holds
the entries below a level-0 tile, each behind its length as a big-endian 16-bit number. Byte format:
``docs/formats/checkpoint.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from registry.domain.errors import RuleViolation
from registry.evidence.merkle import HASH_BYTES, Frontier, NodeReader, node_hash

TILE_HEIGHT: Final = 8
TILE_WIDTH: Final = 1 << TILE_HEIGHT
ENTRY_BYTES_MAX: Final = 2**16 - 1


@dataclass(frozen=True, slots=True, order=True)
class TileName:
    """Which tile: its tile level, its index in the level and how many hashes it holds (1 .. 256)."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Path below the log's prefix, for instance ``tile/0/x001/067.p/5``."""
        return f"tile/{self.level}/{index_path(self.index)}{_partial_suffix(self.width)}"

    @property
    def entries_path(self) -> str:
        """Path of the entry bundle below a level-0 tile, for instance ``tile/entries/x001/067``."""
        return f"tile/entries/{index_path(self.index)}{_partial_suffix(self.width)}"


def index_path(index: int) -> str:
    """An index as path elements of three digits, all but the last marked with ``x``: 1234067 is
    ``x001/x234/067``.
    """
    if index < 0:
        raise RuleViolation(rule="LOG-1", field="tile index", found=index, allowed="0 or more")
    parts = [f"{index % 1000:03d}"]
    while index >= 1000:
        index //= 1000
        parts.append(f"x{index % 1000:03d}")
    return "/".join(reversed(parts))


def _partial_suffix(width: int) -> str:
    if not 1 <= width <= TILE_WIDTH:
        raise RuleViolation(rule="LOG-1", field="tile width", found=width, allowed=f"1 .. {TILE_WIDTH}")
    return "" if width == TILE_WIDTH else f".p/{width}"


def tiles_for_growth(old_size: int, new_size: int) -> Iterator[TileName]:
    """The tiles that a log of ``new_size`` leaves has and one of ``old_size`` has not, lowest level first."""
    level = 0
    while new_size:
        full, rest = divmod(new_size, TILE_WIDTH)
        for index in range(old_size // TILE_WIDTH, full):
            yield TileName(level, index)
        if rest and new_size != old_size:
            yield TileName(level, full, rest)
        old_size, new_size, level = old_size // TILE_WIDTH, full, level + 1


def tile_of_node(level: int, index: int, size: int) -> tuple[TileName, int, int]:
    """Where the node ``(level, index)`` of a tree of ``size`` leaves is found: tile, first hash in it, number
    of hashes to fold.
    """
    tile_level, height = divmod(level, TILE_HEIGHT)
    first = index << height
    tile_index, offset = divmod(first, TILE_WIDTH)
    width = min(TILE_WIDTH, (size >> TILE_HEIGHT * tile_level) - tile_index * TILE_WIDTH)
    return TileName(tile_level, tile_index, width), offset, 1 << height


def node_reader(
    size: Callable[[], int], read_tile: Callable[[TileName], bytes], tiles_kept: int = 64
) -> NodeReader:
    """A reader of the nodes of a tree out of its tiles; the newest ``tiles_kept`` are kept with all their
    nodes.

    ``size`` gives the tree's leaves, ``read_tile`` a tile's bytes. Raises :class:`RuleViolation` (LOG-1)
    for a tile of a wrong length.
    """

    @lru_cache(tiles_kept)
    def levels(name: TileName) -> list[list[bytes]]:
        tile = read_tile(name)
        if len(tile) != name.width * HASH_BYTES:
            raise RuleViolation(
                rule="LOG-1",
                field=name.path,
                found=f"{len(tile)} bytes",
                allowed=f"{name.width * HASH_BYTES} bytes",
            )
        return _levels(split_tile(tile))

    def read(level: int, index: int) -> bytes:
        name, offset, count = tile_of_node(level, index, size())
        height = count.bit_length() - 1
        return levels(name)[height][offset >> height]

    return read


def split_tile(tile: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


class TileBuilder:
    """Grows a log's tiles in memory: leaf hashes in, the files that changed and the root out.

    ``TileBuilder(size, open_tiles)`` resumes; ``open_tiles`` has the bytes of the partial tile of each level,
    from level 0 on, empty where a level has none.
    """

    __slots__ = ("_nodes", "_open", "_size")

    def __init__(self, size: int = 0, open_tiles: Sequence[bytes] = ()) -> None:
        self._size = size
        self._open = [bytearray(tile) for tile in open_tiles]
        self._nodes: list[bytes] = []
        for level in range((size.bit_length() + TILE_HEIGHT - 1) // TILE_HEIGHT):
            found = len(self._open[level]) if level < len(self._open) else 0
            allowed = (size >> TILE_HEIGHT * level) % TILE_WIDTH * HASH_BYTES
            if found != allowed:
                raise RuleViolation(
                    rule="LOG-1",
                    field=f"open tile {level}",
                    found=f"{found} bytes",
                    allowed=f"{allowed} bytes",
                )
            # The roots of the perfect subtrees within the open tile stand to the right of those above it.
            self._nodes[:0] = _perfect_roots(split_tile(bytes(self._open[level])))

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._size

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves so far."""
        return Frontier(self._size, self._nodes).root()

    def extend(self, leaves: Iterable[bytes]) -> list[tuple[TileName, bytes]]:
        """Add leaf hashes; returns every tile that became full and, after the last leaf, the changed partial
        ones.
        """
        before, done = self._size, []
        nodes, lowest = self._nodes, self._level(0)
        for leaf in leaves:
            lowest += leaf
            node, carry, height = leaf, self._size, 0
            # A leaf completes the perfect subtrees that end with it; each eighth one is a hash of the level
            # above.
            while carry & 1:
                node = node_hash(nodes.pop(), node)
                carry >>= 1
                height += 1
                if height % TILE_HEIGHT == 0:
                    level = height // TILE_HEIGHT
                    tile = self._open[level - 1]
                    done.append((TileName(level - 1, self._size >> height), bytes(tile)))
                    tile.clear()
                    self._level(level).extend(node)
            nodes.append(node)
            self._size += 1
        for name in tiles_for_growth(before, self._size):
            if name.width != TILE_WIDTH:
                done.append((name, bytes(self._open[name.level])))
        return done

    def _level(self, level: int) -> bytearray:
        if level == len(self._open):
            self._open.append(bytearray())
        return self._open[level]


def entry_bundle(entries: Iterable[bytes]) -> bytes:
    """The bytes of an entry bundle. Raises :class:`RuleViolation` (LOG-1) for an entry longer than 65535
    bytes.
    """
    bundle = bytearray()
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise RuleViolation(
                rule="LOG-1",
                field="entry",
                found=f"{len(entry)} bytes",
                allowed=f"at most {ENTRY_BYTES_MAX} bytes",
            )
        bundle += len(entry).to_bytes(2, "big") + entry
    return bytes(bundle)


def split_entry_bundle(bundle: bytes) -> list[bytes]:
    """The entries of a bundle. Raises :class:`RuleViolation` (LOG-1) where a length does not fit what
    follows.
    """
    entries, at = [], 0
    while at < len(bundle):
        start = at + 2
        at = start + int.from_bytes(bundle[at:start], "big")
        if start > len(bundle) or at > len(bundle):
            raise RuleViolation(
                rule="LOG-1",
                field="entry bundle",
                found=f"an end at byte {len(bundle)}",
                allowed=f"at least {at} bytes",
            )
        entries.append(bundle[start:at])
    return entries


def _perfect_roots(nodes: list[bytes]) -> list[bytes]:
    """The roots of the largest perfect subtrees over neighbouring nodes, from left to right."""
    levels, roots, start = _levels(nodes), [], 0
    for height in range(TILE_HEIGHT - 1, -1, -1):
        if len(nodes) >> height & 1:
            roots.append(levels[height][start >> height])
            start += 1 << height
    return roots


def _levels(nodes: list[bytes]) -> list[list[bytes]]:
    """All nodes that are complete over neighbouring ones, lowest level first."""
    levels = [nodes]
    while len(nodes) > 1:
        nodes = [node_hash(nodes[at], nodes[at + 1]) for at in range(0, len(nodes) - 1, 2)]
        levels.append(nodes)
    return levels
