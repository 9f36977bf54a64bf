"""Identifiers of parties, PODs, perimeters, aggregates and products, and salted commitments.

EIC: 16 characters, the last one checks the others (ACT-2, SPEC section 1). POD code: Italian code or 18-digit
GSRN. Numbers of perimeters, aggregates and products carry their owner in the upper bits, so that ownership is
checked without a read. A commitment is SHA-256 over a 32-byte salt and the payload: without the salt nothing
can be linked to it (PRIV-1, PRIV-2, PRIV-3).
"""

from __future__ import annotations

import hashlib
import json
import re

from registry.domain.errors import InputInvalid

EIC_LENGTH = 16
SALT_LENGTH = 32
COMMITMENT_LENGTH = 32

_EIC_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ-"
_EIC_MODULUS = len(_EIC_ALPHABET)
_EIC_BODY = re.compile(r"[0-9A-Z-]{15}")
_POD_CODE = re.compile(r"IT\d{3}E[0-9A-Z]{8,9}", re.ASCII)
_GSRN = re.compile(r"\d{18}", re.ASCII)
_POD_TAG = b"flexledger/pod/1"
_COMMITMENT_TAG = b"flexledger/1"
_PARTY_LIMIT = 1 << 16
_SERIAL_BITS = 24
_PRODUCT_SERIAL_BITS = 16


def eic_check_character(body: str) -> str:
    """Check character of the first 15 characters of an EIC (ACT-2).

    The sum of value times weight (16 down to 2) decides: check = 36 - ((sum - 1) mod 37).

    Raises:
        InputInvalid: ACT-2, `body` is not 15 characters of 0-9, A-Z and hyphen.
    """
    if not _EIC_BODY.fullmatch(body):
        raise InputInvalid(
            rule="ACT-2",
            field="eic",
            found=body,
            allowed="15 characters of 0-9, A-Z and hyphen before the check",
        )
    total = sum(
        _EIC_ALPHABET.index(char) * weight
        for char, weight in zip(body, range(EIC_LENGTH, 1, -1), strict=True)
    )
    return _EIC_ALPHABET[_EIC_MODULUS - 1 - (total - 1) % _EIC_MODULUS]


def validate_eic(eic: str) -> str:
    """The EIC itself, if it is one (ACT-2).

    Raises:
        InputInvalid: ACT-2, wrong length, alphabet or check character, or a body whose check would be the
        hyphen
            (such codes are never issued).
    """
    if len(eic) != EIC_LENGTH:
        raise InputInvalid(rule="ACT-2", field="eic", found=eic, allowed=f"{EIC_LENGTH} characters")
    expected = eic_check_character(eic[:-1])
    if expected == "-":
        raise InputInvalid(rule="ACT-2", field="eic", found=eic, allowed="a code whose check is no hyphen")
    if eic[-1] != expected:
        raise InputInvalid(
            rule="ACT-2",
            field="eic",
            found=eic,
            allowed=f"{expected!r} as its last character",
            hint="check the code for a typing error",
        )
    return eic


def validate_pod_code(code: str) -> str:
    """The code of a point of delivery itself, if it is one.

    Italian POD code or GSRN (SPEC section 1, D4.1 Table 6).

    Raises:
        InputInvalid: POD-1, the code has neither form, or the GSRN's check digit is wrong.
    """
    if _POD_CODE.fullmatch(code):
        return code
    if not _GSRN.fullmatch(code):
        raise InputInvalid(
            rule="POD-1",
            field="pod_code",
            found=code,
            allowed="IT, 3 digits, E and 8 or 9 digits or capital letters, or an 18-digit GSRN",
        )
    weighted = sum(int(digit) * (3 if place % 2 == 0 else 1) for place, digit in enumerate(code[:-1]))
    expected = str(-weighted % 10)
    if code[-1] != expected:
        raise InputInvalid(
            rule="POD-1", field="pod_code", found=code, allowed=f"{expected!r} as the GSRN's last digit"
        )
    return code


def perimeter_id(dso: int, serial: int) -> int:
    """Number of a DSO's perimeter: dso << 24 | serial.

    Raises:
        InputInvalid: DTL-1, party or serial out of range.
    """
    return _owned("DTL-1", dso, serial, _SERIAL_BITS)


def aggregate_id(bsp: int, serial: int) -> int:
    """Number of a BSP's aggregate: bsp << 24 | serial.

    Raises:
        InputInvalid: AGG-1, party or serial out of range.
    """
    return _owned("AGG-1", bsp, serial, _SERIAL_BITS)


def product_id(operator: int, serial: int) -> int:
    """Number of an operator's product: operator << 16 | serial.

    Raises:
        InputInvalid: PRD-1, party or serial out of range.
    """
    return _owned("PRD-1", operator, serial, _PRODUCT_SERIAL_BITS)


def owner_of_perimeter(perimeter: int) -> int:
    """The DSO that a perimeter's number carries."""
    return perimeter >> _SERIAL_BITS


def serial_of(identifier: int) -> int:
    """Number of a perimeter or aggregate among those of its owner; 0 names none."""
    return identifier & (1 << _SERIAL_BITS) - 1


def owner_of_aggregate(aggregate: int) -> int:
    """The BSP that an aggregate's number carries."""
    return aggregate >> _SERIAL_BITS


def owner_of_product(product: int) -> int:
    """The system operator that a product's number carries."""
    return product >> _PRODUCT_SERIAL_BITS


def pod_id(salt: bytes, pod_code: str) -> bytes:
    """Pseudonym of a POD on the ledger: 32-byte commitment to its code (PRIV-1).

    Raises:
        InputInvalid: POD-1 for the code, PRIV-1 for a salt that is not 32 bytes.
    """
    return _salted_hash(_POD_TAG, salt, validate_pod_code(pod_code).encode("ascii"))


def commitment(salt: bytes, payload: bytes) -> bytes:
    """SHA-256 of tag, salt and payload: docs/formats/commitment.md (PRIV-1, PRIV-3).

    Raises:
        InputInvalid: PRIV-1, the salt is not 32 bytes long.
    """
    return _salted_hash(_COMMITMENT_TAG, salt, payload)


def canonical_json(obj: object) -> bytes:
    """The one JSON text of an object that commitments are made over.

    Sorted keys, no spaces, UTF-8, no floats.

    Raises:
        InputInvalid: PRIV-3, the object holds a float, a key that is no text, or something JSON doesn't know.
    """
    _refuse_ambiguous(obj)
    return json.dumps(
        obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def bytes32_text(text: str) -> bytes:
    """A short ASCII word as the ledger holds it: 32 bytes, zeros at the end.

    Raises:
        InputInvalid: PRD-1, longer than 32 characters, empty, or not printable ASCII.
    """
    if not 0 < len(text) <= COMMITMENT_LENGTH or not text.isascii() or not text.isprintable():
        raise InputInvalid(
            rule="PRD-1", field="word", found=text, allowed="1 to 32 printable ASCII characters"
        )
    return text.encode("ascii").ljust(COMMITMENT_LENGTH, b"\0")


def text_of_bytes32(word: bytes) -> str:
    """The word in 32 bytes that `bytes32_text` made."""
    return word.rstrip(b"\0").decode("ascii", "backslashreplace")


def _salted_hash(tag: bytes, salt: bytes, payload: bytes) -> bytes:
    if len(salt) != SALT_LENGTH:
        raise InputInvalid(
            rule="PRIV-1", field="salt", found=f"{len(salt)} bytes", allowed=f"{SALT_LENGTH} bytes"
        )
    return hashlib.sha256(tag + salt + payload).digest()


def _owned(rule: str, party: int, serial: int, bits: int) -> int:
    if not 0 < party < _PARTY_LIMIT:
        raise InputInvalid(rule=rule, field="party", found=party, allowed=f"1 to {_PARTY_LIMIT - 1}")
    if not 0 < serial < 1 << bits:
        raise InputInvalid(rule=rule, field="serial", found=serial, allowed=f"1 to {(1 << bits) - 1}")
    return party << bits | serial


def _refuse_ambiguous(obj: object) -> None:
    match obj:
        case None | bool() | int() | str():
            return
        case list() | tuple():
            for item in obj:
                _refuse_ambiguous(item)
        case dict():
            for key, value in obj.items():
                if not isinstance(key, str):
                    raise InputInvalid(
                        rule="PRIV-3", field="payload", found=f"key {key!r}", allowed="text keys only"
                    )
                _refuse_ambiguous(value)
        case _:
            raise InputInvalid(
                rule="PRIV-3",
                field="payload",
                found=type(obj).__name__,
                allowed="text, whole numbers, truth values, null, lists, objects",
            )
