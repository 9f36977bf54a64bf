"""The Merkle tree of the log: grows with the entries, proves, writes its files (LOG-1)."""

from __future__ import annotations

from collections.abc import Sequence

from registry.domain.errors import RuleViolation
from registry.evidence import merkle
from registry.evidence.merkle import HASH_BYTES
from registry.evidence.tiles import TILE_HEIGHT, TILE_WIDTH, TileBuilder, TileName, node_reader
from registry.log.store import Chunk
from registry.log.tile_folder import TileFolder


class Tree:
    """A tree of :attr:`size` leaves, in its folder but for what is :attr:`unwritten`.

    One thread grows and writes it; any number read. When a tree that has grown is not accepted, because what
    it grew by was not committed, the object is of no further use: open the tree again.
    """

    def __init__(self, folder: TileFolder, size: int) -> None:
        """Open the tree of the first ``size`` leaves in ``folder``.

        Raises :class:`~registry.log.tile_folder.TileMissing` or RuleViolation (LOG-1) if the folder does not
        hold it.
        """
        self._folder = folder
        self._size = self._written = size
        self._node = node_reader(lambda: self._size, self._tile)
        self._builder = TileBuilder(size, [folder.tile(name) if name else b"" for name in _open_tiles(size)])
        rest = size % TILE_WIDTH
        self._open_bundle = folder.bundle(TileName(0, size // TILE_WIDTH, rest)) if rest else b""
        # By level and index: of a tile that grows only its last width is ever written.
        self._tiles: dict[tuple[int, int], tuple[TileName, bytes]] = {}
        self._bundles: dict[int, tuple[TileName, bytes]] = {}

    @property
    def size(self) -> int:
        """Number of leaves that were accepted."""
        return self._size

    @property
    def unwritten(self) -> int:
        """Number of leaves whose files are not written yet."""
        return self._size - self._written

    def root(self) -> bytes:
        """The root of the whole tree."""
        return self._builder.root()

    def grow(self, chunks: Sequence[Chunk], leaves: Sequence[bytes]) -> tuple[int, bytes]:
        """Add chunks with the leaf hashes of their entries; returns size and root. Readers see it when it is
        accepted.
        """
        tiles = self._builder.extend(leaves)
        # Chunks do not cross the border of a bundle, and a bundle is its chunks, one after the other.
        bundles = {self._size // TILE_WIDTH: [self._open_bundle]}
        for chunk in chunks:
            bundles.setdefault(chunk.first // TILE_WIDTH, []).append(chunk.frames)
        data = {index: b"".join(frames) for index, frames in bundles.items()}
        size = self._builder.size
        self._open_bundle = data[size // TILE_WIDTH] if size % TILE_WIDTH else b""
        for name, hashes in tiles:
            self._tiles[name.level, name.index] = name, hashes
            if name.level == 0:
                self._bundles[name.index] = name, data[name.index]
        return size, self._builder.root()

    def accept(self) -> None:
        """What was grown is committed."""
        self._size = self._builder.size

    def write(self) -> None:
        """Write the files that are missing. Should it fail, it may be repeated."""
        self._folder.write(self._tiles.values(), self._bundles.values())
        self._folder.drop_partial(name for name, _ in self._tiles.values() if name.width == TILE_WIDTH)
        # New ones, not emptied ones: somebody may be reading.
        self._tiles, self._bundles, self._written = {}, {}, self._size

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

    def _tile(self, name: TileName) -> bytes:
        _, hashes = self._tiles.get((name.level, name.index), (name, b""))
        wanted = name.width * HASH_BYTES
        return hashes[:wanted] if len(hashes) >= wanted else self._folder.tile(name)

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
