"""The gate of the access node: which device statements are authentic and in time (MEA-2, DEV-1)."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from registry.domain.errors import RuleViolation
from registry.evidence.acceptance import AcceptanceRules, check_binding, check_period
from registry.evidence.cbor import end_of_item
from registry.evidence.es256 import claim_of, false_claims, is_signed_by
from registry.evidence.payloads import Reading, Setpoint
from registry.evidence.statements import Statement, parse_slowly, unverified
from registry.evidence.template import Skimmed, skim
from registry.log.judged import Judged, Refusal, Verdict
from registry.log.keys import KeyBook, Known
from registry.ports import DeviceKey

Ask = Callable[[Sequence[bytes]], list[DeviceKey | None]]
"""Gives the directory's keys for key ids."""

_LEAF: Final = b"\x00"  # RFC 9162 section 2.1.1
_Read = tuple[bytes, Skimmed | Statement | RuleViolation]
"""A message, and what could be read of it."""


ITEM_BYTES_MAX: Final = 4_096
"""Beyond this nobody looks for the end of an item; a statement has 512 bytes at most."""


@dataclass(frozen=True, slots=True)
class Body:
    """A CBOR sequence (RFC 8742) of at most ``items_max`` statements, not yet split, or a part of one.

    Attributes:
        last: whether the sequence ends with these bytes; else its last item may go on in the next part.
        items_before, bytes_before: what of the sequence was taken before this part.
    """

    data: bytes
    items_max: int
    last: bool = True
    items_before: int = 0
    bytes_before: int = 0


Messages = Sequence[bytes] | Body


class Gate:
    """Judges statements in batches; keeps nothing but what it remembers of keys."""

    def __init__(self, book: KeyBook, rules: AcceptanceRules) -> None:
        self.book = book
        self._rules = rules

    def judge(self, messages: Messages, now: int, ask: Ask) -> Judged:
        """Check each statement's bytes at ``now`` (Unix seconds), in the order of MEA-2:

        1. It is well-formed and canonical, and a device's: a reading or an execution.
        2. Its key is known, bound to this POD and valid throughout the period (DEV-1).
        3. The signature is by that key.
        4. The period has the market's length, is aligned to it, is over (an execution that was not begun may
           come before) and did not end before the acceptance window.

        Whether the log has the same bytes, other bytes for the same POD and period, or the counter, is
        decided where the log grows: :mod:`registry.log.placing`.

        A refusal (MEA-1, MEA-2, DEV-1) names the first field found wrong. Of a body, the items are judged
        that stand before its first fault.
        """
        # 1. form
        items = _read_body(messages) if isinstance(messages, Body) else _Items(list(map(_read, messages)))
        read = items.read
        # 2. keys
        keys = self._keys_of(read, ask)
        # 3. signatures, before anything else is looked at
        unsigned = _unsigned(read, keys)
        # 4. periods; what is right goes into columns
        numbers: list[int] = []
        kids: list[bytes] = []
        pods: list[bytes] = []
        leaves: list[bytes] = []
        frames: list[bytes] = []
        starts, counters, ends = array("I"), array("I"), array("I")
        others: dict[int, Verdict] = {}
        end, rules = 0, self._rules
        length_s, latest = rules.period_length_s, now + rules.clock_tolerance_s - rules.period_length_s
        earliest = now - rules.window_s - rules.period_length_s
        for number, ((data, found), known) in enumerate(zip(read, keys, strict=True)):
            if isinstance(found, tuple):
                kid, pod_id, start, length, counter, _, _ = found
                # 2. to 4. in one look; whatever is not right is judged again below, in words
                if (
                    known is None
                    or known[0] != pod_id
                    or not known[1] <= start <= known[2] - length
                    or number in unsigned
                    or length != length_s
                    or start % length
                    or not earliest <= start <= latest
                ):
                    others[number] = self._judge(parse_slowly(data), known, now)
                    continue
            elif isinstance(found, Statement):
                verdict = self._judge(found, known, now)
                if isinstance(verdict, Refusal) or not isinstance(found.payload, Reading):
                    others[number] = verdict
                    continue
                kid, pod_id = found.kid, found.payload.pod_id
                start, counter = found.payload.period_start, found.payload.counter
            else:
                others[number] = Refusal(found, data)
                continue
            numbers.append(number)
            kids.append(kid)
            pods.append(pod_id)
            starts.append(start)
            counters.append(counter)
            leaves.append(sha256(_LEAF + data).digest())
            frames += (len(data).to_bytes(2, "big"), data)
            end += 2 + len(data)
            ends.append(end)
        return Judged(
            len(read),
            numbers,
            b"".join(kids),
            b"".join(pods),
            starts,
            counters,
            b"".join(leaves),
            b"".join(frames),
            ends,
            others,
            items.end,
            items.fault,
        )

    def _keys_of(self, read: Sequence[_Read], ask: Ask) -> list[Known | None]:
        """The key of each message, if it is known; those not remembered are asked for all at once."""
        book = self.book
        kids = [_key_id(found) for _, found in read]
        missing = book.unknown(filter(None, kids))
        beyond = book.learn(ask(missing)) if missing else {}
        return [book.get(kid) or beyond.get(kid) for kid in kids]

    def _judge(self, statement: Statement, known: Known | None, now: int) -> Verdict:
        try:
            # 1. a device's
            payload = statement.payload
            if isinstance(payload, Setpoint):
                violation = _violation("type", "setpoint", "reading or execution")
                return Refusal(violation, statement.raw)
            # 2. the key
            if known is None:
                raise _violation(
                    "kid",
                    statement.kid,
                    "a key that is bound to a POD",
                    hint="the connecting DSO binds devices",
                )
            pod_id, valid_from, valid_until, public_key = known
            check_binding(payload, pod_id, valid_from, valid_until)
            # 3. the signature
            if not is_signed_by(public_key, statement.signature, statement.tbs):
                raise unverified()
            # 4. the period
            check_period(payload, now, self._rules)
        except RuleViolation as violation:
            return Refusal(violation, statement.raw, statement)
        return statement


def _read(data: bytes) -> _Read:
    skimmed = skim(data)
    return (data, skimmed[0]) if skimmed and skimmed[1] == len(data) else _read_slowly(data)


def _read_slowly(data: bytes) -> _Read:
    try:
        return data, parse_slowly(data)
    except RuleViolation as violation:
        return data, violation


@dataclass(frozen=True, slots=True)
class _Items:
    """What was read, the byte at which it ends, and why it ends there if that is a fault."""

    read: list[_Read]
    end: int = 0
    fault: RuleViolation | None = None


def _read_body(body: Body) -> _Items:
    """The items of a body, one after the other. It makes no difference to what is read, nor to the fault,
    into which parts a sequence is cut.
    """
    data, at, read = body.data, 0, list[_Read]()
    while at < len(data):
        if body.items_before + len(read) == body.items_max:
            return _Items(
                read, at, _no_sequence(f"more than {body.items_max} items", f"at most {body.items_max}")
            )
        skimmed = skim(data, at)
        if skimmed:
            fields, end = skimmed
            read.append((data[at:end], fields))
        else:
            found = end_of_item(data, at)
            if found is None or found - at > ITEM_BYTES_MAX:
                if not body.last and len(data) - at < ITEM_BYTES_MAX:
                    return _Items(read, at)
                return _Items(
                    read,
                    at,
                    _no_sequence(
                        f"no whole item at byte {body.bytes_before + at}",
                        f"a sequence of definite-length items of at most {ITEM_BYTES_MAX} bytes",
                    ),
                )
            end = found
            read.append(_read_slowly(data[at:end]))
        at = end
    return _Items(read, at)


def _key_id(found: Skimmed | Statement | RuleViolation) -> bytes:
    """The key id of what was read; nobody's where there is none."""
    if isinstance(found, tuple):
        return found[0]
    return found.kid if isinstance(found, Statement) else b""


def _unsigned(read: Sequence[_Read], keys: Sequence[Known | None]) -> set[int]:
    """Which of the readings in the usual shape are not signed by the key they name."""
    numbers, claims = [], []
    for number, ((_, found), known) in enumerate(zip(read, keys, strict=True)):
        if known is not None and isinstance(found, tuple):
            numbers.append(number)
            claims.append(claim_of(known[3], found[5], found[6]))
    return {numbers[position] for position in false_claims(claims)}


def _violation(field: str, found: object, allowed: object, hint: str = "") -> RuleViolation:
    return RuleViolation(rule="MEA-2", field=field, found=found, allowed=allowed, hint=hint)


def _no_sequence(found: str, allowed: str) -> RuleViolation:
    return RuleViolation(rule="MEA-1", field="body", found=found, allowed=allowed)
