"""COSE receipts: the access node's signed word that a statement stands in the log (LOG-1). RFC 9942.

A receipt is a COSE_Sign1 message over the root of the log, the root left out (detached), so that whoever
checks it must compute it from the statement and the inclusion proof in the unprotected header. Byte format:
``docs/formats/receipt.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

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
from registry.evidence.merkle import HASH_BYTES, SIZE_MAX, leaf_hash, root_from_inclusion
from registry.evidence.statements import ALG_ES256, COSE_SIGN1_TAG

RECEIPT_BYTES_MAX: Final = 4096
_VDS: Final = 395  # verifiable data structure (RFC 9942)
_VDP: Final = 396  # its proofs (RFC 9942)
_RFC9162_SHA256: Final = 1
_INCLUSION: Final = -1
_PATH_MAX: Final = SIZE_MAX.bit_length()
_SIGNATURES_KEPT: Final = 1024


@dataclass(frozen=True, slots=True)
class Receipt:
    """A parsed receipt. ``path`` leads from the leaf ``index`` to the root of the tree of ``size`` leaves."""

    kid: bytes
    size: int
    index: int
    path: tuple[bytes, ...]
    signature: bytes
    raw: bytes


def make_receipt(private_key: PrivateKey, size: int, index: int, path: Sequence[bytes], root: bytes) -> bytes:
    """The receipt of the leaf ``index`` in the tree of ``size`` leaves and ``root``, signed by the access
    node (P-256).
    """
    return ReceiptMaker(private_key).receipt(size, index, path, root)


class ReceiptMaker:
    """Makes receipts with one key. A signature covers the root alone, so one is made per root and serves all
    leaves that are answered with it.
    """

    def __init__(self, private_key: PrivateKey) -> None:
        protected = _protected(kid_of(private_key.public_key()))
        self._protected = protected

        # ES256 signatures are deterministic here: one that was forgotten is made again, byte for byte.
        @lru_cache(_SIGNATURES_KEPT)
        def signature(root: bytes) -> bytes:
            return sign_es256(private_key, sig_structure(protected, root))

        self._signature = signature

    def receipt(self, size: int, index: int, path: Sequence[bytes], root: bytes) -> bytes:
        """The receipt of the leaf ``index`` in the tree of ``size`` leaves and ``root``."""
        return _assemble(self._protected, size, index, path, self._signature(root))


def parse_receipt(data: bytes) -> Receipt:
    """Read a receipt strictly: this one form and no other.

    Raises :class:`RuleViolation` (LOG-1) that names the part found wrong.
    """
    # 1. the message and its items
    if len(data) > RECEIPT_BYTES_MAX:
        raise _violation("receipt", f"{len(data)} bytes", f"at most {RECEIPT_BYTES_MAX} bytes")
    message = decode_item(data, rule="LOG-1", field="receipt")
    if type(message) is not cbor2.CBORTag or message.tag != COSE_SIGN1_TAG:
        raise _violation("tag", getattr(message, "tag", type(message).__name__), "tag 18, COSE_Sign1")
    items = message.value
    if type(items) is not list or len(items) != 4:
        raise _violation("receipt", "another content", "an array of four")
    protected, unprotected, payload, signature = items
    if payload is not None:
        raise _violation("payload", type(payload).__name__, "nil: the root is detached")
    if type(protected) is not bytes or type(signature) is not bytes:
        raise _violation("receipt", "another content", "byte strings for protected header and signature")
    # 2. protected header: algorithm, key, kind of tree
    header = decode_item(protected, rule="LOG-1", field="protected")
    kid = header.get(4) if type(header) is dict else None
    if type(kid) is not bytes or len(kid) != KID_BYTES or protected != _protected(kid):
        raise _violation("protected", protected.hex(), "{1: -7, 4: kid, 395: 1} in deterministic CBOR")
    # 3. unprotected header: one inclusion proof
    size, index, path = _proof(unprotected)
    # 4. the one encoding, and a signature in range
    if _assemble(protected, size, index, path, signature) != data:
        raise _violation(
            "receipt", "another encoding or trailing bytes", "deterministic CBOR, nothing after it"
        )
    check_signature_form(signature, rule="LOG-1")
    return Receipt(kid, size, index, tuple(path), signature, data)


def verify_receipt(receipt: Receipt, entry: bytes, public_key: PublicKey) -> bytes:
    """Check that the access node with ``public_key`` certified ``entry`` (a statement's bytes) in its log;
    returns the root.

    Raises :class:`RuleViolation` (LOG-1): ``kid`` for another key, ``proof`` for a path that fits no tree,
    ``signature`` if the node did not sign the root that entry and proof lead to.
    """
    kid = kid_of(public_key)
    if receipt.kid != kid:
        raise _violation("kid", receipt.kid.hex(), kid.hex())
    root = root_from_inclusion(leaf_hash(entry), receipt.index, receipt.size, receipt.path)
    if not is_signed_by(public_key, receipt.signature, sig_structure(_protected(kid), root)):
        raise _violation(
            "signature", f"none over the root {root.hex()}", "the access node's signature over it"
        )
    return root


def _protected(kid: bytes) -> bytes:
    return cbor2.dumps({1: ALG_ES256, 4: kid, _VDS: _RFC9162_SHA256})


def _assemble(protected: bytes, size: int, index: int, path: Sequence[bytes], signature: bytes) -> bytes:
    unprotected = {_VDP: {_INCLUSION: [cbor2.dumps([size, index, list(path)])]}}
    return cbor2.dumps(cbor2.CBORTag(COSE_SIGN1_TAG, [protected, unprotected, None, signature]))


def _proof(unprotected: Any) -> tuple[int, int, list[bytes]]:
    try:
        ((vdp, proofs),) = unprotected.items()
        ((kind, encoded),) = proofs.items()
        (proof,) = encoded
    except (AttributeError, TypeError, ValueError):
        raise _violation("unprotected", repr(unprotected), "{396: {-1: [one proof]}}") from None
    if (vdp, kind) != (_VDP, _INCLUSION) or type(encoded) is not list or type(proof) is not bytes:
        raise _violation("unprotected", repr(unprotected), "{396: {-1: [one proof]}}")
    item = decode_item(proof, rule="LOG-1", field="proof")
    if type(item) is not list or [type(part) for part in item] != [int, int, list]:
        raise _violation("proof", repr(item), "[tree size, leaf index, path]")
    size, index, path = item
    if not 0 <= index < size <= SIZE_MAX:
        raise _violation("proof", f"leaf {index} of {size}", "an index below the size")
    if len(path) > _PATH_MAX or any(type(node) is not bytes or len(node) != HASH_BYTES for node in path):
        raise _violation(
            "proof", f"{len(path)} path elements", f"at most {_PATH_MAX} hashes of {HASH_BYTES} bytes"
        )
    return size, index, path


def _violation(field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule="LOG-1", field=field, found=found, allowed=allowed)
