"""ES256 as COSE uses it: ECDSA on P-256 with SHA-256, signatures as ``r || s``, keys named by their hash.

Sources: RFC 9053 section 2.1 (ES256), RFC 9052 section 4.4 (what is signed), SEC 1 section 2.3.3 (point
encoding), RFC 6979 (deterministic nonce). Byte format: ``docs/formats/statement.md``. Rule: MEA-1.

Of the two signatures ``(r, s)`` and ``(r, n - s)``, which verify alike, only the one with the lower ``s`` is
made and accepted: a statement is identified by its bytes, so no third party may be able to derive a second
valid message.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from registry.domain.errors import RuleViolation

PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey

SIGNATURE_BYTES: Final = 64
PUBLIC_KEY_BYTES: Final = 65
KID_BYTES: Final = 32
P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
HIGHEST_S: Final = P256_ORDER // 2

_ECDSA = ec.ECDSA(SHA256())
_ECDSA_DETERMINISTIC = ec.ECDSA(SHA256(), deterministic_signing=True)


def public_key_bytes(key: PublicKey) -> bytes:
    """The 65 bytes ``04 || x || y`` of a public key (SEC 1 section 2.3.3, uncompressed)."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def load_public_key(point: bytes) -> PublicKey:
    """Read a P-256 public key from its 65 uncompressed bytes.

    Raises :class:`RuleViolation` (MEA-1, field ``public_key``) for another length, another form or a point
    off the curve.
    """
    if len(point) != PUBLIC_KEY_BYTES or point[0] != 0x04:
        found = f"{len(point)} bytes starting {point[:1].hex() or 'with nothing'}"
        raise RuleViolation(rule="MEA-1", field="public_key", found=found, allowed="65 bytes 04 || x || y")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        raise RuleViolation(
            rule="MEA-1", field="public_key", found=point.hex(), allowed="a point on P-256"
        ) from None


def kid_of(key: PublicKey | bytes) -> bytes:
    """The 32-byte key id: SHA-256 of the uncompressed public key, given as object or as its 65 bytes
    (MEA-1).
    """
    return sha256(key if isinstance(key, bytes) else public_key_bytes(key)).digest()


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    """The bytes a COSE_Sign1 signature covers (RFC 9052 section 4.4), without external data."""
    return cbor2.dumps(["Signature1", protected, b"", payload])


def sign_es256(private_key: PrivateKey, tbs: bytes) -> bytes:
    """Sign ``tbs``; returns 64 bytes ``r || s`` with the lower ``s``. The same input gives the same bytes
    (RFC 6979).
    """
    r, s = decode_dss_signature(private_key.sign(tbs, _ECDSA_DETERMINISTIC))
    return r.to_bytes(32, "big") + min(s, P256_ORDER - s).to_bytes(32, "big")


def check_signature_form(signature: bytes, rule: str = "MEA-1") -> tuple[int, int]:
    """Split ``r || s`` and check both ranges; raises :class:`RuleViolation` (field ``signature``) if one is
    broken.
    """
    if len(signature) != SIGNATURE_BYTES:
        raise RuleViolation(
            rule=rule, field="signature", found=f"{len(signature)} bytes", allowed="64 bytes r || s"
        )
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not 1 <= r < P256_ORDER:
        raise RuleViolation(
            rule=rule, field="signature", found=f"r = {r:#x}", allowed="1 <= r < order of P-256"
        )
    if not 1 <= s <= HIGHEST_S:
        raise RuleViolation(
            rule=rule, field="signature", found=f"s = {s:#x}", allowed="1 <= s <= half the order of P-256"
        )
    return r, s


def is_signed_by(public_key: PublicKey, signature: bytes, tbs: bytes) -> bool:
    """Whether ``signature`` (64 bytes, ranges checked before) is one of ``public_key`` over ``tbs``."""
    try:
        public_key.verify(_der(signature), tbs, _ECDSA)
    except InvalidSignature:
        return False
    return True


Claim = tuple[PublicKey, bytes, bytes]
"""Who is said to have signed, the signature as OpenSSL takes it, and what was signed."""


def claim_of(public_key: PublicKey, signature: bytes, tbs: bytes) -> Claim:
    """The claim that ``signature`` (64 bytes, ranges checked before) is by ``public_key``, over ``tbs``."""
    return public_key, _der(signature), tbs


def false_claims(claims: Iterable[Claim]) -> set[int]:
    """The positions of those claims that do not hold.

    For many signatures this is the way: whatever is done between two verifications takes the caches from the
    tables that they look up, and makes each dearer by a tenth.
    """
    found = set()
    for position, (public_key, signature, tbs) in enumerate(claims):
        try:
            public_key.verify(signature, tbs, _ECDSA)
        except InvalidSignature:
            found.add(position)
    return found


def _der(signature: bytes) -> bytes:
    """The form in which OpenSSL takes a signature: SEQUENCE of two INTEGER (RFC 3279 section 2.2.3)."""
    r, s = signature[:32].lstrip(b"\0"), signature[32:].lstrip(b"\0")
    # An INTEGER whose first bit is set would be negative.
    if r[0] & 0x80:
        r = b"\0" + r
    if s[0] & 0x80:
        s = b"\0" + s
    return b"\x30%c\x02%c%b\x02%c%b" % (len(r) + len(s) + 4, len(r), r, len(s), s)
