"""Signed checkpoints of the example log: vectors of docs/formats/checkpoint.md."""

from __future__ import annotations

import base64
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.vectors.making.signing import sha256
from tests.vectors.making.trees import LEAF_HASHES, LEAVES, ORIGIN, tree


def checkpoint_vectors() -> dict[str, Any]:
    key = Ed25519PrivateKey.from_private_bytes(sha256(b"flexledger/vectors/note/1"))
    public = key.public_key().public_bytes_raw()
    key_id = sha256(ORIGIN.encode() + b"\n\x01" + public)[:4]
    note_key = f"{ORIGIN}+{key_id.hex()}+{base64.b64encode(bytes([1]) + public).decode()}"

    def note(size: int, root: bytes) -> str:
        text = f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n"
        return f"{text}\n— {ORIGIN} {base64.b64encode(key_id + key.sign(text.encode())).decode()}\n"

    good = note(LEAVES, tree(LEAF_HASHES))
    bad = {
        "size changed": good.replace(f"\n{LEAVES}\n", f"\n{LEAVES + 1}\n"),
        "size with a leading zero": good.replace(f"\n{LEAVES}\n", f"\n0{LEAVES}\n"),
        "another origin": good.replace(ORIGIN, "example.org/other"),
        "no signature": good[: good.index("\n\n") + 2],
        "no empty line": good.replace("\n\n", "\n"),
        "last line end missing": good[:-1],
        "an extension line": good.replace("\n\n", "\nextension\n\n"),
        "a hyphen for the dash": good.replace("—", "-"),
    }
    return {
        "origin": ORIGIN,
        "log_id": sha256(ORIGIN.encode()).hex(),
        "note_key": note_key,
        "good": [
            {
                "size": size,
                "root": tree(LEAF_HASHES[:size]).hex(),
                "note": note(size, tree(LEAF_HASHES[:size])),
            }
            for size in (0, 1, LEAVES)
        ],
        "bad": [{"name": name, "note": text} for name, text in bad.items()],
    }
