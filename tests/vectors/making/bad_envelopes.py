"""Faults of the envelope, which any kind of statement can have: whole message, headers, signature."""

from __future__ import annotations

from typing import Any

import cbor2

from tests.vectors.making.signing import (
    NODE,
    ORDER,
    Key,
    kid,
    message,
    protected_header,
    public_point,
    signature,
    statement,
    tbs,
)

Case = tuple[str, str, str, bytes]
"""What is wrong, the rule and the field that a refusal names, and the bytes."""


def described(cases: list[Case], signer: Key) -> list[dict[str, str]]:
    """Cases as the vector files have them; ``signer`` is the key to verify with."""
    return [
        {
            "name": name,
            "rule": rule,
            "field": field,
            "statement": data.hex(),
            "public_key": public_point(signer).hex(),
        }
        for name, rule, field, data in cases
    ]


def bad_messages(payload: dict[int, Any], key: Key) -> list[Case]:
    """Around a good payload by a good key, everything that the message as a whole can have wrong."""
    body, header, good = cbor2.dumps(payload), protected_header(key), statement(payload, key)
    sig = signature(key, tbs(header, body))
    head = b"\x58" + bytes([len(body)])
    inner = good[2:]

    def tagged(content: Any, tag: int = 18) -> bytes:
        return cbor2.dumps(cbor2.CBORTag(tag, content))

    return [
        ("empty", "MEA-1", "message", b""),
        ("cut off", "MEA-1", "message", good[:-1]),
        ("cut off in the header", "MEA-1", "message", good[:10]),
        ("one byte behind", "MEA-1", "message", good + b"\x00"),
        ("twice the same", "MEA-1", "message", good + good),
        ("longer than 512 bytes", "MEA-1", "message", message(header, {}, body, bytes(512))),
        ("no tag", "MEA-1", "tag", good[1:]),
        ("tag 17", "MEA-1", "tag", message(header, {}, body, sig, tag=17)),
        ("tag 98, COSE_Sign", "MEA-1", "tag", message(header, {}, body, sig, tag=98)),
        ("tag 18 in two bytes", "MEA-1", "message", b"\xd8\x12" + good[1:]),
        ("tag 18 twice", "MEA-1", "message", b"\xd2" + good),
        ("tag 61, a CWT, before tag 18", "MEA-1", "message", b"\xd8\x3d" + good),
        ("array of three", "MEA-1", "message", tagged([header, {}, body])),
        ("array of five", "MEA-1", "message", tagged([header, {}, body, sig, 0])),
        ("a map in place of the array", "MEA-1", "message", tagged({0: header})),
        ("array of indefinite length", "MEA-1", "message", b"\xd2\x9f" + inner + b"\xff"),
        ("array that says it has 2^60 items", "MEA-1", "message", b"\xd2\x9b\x10" + bytes(7) + inner),
        ("payload that says it has 2^60 bytes", "MEA-1", "message",
         good.replace(head, b"\x5b\x10" + bytes(7), 1)),
        ("length of the payload in two bytes", "MEA-1", "message",
         good.replace(head, b"\x59\x00" + head[1:], 1)),
        ("payload in chunks", "MEA-1", "message",
         good.replace(head + body, b"\x5f" + head + body + b"\xff", 1)),
        ("five hundred arrays in one another", "MEA-1", "message", b"\x81" * 500 + b"\x00"),
        ("text instead of a message", "MEA-1", "tag", cbor2.dumps("reading")),
        ("a regular expression in place of the message", "MEA-1", "tag",
         tagged("(" * 120 + "a" + ")?" * 120, tag=35)),
        ("a bignum in place of the signature", "MEA-1", "message",
         tagged([header, {}, body, cbor2.CBORTag(2, b"\x01" * 64)])),
    ]  # fmt: skip


def bad_headers(payload: dict[int, Any], key: Key) -> list[Case]:
    """Everything that the two headers can have wrong, well signed."""
    body, header, me = cbor2.dumps(payload), protected_header(key), kid(key)
    sig = signature(key, tbs(header, body))

    def under(protected: Any) -> bytes:
        return statement(payload, key, protected if isinstance(protected, bytes) else cbor2.dumps(protected))

    return [
        ("unprotected header not empty", "MEA-1", "unprotected", message(header, {4: b"x"}, body, sig)),
        ("unprotected header missing", "MEA-1", "unprotected", message(header, None, body, sig)),
        ("protected header a map", "MEA-1", "protected", message({1: -7}, {}, body, sig)),
        ("protected header empty", "MEA-1", "protected", under(b"")),
        ("protected header an array", "MEA-1", "protected", under([1, -7, 4, me])),
        ("algorithm ES384", "MEA-1", "alg", under({1: -35, 4: me})),
        ("algorithm EdDSA", "MEA-1", "alg", under({1: -8, 4: me})),
        ("algorithm ES256K", "MEA-1", "alg", under({1: -47, 4: me})),
        ("algorithm as text", "MEA-1", "alg", under({1: "ES256", 4: me})),
        ("algorithm missing", "MEA-1", "alg", under({4: me})),
        ("key id missing", "MEA-1", "kid", under({1: -7})),
        ("key id of 8 bytes", "MEA-1", "kid", under({1: -7, 4: me[:8]})),
        ("key id as text", "MEA-1", "kid", under({1: -7, 4: me.hex()[:32]})),
        ("a header parameter more", "MEA-1", "protected", under({1: -7, 3: 0, 4: me})),
        ("a critical header parameter", "MEA-1", "protected", under({1: -7, 2: [99], 4: me, 99: 0})),
        ("a critical header parameter that is known", "MEA-1", "protected", under({1: -7, 2: [1], 4: me})),
        ("header parameters in another order", "MEA-1", "protected", under({4: me, 1: -7})),
        ("algorithm in two bytes", "MEA-1", "protected", under(header.replace(b"\x26", b"\x38\x06", 1))),
        ("algorithm twice", "MEA-1", "protected", under(b"\xa3\x01\x26" + header[1:])),
    ]  # fmt: skip


def bad_signatures(payload: dict[int, Any], key: Key, other: Key) -> list[Case]:
    """Everything that a signature can have wrong; ``other`` is a key that signs what is not its own."""
    body, header, good = cbor2.dumps(payload), protected_header(key), statement(payload, key)
    sig = signature(key, tbs(header, body))
    r, s = sig[:32], sig[32:]

    def by(sig: Any) -> bytes:
        return message(header, {}, body, sig)

    def number(value: int) -> bytes:
        return value.to_bytes(32, "big")

    lower_r = min(r, number(ORDER - int.from_bytes(r, "big")))
    return [
        ("signature of 63 bytes", "MEA-1", "signature", by(sig[:-1])),
        ("signature of 65 bytes", "MEA-1", "signature", by(sig + b"\x00")),
        ("signature in the form of DER", "MEA-1", "signature", by(b"\x30\x44\x02\x20" + r + b"\x02\x20" + s)),
        ("signature missing", "MEA-1", "signature", by(None)),
        ("r zero", "MEA-1", "signature", by(bytes(32) + s)),
        ("r the order of the curve", "MEA-1", "signature", by(number(ORDER) + s)),
        ("r as high as 32 bytes can be", "MEA-1", "signature", by(b"\xff" * 32 + s)),
        ("s zero", "MEA-1", "signature", by(r + bytes(32))),
        ("s one above half the order", "MEA-1", "signature", by(r + number(ORDER // 2 + 1))),
        ("s the order of the curve", "MEA-1", "signature", by(r + number(ORDER))),
        ("s the higher one", "MEA-1", "signature", statement(payload, key, high=True)),
        ("signature changed", "MEA-2", "signature", good[:-1] + bytes([good[-1] ^ 1])),
        ("payload changed after signing", "MEA-2", "signature",
         message(header, {}, cbor2.dumps({**payload, 5: payload[5] + 1}), sig)),
        ("r and s changed for one another", "MEA-2", "signature", by(s + lower_r)),
        ("signed by another key", "MEA-2", "signature", by(signature(other, tbs(header, body)))),
        ("signed without its context", "MEA-2", "signature", by(signature(key, body))),
        ("key id of another key", "MEA-2", "kid", statement(payload, key, protected_header(NODE))),
    ]  # fmt: skip
