"""Roots and proofs out of a log's tile folder alone: what anyone who has the files can derive (LOG-1)."""

from __future__ import annotations

from registry.evidence import merkle
from registry.evidence.tiles import node_reader
from registry.log.tile_folder import TileFolder


class TileReader:
    """The tree of the first ``size`` leaves of a log, which may meanwhile be longer.

    Its methods raise :class:`~registry.log.tile_folder.TileMissing` and RuleViolation (LOG-1) for files that
    do not hold it, and may be called from many threads.
    """

    def __init__(self, folder: TileFolder, size: int) -> None:
        self._size = size
        self._node = node_reader(lambda: size, folder.tile)

    def root(self) -> bytes:
        """The root of the tree."""
        return merkle.tree_root(self._size, self._node)

    def inclusion_proof(self, index: int) -> list[bytes]:
        """Audit path of leaf ``index``, from the leaf upwards."""
        return merkle.inclusion_proof(index, self._size, self._node)

    def consistency_proof(self, old: int) -> list[bytes]:
        """Proof that the tree of ``old`` leaves is a prefix of this one."""
        return merkle.consistency_proof(old, self._size, self._node)
