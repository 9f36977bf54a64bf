"""The access node: the measurement log as the rest of the register sees it (MEA-1 to MEA-3, LOG-1, SET-1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.domain.errors import RuleViolation
from registry.evidence.checkpoints import NoteKey
from registry.evidence.es256 import PrivateKey
from registry.evidence.receipts import ReceiptMaker
from registry.evidence.statements import Statement, parse
from registry.log.anchors import AnchorMemory
from registry.log.database import Database
from registry.log.failures import disk_failures
from registry.log.intake import Intake, Judgement
from registry.log.keys import Bindings, DirectoryVersion
from registry.log.lock import FolderLock
from registry.log.metrics import Door, Meter, NoMeter, Stages
from registry.log.placing import Placed
from registry.log.queries import PAGE, Conflict, CounterGap, LogQueries
from registry.log.sequencer import Sequencer
from registry.log.setpoints import PlatformDirectory, SetpointDesk
from registry.log.settings import LogSettings
from registry.log.tile_folder import TileFolder
from registry.log.verifying import InProcess, WorkerPool
from registry.ports import Accepted, Answer, Clock, DeviceDirectory, LogCheckpoint, LoggedStatement, Refused

TREE_FOLDER = "tree"
DATABASE_FILE = "log.sqlite"

_Judge = Callable[[Sequence[bytes], int], list[Judgement]]
"""Checks messages, each by itself, at a time."""


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
        devices_version: DirectoryVersion | None = None,
    ) -> None:
        """Open the log in ``folder``, or begin one there.

        ``note_key`` signs checkpoints, ``receipt_key`` (P-256) receipts; ``meter`` is told of every batch.
        ``devices_version`` gives something that differs as soon as a binding in ``devices`` does; without it
        the directory is asked with every statement.

        Raises :class:`~registry.ports.AlreadyInUse`, :class:`~registry.ports.DatabaseCorrupted`,
        :class:`~registry.ports.DiskFull`, RuleViolation (LOG-1) for an origin that no checkpoint can carry.
        """
        with disk_failures(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(folder)
        try:
            self._database = Database(folder / DATABASE_FILE)
            try:
                self._sequencer = Sequencer(
                    self._database, TileFolder(folder / TREE_FOLDER), settings.origin, note_key
                )
            except BaseException:
                self._database.close()
                raise
        except BaseException:
            self._lock.release()
            raise
        self._queries = LogQueries(self._database)
        kept = settings.public_keys_kept
        self._verifier = WorkerPool(settings.verifiers, kept) if settings.verifiers else InProcess(kept)
        self._intake = Intake(
            Bindings(devices, devices_version, settings.bindings_kept),
            self._verifier,
            self._queries,
            settings.acceptance,
        )
        self._desk = SetpointDesk(platforms, devices, settings.acceptance)
        self._clock = clock
        self._settings = settings
        self._receipts = ReceiptMaker(receipt_key)
        self._meter = meter or NoMeter()
        self.note_key = NoteKey(settings.origin, note_key.public_key().public_bytes_raw())
        self.anchors = AnchorMemory(self._database)

    def close(self) -> None:
        """End the verifiers, release files and lock."""
        self._verifier.close()
        self._sequencer.close()
        self._database.close()
        self._lock.release()

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
        return self._take(Door.STATEMENTS, statements, self._intake.judge)

    def log_setpoints(self, setpoints: Sequence[bytes]) -> list[Answer]:
        """Log setpoints of DSO platforms; one answer each, in order. From then on devices can fetch them
        (SET-1).

        Raises as :meth:`submit`.
        """
        return self._take(Door.SETPOINTS, setpoints, self._judge_setpoints)

    def _take(self, door: Door, messages: Sequence[bytes], judge: _Judge) -> list[Answer]:
        """Give signed messages their place in the log.

        1. Judge each by itself: form, key, signature, time.
        2. Give the authentic new ones their place, all in one commit.
        3. Answer: the first receipt for what is in the log (made when it is asked for), the violation for
           what is not.
        """
        now, began = self._now(), perf_counter()
        # 1. judge
        judged = judge(messages, now)
        authentic = [found for found in judged if isinstance(found, Statement)]
        judged_at = perf_counter()
        # 2. place
        outcomes = iter(self._sequencer.sequence(authentic, now) if authentic else ())
        placed_at = perf_counter()
        # 3. answer
        answers: list[Answer] = []
        for data, found in zip(messages, judged, strict=True):
            statement_id = sha256(data).digest()
            outcome = next(outcomes) if isinstance(found, Statement) else found
            if isinstance(outcome, RuleViolation):
                answers.append(Refused(outcome, statement_id))
            elif isinstance(outcome, Placed):
                answers.append(Accepted(outcome.index, statement_id, self.receipt, outcome.leaf is None))
            else:
                answers.append(Accepted(outcome, statement_id, self.receipt, True))
        stages = Stages(judged_at - began, placed_at - judged_at, perf_counter() - placed_at)
        self._meter.taken(door, answers, stages)
        return answers

    def _judge_setpoints(self, messages: Sequence[bytes], now: int) -> list[Judgement]:
        return [self._judge_setpoint(data, now) for data in messages]

    def _judge_setpoint(self, data: bytes, now: int) -> Judgement:
        try:
            statement = parse(data)
            index = self._queries.index_of(statement)
            return self._desk.judge(data, now) if index is None else index
        except RuleViolation as violation:
            return violation

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

    def checkpoint(self) -> LogCheckpoint:
        """The published head of the log (LOG-1)."""
        return self._sequencer.checkpoint

    @property
    def verifier_pids(self) -> list[int]:
        """Process ids of the workers that verify signatures, none if the node does so itself."""
        return self._verifier.pids

    @property
    def waiting(self) -> int:
        """Statements that wait for their turn to be placed."""
        return self._sequencer.waiting

    def entry(self, index: int) -> bytes:
        """The exact bytes of an entry. Raises RuleViolation (LOG-1) for an index that is not there."""
        return self._queries.entry(index)

    def receipt(self, index: int) -> bytes:
        """The receipt with which entry ``index`` was answered first, byte for byte (LOG-1). Raises
        RuleViolation for no such entry.
        """
        size = self._queries.size_answered(index)
        self._sequencer.await_files(index)
        tree = self._sequencer.tree
        return self._receipts.receipt(size, index, tree.inclusion_proof(index, size), tree.root_at(size))

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Audit path of an entry in the log of ``size`` entries. Raises RuleViolation (LOG-1) for a place
        that is not there.
        """
        return self._sequencer.tree.inclusion_proof(index, size)

    def consistency_proof(self, old: int, new: int) -> list[bytes]:
        """Proof that nothing below ``old`` changed up to ``new``. Raises RuleViolation (LOG-1) for sizes that
        are not there.
        """
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
        """All entries about a POD whose period starts in [start, end): readings, executions, setpoints."""
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

    def _now(self) -> int:
        return int(self._clock.now().timestamp())
