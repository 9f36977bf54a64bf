"""One CBOR item out of untrusted bytes. Deterministic form (RFC 8949 section 4.2.1) is checked by encoding
again, by the caller.
"""

from __future__ import annotations

from typing import Any, Final

import cbor2

from registry.domain.errors import RuleViolation

_PARTS_MAX: Final = 64
"""Parts of one item that are looked at; a statement has six."""
_STRINGS: Final = (2, 3)
_ARRAY, _MAP, _TAG = 4, 5, 6


def decode_item(data: bytes, *, rule: str, field: str) -> Any:
    """The CBOR item at the start of ``data``; what may follow it is not looked at.

    Raises :class:`RuleViolation` with the given rule key and field if there is no well-formed item.
    """
    try:
        return cbor2.loads(data)
    except Exception as error:
        # Besides CBORDecodeError: tags with a meaning of their own (dates, expressions, addresses) raise
        # whatever their types raise.
        raise RuleViolation(
            rule=rule, field=field, found=f"no CBOR ({error})", allowed="one well-formed CBOR item"
        ) from None


def split_sequence(data: bytes, *, items_max: int, rule: str, field: str) -> list[bytes]:
    """The items of a CBOR sequence (RFC 8742), each by its exact bytes and not looked into further.

    Raises :class:`RuleViolation` with the given rule and field beyond ``items_max`` items, and where an item
    does not end, holds more than any statement does, or has no definite length: then nothing behind it can
    be told apart.
    """
    items: list[bytes] = []
    start = 0
    while start < len(data):
        if len(items) == items_max:
            raise RuleViolation(
                rule=rule, field=field, found=f"more than {items_max} items", allowed=f"at most {items_max}"
            )
        end = end_of_item(data, start)
        if end is None:
            raise RuleViolation(
                rule=rule,
                field=field,
                found=f"no whole item at byte {start}",
                allowed="a sequence of definite-length items",
            )
        items.append(data[start:end])
        start = end
    return items


def end_of_item(data: bytes, at: int) -> int | None:
    """Where the item at ``at`` ends; ``None`` if that is not within the data and ``_PARTS_MAX`` parts."""
    expected = 1
    for _ in range(_PARTS_MAX):
        if at >= len(data):
            return None
        major, info = data[at] >> 5, data[at] & 0x1F
        width = {24: 1, 25: 2, 26: 4, 27: 8}.get(info, 0)
        if info > 27 or at + 1 + width > len(data):
            return None
        value = int.from_bytes(data[at + 1 : at + 1 + width], "big") if width else info
        at += 1 + width
        if major in _STRINGS:
            at += value
        expected += {_ARRAY: value, _MAP: 2 * value, _TAG: 1}.get(major, 0) - 1
        if expected == 0:
            return at if at <= len(data) else None
    return None
