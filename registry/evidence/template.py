"""The one shape that readings of well-behaved devices have, recognised without a CBOR decoder (MEA-1).

A template never refuses: what it does not recognise, for whatever reason, goes to the slow reader in
:mod:`registry.evidence.statements`, which judges. What it does recognise is exactly what the slow reader
would have said, field by field. Byte format: ``docs/formats/statement.md``, "A reading, literally".
"""

from __future__ import annotations

import re
from typing import Final

from registry.evidence.es256 import HIGHEST_S, P256_ORDER
from registry.evidence.payloads import UINT_MAX, Clock, Quality, Reading


def _shortest(low: int, high: int) -> bytes:
    """A pattern of the unsigned integers ``low`` .. ``high`` in their shortest CBOR form (RFC 8949 section
    4.2.1).

    The bounds are 0 or 1 below, and below 256 or the greatest of 32 bits above: what readings need.
    """
    direct = rb"[%s-%s]" % (_literal(low), _literal(min(high, 23)))
    if high <= 23:
        return direct
    one = rb"\x18[\x18-%s]" % _literal(min(high, 255))
    if high <= 255:
        return rb"(?:%s|%s)" % (direct, one)
    two = rb"\x19[^\x00]."
    four = rb"\x1a(?:[^\x00]...|\x00[^\x00]..)"
    return rb"(?:%s|%s|%s|%s)" % (direct, one, two, four)


def _literal(byte: int) -> bytes:
    return rb"\x%02x" % byte


def _field(key: int, low: int, high: int) -> bytes:
    return _literal(key) + b"(" + _shortest(low, high) + b")"


_READING: Final = re.compile(
    rb"\xd2\x84"  # tag 18, array of four
    rb"\x58\x26\xa2\x01\x26\x04\x58\x20(.{32})"  # protected: {1: -7, 4: kid}
    rb"\xa0"  # unprotected: {}
    rb"\x58(.)\xab\x01\x01"  # payload: a map of 11, its type 1
    rb"\x02\x58\x20(.{32})"  # pod_id
    rb"\x03\x1a((?:[^\x00]...|\x00[^\x00]..))"  # period_start, always four bytes since 1970-01-02
    rb"\x04\x19([^\x00].)"  # period_length
    + _field(5, 1, UINT_MAX)  # counter
    + b"".join(_field(key, 0, UINT_MAX) for key in range(6, 10))  # energies
    + _field(10, 0, sum(Quality))
    + _field(11, 0, sum(Clock))
    + rb"\x58\x40(.{32})(.{32})",  # r, s
    re.DOTALL,
)
_KID_END: Final = 42
_PAYLOAD: Final = 45
_SIGNATURE_ITEM: Final = 66
_ZERO: Final = bytes(32)
_ORDER: Final = P256_ORDER.to_bytes(32, "big")
_HIGHEST_S: Final = HIGHEST_S.to_bytes(32, "big")
_SIGNED_HEAD: Final = b"\x84\x6aSignature1"  # RFC 9052 section 4.4; then protected, no external data, payload

_integer = int.from_bytes


Skimmed = tuple[bytes, bytes, int, int, int, bytes, bytes]
"""Key id, pod_id, start and length of the period, counter, signature (64 bytes) and signed bytes."""


def skim(data: bytes, at: int = 0) -> tuple[Skimmed, int] | None:
    """What accepting a reading needs to know of the one that begins at ``at``, and where it ends.

    ``None`` if nothing there has the template's shape, good or bad; what follows it is not looked at.
    """
    found = _READING.match(data, at)
    if found is None or not _is_consistent(found):
        return None
    kid, pod_id, start, period, counter, r, s = found.group(1, 3, 4, 5, 6, 13, 14)
    number = counter[0] if len(counter) == 1 else _integer(counter[1:], "big")
    signed = _signed(data, at, found.end())
    return (kid, pod_id, _integer(start, "big"), _integer(period, "big"), number, r + s, signed), found.end()


def recognise(data: bytes) -> tuple[Reading, bytes, bytes, bytes] | None:
    """Reading, key id, signature (64 bytes) and signed bytes of a statement that has the template's shape.

    ``None`` for everything else, good or bad.
    """
    found = _READING.fullmatch(data)
    if found is None or not _is_consistent(found):
        return None
    kid, _, pod_id, start, period, counter, taken, given, r_taken, r_given, quality, clock, r, s = (
        found.groups()
    )
    reading = Reading(
        pod_id,
        _integer(start, "big"),
        _integer(period, "big"),
        # One byte is the number itself, else the first says how many follow.
        counter[0] if len(counter) == 1 else _integer(counter[1:], "big"),
        taken[0] if len(taken) == 1 else _integer(taken[1:], "big"),
        given[0] if len(given) == 1 else _integer(given[1:], "big"),
        r_taken[0] if len(r_taken) == 1 else _integer(r_taken[1:], "big"),
        r_given[0] if len(r_given) == 1 else _integer(r_given[1:], "big"),
        quality[-1],
        clock[0],
    )
    return reading, kid, r + s, _signed(data, 0, len(data))


def _is_consistent(found: re.Match[bytes]) -> bool:
    """The payload has the length that is said, and both numbers of the signature are in range."""
    start, end = found.span()
    length, r, s = found.group(2, 13, 14)
    return (
        length[0] == end - start - _PAYLOAD - _SIGNATURE_ITEM
        and _ZERO < r < _ORDER
        and _ZERO < s <= _HIGHEST_S
    )


def _signed(data: bytes, start: int, end: int) -> bytes:
    protected = data[start + 2 : start + _KID_END]
    return b"%b%b\x40%b" % (_SIGNED_HEAD, protected, data[start + _KID_END + 1 : end - _SIGNATURE_ITEM])
