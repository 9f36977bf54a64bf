"""One RLP item out of untrusted bytes (AUD-1). Source: Ethereum yellow paper appendix B.

The library copies what is left at every level of a list, so the work for lists within lists grows with the
square of their depth: a few hundred kilobytes would keep a verifier busy for a minute. No block nests deeply.
"""

from __future__ import annotations

from typing import Any, Final

import rlp

from registry.domain.errors import RuleViolation

LEVELS_MAX: Final = 8
"""Lists within each other; the topics of a receipt's log are in the fourth."""
_STRING, _LIST = 0x80, 0xC0
_SHORT_MAX: Final = 55


def decode_rlp(data: bytes, field: str) -> Any:
    """The item that ``data`` is: bytes, or a list of items.

    Raises :class:`RuleViolation` (AUD-1) with the given field for anything else, and for more than 8 levels.
    """
    if _nests_too_deeply(data):
        raise RuleViolation(
            rule="AUD-1",
            field=field,
            found=f"more than {LEVELS_MAX} levels",
            allowed=f"at most {LEVELS_MAX} levels",
        )
    try:
        return rlp.decode(data, strict=True)
    except (rlp.DecodingError, TypeError) as error:
        raise RuleViolation(rule="AUD-1", field=field, found=f"no RLP ({error})", allowed="RLP") from None


def _nests_too_deeply(data: bytes) -> bool:
    """By the heads alone; what is malformed counts at least as deep as a decoder would get into it."""
    ends: list[int] = []
    at = 0
    while at < len(data):
        while ends and at >= ends[-1]:
            ends.pop()
        first = data[at]
        at += 1
        if first < _STRING:
            continue
        base = _STRING if first < _LIST else _LIST
        length = first - base
        if length > _SHORT_MAX:
            width = length - _SHORT_MAX
            length = int.from_bytes(data[at : at + width], "big")
            at += width
        if first < _LIST:
            at += length
        elif len(ends) == LEVELS_MAX:
            return True
        else:
            ends.append(at + length)
    return False
