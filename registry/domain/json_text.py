"""JSON texts from outside, before a parser sees them.

Libraries of the chain raise the interpreter's recursion limit so far that a text of many levels could exhaust
the stack and end the process. And a parser that guesses the encoding could see other brackets than whoever
counted them; so texts are UTF-8 (RFC 8259 section 8.1) and nothing else.
"""

from __future__ import annotations

import codecs
import re
from typing import Final, NamedTuple

NESTING_MAX: Final = 32
"""Levels of a JSON text."""
_STRING: Final = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)
_NOT_BRACKETS: Final = bytes(set(range(256)) - set(b"[]{}"))


class Flaw(NamedTuple):
    """Why a text is not to be parsed, in the words of a refusal."""

    found: str
    allowed: str


def flaw_of(text: bytes) -> Flaw | None:
    """What keeps ``text`` from being parsed: another encoding than UTF-8, a byte order mark, a NUL byte, more
    than 32 levels. ``None``: a parser may see it, and it may still be no JSON. Takes linear time.
    """
    allowed = "JSON in UTF-8 without a byte order mark"
    if text.startswith(codecs.BOM_UTF8):
        return Flaw("a byte order mark", allowed)
    # No JSON text has a NUL, but every one in UTF-16 or UTF-32 has, and parsers tell these by it.
    if (at := text.find(b"\0")) >= 0:
        return Flaw(f"a NUL byte at {at}", allowed)
    try:
        text.decode("utf-8")
    except UnicodeDecodeError as error:
        return Flaw(f"no UTF-8 at byte {error.start}", allowed)
    if nests_too_deeply(text):
        return Flaw(f"more than {NESTING_MAX} levels", f"at most {NESTING_MAX} levels of nesting")
    return None


def nests_too_deeply(text: bytes) -> bool:
    """Whether JSON in UTF-8 has more than `NESTING_MAX` levels."""
    if text.count(b"[") + text.count(b"{") <= NESTING_MAX:
        return False
    depth = 0
    for bracket in _STRING.sub(b"", text).translate(None, _NOT_BRACKETS):
        depth += 1 if bracket in b"[{" else -1
        if depth > NESTING_MAX:
            return True
    return False
