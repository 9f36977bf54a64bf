"""The measurement log's part of a bundle: from entries to certified readings (LOG-1, LOG-2, DEV-1, MEA-1,
MEA-2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import RuleViolation
from registry.domain.events import CheckpointAnchored, DeviceBound, DeviceEnded
from registry.domain.settlement_case import Readings
from registry.evidence.acceptance import check_binding
from registry.evidence.bundle import LoggedEntry
from registry.evidence.case import reading_facts
from registry.evidence.checkpoints import Checkpoint, NoteKey, open_checkpoint
from registry.evidence.cosignatures import WitnessKey, count_witnesses, read_cosignatures
from registry.evidence.es256 import PublicKey, load_public_key
from registry.evidence.facts import Facts
from registry.evidence.merkle import leaf_hash, verify_consistency, verify_inclusion
from registry.evidence.payloads import Execution, Reading, Setpoint
from registry.evidence.statements import Statement, parse, verify_with


def check_checkpoint(facts: Facts, note: bytes, key: str, origin: str) -> tuple[Checkpoint, str]:
    """Check the signed checkpoint, and that the access node anchored exactly it; the log's anchors never
    shrink or fork (LOG-2).
    """
    checkpoint = open_checkpoint(note, NoteKey.parse(key))
    if checkpoint.origin != origin:
        raise RuleViolation(rule="LOG-2", field="origin", found=origin, allowed=checkpoint.origin)
    log_id = sha256(origin.encode()).digest()
    anchors = [record.event for record in facts.of(CheckpointAnchored, lambda event: event.log_id == log_id)]
    for before, after in pairwise(anchors):
        if after.size < before.size or (after.size == before.size and after.root != before.root):
            raise RuleViolation(
                rule="LOG-2", field="size", found=after.size, allowed=f"at least {before.size}, one root each"
            )
    anchored = [anchor for anchor in anchors if anchor.size == checkpoint.size]
    if not anchored:
        raise RuleViolation(
            rule="LOG-2", field="size", found=checkpoint.size, allowed="a size anchored on the ledger"
        )
    if anchored[0].root != checkpoint.root:
        raise RuleViolation(rule="LOG-2", field="root", found=checkpoint.root, allowed=anchored[0].root)
    by = f"anchored by party {anchored[0].node} with {anchored[-1].witnesses} cosignatures, as it says"
    return checkpoint, f"log {origin!r} at {checkpoint.size} entries, {by}"


def check_witnesses(
    facts: Facts, checkpoint: Checkpoint, note: bytes, witnesses: Sequence[WitnessKey]
) -> str:
    """Count again how many witnesses cosigned the anchored checkpoint: at least as many as its newest anchor
    claims (LOG-2).

    ``note`` is the one of ``checkpoint`` with the cosignatures under it, ``witnesses`` are the keys of all
    witnesses of the log, from elsewhere.
    """
    log_id = sha256(checkpoint.origin.encode()).digest()
    anchor = facts.last(
        CheckpointAnchored, lambda event: event.log_id == log_id and event.size == checkpoint.size
    )
    claimed = anchor.event.witnesses if anchor is not None else 0
    counted = count_witnesses(read_cosignatures(note, witnesses))
    if counted < claimed:
        raise RuleViolation(
            rule="LOG-2",
            field="witnesses",
            found=f"{counted} cosignatures by the {len(witnesses)} keys given",
            allowed=f"the {claimed} that the anchor claims",
            hint="give the keys of all witnesses of the log",
        )
    more = f", and {counted - claimed} more" if counted > claimed else ""
    return f"{claimed} of the anchor's {claimed} cosignatures verify{more}"


def check_consistency(facts: Facts, origin: str, paths: Sequence[Sequence[bytes]]) -> str:
    """Check that each anchored checkpoint of the log grew out of the one before it (LOG-2).

    ``paths`` are consistency proofs, one between each two anchored sizes that follow each other.
    """
    log_id = sha256(origin.encode()).digest()
    anchored = {
        record.event.size: record.event.root
        for record in facts.of(CheckpointAnchored, lambda event: event.log_id == log_id)
    }
    steps = list(pairwise(sorted(anchored)))
    if len(paths) != len(steps):
        raise RuleViolation(
            rule="LOG-2",
            field="consistency",
            found=f"{len(paths)} proofs",
            allowed=f"{len(steps)}, one per step",
        )
    for (old, new), path in zip(steps, paths, strict=True):
        try:
            verify_consistency(old, new, anchored[old], anchored[new], path)
        except RuleViolation as violation:
            raise RuleViolation(
                rule="LOG-2",
                field=f"anchor of size {new}",
                found=violation,
                allowed=f"one that grew from size {old}",
            ) from None
    return f"{len(anchored)} anchors, each grown from the one before"


def check_inclusion(entries: Sequence[LoggedEntry], checkpoint: Checkpoint) -> str:
    """Check that each statement stands in the log, at its own place."""
    for entry in entries:
        verify_inclusion(
            leaf_hash(entry.statement), entry.index, checkpoint.size, entry.path, checkpoint.root
        )
    if len({entry.index for entry in entries}) != len(entries):
        raise RuleViolation(rule="LOG-1", field="index", found="an index twice", allowed="each entry once")
    return f"{len(entries)} statements in a log of {checkpoint.size}"


def check_readings(
    facts: Facts, day: DeliveryDay, entries: Sequence[LoggedEntry], conflicts: Sequence[bytes]
) -> tuple[Readings, str]:
    """Check every statement's bytes and signature, with a key bound to its POD for the whole period.

    A conflicting statement must be as well signed as the logged one that it contradicts: other bytes for the
    same POD and period, or the same counter of the same key (MEA-2, STT-3). An execution may be among the
    entries, as the statement that used a counter first.
    """
    keys = _Keys(facts)
    logged = [keys.certified(entry.statement) for entry in entries]
    refused = [keys.certified(statement) for statement in conflicts]
    known = {statement.raw for statement in logged}
    places = {_place(statement.payload) for statement in logged}
    counters = {(statement.kid, statement.payload.counter) for statement in logged}
    for statement in refused:
        contradicts = (
            _place(statement.payload) in places or (statement.kid, statement.payload.counter) in counters
        )
        if statement.raw in known or not contradicts:
            raise RuleViolation(
                rule="STT-3",
                field="conflict",
                found=f"statement {statement.id.hex()}",
                allowed="other bytes for the POD and period, or the key's counter, of a logged statement",
            )
    found = reading_facts(day, _readings(logged), _readings(refused))
    return found, f"{len(logged)} statements, {len(refused)} conflicts, {keys.used} keys"


@dataclass(frozen=True, slots=True)
class _Certified:
    """A statement of a device, all of it checked."""

    kid: bytes
    id: bytes
    raw: bytes
    payload: Reading | Execution


def _readings(statements: Sequence[_Certified]) -> list[Reading]:
    return [statement.payload for statement in statements if isinstance(statement.payload, Reading)]


def _place(payload: Reading | Execution) -> tuple[type, bytes, int]:
    return type(payload), payload.pod_id, payload.period_start


class _Keys:
    """Device keys as the ledger binds them; each is decoded once."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._keys: dict[bytes, tuple[PublicKey, bytes, int, int]] = {}

    @property
    def used(self) -> int:
        return len(self._keys)

    def certified(self, data: bytes) -> _Certified:
        statement = parse(data)
        payload = statement.payload
        if isinstance(payload, Setpoint):
            raise RuleViolation(rule="MEA-1", field="type", found="setpoint", allowed="a device's statement")
        if statement.kid not in self._keys:
            self._keys[statement.kid] = self._binding(statement)
        key, pod_id, valid_from, valid_until = self._keys[statement.kid]
        check_binding(payload, pod_id, valid_from, valid_until)
        verify_with(statement, key)
        return _Certified(statement.kid, statement.id, data, payload)

    def _binding(self, statement: Statement) -> tuple[PublicKey, bytes, int, int]:
        record = self._facts.last(DeviceBound, lambda event: event.key_id == statement.kid)
        if record is None:
            raise RuleViolation(
                rule="DEV-1", field="kid", found=statement.kid, allowed="a key bound on the ledger"
            )
        bound: DeviceBound = record.event
        until = bound.valid_until
        for ended in self._facts.of(DeviceEnded, lambda event: event.key_id == bound.key_id):
            until = min(until, ended.event.valid_until)
        for next_bound in self._facts.of(DeviceBound, lambda event: event.pod_id == bound.pod_id):
            if next_bound.position > record.position:
                until = min(until, next_bound.event.valid_from)
        return load_public_key(b"\x04" + bound.key_x + bound.key_y), bound.pod_id, bound.valid_from, until
