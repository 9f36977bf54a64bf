"""Logs made of nothing but leaf hashes, with every root, proof and note that a test may ask for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.evidence import merkle
from registry.evidence.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from registry.evidence.tiles import TileBuilder
from registry.evidence.witnessing import AddCheckpoint
from registry.log.tile_folder import TileFolder


def ed25519(label: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(sha256(label.encode()).digest())


ORIGIN = "log.example/witnessed"
LOG_KEY = ed25519("the log")
NOTE_KEY = NoteKey(ORIGIN, LOG_KEY.public_key().public_bytes_raw())


@dataclass(frozen=True)
class SignedLog:
    """The log whose entry ``i`` is the text ``names[i]``."""

    names: tuple[str, ...]

    @classmethod
    def of(cls, names: Iterable[str]) -> SignedLog:
        return cls(tuple(names))

    @property
    def leaves(self) -> list[bytes]:
        return [merkle.leaf_hash(name.encode()) for name in self.names]

    def node(self, level: int, index: int) -> bytes:
        frontier = merkle.Frontier()
        frontier.extend(self.leaves[index << level : (index + 1) << level])
        return frontier.root()

    def root(self, size: int) -> bytes:
        return merkle.tree_root(size, self.node)

    def checkpoint(self, size: int) -> Checkpoint:
        return Checkpoint(ORIGIN, size, self.root(size))

    def note(self, size: int) -> bytes:
        return sign_checkpoint(self.checkpoint(size), LOG_KEY)

    def request(self, old: int, size: int) -> AddCheckpoint:
        """What this log would send to a witness that it believes at ``old``."""
        proof = merkle.consistency_proof(old, size, self.node) if old <= size else []
        return AddCheckpoint(old, tuple(proof), self.note(size))

    def write(self, folder: Path) -> TileFolder:
        """The log's tiles and checkpoint as files; replaces what was there."""
        tiles = TileFolder(folder)
        tiles.write(TileBuilder().extend(self.leaves), ())
        tiles.publish(self.note(len(self.names)))
        return tiles
