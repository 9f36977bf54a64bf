"""The one place where the log grows: authentic statements in, durable entries out (MEA-3, LOG-1).

Callers on many threads share commits: whoever gets the turn commits for all who wait, so the disk is synced
once for all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition, Lock, Thread
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.evidence.checkpoints import Checkpoint, sign_checkpoint
from registry.log.failures import disk_failures
from registry.log.healing import heal, remember_synced, synced_size
from registry.log.judged import Judged
from registry.log.occupancy import Occupancy
from registry.log.placing import Outcome, Placing
from registry.log.store import Store
from registry.log.tile_folder import TileFolder
from registry.log.tree import Tree
from registry.ports import LogCheckpoint, OperationalError

_SYNC_EVERY: Final = 16_384
"""Entries after which files are synced; as many may have to be derived again after a crash (0.2 s)."""
_log = logging.getLogger(__name__)


class _Ticket:
    """One caller's batch on its way through a commit."""

    __slots__ = ("error", "judged", "outcomes")

    def __init__(self, judged: Judged) -> None:
        self.judged = judged
        self.outcomes: list[Outcome] | None = None
        self.error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.outcomes is not None or self.error is not None


class Sequencer:
    """Gives authentic statements their place in the log.

    1. In one transaction: place every waiting statement, and write the checkpoint (size, root) that they lead
       to. This commit is the moment from which an entry exists, and the only sync that anyone waits for.
    2. Write tiles, entry bundles and the signed checkpoint.
    3. Only then answer.
    4. Now and then, and at the end, sync the files all at once and remember up to which size.

    A crash between 1 and 3 leaves entries that nobody was told of: the sender repeats them and gets the first
    answer. A crash, or a full disk, between 1 and 2 leaves files behind the database, and a power cut before
    4 may take files: they are derived again from it, when the log is opened or before the next commit. The
    root of a size is decided in 1 and only there, so there are never two.
    """

    def __init__(self, store: Store, folder: TileFolder, origin: str, note_key: Ed25519PrivateKey) -> None:
        """Open the log and bring its files to the state of the database.

        Raises :class:`~registry.ports.DatabaseCorrupted` where files and database contradict each other.
        """
        self._store = store
        self._folder = folder
        self._origin = origin
        self._note_key = note_key
        self._queue: list[_Ticket] = []
        self._queue_lock = Lock()
        self._turn = Lock()
        self._grown = Condition()
        self._tree: Tree = heal(store, folder, origin, note_key)
        self._occupancy: Occupancy = Occupancy(store)
        self._whole = self._known = True
        self._checkpoint = self.signed(self._tree.size, self._tree.root())
        self._synced = synced_size(store)
        self._syncing: Thread | None = None

    def close(self) -> None:
        """Write pages and sync the files, so that nothing need be derived when the log is opened again."""
        with self._turn:
            if self._known and self._occupancy.behind:
                with self._store.writing() as writing:
                    self._occupancy.write_pages(writing, self._checkpoint.size)
            if self._syncing:
                self._syncing.join()
            if self._whole and self._synced != self._checkpoint.size:
                self._sync(self._checkpoint.size)

    @property
    def tree(self) -> Tree:
        """The tree as far as its files are written."""
        return self._tree

    @property
    def checkpoint(self) -> LogCheckpoint:
        """The published head."""
        return self._checkpoint

    @property
    def waiting(self) -> int:
        """Statements that wait for the next commit."""
        with self._queue_lock:
            return sum(ticket.judged.count for ticket in self._queue)

    @property
    def occupancy(self) -> Occupancy:
        """What is taken, as far as this process knows."""
        return self._occupancy

    def sequence(self, judged: Judged, now: int) -> list[Outcome]:
        """Place a batch whose authenticity was checked; returns its outcomes in order, durable.

        ``now`` (Unix seconds) is recorded with new entries. Raises :class:`~registry.ports.OperationalError`:
        then nothing was answered, and repeating the call is safe.
        """
        ticket = _Ticket(judged)
        with self._queue_lock:
            self._queue.append(ticket)
        with self._turn:
            if not ticket.done:
                with self._queue_lock:
                    tickets, self._queue = self._queue, []
                self._serve(tickets, now)
        if ticket.outcomes is None:
            raise ticket.error or RuntimeError("a commit ended without outcome")
        return ticket.outcomes

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nothing is committed meanwhile, and what was committed is in pages and synced files; what is
        known of the database is read anew afterwards.
        """
        with self._turn:
            self._make_whole()
            if self._occupancy.behind:
                with self._store.writing() as writing:
                    self._occupancy.write_pages(writing, self._checkpoint.size)
            if self._syncing:
                self._syncing.join()
            if self._synced != self._checkpoint.size:
                self._sync(self._checkpoint.size)
            self._known = False
            yield

    def wait_for_growth(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Block until ``ready`` or the time is over; asked anew after every commit."""
        with self._grown:
            self._grown.wait_for(ready, timeout_s)

    def await_files(self, index: int) -> None:
        """Return once the files prove entry ``index``, which is committed: a commit on another thread may be
        between the database and the files.

        Raises :class:`~registry.ports.OperationalError` if the files cannot be written.
        """
        if index >= self._tree.size:
            with self._turn:
                self._make_whole()

    def _serve(self, tickets: list[_Ticket], now: int) -> None:
        try:
            outcomes = self._commit([ticket.judged for ticket in tickets], now)
        except BaseException as error:
            for ticket in tickets:
                ticket.error = error
            return
        for ticket, found in zip(tickets, outcomes, strict=True):
            ticket.outcomes = found
        with self._grown:
            self._grown.notify_all()

    def _commit(self, batches: list[Judged], now: int) -> list[list[Outcome]]:
        self._make_whole()
        # 1. place and commit; until that has ended well nothing in memory is relied upon
        tree, occupancy, self._known, self._whole = self._tree, self._occupancy, False, False
        with self._store.writing() as writing:
            placing = Placing(writing, occupancy, tree.size, now)
            outcomes = [placing.place_all(judged) for judged in batches]
            if placing.leaves:
                chunks = list(placing.chunks())
                growth = tree.grow(chunks, placing.leaves)
                writing.chunks(chunks)
                writing.checkpoint(growth.size, growth.root, now)
                occupancy.write(writing, growth.size)
            else:
                occupancy.write_numbers(writing)
        self._known = True
        if not placing.leaves:
            self._whole = True
            return outcomes
        # 2. files; until they are all there the tree in memory counts as broken
        size = growth.size
        with disk_failures(self._folder.root):
            tree.write(growth)
            checkpoint = self.signed(size, growth.root)
            self._folder.publish(checkpoint.note)
            self._folder.drop_partial(growth.full)
        self._whole = True
        self._checkpoint = checkpoint
        # 4. sync, while the next ones come
        if size - self._synced >= _SYNC_EVERY and not (self._syncing and self._syncing.is_alive()):
            self._syncing = Thread(target=self._sync, args=(size,), name="log files to disk")
            self._syncing.start()
        # 3. the caller answers
        return outcomes

    def _sync(self, size: int) -> None:
        try:
            with disk_failures(self._folder.root):
                self._folder.sync()
            remember_synced(self._store, size)
            self._synced = size
        except (OperationalError, OSError) as failure:
            # Nothing is lost: the files are tried again with later ones, or derived again.
            _log.warning("files of the log wait for their sync: %s", failure)

    def _make_whole(self) -> None:
        """Find out what a commit that failed has left: whether the database has it, and files behind it."""
        if not self._known:
            self._occupancy = Occupancy(self._store)
            self._known, self._whole = True, False
        if not self._whole:
            self._tree = heal(self._store, self._folder, self._origin, self._note_key)
            self._whole = True
            self._checkpoint = self.signed(self._tree.size, self._tree.root())

    def signed(self, size: int, root: bytes) -> LogCheckpoint:
        """A head with its note. The same size and root give the same bytes; no other root is ever given for a
        size.
        """
        return LogCheckpoint(
            size, root, sign_checkpoint(Checkpoint(self._origin, size, root), self._note_key)
        )
