"""Cosignatures of the example log: vectors of docs/formats/witness.md."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vectors.making.payloads import START
from tests.vectors.making.signing import sha256
from tests.vectors.making.trees import LEAF_HASHES, LEAVES, ORIGIN, consistency, tree


def cosignature_vectors() -> dict[str, Any]:
    log = Ed25519PrivateKey.from_private_bytes(sha256(b"flexledger/vectors/note/1"))
    witness = Ed25519PrivateKey.from_private_bytes(sha256(b"flexledger/vectors/witness/1"))
    stranger = Ed25519PrivateKey.from_private_bytes(sha256(b"flexledger/vectors/witness/2"))
    name, at, old = "tso.example/witness", START + 1, 7

    def key_id(signer: Ed25519PrivateKey, called: str, kind: int) -> bytes:
        return sha256(called.encode() + bytes([10, kind]) + signer.public_key().public_bytes_raw())[:4]

    def vkey(signer: Ed25519PrivateKey, called: str, kind: int) -> str:
        key = base64.b64encode(bytes([kind]) + signer.public_key().public_bytes_raw()).decode()
        return f"{called}+{key_id(signer, called, kind).hex()}+{key}"

    def line(called: str, blob: bytes) -> str:
        return f"— {called} {base64.b64encode(blob).decode()}\n"

    def text(size: int) -> str:
        return f"{ORIGIN}\n{size}\n{base64.b64encode(tree(LEAF_HASHES[:size])).decode()}\n"

    def note(size: int) -> str:
        return f"{text(size)}\n{line(ORIGIN, key_id(log, ORIGIN, 1) + log.sign(text(size).encode()))}"

    def cosignature(
        signer: Ed25519PrivateKey = witness,
        called: str = name,
        *,
        kind: int = 4,
        time: int = at,
        **parts: Any,
    ) -> str:
        message = f"{parts.get('head', 'cosignature/v1')}\ntime {parts.get('signed_time', time)}\n"
        signed = signer.sign((message + text(parts.get("size", LEAVES))).encode())
        return line(
            called, key_id(signer, called, kind) + time.to_bytes(8, "big") + signed + parts.get("rest", b"")
        )

    proof = consistency(old, LEAF_HASHES)
    body = "".join(
        [f"old {old}\n", *(base64.b64encode(node).decode() + "\n" for node in proof), "\n", note(LEAVES)]
    )
    first = body.splitlines()[1]
    bad_notes = {
        "another time than was signed": cosignature(signed_time=at + 1),
        "another checkpoint": cosignature(size=LEAVES - 1),
        "another header line": cosignature(head="cosignature/v2"),
        "one byte more": cosignature(rest=b"\0"),
        "a time beyond 63 bits": cosignature(time=2**63),
        "one good, one bad": cosignature() + cosignature(size=1),
    }
    bad_requests = {
        "no old size": ("old size", body.partition("\n")[2]),
        "old size with a leading zero": ("old size", body.replace("old 7", "old 07")),
        "old size negative": ("old size", body.replace("old 7", "old -7")),
        "carriage returns": ("old size", body.replace("\n", "\r\n")),
        "a hash too short": ("proof", body.replace(first, base64.b64encode(bytes(31)).decode())),
        "a hash in hexadecimal": ("proof", body.replace(first, proof[0].hex())),
        "a hash without padding": ("proof", body.replace(first, first.rstrip("="))),
        "64 hashes": ("proof", f"old 7\n{(first + chr(10)) * 64}\n{note(LEAVES)}"),
        "no empty line": ("note", f"old 7\n{first}\n"),
        "nothing": ("old size", ""),
    }
    return {
        "witness_key": vkey(witness, name, 4),
        "log_key": vkey(log, ORIGIN, 1),
        "good": [
            {"name": "one", "at": at, "note": note(LEAVES) + cosignature()},
            {
                "name": "newest of two",
                "at": at + 9,
                "note": note(LEAVES) + cosignature(time=at + 9) + cosignature(),
            },
            {
                "name": "beside a stranger's",
                "at": at,
                "note": note(LEAVES) + cosignature(stranger) + cosignature(),
            },
            {"name": "the last second", "at": 2**63 - 1, "note": note(LEAVES) + cosignature(time=2**63 - 1)},
        ],
        "ignored": [
            {"name": "by a stranger under this name", "note": note(LEAVES) + cosignature(stranger)},
            {
                "name": "by this key under another name",
                "note": note(LEAVES) + cosignature(called="tso.example"),
            },
            {"name": "of another type", "note": note(LEAVES) + cosignature(kind=1)},
        ],
        "bad": [{"name": title, "note": note(LEAVES) + lines} for title, lines in bad_notes.items()],
        "request": {
            "old": {"size": old, "root": tree(LEAF_HASHES[:old]).hex(), "note": note(old)},
            "proof": [node.hex() for node in proof],
            "note": note(LEAVES),
            "body": body,
        },
        "bad_requests": [
            {"name": title, "field": field, "body": text} for title, (field, text) in bad_requests.items()
        ],
    }
