"""What became of a batch at the gate: authentic readings in columns, everything else one by one (MEA-2).

Readings are nearly all that ever comes, so what the sequencer needs of them is packed: it travels from a
worker process in a few long byte strings, however many statements there are.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from registry.domain.errors import RuleViolation
from registry.evidence.statements import Statement


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a statement is not taken.

    Attributes:
        raw: its exact bytes.
        statement: the statement where it could be read: it may stand in the log.
    """

    violation: RuleViolation
    raw: bytes
    statement: Statement | None = None


Verdict = Statement | Refusal
"""An authentic statement that is no reading, or a refusal."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch of ``count`` messages.

    Attributes:
        numbers: which messages are authentic readings, rising; the columns below have one item each.
        kids, pods: key ids and pod_ids, 32 bytes each.
        starts, counters: starts of the periods (Unix seconds) and counters, unsigned 32 bits.
        leaves: leaf hashes, 32 bytes each.
        frames: the exact bytes, each behind its length in two bytes, as an entry bundle has them.
        ends: where each frame ends.
        others: verdicts of all other messages by their number.
        end, fault: of a body, the byte up to which it was taken, and why no further if that is a fault.
    """

    count: int
    numbers: Sequence[int]
    kids: bytes
    pods: bytes
    starts: array[int]
    counters: array[int]
    leaves: bytes
    frames: bytes
    ends: array[int]
    others: dict[int, Verdict]
    end: int = 0
    fault: RuleViolation | None = None

    @property
    def concerns_log(self) -> bool:
        """Whether any of it could stand in the log, or come to."""
        return bool(self.numbers) or any(
            isinstance(verdict, Statement) or verdict.statement for verdict in self.others.values()
        )

    def readings(self) -> Iterator[bytes]:
        """The frames of the readings, in order."""
        start = 0
        for end in self.ends:
            yield self.frames[start:end]
            start = end


def without_readings(verdicts: Sequence[Verdict]) -> Judged:
    """A batch in which no message is a reading."""
    empty = array("I")
    return Judged(len(verdicts), (), b"", b"", empty, empty, b"", b"", empty, dict(enumerate(verdicts)))
