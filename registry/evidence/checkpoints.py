"""Signed tree heads of the measurement log: C2SP ``tlog-checkpoint`` in a C2SP ``signed-note`` (LOG-1,
LOG-2).

A checkpoint says: the log named *origin* has *size* leaves and this root. It is signed with Ed25519 by the
log's own note key, which has nothing to do with the P-256 keys of statements and receipts. Byte format:
``docs/formats/checkpoint.md``.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from registry.domain.errors import RuleViolation
from registry.evidence.merkle import HASH_BYTES, SIZE_MAX

KEY_ID_BYTES: Final = 4
_NAME: Final = re.compile(r"[!-*,-~]+")  # printable ASCII without space and plus
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE_LINE: Final = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a log: ``size`` leaves with the 32-byte ``root``."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The note text that is signed: three lines, each ended by a newline.

        Raises :class:`RuleViolation` (LOG-1) for an origin, size or root that cannot be written.
        """
        _check_name(self.origin)
        if not 0 <= self.size <= SIZE_MAX:
            raise _violation("size", self.size, f"0 .. {SIZE_MAX}")
        if len(self.root) != HASH_BYTES:
            raise _violation("root", f"{len(self.root)} bytes", f"{HASH_BYTES} bytes")
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public Ed25519 key as note tools know it: a name and 32 bytes, for one kind of signature only."""

    kind: ClassVar[bytes]
    """The signature type of C2SP ``signed-note``, one byte."""

    name: str
    public_key: bytes

    @property
    def key_id(self) -> bytes:
        """The four bytes in front of each signature: start of SHA-256(name || 0A || kind || key)."""
        return sha256(self.name.encode() + b"\n" + self.kind + self.public_key).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        """The key as note tools write it: ``name+key id+base64(kind || key)``."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(self.kind + self.public_key).decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the form :meth:`__str__` writes. Raises :class:`RuleViolation` (LOG-1, field ``note key``)."""
        name, _, rest = text.partition("+")
        _, _, encoded = rest.partition("+")
        blob = _unbase64(encoded, "note key")
        key = cls(name, blob[1:])
        if len(blob) != 33 or not _NAME.fullmatch(name) or str(key) != text:
            allowed = f"name+key id+base64 of an Ed25519 key of type {cls.kind.hex()}"
            raise _violation("note key", text, allowed)
        return key


@dataclass(frozen=True, slots=True)
class NoteKey(VerifierKey):
    """A log's public note key. ``name`` equals the origin of the log."""

    kind = b"\x01"


def sign_checkpoint(checkpoint: Checkpoint, private_key: Ed25519PrivateKey) -> bytes:
    """The signed note of a checkpoint, by the key whose name is the log's origin."""
    text = checkpoint.text()
    key = NoteKey(checkpoint.origin, private_key.public_key().public_bytes_raw())
    signature = base64.b64encode(key.key_id + private_key.sign(text.encode())).decode()
    return f"{text}\n— {key.name} {signature}\n".encode()


def read_checkpoint(note: bytes) -> Checkpoint:
    """The checkpoint a note carries, its signatures unchecked. Raises :class:`RuleViolation` (LOG-1) for a
    malformed note.
    """
    return split_note(note)[0]


def open_checkpoint(note: bytes, key: NoteKey) -> Checkpoint:
    """The checkpoint of a note that ``key`` signed; signatures by other keys (witnesses) are ignored (LOG-1).

    Raises :class:`RuleViolation` (LOG-1): field ``origin`` for another log, ``note`` for a malformed note,
    ``note signature`` if the key's signature is missing or does not verify.
    """
    checkpoint, signatures = split_note(note)
    if checkpoint.origin != key.name:
        raise _violation("origin", checkpoint.origin, key.name)
    mine = [
        blob[KEY_ID_BYTES:]
        for name, blob in signatures
        if (name, blob[:KEY_ID_BYTES]) == (key.name, key.key_id)
    ]
    if not mine:
        raise _violation("note signature", "none by this key", str(key))
    public_key, text = Ed25519PublicKey.from_public_bytes(key.public_key), checkpoint.text().encode()
    for signature in mine:
        try:
            public_key.verify(signature, text)
        except InvalidSignature:
            raise _violation("note signature", "one that does not verify", f"one by {key}") from None
    return checkpoint


def split_note(note: bytes) -> tuple[Checkpoint, list[tuple[str, bytes]]]:
    """A note's checkpoint and its signatures, unchecked: each the signer's name, and key id and signature.

    Raises :class:`RuleViolation` (LOG-1) for a malformed note.
    """
    try:
        text, separator, signatures = note.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        raise _violation("note", "no UTF-8", "a signed note") from None
    lines, signature_lines = text.split("\n"), signatures.split("\n")
    if not separator or len(lines) != 3 or len(signature_lines) < 2 or signature_lines.pop():
        raise _violation(
            "note", f"{len(lines)} lines of text", "origin, size, root, an empty line, signatures"
        )
    origin, size, root = lines
    _check_name(origin)
    if not _SIZE.fullmatch(size):
        raise _violation("size", size, "a decimal number without leading zeros")
    checkpoint = Checkpoint(origin, int(size), _unbase64(root, "root"))
    checkpoint.text()
    return checkpoint, [_signature(line) for line in signature_lines]


def _signature(line: str) -> tuple[str, bytes]:
    match = _SIGNATURE_LINE.fullmatch(line)
    if not match:
        raise _violation("note", line, "signature lines '— name base64'")
    return match[1], _unbase64(match[2], "note signature")


def _unbase64(text: str, field: str) -> bytes:
    """Strict standard base64: what decodes must encode to the same text."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data or base64.b64encode(data).decode() != text:
        raise _violation(field, text, "standard base64")
    return data


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise _violation("origin", repr(name), "printable ASCII without space or plus")


def _violation(field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule="LOG-1", field=field, found=found, allowed=allowed)
