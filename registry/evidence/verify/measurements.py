"""The measurement log's part of a bundle: from entries to certified readings (LOG-1, LOG-2, DEV-1, MEA-1,
MEA-2).
"""

from __future__ import annotations

from collections.abc import Sequence
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
from registry.evidence.es256 import PublicKey, load_public_key
from registry.evidence.facts import Facts
from registry.evidence.merkle import leaf_hash, verify_inclusion
from registry.evidence.payloads import Reading
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
    return checkpoint, f"log {origin!r} at {checkpoint.size} entries, anchored by party {anchored[0].node}"


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

    A conflicting statement must be as well signed as the logged one that it contradicts (STT-3).
    """
    keys = _Keys(facts)
    certified = [keys.certified(entry.statement) for entry in entries]
    conflicting = [keys.certified(statement) for statement in conflicts]
    by_place = {_place(reading): reading for _, reading in certified}
    by_counter = {(kid, reading.counter): reading for kid, reading in certified}
    for kid, reading in conflicting:
        others = by_place.get(_place(reading), reading), by_counter.get((kid, reading.counter), reading)
        if others == (reading, reading):
            raise RuleViolation(
                rule="STT-3",
                field="conflict",
                found=f"a reading of POD {reading.pod_id.hex()} at {reading.period_start}",
                allowed="another content than a logged reading of the same period or counter",
            )
    found = reading_facts(day, [reading for _, reading in certified], [reading for _, reading in conflicting])
    return found, f"{len(certified)} readings, {len(conflicting)} conflicts, {keys.used} keys"


def _place(reading: Reading) -> tuple[bytes, int]:
    return reading.pod_id, reading.period_start


class _Keys:
    """Device keys as the ledger binds them; each is decoded once."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._keys: dict[bytes, tuple[PublicKey, bytes, int, int]] = {}

    @property
    def used(self) -> int:
        return len(self._keys)

    def certified(self, data: bytes) -> tuple[bytes, Reading]:
        """The key id and the reading of a statement, all of it checked."""
        statement = parse(data)
        reading = statement.payload
        if not isinstance(reading, Reading):
            raise RuleViolation(rule="MEA-1", field="type", found=type(reading).__name__, allowed="a reading")
        if statement.kid not in self._keys:
            self._keys[statement.kid] = self._binding(statement)
        key, pod_id, valid_from, valid_until = self._keys[statement.kid]
        check_binding(reading, pod_id, valid_from, valid_until)
        verify_with(statement, key)
        return statement.kid, reading

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
