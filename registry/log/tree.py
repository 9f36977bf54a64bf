"""The Merkle tree of the log: grows with the entries, keeps its files up to date, proves (LOG-1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.domain.errors import RuleViolation
from registry.evidence import merkle
from registry.evidence.tiles import TILE_HEIGHT, TILE_WIDTH, TileBuilder, TileName, node_reader
from registry.log.store import Chunk
from registry.log.tile_folder import TileFolder


@dataclass(frozen=True, slots=True)
class Growth:
    """What a tree has grown to, and the files that say so.

    Attributes:
        size, root: of the tree with the new entries.
        tiles: hash tiles, full ones and the open ones.
        bundles: entry bundles, likewise.
    """

    size: int
    root: bytes
    tiles: Sequence[tuple[TileName, bytes]]
    bundles: Sequence[tuple[TileName, bytes]]

    @property
    def full(self) -> list[TileName]:
        """The tiles that became full."""
        return [name for name, _ in self.tiles if name.width == TILE_WIDTH]


class Tree:
    """A tree of :attr:`size` leaves in its folder.

    One thread grows it; any number read. A reader sees a size only once its files are written. When
    something fails between :meth:`grow` and the end of :meth:`write` the object is of no further use: open
    the tree again.
    """

    def __init__(self, folder: TileFolder, size: int) -> None:
        """Open the tree of the first ``size`` leaves in ``folder``.

        Raises :class:`~registry.log.tile_folder.TileMissing` or RuleViolation (LOG-1) if the folder does not
        hold it.
        """
        self._folder = folder
        self._size = size
        self._node = node_reader(lambda: self._size, folder.tile)
        self._builder = TileBuilder(size, [folder.tile(name) if name else b"" for name in _open_tiles(size)])
        rest = size % TILE_WIDTH
        self._open_bundle = folder.bundle(TileName(0, size // TILE_WIDTH, rest)) if rest else b""

    @property
    def size(self) -> int:
        """Number of leaves whose files are written."""
        return self._size

    def root(self) -> bytes:
        """The root of the whole tree."""
        return self._builder.root()

    def grow(self, chunks: Sequence[Chunk], leaves: Sequence[bytes]) -> Growth:
        """Add chunks with the leaf hashes of their entries, in memory; :meth:`write` has to follow."""
        tiles = self._builder.extend(leaves)
        # Chunks do not cross the border of a bundle, and a bundle is its chunks, one after the other.
        bundles = {self._size // TILE_WIDTH: [self._open_bundle]}
        for chunk in chunks:
            bundles.setdefault(chunk.first // TILE_WIDTH, []).append(chunk.frames)
        data = {index: b"".join(frames) for index, frames in bundles.items()}
        size = self._builder.size
        self._open_bundle = data[size // TILE_WIDTH] if size % TILE_WIDTH else b""
        return Growth(
            size,
            self._builder.root(),
            tiles,
            [(name, data[name.index]) for name, _ in tiles if name.level == 0],
        )

    def write(self, growth: Growth) -> None:
        """Write the files of what was grown; readers see it then."""
        self._folder.write(growth.tiles, growth.bundles)
        self._size = growth.size

    def root_at(self, size: int) -> bytes:
        """The root of the first ``size`` leaves."""
        return merkle.tree_root(size, self._node)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Audit path of leaf ``index`` in the tree of ``size`` leaves. Raises RuleViolation (LOG-1) for a
        place that is not there.
        """
        self._check(size)
        return merkle.inclusion_proof(index, size, self._node)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Proof that the tree of ``old`` leaves is a prefix of that of ``new``. Raises RuleViolation (LOG-1)
        for sizes that are not there.
        """
        self._check(new)
        return merkle.consistency_proof(old, new, self._node)

    def _check(self, size: int) -> None:
        if size > self._size:
            raise RuleViolation(rule="LOG-1", field="size", found=size, allowed=f"at most {self._size}")


def _open_tiles(size: int) -> list[TileName | None]:
    """The partial tile of each tile level, lowest first; ``None`` where a level has none."""
    names: list[TileName | None] = []
    while size:
        full, rest = divmod(size, TILE_WIDTH)
        names.append(TileName(len(names), full, rest) if rest else None)
        size >>= TILE_HEIGHT
    return names
