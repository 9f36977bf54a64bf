"""Bringing the files of the log back to the state of its database, after whatever interrupted the last write
(MEA-3, LOG-1).
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.domain.errors import RuleViolation
from registry.evidence.checkpoints import Checkpoint, NoteKey, open_checkpoint, sign_checkpoint
from registry.evidence.merkle import EMPTY_ROOT, leaf_hash
from registry.log.failures import disk_failures
from registry.log.store import Chunk, Store
from registry.log.tile_folder import TileFolder, TileMissing
from registry.log.tree import Tree
from registry.ports import DatabaseCorrupted

_CHUNKS: Final = 32
_SYNCED: Final = "synced"


def heal(store: Store, folder: TileFolder, origin: str, note_key: Ed25519PrivateKey) -> Tree:
    """The tree at the size of the database, its files and checkpoint complete.

    1. The database's own head: its last checkpoint covers exactly its entries.
    2. The published checkpoint is one of the database's: same root at that size. A published size beyond the
       database's means that the database is an old copy; going on would give one size two roots.
    3. The tree at the last size whose files were synced to the disk, or the published one if that is smaller
       (the folder is an older copy); from nothing if its files are not whole. What was written later a power
       cut may have taken.
    4. The entries from there on; the root they lead to is the database's.
    5. The checkpoint.

    Raises :class:`DatabaseCorrupted` where 1, 2 or 4 does not hold.
    """
    # 1. the database's own head
    size, root = store.head()
    count = store.count()
    if count != size:
        raise _corrupted(store, f"{count} entries", f"{size}, as its last checkpoint says")
    # 2. the published checkpoint
    published = _published(folder, origin, note_key)
    if published.size and published.root != store.root(published.size):
        raise _corrupted(
            store,
            f"no root {published.root.hex()} at size {published.size}",
            "what the published checkpoint says",
        )
    # 3. the tree at the last size that is surely there
    start = synced_size(store)
    start = min(start, published.size) if published.size else start
    try:
        tree = Tree(folder, start)
        whole = tree.root() == (store.root(start) if start else EMPTY_ROOT)
    except (TileMissing, RuleViolation):
        whole = False
    with disk_failures(folder.root):
        if not whole and store.chunk(0) is None and size:
            raise DatabaseCorrupted(
                found=f"a damaged {folder.root} of a log whose first entries were detached",
                expected="its hash tiles up to the last size that was synced",
                remedy="copy the archives of the detached months back into it, or restore it from its backup",
            )
        if not whole:
            folder.clear_tiles()
            tree = Tree(folder, 0)
        # 4. the entries from there on
        while tree.size < size:
            chunks = _continuing(store, tree.size)
            leaves = [leaf_hash(entry) for chunk in chunks for entry in chunk.entries()]
            tree.grow(chunks, leaves)
            tree.accept()
            tree.write()
        if tree.root() != root:
            raise _corrupted(
                store, f"entries with the root {tree.root().hex()}", f"the recorded root {root.hex()}"
            )
        # 5. the checkpoint
        note = sign_checkpoint(Checkpoint(origin, size, root), note_key)
        if folder.checkpoint() != note:
            folder.publish(note)
    return tree


def synced_size(store: Store) -> int:
    """The last size of the log whose files are known to be on the disk, not only on their way there."""
    return int(store.meta(_SYNCED) or 0)


def remember_synced(store: Store, size: int) -> None:
    """Remember that the files of the log at ``size`` have been synced."""
    store.remember(_SYNCED, str(size))


def _continuing(store: Store, size: int) -> list[Chunk]:
    """The next chunks from entry ``size`` on, where a chunk begins: sizes of the log end with one."""
    chunks = store.chunks(size, _CHUNKS)
    for chunk in chunks:
        if chunk.first != size:
            break
        size += chunk.count
    else:
        if chunks:
            return chunks
    raise _corrupted(store, f"no entry {size}", "each one below its size")


def _published(folder: TileFolder, origin: str, note_key: Ed25519PrivateKey) -> Checkpoint:
    note = folder.checkpoint()
    if note is None:
        return Checkpoint(origin, 0, EMPTY_ROOT)
    try:
        return open_checkpoint(note, NoteKey(origin, note_key.public_key().public_bytes_raw()))
    except RuleViolation as violation:
        raise DatabaseCorrupted(
            found=f"a checkpoint in {folder.root} that is not this log's ({violation})",
            expected=f"one of {origin}, signed by its note key",
            remedy="check the log's name and key; a damaged file may go if the database is the newest copy",
        ) from None


def _corrupted(store: Store, found: str, expected: str) -> DatabaseCorrupted:
    return DatabaseCorrupted(
        found=f"{store.place} with {found}",
        expected=expected,
        remedy="restore the newest copy of the database",
    )
