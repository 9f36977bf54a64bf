"""Whether an authentic statement becomes an entry of the log, decided inside the sequencer's transaction
(MEA-2, SET-1).

What is refused here contradicts something already logged; it is recorded as a conflict with the bytes of both
sides, because a device or a platform that says two things is a matter for its owner.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from registry.domain.errors import RuleViolation
from registry.evidence.merkle import leaf_hash
from registry.evidence.payloads import Execution, Payload, Reading, Setpoint
from registry.evidence.statements import Statement
from registry.log import counters

READING, EXECUTION, SETPOINT = 1, 2, 3
_BULK_MIN = 4


class ConflictingStatement(RuleViolation):
    """Authentic, but something else is logged in its place already; both are kept as evidence."""


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a statement stands in the log. ``leaf`` is the hash of a new entry, ``None`` for bytes that were
    there before.
    """

    index: int
    leaf: bytes | None


def claim_of(payload: Payload) -> tuple[bytes, int, int, bytes]:
    """What a statement speaks of, once: POD, period, kind and subject, as the table ``claims`` has it."""
    match payload:
        case Reading():
            return payload.pod_id, payload.period_start, READING, b""
        case Execution():
            return payload.pod_id, payload.period_start, EXECUTION, payload.setpoint_id
        case Setpoint():
            return payload.pod_id, payload.period_start, SETPOINT, payload.sequence.to_bytes(4, "big")


Outcome = Placed | RuleViolation


def place_all(
    db: sqlite3.Connection, statements: Sequence[Statement], index: int, now: int
) -> list[Outcome]:
    """Make ``statements`` the entries from ``index`` on, each as :func:`place` would, in their order.

    Readings that go on where their devices stopped are written in bulk. Where one of them does not, the bulk
    is undone and its halves are tried, so a repeated or contradicting one costs little to the others.
    """
    if len(statements) <= _BULK_MIN:
        outcomes: list[Outcome] = []
        for statement in statements:
            outcome = place(db, statement, index, now)
            index += isinstance(outcome, Placed) and outcome.leaf is not None
            outcomes.append(outcome)
        return outcomes
    placed = _place_bulk(db, statements, index, now)
    if placed is not None:
        return placed
    middle = len(statements) // 2
    first = place_all(db, statements[:middle], index, now)
    index += sum(isinstance(outcome, Placed) and outcome.leaf is not None for outcome in first)
    return first + place_all(db, statements[middle:], index, now)


def _place_bulk(
    db: sqlite3.Connection, statements: Sequence[Statement], index: int, now: int
) -> list[Outcome] | None:
    """All of them new readings with the next counters of their keys, or ``None`` and nothing is changed."""
    claims, entries, used, begun, gone_on = [], [], [], [], []
    for at, statement in enumerate(statements, start=index):
        payload, kid = statement.payload, statement.kid
        if not isinstance(payload, Reading):
            return None
        counter = payload.counter
        claims.append((payload.pod_id, payload.period_start, READING, b"", at))
        entries.append((at, statement.raw, now))
        used.append((kid, counter, at))
        if counter == 1:
            begun.append((kid,))
        else:
            gone_on.append((kid, counter - 1))
    db.execute("SAVEPOINT bulk")
    try:
        # In the order of each index, so that neighbours are written together.
        db.executemany("INSERT INTO claims VALUES (?, ?, ?, ?, ?)", sorted(claims))
        db.executemany("INSERT INTO keys VALUES (?, 1)", begun)
        next_ones = "UPDATE keys SET highest = highest + 1 WHERE key_id = ? AND highest = ?"
        whole = not gone_on or db.executemany(next_ones, gone_on).rowcount == len(gone_on)
        if whole:
            db.executemany("INSERT INTO counters VALUES (?, ?, ?)", sorted(used))
            db.executemany("INSERT INTO entries VALUES (?, ?, ?)", entries)
    except sqlite3.IntegrityError:
        whole = False
    if not whole:
        db.execute("ROLLBACK TO bulk")
    db.execute("RELEASE bulk")
    if not whole:
        return None
    return [
        Placed(at, leaf_hash(statement.raw)) for at, statement in enumerate(statements, start=index)
    ]


def place(db: sqlite3.Connection, statement: Statement, index: int, now: int) -> Outcome:
    """Make ``statement`` the entry ``index``, or say why not. ``db`` is in a transaction; ``now`` is in Unix
    seconds.

    1. The same bytes again: where they stand.
    2. Other bytes for the same subject (POD and period; a setpoint's answer): a conflict.
    3. A device's counter that was used before: a conflict. A counter beyond the next opens a gap, one in a
       gap closes it.
    4. An execution answers a setpoint that this log delivered, for its POD and period.
    5. A setpoint has the POD's next sequence; a sequence that was used before is a conflict.
    """
    payload = statement.payload
    claim = claim_of(payload)
    # 1. the same bytes, 2. other bytes for the same subject
    found = db.execute(
        "SELECT e.idx, e.statement FROM claims c JOIN entries e USING (idx)"
        " WHERE c.pod_id = ? AND c.period_start = ? AND c.kind = ? AND c.subject = ?",
        claim,
    ).fetchone()
    if found and found[1] == statement.raw:
        return Placed(found[0], None)
    if found:
        return _conflict(db, statement, *_subject(payload), found[0], now)
    # 3. counter, 4. the setpoint answered, 5. sequence
    if isinstance(payload, Setpoint):
        refusal = _take_sequence(db, statement, payload, index, now)
    else:
        refusal = _setpoint_answered(db, payload) if isinstance(payload, Execution) else None
        refusal = refusal or _take_counter(db, statement, payload.counter, index, now)
    if refusal:
        return refusal
    db.execute("INSERT INTO claims VALUES (?, ?, ?, ?, ?)", (*claim, index))
    db.execute("INSERT INTO entries VALUES (?, ?, ?)", (index, statement.raw, now))
    return Placed(index, leaf_hash(statement.raw))


def _subject(payload: Payload) -> tuple[str, object]:
    """Name and value of the field that may be said once."""
    match payload:
        case Reading():
            return "period_start", payload.period_start
        case Execution():
            return "setpoint_id", "0x" + payload.setpoint_id.hex()
        case Setpoint():
            return "sequence", payload.sequence


def _take_counter(
    db: sqlite3.Connection, statement: Statement, counter: int, index: int, now: int
) -> RuleViolation | None:
    kid = statement.kid
    known = db.execute("SELECT highest FROM keys WHERE key_id = ?", (kid,)).fetchone()
    highest = known[0] if known else 0
    gaps = []
    if counter < highest:
        row = db.execute(
            "SELECT first, last FROM gaps WHERE key_id = ? AND first <= ? ORDER BY first DESC LIMIT 1",
            (kid, counter),
        ).fetchone()
        gaps = [counters.Gap(*row)] if row else []
    step = counters.use(counter, highest, gaps)
    if step is None:
        used_by = db.execute(
            "SELECT idx FROM counters WHERE key_id = ? AND counter = ?", (kid, counter)
        ).fetchone()[0]
        return _conflict(db, statement, "counter", counter, used_by, now)
    if step.closed:
        db.execute("DELETE FROM gaps WHERE key_id = ? AND first = ?", (kid, step.closed.first))
    db.executemany("INSERT INTO gaps VALUES (?, ?, ?)", [(kid, gap.first, gap.last) for gap in step.opened])
    db.execute(
        "INSERT INTO keys VALUES (?, ?) ON CONFLICT (key_id) DO UPDATE SET highest = excluded.highest",
        (kid, step.highest),
    )
    db.execute("INSERT INTO counters VALUES (?, ?, ?)", (kid, counter, index))
    return None


def _setpoint_answered(db: sqlite3.Connection, execution: Execution) -> RuleViolation | None:
    row = db.execute(
        "SELECT pod_id, period_start FROM setpoints WHERE setpoint_id = ?", (execution.setpoint_id,)
    ).fetchone()
    if row is None:
        return RuleViolation(
            rule="SET-1",
            field="setpoint_id",
            found=execution.setpoint_id,
            allowed="a setpoint that this log delivered",
        )
    if row[0] != execution.pod_id:
        return RuleViolation(rule="SET-1", field="pod_id", found=execution.pod_id, allowed=row[0])
    if row[1] != execution.period_start:
        return RuleViolation(rule="SET-1", field="period_start", found=execution.period_start, allowed=row[1])
    return None


def _take_sequence(
    db: sqlite3.Connection, statement: Statement, setpoint: Setpoint, index: int, now: int
) -> RuleViolation | None:
    last, *_ = db.execute(
        "SELECT coalesce(max(sequence), 0) FROM setpoints WHERE pod_id = ?", (setpoint.pod_id,)
    ).fetchone()
    if setpoint.sequence <= last:
        used_by = db.execute(
            "SELECT idx FROM setpoints WHERE pod_id = ? AND sequence = ?",
            (setpoint.pod_id, setpoint.sequence),
        ).fetchone()[0]
        return _conflict(db, statement, "sequence", setpoint.sequence, used_by, now)
    if setpoint.sequence != last + 1:
        return RuleViolation(rule="SET-1", field="sequence", found=setpoint.sequence, allowed=last + 1)
    db.execute(
        "INSERT INTO setpoints VALUES (?, ?, ?, ?, ?, ?)",
        (setpoint.pod_id, setpoint.sequence, statement.id, setpoint.period_start, setpoint.expires_at, index),
    )
    return None


def _conflict(
    db: sqlite3.Connection, statement: Statement, field: str, found: object, entry: int, now: int
) -> ConflictingStatement:
    db.execute(
        "INSERT INTO conflicts (statement, field, pod_id, key_id, idx, received_at) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (statement.raw, field, statement.payload.pod_id, statement.kid, entry, now),
    )
    rule = "SET-1" if isinstance(statement.payload, Setpoint) else "MEA-2"
    return ConflictingStatement(
        rule=rule,
        field=field,
        found=f"{found} in other bytes",
        allowed=f"the bytes of entry {entry}, which has it",
        hint="both are kept as evidence of a conflict",
    )
