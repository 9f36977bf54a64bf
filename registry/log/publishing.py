"""The public folder follows the tree: tiles, entry bundles and the signed checkpoint, written when that is
asked for, synced now and then (LOG-1).
"""

from __future__ import annotations

import logging
from threading import Lock, Thread
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.evidence.checkpoints import Checkpoint, sign_checkpoint
from registry.log.failures import disk_failures
from registry.log.healing import remember_synced, synced_size
from registry.log.store import Store
from registry.log.tile_folder import TileFolder
from registry.log.tree import Tree
from registry.ports import LogCheckpoint, OperationalError

_SYNC_EVERY: Final = 16_384
"""Entries after which files are synced; as many may have to be derived again after a crash (0.2 s)."""
_log = logging.getLogger(__name__)


class Publisher:
    """Writes what the folder lacks. One call at a time."""

    def __init__(
        self, store: Store, folder: TileFolder, tree: Tree, origin: str, note_key: Ed25519PrivateKey
    ) -> None:
        """``tree``: the one that the folder holds now, checkpoint included."""
        self._store = store
        self._folder = folder
        self._origin = origin
        self._note_key = note_key
        self._checkpoint = self.signed(tree.size, tree.root())
        self._synced = synced_size(store)
        self._syncing: Thread | None = None
        self._sync_turn = Lock()

    @property
    def checkpoint(self) -> LogCheckpoint:
        """The published head."""
        return self._checkpoint

    def publish(self, tree: Tree) -> None:
        """Write the files of ``tree`` that are missing, then its checkpoint; sync in the background what has
        come together.

        Raises :class:`~registry.ports.OperationalError` if that cannot be done; repeating it is safe.
        """
        if self._checkpoint.size == tree.size:
            return
        checkpoint = self.signed(tree.size, tree.root())
        with disk_failures(self._folder.root):
            tree.write()
            self._folder.publish(checkpoint.note)
        self._checkpoint = checkpoint
        waiting = checkpoint.size - self._synced >= _SYNC_EVERY
        if waiting and not (self._syncing and self._syncing.is_alive()):
            self._syncing = Thread(target=self._try_to_sync, name="log files to disk")
            self._syncing.start()

    def healed(self, tree: Tree) -> None:
        """The folder was brought to ``tree``, checkpoint included."""
        self._checkpoint = self.signed(tree.size, tree.root())

    def settle(self) -> None:
        """Sync what is published, if that can be done."""
        if self._syncing:
            self._syncing.join()
        self._try_to_sync()

    def sync(self) -> None:
        """Have on the disk what is published; on any thread.

        Raises :class:`~registry.ports.OperationalError` and OSError if that cannot be done.
        """
        # Whoever waits here finds it done; and no older size is remembered after a newer one.
        with self._sync_turn:
            size = self._checkpoint.size
            if size == self._synced:
                return
            with disk_failures(self._folder.root):
                self._folder.sync()
            remember_synced(self._store, size)
            self._synced = size

    def signed(self, size: int, root: bytes) -> LogCheckpoint:
        """A head with its note. The same size and root give the same bytes; no other root is ever given for a
        size.
        """
        return LogCheckpoint(
            size, root, sign_checkpoint(Checkpoint(self._origin, size, root), self._note_key)
        )

    def _try_to_sync(self) -> None:
        try:
            self.sync()
        except (OperationalError, OSError) as failure:
            # Nothing is lost: the files are tried again with later ones, or derived again.
            _log.warning("files of the log wait for their sync: %s", failure)
