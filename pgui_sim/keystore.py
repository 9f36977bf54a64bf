"""A device's private key: made on the device, used on the device, never handed out (PGU-1).

A real PGUI keeps it in a secure element. The simulated one keeps the scalar in its state file, which only its
owner may read.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_ES256: Final = ec.ECDSA(SHA256(), deterministic_signing=True)


@dataclass(frozen=True)
class DeviceKey:
    """A P-256 key pair by its private scalar (32 bytes, big-endian)."""

    secret: bytes

    def __repr__(self) -> str:
        return f"DeviceKey({self.kid.hex()})"

    @classmethod
    def generate(cls) -> DeviceKey:
        """A new key from the system's randomness."""
        numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
        return cls(numbers.private_value.to_bytes(32, "big"))

    @cached_property
    def _private(self) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(self.secret, "big"), ec.SECP256R1())

    @cached_property
    def point(self) -> bytes:
        """The public key, 65 bytes ``04 || x || y``."""
        return self._private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @cached_property
    def kid(self) -> bytes:
        """The key id: SHA-256 of :attr:`point`."""
        return sha256(self.point).digest()

    def sign(self, message: bytes) -> bytes:
        """ES256 signature ``r || s``, lower ``s``; the same message gives the same bytes (RFC 6979)."""
        r, s = decode_dss_signature(self._private.sign(message, _ES256))
        return r.to_bytes(32, "big") + min(s, ORDER - s).to_bytes(32, "big")
