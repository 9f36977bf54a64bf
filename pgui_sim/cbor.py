"""The few forms of deterministic CBOR (RFC 8949 section 4.2.1) that the formats use: integers, byte strings,
maps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_SMALL: Final = tuple(bytes((value,)) if value < 24 else bytes((24, value)) for value in range(256))
"""Unsigned integers below 256: most of what a statement holds."""


def head(major: int, value: int) -> bytes:
    """The shortest head of an item: major type 0 .. 7 and its value or length, below 2^32."""
    first = major << 5
    if value < 24:
        return bytes((first | value,))
    if value < 1 << 8:
        return bytes((first | 24, value))
    if value < 1 << 16:
        return bytes((first | 25,)) + value.to_bytes(2, "big")
    return bytes((first | 26,)) + value.to_bytes(4, "big")


def uint(value: int) -> bytes:
    """An unsigned integer below 2^32."""
    if value < 256:
        return _SMALL[value]
    if value < 65_536:
        return b"\x19" + value.to_bytes(2, "big")
    return b"\x1a" + value.to_bytes(4, "big")


def item(value: int | bytes) -> bytes:
    """An integer or a byte string."""
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    return uint(value) if value >= 0 else head(1, -1 - value)


def mapping(values: Mapping[int, int | bytes]) -> bytes:
    """A map with unsigned keys below 24, which are to come in ascending order."""
    return head(5, len(values)) + b"".join(bytes((key,)) + item(value) for key, value in values.items())
