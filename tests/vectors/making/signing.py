"""Keys from labels, and COSE_Sign1 messages signed with the deterministic nonce of RFC 6979."""

from __future__ import annotations

import hashlib
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Key = ec.EllipticCurvePrivateKey
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def private_key(label: str) -> Key:
    scalar = int.from_bytes(sha256(label.encode()), "big") % ORDER
    return ec.derive_private_key(scalar, ec.SECP256R1())


def public_point(key: Key) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


DEVICE = private_key("flexledger/vectors/device/1")
PLATFORM = private_key("flexledger/vectors/platform/1")
NODE = private_key("flexledger/vectors/node/1")


def kid(key: Key) -> bytes:
    return sha256(public_point(key))


def tbs(protected: bytes, payload: bytes) -> bytes:
    return cbor2.dumps(["Signature1", protected, b"", payload])


def signature(key: Key, data: bytes, high: bool = False) -> bytes:
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256(), deterministic_signing=True)))
    low = min(s, ORDER - s)
    return r.to_bytes(32, "big") + (ORDER - low if high else low).to_bytes(32, "big")


def header_for(key_id: bytes) -> bytes:
    return cbor2.dumps({1: -7, 4: key_id})


def protected_header(key: Key) -> bytes:
    return header_for(kid(key))


def message(protected: Any, unprotected: Any, payload: Any, sig: Any, tag: int = 18) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(tag, [protected, unprotected, payload, sig]))


def statement(
    payload: Any,
    key: Key = DEVICE,
    protected: bytes | None = None,
    high: bool = False,
) -> bytes:
    """A signed message; ``payload`` is a map or bytes that stand for one."""
    header = protected_header(key) if protected is None else protected
    body = payload if isinstance(payload, bytes) else cbor2.dumps(payload)
    return message(header, {}, body, signature(key, tbs(header, body), high))
