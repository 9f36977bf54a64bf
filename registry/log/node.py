"""The access node: the measurement log as the rest of the register sees it (MEA-1 to MEA-3, LOG-1, SET-1)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from threading import Lock
from time import perf_counter
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import RuleViolation
from registry.evidence.checkpoints import NoteKey
from registry.evidence.es256 import PrivateKey
from registry.evidence.receipts import ReceiptMaker
from registry.evidence.statements import parse
from registry.log import retention
from registry.log.anchors import AnchorMemory
from registry.log.answers import answers_of
from registry.log.engines import Engine
from registry.log.engines.sqlite import SqliteEngine
from registry.log.failures import disk_failures
from registry.log.front_desk import FrontDesk
from registry.log.judged import Judged, Refusal, Verdict, without_readings
from registry.log.judging import Body
from registry.log.keys import KeyFeed
from registry.log.lock import FolderLock
from registry.log.metrics import Door, Meter, NoMeter, Stages
from registry.log.placing import Outcome
from registry.log.queries import PAGE, Conflict, CounterGap, LogQueries
from registry.log.retention import Detached, Held, Progress
from registry.log.sequencer import Sequencer
from registry.log.setpoints import PlatformDirectory, SetpointDesk
from registry.log.settings import LogSettings
from registry.log.store import Store
from registry.log.tile_folder import TileFolder, TileMissing
from registry.log.workers import InProcess, Judges, WorkerPool
from registry.ports import (
    Answer,
    Clock,
    DeviceDirectory,
    LogCheckpoint,
    LoggedStatement,
    SequenceAnswers,
)

TREE_FOLDER = "tree"
DATABASE_FILE = "log.sqlite"


class AccessNode:
    """One measurement log in one folder. Implements :class:`registry.ports.MeasurementLog`; its methods may
    be called from many threads.

    The folder holds ``log.sqlite``, which is the truth, and ``tree/``, which can be derived from it and is
    laid out as C2SP tlog-tiles.
    """

    def __init__(
        self,
        folder: Path,
        devices: DeviceDirectory,
        platforms: PlatformDirectory,
        clock: Clock,
        note_key: Ed25519PrivateKey,
        receipt_key: PrivateKey,
        settings: LogSettings,
        meter: Meter | None = None,
        open_engine: Callable[[], Engine] | None = None,
    ) -> None:
        """Open the log in ``folder``, or begin one there.

        ``note_key`` signs checkpoints, ``receipt_key`` (P-256) receipts; ``meter`` is told of every batch.
        ``open_engine`` opens the log's database once ``folder`` is locked, by default a file in it; the log
        closes it.

        Raises :class:`~registry.ports.AlreadyInUse`, :class:`~registry.ports.DatabaseCorrupted`,
        :class:`~registry.ports.DiskFull`, RuleViolation (LOG-1) for an origin that no checkpoint can carry.
        """
        with disk_failures(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(folder)
        try:
            self._store = Store(open_engine() if open_engine else SqliteEngine(folder / DATABASE_FILE))
            try:
                self._folder = TileFolder(folder / TREE_FOLDER)
                self._sequencer = Sequencer(
                    self._store, self._folder, settings.origin, note_key, settings.publish_every_s
                )
            except BaseException:
                self._store.close()
                raise
        except BaseException:
            self._lock.release()
            raise
        self._queries = LogQueries(self._store, self._folder, lambda: self._sequencer.occupancy)
        self._feed, rules = KeyFeed(devices), settings.acceptance
        self._judges: Judges = (
            WorkerPool(settings.verifiers, self._feed, rules, settings.keys_kept)
            if settings.verifiers
            else InProcess(self._feed, rules, settings.keys_kept)
        )
        self._desk = SetpointDesk(platforms, devices, settings.acceptance)
        self._clock = clock
        self._asking, self._detaching = Lock(), Lock()
        self._settings = settings
        self._receipts = ReceiptMaker(receipt_key)
        self._meter = meter or NoMeter()
        self.fronts = FrontDesk(self._feed, settings, self._place, self._meter)
        self.note_key = NoteKey(settings.origin, note_key.public_key().public_bytes_raw())
        self.anchors = AnchorMemory(self._store)

    def close(self) -> None:
        """End the workers, release database, files and lock, whatever of it fails."""
        with ExitStack() as stack:
            stack.callback(self._lock.release)
            stack.callback(self._store.close)
            stack.callback(self._sequencer.close)
            stack.callback(self._judges.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --------------------------------------------------------------------------------------------- identity

    @property
    def origin(self) -> str:
        """Name of the log, first line of its checkpoints."""
        return self._settings.origin

    @property
    def log_id(self) -> bytes:
        """The log's 32-byte id on the ledger: SHA-256 of the origin."""
        return sha256(self.origin.encode()).digest()

    # ------------------------------------------------------------------------------------------------ write

    def submit(self, statements: Sequence[bytes]) -> list[Answer]:
        """Take device statements; one answer each, in order (MEA-2). What is accepted is durable (MEA-3).

        Raises :class:`~registry.ports.OperationalError` if the log cannot be written: nothing was answered,
        and repeating the call is safe.
        """
        return self._take(Door.STATEMENTS, lambda now: self._judges.judge(statements, now)).answers

    def submit_sequence(self, body: Body) -> SequenceAnswers:
        """Take device statements that come as a CBOR sequence (RFC 8742), or as a part of one; as
        :meth:`submit`.

        Beyond ``items_max`` items, and where an item does not end, the body has a fault (MEA-1, field
        ``body``): what stands before it is taken, what follows is not looked at.
        """
        return self._take(Door.STATEMENTS, lambda now: self._judges.judge(body, now))

    def log_setpoints(self, setpoints: Sequence[bytes]) -> list[Answer]:
        """Log setpoints of DSO platforms; one answer each, in order. From then on devices can fetch them
        (SET-1).

        Raises as :meth:`submit`.
        """
        return self._take(
            Door.SETPOINTS,
            lambda now: without_readings([self._judge_setpoint(data, now) for data in setpoints]),
        ).answers

    def learn_keys(self) -> None:
        """Read all device keys before anybody signs by them, so that the first quarter-hour costs no more
        than the next. Fronts do so when they open.
        """
        self._judges.learn(self._feed.all())

    @property
    def held(self) -> Held:
        """What of the log is held, and whether more of it is on its way into an archive."""
        return retention.held(self._store)

    def ask_to_detach(self, until: DeliveryDay) -> None:
        """Remember that all delivery days before ``until`` are to be detached; see
        :func:`registry.log.retention.ask`.
        """
        with self._asking:
            retention.ask(self._store, self._settings.acceptance, until, self._clock.now())

    def detach(self, until: DeliveryDay, archive: Path, progress: Progress = lambda step: None) -> Detached:
        """Move the entries of all delivery days before ``until`` into the folder ``archive``, which is laid
        out as the log's own, while the intake goes on; see :func:`registry.log.retention.ask` and
        :func:`registry.log.retention.detach`.
        """
        with self._detaching:
            self.ask_to_detach(until)
            return retention.detach(self._store, self._folder, self._sequencer, until, archive, progress)

    def _take(self, door: Door, judge: Callable[[int], Judged]) -> SequenceAnswers:
        """Give signed messages their place in the log.

        1. Judge each by itself: form, key, signature, time.
        2. Give the authentic new ones their place, all in one commit.
        3. Answer: the first receipt for what is in the log (made when it is asked for), the violation for
           what is not.
        """
        now, began = self._now(), perf_counter()
        # 1. judge
        judged = judge(now)
        judged_at = perf_counter()
        # 2. place
        outcomes = self._place(judged, now)
        placed_at = perf_counter()
        # 3. answer
        answers = list(answers_of(judged, outcomes, self.receipt))
        stages = Stages(judged_at - began, placed_at - judged_at, perf_counter() - placed_at)
        self._meter.taken(door, outcomes, stages)
        return SequenceAnswers(answers, judged.end, judged.fault)

    def _place(self, judged: Judged, now: int) -> list[Outcome]:
        if judged.concerns_log:
            return self._sequencer.sequence(judged, now)
        return [other.violation for other in judged.others.values() if isinstance(other, Refusal)]

    def _judge_setpoint(self, data: bytes, now: int) -> Verdict:
        try:
            statement = parse(data)
        except RuleViolation as violation:
            return Refusal(violation, data)
        try:
            return self._desk.judge(data, now)
        except RuleViolation as violation:
            return Refusal(violation, data, statement)

    # ------------------------------------------------------------------------------------------------- read

    def setpoints(self, pod_id: bytes, after_sequence: int, wait_s: float = 0) -> list[bytes]:
        """A POD's setpoints with a higher sequence that have not expired, in order (SET-1).

        Waits up to ``wait_s`` seconds (at most the setting ``wait_max_s``) if there is none yet.
        """
        found: list[bytes] = []

        def any_there() -> bool:
            found[:] = self._queries.setpoints(pod_id, after_sequence, self._now())
            return bool(found)

        self._sequencer.wait_for_growth(any_there, min(max(wait_s, 0), self._settings.wait_max_s))
        if found:
            self._meter.delivered(len(found))
        return found

    def last_setpoint_sequence(self, pod_id: bytes) -> int:
        """The sequence of the POD's last setpoint, 0 if it never had one; the next setpoint has one more."""
        return self._queries.last_sequence(pod_id)

    @property
    def size(self) -> int:
        """Number of entries that are durable."""
        return self._sequencer.tree.size

    def checkpoint(self) -> LogCheckpoint:
        """The head of the log, published: its files are there (LOG-1).

        Raises :class:`~registry.ports.OperationalError` if they cannot be written.
        """
        return self._sequencer.publish()

    @property
    def verifier_pids(self) -> list[int]:
        """Process ids of the workers that verify signatures, none if the node does so itself."""
        return self._judges.pids

    @property
    def waiting(self) -> int:
        """Statements that wait for their turn to be placed."""
        return self._sequencer.waiting

    @property
    def unpublished(self) -> int:
        """Entries that the public files do not have yet."""
        return self._sequencer.unpublished

    def entry(self, index: int) -> bytes:
        """The exact bytes of an entry. Raises RuleViolation (LOG-1) for an index that is not there."""
        return self._queries.entry(index)

    def receipt(self, index: int) -> bytes:
        """The receipt with which entry ``index`` was answered first, byte for byte (LOG-1). Raises
        RuleViolation for no such entry.
        """
        size = self._queries.size_answered(index)
        self._sequencer.await_tree(index)
        tree = self._sequencer.tree
        with self._provable("index", index):
            path, root = tree.inclusion_proof(index, size), tree.root_at(size)
        return self._receipts.receipt(size, index, path, root)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Audit path of an entry in the log of ``size`` entries. Raises RuleViolation (LOG-1) for a place
        that is not there, or not any more.
        """
        with self._provable("index", index):
            return self._sequencer.tree.inclusion_proof(index, size)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Proof that nothing below ``old`` changed up to ``new``. Raises RuleViolation (LOG-1) for sizes that
        are not there, or not any more.
        """
        with self._provable("old", old):
            return self._sequencer.tree.consistency_proof(old, new)

    def checkpoint_at(self, size: int) -> LogCheckpoint:
        """The head the log once had at ``size``, with the same note. Raises RuleViolation (LOG-1) for a size
        it never had.
        """
        root = self._queries.root(size)
        if root is None:
            raise RuleViolation(
                rule="LOG-1", field="size", found=size, allowed="the size of a checkpoint of this log"
            )
        return self._sequencer.signed(size, root)

    def root_at(self, size: int) -> bytes | None:
        """The root of the checkpoint the log once had at ``size``, ``None`` if it never had one."""
        return self._queries.root(size)

    def committed_at(self, index: int) -> int:
        """When entry ``index`` became durable, Unix seconds. Raises RuleViolation (LOG-1) for an index that
        is not there.
        """
        return self._queries.committed_at(index)

    def statements(self, pod_id: bytes, start: datetime, end: datetime) -> list[LoggedStatement]:
        """All entries about a POD whose period starts in [start, end): readings, executions, setpoints.
        Raises RuleViolation (LOG-1) if delivery days of the period were detached.
        """
        return self._queries.statements(pod_id, int(start.timestamp()), int(end.timestamp()))

    def conflicts(self, pod_id: bytes | None = None, *, after: int = 0, limit: int = PAGE) -> list[Conflict]:
        """Refused statements that contradict the log, with both sides' bytes (MEA-2); pages go on after a
        conflict's id.
        """
        return self._queries.conflicts(pod_id, after=after, limit=limit)

    def gaps(
        self, key_id: bytes | None = None, *, after: tuple[bytes, int] = (b"", 0), limit: int = PAGE
    ) -> list[CounterGap]:
        """Counters that devices have passed over (MEA-2); pages go on after (key id, first)."""
        return self._queries.gaps(key_id, after=after, limit=limit)

    @contextmanager
    def _provable(self, field: str, place: int) -> Iterator[None]:
        """Say of tiles that are missing that they were detached, if they were."""
        try:
            yield
        except TileMissing:
            minimum = self.held.minimum_index
            if place >= minimum:
                raise
            raise RuleViolation(
                rule="LOG-1",
                field=field,
                found=place,
                allowed=f"at least {minimum}: the entries before it were detached",
                hint="their tiles are in the archive",
            ) from None

    def _now(self) -> int:
        return int(self._clock.now().timestamp())
