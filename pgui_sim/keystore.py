"""A device's private key: made on the device, used on the device, never handed out (PGU-1).

A real PGUI keeps it in a secure element. The simulated one keeps the scalar in its state file, which only its
owner may read.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_HALF: Final = ORDER // 2
_CURVE: Final = ec.SECP256R1()
_ES256: Final = ec.ECDSA(SHA256(), deterministic_signing=True)


class DeviceKey:
    """A P-256 key pair: private scalar (32 bytes, big-endian) and public point (65 bytes ``04 || x || y``).

    A point that is known need not be computed from the scalar, which costs as much as a signature.
    """

    __slots__ = ("_kid", "_point", "_private", "secret")

    def __init__(self, secret: bytes, point: bytes | None = None) -> None:
        """``point`` is trusted to belong to ``secret``; ``None`` computes it. The first signature raises
        ValueError if it is not on the curve.
        """
        self.secret = secret
        self._point = point
        self._private: ec.EllipticCurvePrivateKey | None = None
        self._kid: bytes | None = None

    def __repr__(self) -> str:
        return f"DeviceKey({self.kid.hex()})"

    @classmethod
    def generate(cls) -> DeviceKey:
        """A new key from the system's randomness."""
        numbers = ec.generate_private_key(_CURVE).private_numbers()
        x, y = numbers.public_numbers.x, numbers.public_numbers.y
        point = b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big")
        return cls(numbers.private_value.to_bytes(32, "big"), point)

    @property
    def point(self) -> bytes:
        """The public key, 65 bytes ``04 || x || y``."""
        if self._point is None:
            public = self._load().public_key()
            self._point = public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return self._point

    @property
    def kid(self) -> bytes:
        """The key id: SHA-256 of :attr:`point`."""
        if self._kid is None:
            self._kid = sha256(self.point).digest()
        return self._kid

    def sign(self, message: bytes) -> bytes:
        """ES256 signature ``r || s``, lower ``s``; the same message gives the same bytes (RFC 6979)."""
        private = self._private or self._load()
        r, s = decode_dss_signature(private.sign(message, _ES256))
        if s > _HALF:
            s = ORDER - s
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def _load(self) -> ec.EllipticCurvePrivateKey:
        value, point = int.from_bytes(self.secret, "big"), self._point
        if point is None:
            self._private = ec.derive_private_key(value, _CURVE)
        else:
            x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
            public = ec.EllipticCurvePublicNumbers(x, y, _CURVE)
            self._private = ec.EllipticCurvePrivateNumbers(value, public).private_key()
        return self._private
