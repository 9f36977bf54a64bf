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
