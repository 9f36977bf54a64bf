"""What a log asks of a witness: the body of ``add-checkpoint`` in C2SP ``tlog-witness`` (LOG-2).

The size the witness is believed to have seen last, the proof that the checkpoint continues it, and the
checkpoint itself as the log signed it. Byte format: ``docs/formats/witness.md``.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final

from registry.domain.errors import InputInvalid
from registry.evidence.merkle import HASH_BYTES

REQUEST_BYTES_MAX: Final = 65_536
PROOF_LINES_MAX: Final = 63
SIZE_MEDIA_TYPE: Final = "text/x.tlog.size"
_OLD_SIZE: Final = re.compile(rb"old (0|[1-9][0-9]{0,18})")


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """A request to cosign ``note``. ``proof``: from the tree of ``old_size`` leaves to that of the note."""

    old_size: int
    proof: tuple[bytes, ...]
    note: bytes

    def encode(self) -> bytes:
        """The body of the request."""
        lines = [f"old {self.old_size}", *(base64.b64encode(node).decode() for node in self.proof)]
        return "\n".join(lines).encode() + b"\n\n" + self.note

    @classmethod
    def parse(cls, body: bytes) -> AddCheckpoint:
        """Read a body strictly; the note stays unread. Raises :class:`InputInvalid` (LOG-2) with the part."""
        if len(body) > REQUEST_BYTES_MAX:
            raise _invalid("body", f"{len(body)} bytes", f"at most {REQUEST_BYTES_MAX} bytes")
        head, separator, note = body.partition(b"\n\n")
        first, *lines = head.split(b"\n")
        match = _OLD_SIZE.fullmatch(first)
        if match is None:
            raise _invalid("old size", repr(first[:40]), "'old ' and a decimal number without leading zeros")
        if not separator:
            raise _invalid("note", "no empty line", "an empty line, then a signed checkpoint")
        if len(lines) > PROOF_LINES_MAX:
            raise _invalid("proof", f"{len(lines)} lines", f"at most {PROOF_LINES_MAX}")
        return cls(int(match[1]), tuple(_hash(line) for line in lines), note)


def _hash(line: bytes) -> bytes:
    try:
        node = base64.b64decode(line, validate=True)
    except binascii.Error:
        node = b""
    if len(node) != HASH_BYTES or base64.b64encode(node) != line:
        raise _invalid("proof", repr(line[:80]), f"base64 of {HASH_BYTES} bytes in each line")
    return node


def _invalid(field: str, found: str, allowed: str) -> InputInvalid:
    return InputInvalid(rule="LOG-2", field=field, found=found, allowed=allowed)
