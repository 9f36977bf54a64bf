"""Whether an authentic statement becomes an entry of the log, decided inside the sequencer's transaction
(MEA-2, SET-1).

What is refused here contradicts something already logged; it is recorded as a conflict with the bytes of both
sides, because a device or a platform that says two things is a matter for its owner.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from registry.domain.errors import RuleViolation
from registry.evidence.merkle import leaf_hash
from registry.evidence.payloads import Execution, Payload, Reading, Setpoint
from registry.evidence.statements import Statement, parse
from registry.log import counters
from registry.log.judged import Judged, Verdict
from registry.log.occupancy import Occupancy, day_number
from registry.log.store import (
    CHUNK_ENTRIES,
    EXECUTION,
    SETPOINT,
    Chunk,
    Claim,
    ConflictRow,
    Reads,
    SetpointRow,
    Writing,
)

_HASH: Final = 32
_END_OF_TIME: Final = 1 << 33


class ConflictingStatement(RuleViolation):
    """Authentic, but something else is logged in its place already; both are kept as evidence."""


@dataclass(frozen=True, slots=True)
class Standing:
    """The bytes stand in the log already, as entry ``index``."""

    index: int


Outcome = int | Standing | RuleViolation
"""The index of a new entry, where the same bytes stand already, or why there is no place."""


class Placing:
    """One commit's worth of entries in the making: outcomes for the senders, chunks and leaves for the
    log.
    """

    def __init__(self, writing: Writing, occupancy: Occupancy, size: int, now: int) -> None:
        """``size`` entries are in the log; ``now`` (Unix seconds) is recorded with new ones."""
        self._reads = writing.reads
        self._writing = writing
        self._occupancy = occupancy
        self._first = size
        self._now = now
        self.leaves: list[bytes] = []
        self._frames: list[bytes] = []
        self._days: list[int] = []

    @property
    def size(self) -> int:
        """The size that the log comes to have."""
        return self._first + len(self.leaves)

    def place_all(self, judged: Judged) -> list[Outcome]:
        """Give the authentic statements of a batch their places, in order; one outcome for each message.

        A reading that goes on where its device stopped takes its place at once; everything else is looked at
        closely: :meth:`_place`.
        """
        outcomes: list[Outcome | None] = [None] * judged.count
        occupancy, leaves, frames, days = self._occupancy, self.leaves, self._frames, self._days
        take = occupancy.take
        others = iter(sorted(judged.others))
        other = next(others, judged.count)
        columns = zip(
            judged.numbers,
            _parts(judged.kids),
            _parts(judged.pods),
            judged.starts,
            judged.counters,
            _parts(judged.leaves),
            judged.readings(),
            strict=True,
        )
        index = self.size
        for number, kid, pod_id, start, counter, leaf, frame in columns:
            while other < number:
                outcomes[other] = self._place_other(judged.others[other])
                other, index = next(others, judged.count), self.size
            if take(kid, pod_id, start, counter, index):
                leaves.append(leaf)
                frames.append(frame)
                days.append(day_number(start))
                outcomes[number] = index
                index += 1
            else:
                outcomes[number] = self._place(parse(frame[2:]))
                index = self.size
        while other < judged.count:
            outcomes[other] = self._place_other(judged.others[other])
            other = next(others, judged.count)
        return outcomes  # type: ignore[return-value]

    def chunks(self) -> Iterator[Chunk]:
        """The new entries as the store keeps them."""
        at, count = 0, len(self._frames)
        while at < count:
            first, day = self._first + at, self._days[at]
            most = min(count - at, CHUNK_ENTRIES - first % CHUNK_ENTRIES)
            end = at + 1
            while end < at + most and self._days[end] == day:
                end += 1
            yield Chunk(first, end - at, day, self._now, b"".join(self._frames[at:end]))
            at = end

    # ------------------------------------------------------------------------------------------- one by one

    def _place_other(self, verdict: Verdict) -> Outcome:
        if isinstance(verdict, Statement):
            return self._place(verdict)
        # What was once accepted stays so, whatever became of key and time since: the same bytes are no
        # refusal.
        known = self._standing(verdict.statement) if verdict.statement else None
        return verdict.violation if known is None else Standing(known)

    def _place(self, statement: Statement) -> Outcome:
        """Make a statement the next entry, or say why not.

        0. Its delivery day was not detached: of such a day nothing is known any more.
        1. The same bytes again: where they stand.
        2. Other bytes for the same subject (POD and period; a setpoint's answer): a conflict.
        3. A device's counter that was used before: a conflict. A counter beyond the next opens a gap, one in
           a gap closes it.
        4. An execution answers a setpoint that this log delivered, for its POD and period.
        5. A setpoint has the POD's next sequence; a sequence that was used before is a conflict.
        """
        payload = statement.payload
        # 0. a day that is held
        if payload.period_start < self._occupancy.floor:
            return _detached(payload.period_start, self._occupancy.floor)
        # 1. the same bytes, 2. other bytes for the same subject
        found = find(payload, self._occupancy, self._reads)
        if found is not None:
            if self._entry(found) == statement.raw:
                return Standing(found)
            return self._conflict(statement, *_subject(payload), found)
        # 3. counter, 4. the setpoint answered, 5. sequence
        if isinstance(payload, Setpoint):
            refusal = self._take_sequence(statement, payload)
        else:
            refusal = self._setpoint_answered(payload) if isinstance(payload, Execution) else None
            refusal = refusal or self._take_counter(statement, payload.pod_id, payload.counter)
        if refusal:
            return refusal
        index, pod = self.size, self._occupancy.number_pod(payload.pod_id)
        match payload:
            case Reading():
                self._occupancy.place(pod, payload.period_start, index)
            case Execution():
                self._writing.claim(Claim(pod, payload.period_start, EXECUTION, payload.setpoint_id, index))
            case Setpoint():
                subject = payload.sequence.to_bytes(4, "big")
                self._writing.claim(Claim(pod, payload.period_start, SETPOINT, subject, index))
        self.leaves.append(leaf_hash(statement.raw))
        self._frames.append(len(statement.raw).to_bytes(2, "big") + statement.raw)
        self._days.append(day_number(payload.period_start))
        return index

    def _standing(self, statement: Statement) -> int | None:
        index = find(statement.payload, self._occupancy, self._reads)
        return index if index is not None and self._entry(index) == statement.raw else None

    def _entry(self, index: int) -> bytes | None:
        if index >= self._first:
            return self._frames[index - self._first][2:]
        return self._reads.entry(index)

    def _setpoint_answered(self, execution: Execution) -> RuleViolation | None:
        row = self._reads.setpoint(execution.setpoint_id)
        if row is None:
            return RuleViolation(
                rule="SET-1",
                field="setpoint_id",
                found=execution.setpoint_id,
                allowed="a setpoint that this log delivered",
            )
        if row.pod != self._occupancy.pod(execution.pod_id):
            return RuleViolation(
                rule="SET-1", field="pod_id", found=execution.pod_id, allowed="the POD of the setpoint"
            )
        if row.period_start != execution.period_start:
            return RuleViolation(
                rule="SET-1", field="period_start", found=execution.period_start, allowed=row.period_start
            )
        return None

    def _take_counter(self, statement: Statement, pod_id: bytes, counter: int) -> RuleViolation | None:
        key = self._occupancy.number_key(statement.kid)
        highest = self._occupancy.highest(key)
        gaps = [counters.Gap(*gap) for gap in self._reads.gaps_of(key)] if counter < highest else []
        step = counters.use(counter, highest, gaps)
        if step is None:
            user = self._user(statement.kid, pod_id, counter)
            if user is None:
                return _used(counter, highest)
            return self._conflict(statement, "counter", counter, user)
        if step.closed:
            self._writing.close_gap(key, step.closed.first)
        for gap in step.opened:
            self._writing.open_gap(key, gap.first, gap.last)
        self._occupancy.use(key, counter)
        return None

    def _user(self, kid: bytes, pod_id: bytes, counter: int) -> int | None:
        """The entry in which a key used a counter; ``None`` if it is not held any more.

        A device counts in the order of time, so the search begins where the counter should be, and goes on
        in both directions.
        """
        pod = self._occupancy.number_pod(pod_id)
        readings = list(self._occupancy.between(pod, 0, _END_OF_TIME))
        entries = [index for _, index in sorted(readings + self._reads.claims(pod, 0, _END_OF_TIME))]
        counts: dict[int, tuple[bytes, int]] = {}

        def used(position: int) -> tuple[bytes, int]:
            if position not in counts:
                counts[position] = _counter_of(self._entry(entries[position]))
            return counts[position]

        at = bisect_left(range(len(entries)), counter, key=lambda position: used(position)[1])
        for distance in range(len(entries) + 1):
            for position in (at - distance, at + distance):
                if 0 <= position < len(entries) and used(position) == (kid, counter):
                    return entries[position]
        return None

    def _take_sequence(self, statement: Statement, setpoint: Setpoint) -> RuleViolation | None:
        pod = self._occupancy.number_pod(setpoint.pod_id)
        last = self._reads.last_sequence(pod)
        if setpoint.sequence <= last:
            used_by = self._reads.setpoint_with(pod, setpoint.sequence)
            assert used_by is not None  # sequences have no holes
            return self._conflict(statement, "sequence", setpoint.sequence, used_by)
        if setpoint.sequence != last + 1:
            return RuleViolation(rule="SET-1", field="sequence", found=setpoint.sequence, allowed=last + 1)
        self._writing.setpoint(
            SetpointRow(
                pod,
                setpoint.sequence,
                statement.id,
                setpoint.period_start,
                setpoint.expires_at,
                self.size,
            )
        )
        return None

    def _conflict(self, statement: Statement, field: str, found: object, entry: int) -> ConflictingStatement:
        pod_id = statement.payload.pod_id
        self._writing.conflict(ConflictRow(statement.raw, field, pod_id, statement.kid, entry, self._now))
        return ConflictingStatement(
            rule="SET-1" if isinstance(statement.payload, Setpoint) else "MEA-2",
            field=field,
            found=f"{found} in other bytes",
            allowed=f"the bytes of entry {entry}, which has it",
            hint="both are kept as evidence of a conflict",
        )


def find(payload: Payload, occupancy: Occupancy, reads: Reads) -> int | None:
    """The entry that speaks of the same subject as ``payload``."""
    pod = occupancy.pod(payload.pod_id)
    if pod is None:
        return None
    match payload:
        case Reading():
            return occupancy.find(pod, payload.period_start)
        case Execution():
            return reads.claim(pod, payload.period_start, EXECUTION, payload.setpoint_id)
        case Setpoint():
            return reads.claim(pod, payload.period_start, SETPOINT, payload.sequence.to_bytes(4, "big"))


def _subject(payload: Payload) -> tuple[str, object]:
    """Name and value of the field that may be said once."""
    match payload:
        case Reading():
            return "period_start", payload.period_start
        case Execution():
            return "setpoint_id", "0x" + payload.setpoint_id.hex()
        case Setpoint():
            return "sequence", payload.sequence


def _detached(start: int, floor: int) -> RuleViolation:
    return RuleViolation(
        rule="MEA-2",
        field="period_start",
        found=start,
        allowed=f"at least {floor}: the delivery days before it were detached",
    )


def _used(counter: int, highest: int) -> RuleViolation:
    return RuleViolation(
        rule="MEA-2",
        field="counter",
        found=f"{counter}, used in an entry that was detached",
        allowed=f"more than {highest}, or one that is missing",
    )


def _counter_of(data: bytes | None) -> tuple[bytes, int]:
    """Key id and counter of an entry; of one that is detached or a setpoint, none that a device has."""
    if data is None:
        return b"", 0
    statement = parse(data)
    payload = statement.payload
    return (statement.kid, 0) if isinstance(payload, Setpoint) else (statement.kid, payload.counter)


def _parts(column: bytes) -> Iterator[bytes]:
    for at in range(0, len(column), _HASH):
        yield column[at : at + _HASH]
