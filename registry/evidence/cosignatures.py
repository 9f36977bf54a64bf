"""Cosignatures: a witness's word that a checkpoint continues the log it has seen (LOG-2).

C2SP ``tlog-cosignature``, the Ed25519 kind with a time. A cosignature is one more signature line under the
log's note, so any note tool that knows the witness's key can check it. Byte format:
``docs/formats/witness.md``.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from registry.domain.errors import RuleViolation
from registry.evidence.checkpoints import KEY_ID_BYTES, Checkpoint, VerifierKey, split_note

_TIME_BYTES: Final = 8
_SIGNATURE_BYTES: Final = 64
TIME_MAX: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class WitnessKey(VerifierKey):
    """A witness's public key. It signs cosignatures and nothing else, and no other witness has it."""

    kind = b"\x04"


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A cosignature: by whom, when (Unix seconds), and the 64 bytes of Ed25519."""

    key: WitnessKey
    at: int
    signature: bytes

    def line(self) -> str:
        """The signature line under a note, ended by a newline."""
        blob = self.key.key_id + self.at.to_bytes(_TIME_BYTES) + self.signature
        return f"— {self.key.name} {base64.b64encode(blob).decode()}\n"


def cosign(checkpoint: Checkpoint, name: str, private_key: Ed25519PrivateKey, at: int) -> Cosignature:
    """Cosign a checkpoint in the name of a witness. ``at``: now, Unix seconds.

    Whoever calls has checked that the checkpoint continues the last one it cosigned. Raises
    :class:`RuleViolation` (LOG-2) for a time that cannot be written.
    """
    if not 0 <= at <= TIME_MAX:
        raise _violation("time", str(at), f"0 .. {TIME_MAX}")
    key = WitnessKey(name, private_key.public_key().public_bytes_raw())
    return Cosignature(key, at, private_key.sign(signed_message(checkpoint, at)))


def signed_message(checkpoint: Checkpoint, at: int) -> bytes:
    """What a cosignature of time ``at`` signs: two lines of its own, then the note text."""
    return f"cosignature/v1\ntime {at}\n{checkpoint.text()}".encode()


def read_cosignatures(note: bytes, keys: Iterable[WitnessKey]) -> list[Cosignature]:
    """The verified cosignatures under a note by the witnesses of ``keys``: at most one each, its newest.

    Lines by others are ignored. Raises :class:`RuleViolation`: LOG-1 for a malformed note, LOG-2 (field
    ``cosignature``) for a line by one of ``keys`` that does not verify: then nothing under the note counts.
    """
    checkpoint, signatures = split_note(note)
    known = {(key.name, key.key_id): key for key in keys}
    found: dict[WitnessKey, Cosignature] = {}
    for name, blob in signatures:
        key = known.get((name, blob[:KEY_ID_BYTES]))
        if key is not None:
            cosignature = _verified(checkpoint, key, blob[KEY_ID_BYTES:])
            if key not in found or found[key].at < cosignature.at:
                found[key] = cosignature
    return list(found.values())


def count_witnesses(cosignatures: Iterable[Cosignature]) -> int:
    """How many witnesses these cosignatures are by. A key that goes by two names is one witness: what it
    signs does not name it.
    """
    return len({each.key.public_key for each in cosignatures})


def with_cosignatures(note: bytes, cosignatures: Iterable[Cosignature]) -> bytes:
    """The note with these cosignatures under it, each in the place of an older one by the same witness."""
    fresh = {(each.key.name, each.key.key_id): each.line() for each in cosignatures}
    _, signatures = split_note(note)
    # As split_note does: other line ends may stand within a name.
    lines = [line + "\n" for line in note.decode().split("\n")[:-1]]
    kept = [
        line
        for line, (name, blob) in zip(lines[-len(signatures) :], signatures, strict=True)
        if (name, blob[:KEY_ID_BYTES]) not in fresh
    ]
    return "".join([*lines[: -len(signatures)], *kept, *fresh.values()]).encode()


def _verified(checkpoint: Checkpoint, key: WitnessKey, blob: bytes) -> Cosignature:
    at = int.from_bytes(blob[:_TIME_BYTES])
    if len(blob) != _TIME_BYTES + _SIGNATURE_BYTES or at > TIME_MAX:
        found = f"{len(blob)} bytes by {key.name}"
        raise _violation("cosignature", found, f"{_TIME_BYTES} of time and {_SIGNATURE_BYTES} of signature")
    signature = blob[_TIME_BYTES:]
    try:
        Ed25519PublicKey.from_public_bytes(key.public_key).verify(signature, signed_message(checkpoint, at))
    except InvalidSignature:
        raise _violation("cosignature", "one that does not verify", f"one by {key}") from None
    return Cosignature(key, at, signature)


def _violation(field: str, found: str, allowed: str) -> RuleViolation:
    return RuleViolation(rule="LOG-2", field=field, found=found, allowed=allowed)
