"""The one place where the log grows: authentic statements in, durable entries out (MEA-3, LOG-1).

Callers on many threads share commits: whoever gets the turn commits for all who wait, so the disk is synced
once for all of them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Condition, Event, Lock, Thread
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.domain.calendar import DeliveryDay
from registry.log.healing import heal
from registry.log.judged import Judged
from registry.log.occupancy import Occupancy
from registry.log.placing import Outcome, Placing
from registry.log.publishing import Publisher
from registry.log.store import Store
from registry.log.tile_folder import TileFolder
from registry.log.tree import Tree
from registry.ports import LogCheckpoint, OperationalError

_UNWRITTEN_MAX: Final = 16_384
"""Entries that may be without files: some 6 MB of memory."""
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
    2. The tree in memory has them: receipts and proofs can be made.
    3. Answer.
    4. Some time later, or when somebody asks for the head, the files follow: one writing for many commits.

    A crash after 1 leaves entries that nobody may have been told of: the sender repeats them and gets the
    first answer. It leaves files behind the database, and a power cut may take files that were not synced:
    they are derived again when the log is opened. A commit of which nobody knows how it ended is found out
    about before the next. The root of a size is decided in 1 and only there, so there are never two.
    """

    def __init__(
        self,
        store: Store,
        folder: TileFolder,
        origin: str,
        note_key: Ed25519PrivateKey,
        publish_every_s: float,
    ) -> None:
        """Open the log and bring its files to the state of the database; from then on they follow it within
        ``publish_every_s`` seconds.

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
        self._known = True
        self._publisher = Publisher(store, folder, self._tree, origin, note_key)
        self._publish_every_s = publish_every_s
        self._unpublished, self._ended = Event(), Event()
        self._follower = Thread(target=self._follow, name="files of the log", daemon=True)
        self._follower.start()

    def close(self) -> None:
        """Write pages, write and sync files, so that nothing need be derived when the log is opened again.

        Raises :class:`~registry.ports.OperationalError` if that cannot be done; nothing is lost by it.
        """
        self._ended.set()
        self._unpublished.set()
        self._follower.join()
        with self._turn:
            if self._known:
                self._settle()

    @property
    def tree(self) -> Tree:
        """The tree of what is committed."""
        return self._tree

    def publish(self) -> LogCheckpoint:
        """The head, once its files are there.

        Raises :class:`~registry.ports.OperationalError` if they cannot be written.
        """
        if self.unpublished:
            with self._turn:
                self._find_out()
                self._publisher.publish(self._tree)
        return self._publisher.checkpoint

    def signed(self, size: int, root: bytes) -> LogCheckpoint:
        """A head that the log once had, with its note."""
        return self._publisher.signed(size, root)

    @property
    def unpublished(self) -> int:
        """Entries that the public files do not have yet."""
        return self._tree.size - self._publisher.checkpoint.size

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

    def close_days(self, until: DeliveryDay) -> None:
        """Place nothing of the delivery days before ``until`` any more. On return what was placed of them is
        in pages and in synced files, so that nobody reads their entries to find out where the log stands.

        The intake waits for one commit. Raises :class:`~registry.ports.OperationalError` and OSError if it
        cannot be done; repeating it is safe.
        """
        with self._turn:
            self._find_out()
            self._known = False
            with self._store.writing() as writing:
                self._occupancy.close_days(writing, until, self._tree.size)
            self._known = True
        self.publish()
        self._publisher.sync()

    def wait_for_growth(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Block until ``ready`` or the time is over; asked anew after every commit."""
        with self._grown:
            self._grown.wait_for(ready, timeout_s)

    def await_tree(self, index: int) -> None:
        """Return once the tree proves entry ``index``, which is committed: a commit on another thread may be
        between the database and the tree.

        Raises :class:`~registry.ports.OperationalError` if the log cannot be read.
        """
        if index >= self._tree.size:
            with self._turn:
                self._find_out()

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
        self._find_out()
        if self._tree.unwritten >= _UNWRITTEN_MAX:
            self._publisher.publish(self._tree)
        # 1. place and commit; until that has ended well nothing in memory is relied upon
        tree, occupancy, self._known = self._tree, self._occupancy, False
        with self._store.writing() as writing:
            placing = Placing(writing, occupancy, tree.size, now)
            outcomes = [placing.place_all(judged) for judged in batches]
            if placing.leaves:
                chunks = list(placing.chunks())
                size, root = tree.grow(chunks, placing.leaves)
                writing.chunks(chunks)
                writing.checkpoint(size, root, now)
                occupancy.write(writing, size)
            else:
                occupancy.write_numbers(writing)
        self._known = True
        # 2. the tree; then 3. the caller answers, and 4. the files follow
        if placing.leaves:
            tree.accept()
            self._unpublished.set()
        return outcomes

    def _follow(self) -> None:
        """Keep the files up with the tree."""
        while self._unpublished.wait() and not self._ended.wait(self._publish_every_s):
            self._unpublished.clear()
            try:
                self.publish()
            except OperationalError as failure:
                _log.warning("files of the log wait: %s", failure)
                self._unpublished.set()

    def _settle(self) -> None:
        """Pages and files as the tree, and synced."""
        if self._occupancy.behind:
            with self._store.writing() as writing:
                self._occupancy.write_pages(writing, self._tree.size)
        self._publisher.publish(self._tree)
        self._publisher.settle()

    def _find_out(self) -> None:
        """What a commit that failed has left: whether the database has it."""
        if not self._known:
            self._occupancy = Occupancy(self._store)
            self._tree = heal(self._store, self._folder, self._origin, self._note_key)
            self._publisher.healed(self._tree)
            self._known = True
