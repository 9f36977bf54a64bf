"""Device keys of PODs and anchored checkpoints of measurement logs (DEV-1, LOG-2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Binding:
    """A P-256 key bound to a POD for [valid_from, valid_until), Unix seconds (DEV-1)."""

    pod_id: bytes
    key_x: bytes
    key_y: bytes
    valid_from: int
    valid_until: int

    @property
    def key_id(self) -> bytes:
        """SHA-256 of the uncompressed point."""
        return key_id(self.key_x, self.key_y)


def key_id(key_x: bytes, key_y: bytes) -> bytes:
    """SHA-256(0x04 || x || y): how ledger and statements name a device key (DEV-1, MEA-1)."""
    return hashlib.sha256(b"\x04" + key_x + key_y).digest()


_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B


def is_p256_point(key_x: bytes, key_y: bytes) -> bool:
    """Whether 32-byte coordinates are a point of the curve P-256.

    Y² = x³ - 3x + b (DEV-1; NIST SP 800-186 §3.2.1.3).
    """
    if len(key_x) != 32 or len(key_y) != 32:
        return False
    x, y = int.from_bytes(key_x), int.from_bytes(key_y)
    return x < _P and y < _P and (y * y - (x * x * x - 3 * x + _B)) % _P == 0
