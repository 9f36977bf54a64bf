"""Device keys and the access node's log of certified statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

from registry.domain.errors import RuleViolation
from registry.evidence.checkpoints import NoteKey
from registry.evidence.payloads import Payload


@dataclass(frozen=True, slots=True)
class DeviceKey:
    """A PGUI's key (DEV-1): valid in [valid_from, valid_until), Unix seconds. ``public_key``: 65 bytes,
    uncompressed point.
    """

    key_id: bytes
    pod_id: bytes
    public_key: bytes
    valid_from: int
    valid_until: int


class DeviceDirectory(Protocol):
    """Which key speaks for which POD."""

    def device(self, key_id: bytes) -> DeviceKey | None:
        """The key, valid or not: earlier readings stay verifiable."""
        ...

    def devices(self, key_ids: Sequence[bytes]) -> list[DeviceKey | None]:
        """As :meth:`device` for many ids, in their order."""
        ...

    def all(self) -> Iterator[DeviceKey]:
        """Every key that was ever bound, in any order; not read all at once."""
        ...

    def version(self) -> Hashable:
        """Something that differs as soon as any key or binding does, and that is cheap to ask."""
        ...

    def changed_since(self, version: Hashable) -> Collection[bytes] | None:
        """Ids of the keys that may have changed since the directory was at ``version``; ``None`` if that
        cannot be told.
        """
        ...

    def active_device(self, pod_id: bytes, at: int) -> DeviceKey | None:
        """The one key that is valid for the POD at ``at`` (Unix seconds)."""
        ...


class Accepted:
    """A statement is durable in the log at ``index``; ``duplicate`` if it was there before. Its receipt is
    made when it is first asked for; the log must be open then.
    """

    __slots__ = ("_data", "_receipt", "duplicate", "index")

    def __init__(
        self, index: int, data: bytes, receipt: bytes | Callable[[int], bytes], duplicate: bool
    ) -> None:
        """``data``: the statement's bytes; ``receipt``: the receipt's, or what makes them of the index."""
        self.index = index
        self.duplicate = duplicate
        self._data = data
        self._receipt = receipt

    @property
    def statement_id(self) -> bytes:
        """SHA-256 of the statement's bytes."""
        return sha256(self._data).digest()

    @property
    def receipt(self) -> bytes:
        """The COSE receipt of the answer."""
        if not isinstance(self._receipt, bytes):
            self._receipt = self._receipt(self.index)
        return self._receipt

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Accepted):
            return NotImplemented
        mine = (self.index, self._data, self.duplicate)
        return mine == (other.index, other._data, other.duplicate) and self.receipt == other.receipt

    def __hash__(self) -> int:
        return hash((self.index, self._data))

    def __repr__(self) -> str:
        return f"Accepted({self.index}, {self.statement_id.hex()}, duplicate={self.duplicate})"


@dataclass(frozen=True, slots=True)
class Refused:
    """A statement was not taken, and why."""

    violation: RuleViolation
    statement_id: bytes


Answer = Accepted | Refused


@dataclass(frozen=True, slots=True)
class SequenceAnswers:
    """One answer for each whole item of a sequence, up to byte ``end``; ``fault`` says why not beyond it, if
    the sequence is to blame.
    """

    answers: list[Answer]
    end: int
    fault: RuleViolation | None


@dataclass(frozen=True, slots=True)
class LoggedStatement:
    """An accepted statement: its index, its exact bytes, and what they say."""

    index: int
    data: bytes
    payload: Payload


@dataclass(frozen=True, slots=True)
class LogCheckpoint:
    """The log's head: ``size`` entries with the 32-byte ``root``, and the signed note that says so."""

    size: int
    root: bytes
    note: bytes


class Conflict(Protocol):
    """A refused statement that contradicts the log, with both sides' exact bytes (MEA-2)."""

    @property
    def id(self) -> int: ...
    @property
    def pod_id(self) -> bytes: ...
    @property
    def key_id(self) -> bytes: ...
    @property
    def field(self) -> str: ...
    @property
    def index(self) -> int: ...
    @property
    def logged(self) -> bytes: ...
    @property
    def refused(self) -> bytes: ...
    @property
    def received_at(self) -> int: ...


class CounterGap(Protocol):
    """Counters ``first`` .. ``last`` (both included) of a key that have not arrived although a higher one has
    (MEA-2).
    """

    @property
    def key_id(self) -> bytes: ...
    @property
    def first(self) -> int: ...
    @property
    def last(self) -> int: ...


class MeasurementLog(Protocol):
    """The access node's log of certified statements (MEA-1 to MEA-3, LOG-1, SET-1)."""

    @property
    def log_id(self) -> bytes: ...

    @property
    def origin(self) -> str: ...

    @property
    def note_key(self) -> NoteKey:
        """The public key that signs the log's checkpoints."""
        ...

    def submit(self, statements: Sequence[bytes]) -> list[Answer]:
        """Take statements; answers in the same order. What is accepted is durable."""
        ...

    def log_setpoints(self, setpoints: Sequence[bytes]) -> list[Answer]:
        """Log signed setpoints before they are delivered (SET-1); answers in the same order."""
        ...

    def setpoints(self, pod_id: bytes, after_sequence: int, wait_s: float = 0) -> list[bytes]:
        """Setpoints of a POD that still apply, in order; waits up to ``wait_s`` seconds for the first."""
        ...

    @property
    def size(self) -> int:
        """Number of entries that are durable."""
        ...

    def checkpoint(self) -> LogCheckpoint:
        """The head, published: whoever reads the log's public files finds what it speaks of."""
        ...

    def entry(self, index: int) -> bytes: ...

    def committed_at(self, index: int) -> int:
        """When an entry became durable, Unix seconds."""
        ...

    def receipt(self, index: int) -> bytes: ...

    def inclusion_proof(self, index: int, size: int) -> list[bytes]: ...

    def consistency_proof(self, old: int, new: int) -> list[bytes]: ...

    def statements(self, pod_id: bytes, start: datetime, end: datetime) -> list[LoggedStatement]:
        """Statements of a POD whose period starts in [start, end). Raises RuleViolation (LOG-1) if delivery
        days of it were detached.
        """
        ...

    def last_setpoint_sequence(self, pod_id: bytes) -> int:
        """The sequence of the POD's last setpoint, 0 if it never had one."""
        ...

    def checkpoint_at(self, size: int) -> LogCheckpoint:
        """The checkpoint of the first ``size`` entries, such as one that was anchored."""
        ...

    def conflicts(self, pod_id: bytes | None = None, *, after: int = 0) -> Sequence[Conflict]:
        """Refused statements that contradict the log, of one POD or of all; pages go on after a conflict's
        id.
        """
        ...

    def gaps(self, key_id: bytes | None = None) -> Sequence[CounterGap]:
        """Counters that devices have passed over."""
        ...
