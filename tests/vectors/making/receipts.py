"""Receipts of the example log: vectors of docs/formats/receipt.md."""

from __future__ import annotations

from typing import Any

import cbor2

from tests.vectors.making.signing import NODE, kid, message, protected_header, public_point, signature, tbs
from tests.vectors.making.trees import ENTRIES, LEAF_HASHES, LEAVES, inclusion, tree


def receipt_vectors() -> dict[str, Any]:
    header = cbor2.dumps({1: -7, 4: kid(NODE), 395: 1})

    def receipt(index: int, size: int, *, path: list[bytes] | None = None, **parts: Any) -> bytes:
        found = inclusion(index, LEAF_HASHES[:size]) if path is None else path
        proof = parts.get("proof", cbor2.dumps([size, index, found]))
        protected = parts.get("protected", header)
        return message(
            protected,
            parts.get("unprotected", {396: {-1: [proof]}}),
            parts.get("payload"),
            signature(NODE, tbs(protected, tree(LEAF_HASHES[:size])), parts.get("high", False)),
        )

    good = [
        {
            "index": index,
            "size": size,
            "entry": ENTRIES[index].hex(),
            "root": tree(LEAF_HASHES[:size]).hex(),
            "receipt": receipt(index, size).hex(),
        }
        for index, size in ((0, 1), (0, 2), (6, 7), (3, 8), (12, LEAVES), (5, LEAVES))
    ]
    path = inclusion(5, LEAF_HASHES)
    bad: list[tuple[str, str, bytes]] = [
        ("cut off", "receipt", receipt(5, LEAVES)[:-1]),
        ("one byte behind", "receipt", receipt(5, LEAVES) + b"\x00"),
        ("tag 17", "tag", b"\xd1" + receipt(5, LEAVES)[1:]),
        ("root attached", "payload", receipt(5, LEAVES, payload=tree(LEAF_HASHES))),
        ("no structure named", "protected", receipt(5, LEAVES, protected=protected_header(NODE))),
        (
            "another structure",
            "protected",
            receipt(5, LEAVES, protected=cbor2.dumps({1: -7, 4: kid(NODE), 395: 2})),
        ),
        ("no proof", "unprotected", receipt(5, LEAVES, unprotected={})),
        (
            "a consistency proof",
            "unprotected",
            receipt(5, LEAVES, unprotected={396: {-2: [cbor2.dumps([LEAVES, 5, path])]}}),
        ),
        (
            "two proofs",
            "unprotected",
            receipt(5, LEAVES, unprotected={396: {-1: [cbor2.dumps([LEAVES, 5, path])] * 2}}),
        ),
        ("index beyond the size", "proof", receipt(5, LEAVES, proof=cbor2.dumps([5, 5, path]))),
        ("hash of 31 bytes", "proof", receipt(5, LEAVES, path=[path[0][1:], *path[1:]])),
        (
            "proof in another spelling",
            "receipt",
            receipt(5, LEAVES, proof=b"\x9f" + cbor2.dumps([LEAVES, 5, path])[1:] + b"\xff"),
        ),
        ("path too short", "proof", receipt(5, LEAVES, path=path[:-1])),
        ("path too long", "proof", receipt(5, LEAVES, path=[*path, path[0]])),
        ("another index", "signature", receipt(5, LEAVES, proof=cbor2.dumps([LEAVES, 4, path]))),
        ("hash changed", "signature", receipt(5, LEAVES, path=[bytes(32), *path[1:]])),
        ("the higher s", "signature", receipt(5, LEAVES, high=True)),
    ]
    return {
        "kid": kid(NODE).hex(),
        "public_key": public_point(NODE).hex(),
        "good": good,
        "bad": [
            {"name": name, "field": field, "entry": ENTRIES[5].hex(), "receipt": data.hex()}
            for name, field, data in bad
        ],
    }
