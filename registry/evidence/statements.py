"""Statements: payloads signed as COSE_Sign1 messages (MEA-1, SET-1). Byte format:
``docs/formats/statement.md``.

:func:`parse_slowly` is the strict way that every statement can go, and the one judge of what is well-formed.
:func:`parse` puts a template in front of it that recognises the one shape all well-behaved devices send.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

import cbor2

from registry.domain.errors import RuleViolation
from registry.evidence.cbor import decode_item
from registry.evidence.es256 import (
    KID_BYTES,
    PrivateKey,
    PublicKey,
    check_signature_form,
    is_signed_by,
    kid_of,
    sig_structure,
    sign_es256,
)
from registry.evidence.payloads import Payload, decode_payload, encode_payload
from registry.evidence.template import recognise

COSE_SIGN1_TAG: Final = 18
ALG_ES256: Final = -7
STATEMENT_BYTES_MAX: Final = 512

_PROTECTED_HEAD: Final = bytes.fromhex("a20126045820")  # {1: -7, 4: h'...32 bytes'}


@dataclass(frozen=True, slots=True)
class Statement:
    """A parsed statement. Well-formed, but not yet verified: see :func:`verify`.

    ``raw`` is the exact message, ``tbs`` what the signature (64 bytes ``r || s``) covers, ``kid`` the
    signer's key id.
    """

    payload: Payload
    kid: bytes
    signature: bytes
    tbs: bytes
    raw: bytes

    @property
    def id(self) -> bytes:
        """SHA-256 of the exact bytes; for a setpoint this is its ``setpoint_id``."""
        return sha256(self.raw).digest()


def protected_header(kid: bytes) -> bytes:
    """The protected header of a statement by the key ``kid`` (32 bytes): ``{1: -7, 4: kid}``."""
    return _PROTECTED_HEAD + kid


def assemble(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """The bytes of a COSE_Sign1 message with an empty unprotected header."""
    return cbor2.dumps(cbor2.CBORTag(COSE_SIGN1_TAG, [protected, {}, payload, signature]))


def sign(payload: Payload, private_key: PrivateKey) -> bytes:
    """The statement that says ``payload``, signed by ``private_key`` (P-256). Same input, same bytes (RFC
    6979).

    Raises :class:`RuleViolation` (MEA-1, SET-1) if a field of the payload is out of range.
    """
    encoded = encode_payload(payload)
    protected = protected_header(kid_of(private_key.public_key()))
    return assemble(protected, encoded, sign_es256(private_key, sig_structure(protected, encoded)))


def parse(data: bytes) -> Statement:
    """Read a statement strictly (MEA-1): the same answer as :func:`parse_slowly`, sooner for readings in
    their usual shape. Raises as it does.
    """
    found = recognise(data)
    return parse_slowly(data) if found is None else Statement(*found, data)


def parse_slowly(data: bytes) -> Statement:
    """Read a statement strictly: MEA-1, in the order of ``docs/formats/statement.md`` ("Reading a
    statement").

    1. size, and one CBOR item;
    2. COSE_Sign1: tag, array of four, types of its items, empty unprotected header;
    3. protected header: algorithm and key id;
    4. payload: known type, every field present, typed, in range, nothing else, deterministic;
    5. the whole in deterministic form, nothing after it;
    6. signature: 64 bytes, both numbers in range, the lower ``s``.

    Raises :class:`RuleViolation` (MEA-1, SET-1) that names the first field found wrong.
    """
    # 1. size, and one CBOR item
    if len(data) > STATEMENT_BYTES_MAX:
        raise _violation("message", f"{len(data)} bytes", f"at most {STATEMENT_BYTES_MAX} bytes")
    message = decode_item(data, rule="MEA-1", field="message")
    # 2. COSE_Sign1
    if type(message) is not cbor2.CBORTag:
        raise _violation("tag", type(message).__name__, "tag 18, COSE_Sign1")
    if message.tag != COSE_SIGN1_TAG:
        raise _violation("tag", message.tag, "tag 18, COSE_Sign1")
    items = message.value
    if type(items) is not list or len(items) != 4:
        raise _violation("message", "another content", "an array of four")
    protected, unprotected, payload_bytes, signature = items
    for name, item in (("protected", protected), ("payload", payload_bytes), ("signature", signature)):
        if type(item) is not bytes:
            raise _violation(name, type(item).__name__, "a byte string")
    if type(unprotected) is not dict or unprotected:
        raise _violation("unprotected", repr(unprotected), "the empty map")
    # 3. protected header
    kid = _kid_from(protected)
    # 4. payload
    payload = decode_payload(payload_bytes, decode_item(payload_bytes, rule="MEA-1", field="payload"))
    # 5. the whole in deterministic form, nothing after it
    if assemble(protected, payload_bytes, signature) != data:
        raise _violation(
            "message", "another encoding or trailing bytes", "deterministic CBOR, nothing after it"
        )
    # 6. signature
    check_signature_form(signature)
    return Statement(payload, kid, signature, sig_structure(protected, payload_bytes), data)


def verify(statement: Statement, public_key: PublicKey) -> None:
    """Check that ``public_key`` signed ``statement`` (MEA-2). The key must be the one its ``kid`` names.

    Raises :class:`RuleViolation` (MEA-2): field ``kid`` for another key, ``signature`` for a signature that
    does not verify. Callers with many statements look keys up by ``kid`` and call :func:`verify_with` on the
    cached key objects.
    """
    kid = kid_of(public_key)
    if kid != statement.kid:
        raise RuleViolation(rule="MEA-2", field="kid", found=statement.kid.hex(), allowed=kid.hex())
    verify_with(statement, public_key)


def verify_with(statement: Statement, public_key: PublicKey) -> None:
    """Like :func:`verify` for a key that was found by the statement's ``kid``, so that the key is not hashed
    again.
    """
    if not is_signed_by(public_key, statement.signature, statement.tbs):
        raise unverified()


def unverified() -> RuleViolation:
    """The refusal of a statement whose signature is not by the key of its kid (MEA-2)."""
    return RuleViolation(
        rule="MEA-2",
        field="signature",
        found="a signature that does not verify",
        allowed="one by the key of the kid",
    )


def _violation(field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule="MEA-1", field=field, found=found, allowed=allowed)


def _kid_from(protected: bytes) -> bytes:
    head = len(_PROTECTED_HEAD)
    if len(protected) == head + KID_BYTES and protected.startswith(_PROTECTED_HEAD):
        return protected[head:]
    # Not the one allowed form: find out what is wrong with it.
    header = decode_item(protected, rule="MEA-1", field="protected")
    if type(header) is not dict:
        raise _violation("protected", type(header).__name__, "the map {1: -7, 4: kid}")
    if type(header.get(1)) is not int or header[1] != ALG_ES256:
        raise _violation("alg", header.get(1), "-7, ES256")
    kid = header.get(4)
    if type(kid) is not bytes or len(kid) != KID_BYTES:
        raise _violation("kid", kid.hex() if type(kid) is bytes else kid, f"{KID_BYTES} bytes")
    raise _violation("protected", protected.hex(), "{1: -7, 4: kid} in deterministic CBOR and nothing else")
