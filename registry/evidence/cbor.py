"""One CBOR item out of untrusted bytes. Deterministic form (RFC 8949 section 4.2.1) is checked by encoding
again, by the caller.
"""

from __future__ import annotations

from typing import Any, Final

import cbor2

from registry.domain.errors import RuleViolation

_PARTS_MAX: Final = 64
"""Parts of one item that are looked at; a statement has six."""
_DEPTH_MAX: Final = 16
"""Items in one another at most; the deepest format, a receipt, has six."""
_STRINGS: Final = (2, 3)
_ARRAY, _MAP, _TAG = 4, 5, 6
_WIDTHS: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_INDEFINITE: Final = 31
_BREAK: Final = 0xFF


def decode_item(data: bytes, *, rule: str, field: str) -> Any:
    """The CBOR item at the start of ``data``; what may follow it is not looked at.

    A tag at the very start comes back as it is, :class:`cbor2.CBORTag`. Tags inside are refused unread, for
    what they stand for (dates, expressions, numbers of any size, shared items) may cost anything to make.

    Raises :class:`RuleViolation` with the given rule key and field if there is no well-formed item, a tag
    inside, or more than ``_DEPTH_MAX`` items in one another.
    """
    try:
        number, start = _leading_tag(data)
        inside = _first_tag(data, start)
        if inside is not None:
            raise RuleViolation(
                rule=rule, field=field, found=f"tag {inside} inside", allowed="no tags inside"
            )
        value = cbor2.loads(data[start:] if start else data)
    except (cbor2.CBORError, ValueError, IndexError, RecursionError) as error:
        raise RuleViolation(
            rule=rule, field=field, found=f"no CBOR ({error})", allowed="one well-formed CBOR item"
        ) from None
    return value if number is None else cbor2.CBORTag(number, value)


def _leading_tag(data: bytes) -> tuple[int | None, int]:
    """The number of the tag at the start, and where its content begins; none and 0 if there is no tag."""
    if not data or data[0] >> 5 != _TAG:
        return None, 0
    number, end = _argument(data, 0)
    return number, end


def _first_tag(data: bytes, at: int) -> int | None:
    """The number of the first tag within the item at ``at``, looking at heads only; ``None`` if it has
    none, or ends before it is whole. Raises ValueError for a head that is not whole, and for more than
    ``_DEPTH_MAX`` items in one another.
    """
    open_items = [1]  # how many items are still to come on each level; below 0: until a break
    while open_items and at < len(data):
        major, info = data[at] >> 5, data[at] & 0x1F
        if data[at] == _BREAK:
            if open_items[-1] >= 0:
                return None
            open_items.pop()
            at += 1
        else:
            open_items[-1] -= 1
            if info == _INDEFINITE:
                at += 1
                open_items.append(-1)
            else:
                value, at = _argument(data, at)
                if major == _TAG:
                    return value
                if major in _STRINGS:
                    at += value
                elif major in (_ARRAY, _MAP):
                    open_items.append(value * (major - _ARRAY + 1))
        if len(open_items) > _DEPTH_MAX:
            raise ValueError(f"more than {_DEPTH_MAX} items in one another")
        while open_items and open_items[-1] == 0:
            open_items.pop()
    return None


def _argument(data: bytes, at: int) -> tuple[int, int]:
    """The number in the head at ``at``, and where the head ends. Raises ValueError for a head that is not
    whole.
    """
    info = data[at] & 0x1F
    width = _WIDTHS.get(info, 0)
    if info > 27 or at + 1 + width > len(data):
        raise ValueError(f"no whole head at byte {at}")
    return (int.from_bytes(data[at + 1 : at + 1 + width], "big") if width else info), at + 1 + width


def end_of_item(data: bytes, at: int) -> int | None:
    """Where the item at ``at`` ends; ``None`` if that is not within the data and ``_PARTS_MAX`` parts."""
    expected = 1
    for _ in range(_PARTS_MAX):
        if at >= len(data):
            return None
        major, info = data[at] >> 5, data[at] & 0x1F
        width = _WIDTHS.get(info, 0)
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
