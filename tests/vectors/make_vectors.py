"""Writes the vectors of docs/formats beside this file: ``python tests/vectors/make_vectors.py``.

It uses nothing of the register, so that register and devices are checked against a third reading of the
formats. Every run gives the same bytes: keys come from labels, signatures use the deterministic nonce of RFC
6979.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FOLDER = Path(__file__).parent
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
START = 1_793_181_600  # 2026-10-28T10:00:00Z
LEAVES = 13
ORIGIN = "example.org/flexledger/1"


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# ------------------------------------------------------------------------------------------------ commitments


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def commitment(salt: bytes, payload: bytes) -> bytes:
    return sha256(b"flexledger/1" + salt + payload)


def pod_id(salt: bytes, pod_code: str) -> bytes:
    return sha256(b"flexledger/pod/1" + salt + pod_code.encode())


POD = pod_id(sha256(b"flexledger/vectors/salt/pod/1"), "IT001E12345678")


def commitment_vectors() -> dict[str, Any]:
    payloads: list[Any] = [
        {},
        {"use_price_milli_eur_per_mwh": 120_000, "available_kw": 250, "kind": "deal"},
        {"b": [1, -2, 3], "a": {"z": "", "y": '"\\\n\u0001'}, "€": "città"},
        {"on": True, "off": False, "none": None},
    ]
    salts = [sha256(f"flexledger/vectors/salt/{n}".encode()) for n in range(len(payloads))]
    codes = ["IT001E12345678", "IT002E9876543A1", "735999123456789018"]
    return {
        "commitments": [
            {
                "payload": payload,
                "canonical": canonical(payload).hex(),
                "salt": salt.hex(),
                "commitment": commitment(salt, canonical(payload)).hex(),
            }
            for payload, salt in zip(payloads, salts, strict=True)
        ],
        "pod_ids": [
            {"pod_code": code, "salt": salt.hex(), "pod_id": pod_id(salt, code).hex()}
            for n, code in enumerate(codes, start=1)
            for salt in [sha256(f"flexledger/vectors/salt/pod/{n}".encode())]
        ],
        "not_canonical": [
            {"name": name, "json": text.encode().hex()}
            for name, text in {
                "keys not sorted": '{"b":1,"a":2}',
                "space after colon": '{"a": 1}',
                "line end behind": '{"a":1}\n',
                "number with a point": '{"a":1.0}',
                "number with an exponent": '{"a":1e3}',
                "minus zero": '{"a":-0}',
                "key twice": '{"a":1,"a":1}',
                "escape that is not needed": '{"a":"\\u0041"}',
                "escaped slash": '{"a":"\\/"}',
                "not a number": '{"a":NaN}',
                "byte order mark": '\ufeff{"a":1}',
            }.items()
        ],
    }


# ------------------------------------------------------------------------------------------------- statements


def private_key(label: str) -> ec.EllipticCurvePrivateKey:
    scalar = int.from_bytes(sha256(label.encode()), "big") % ORDER
    return ec.derive_private_key(scalar, ec.SECP256R1())


def public_point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


DEVICE = private_key("flexledger/vectors/device/1")
PLATFORM = private_key("flexledger/vectors/platform/1")
NODE = private_key("flexledger/vectors/node/1")


def kid(key: ec.EllipticCurvePrivateKey) -> bytes:
    return sha256(public_point(key))


def tbs(protected: bytes, payload: bytes) -> bytes:
    return cbor2.dumps(["Signature1", protected, b"", payload])


def signature(key: ec.EllipticCurvePrivateKey, data: bytes, high: bool = False) -> bytes:
    r, s = decode_dss_signature(key.sign(data, ec.ECDSA(SHA256(), deterministic_signing=True)))
    low = min(s, ORDER - s)
    return r.to_bytes(32, "big") + (ORDER - low if high else low).to_bytes(32, "big")


def protected_header(key: ec.EllipticCurvePrivateKey) -> bytes:
    return cbor2.dumps({1: -7, 4: kid(key)})


def message(protected: Any, unprotected: Any, payload: Any, sig: Any, tag: int = 18) -> bytes:
    return cbor2.dumps(cbor2.CBORTag(tag, [protected, unprotected, payload, sig]))


def statement(
    payload: Any,
    key: ec.EllipticCurvePrivateKey = DEVICE,
    protected: bytes | None = None,
    high: bool = False,
) -> bytes:
    """A signed message; ``payload`` is a map or bytes that stand for one."""
    header = protected_header(key) if protected is None else protected
    body = payload if isinstance(payload, bytes) else cbor2.dumps(payload)
    return message(header, {}, body, signature(key, tbs(header, body), high))


READING: dict[int, Any] = {
    1: 1,
    2: POD,
    3: START,
    4: 900,
    5: 1,
    6: 412,
    7: 0,
    8: 37,
    9: 0,
    10: 0,
    11: 1,
}
SETPOINT: dict[int, Any] = {1: 3, 2: POD, 3: START + 900, 4: 900, 5: 1, 6: -5000, 7: START + 900}
GOOD_SETPOINT = statement(SETPOINT, PLATFORM)
EXECUTION: dict[int, Any] = {
    1: 2,
    2: POD,
    3: START + 900,
    4: 900,
    5: 2,
    6: sha256(GOOD_SETPOINT),
    7: 1,
    8: -4800,
}
NAMES = {
    1: [
        "pod_id",
        "period_start",
        "period_length",
        "counter",
        "import_wh",
        "export_wh",
        "reactive_import_varh",
        "reactive_export_varh",
        "quality",
        "clock",
    ],
    2: ["pod_id", "period_start", "period_length", "counter", "setpoint_id", "outcome", "achieved_power_w"],
    3: ["pod_id", "period_start", "period_length", "sequence", "power_w", "expires_at"],
}
TYPES = {1: "reading", 2: "execution", 3: "setpoint"}


def good_statements() -> list[dict[str, Any]]:
    uint, low, high = 2**32 - 1, -(2**31), 2**31 - 1
    cases: list[tuple[str, dict[int, Any], ec.EllipticCurvePrivateKey]] = [
        ("the reading of statement.md", READING, DEVICE),
        ("the setpoint of setpoint.md", SETPOINT, PLATFORM),
        ("the execution of statement.md", EXECUTION, DEVICE),
        (
            "reading, all fields at their highest",
            {**READING, 3: uint, 4: 86400, **dict.fromkeys(range(5, 10), uint), 10: 63, 11: 7},
            DEVICE,
        ),
        (
            "reading, all fields at their lowest",
            {**READING, 3: 0, 4: 1, 5: 1, **dict.fromkeys(range(6, 12), 0)},
            DEVICE,
        ),
        ("reading, each length of integer", {**READING, 5: 23, 6: 24, 7: 255, 8: 256, 9: 65536}, DEVICE),
        ("execution refused", {**EXECUTION, 5: 3, 7: 2, 8: 0}, DEVICE),
        ("execution, highest power", {**EXECUTION, 7: 0, 8: high}, DEVICE),
        ("execution, lowest power", {**EXECUTION, 7: 0, 8: low}, DEVICE),
        ("setpoint up, at once", {**SETPOINT, 5: 2, 6: high, 7: START + 1800}, PLATFORM),
        ("setpoint withdrawn", {**SETPOINT, 5: 3, 6: 0, 7: 0}, PLATFORM),
    ]
    vectors = []
    for name, payload, key in cases:
        data = statement(payload, key)
        fields = dict(zip(NAMES[payload[1]], list(payload.values())[1:], strict=True))
        vectors.append(
            {
                "name": name,
                "statement": data.hex(),
                "statement_id": sha256(data).hex(),
                "type": TYPES[payload[1]],
                "fields": {n: v.hex() if isinstance(v, bytes) else v for n, v in fields.items()},
                "kid": kid(key).hex(),
                "public_key": public_point(key).hex(),
                "tbs": tbs(protected_header(key), cbor2.dumps(payload)).hex(),
            }
        )
    return vectors


def bad_statements() -> list[dict[str, str]]:
    body, header, good = cbor2.dumps(READING), protected_header(DEVICE), statement(READING)
    sig = signature(DEVICE, tbs(header, body))
    r, s = sig[:32], sig[32:]
    other = kid(PLATFORM)

    def changed(at: int, value: int) -> bytes:
        return good[:at] + bytes([good[at] ^ value]) + good[at + 1 :]

    def reading(**fields: Any) -> bytes:
        keys = {name: key for key, name in enumerate(NAMES[1], start=2)}
        return statement({**READING, **{keys[name]: value for name, value in fields.items()}})

    def without(key: int, payload: dict[int, Any] = READING) -> bytes:
        return statement({k: v for k, v in payload.items() if k != key})

    def spelled(old: str, new: str) -> bytes:
        """The reading with one item of its payload in another spelling, well signed."""
        return statement(body.replace(bytes.fromhex(old), bytes.fromhex(new), 1))

    def with_signature(sig: Any) -> bytes:
        return message(header, {}, body, sig)

    cases: list[tuple[str, str, str, bytes]] = [
        # the message
        ("empty", "MEA-1", "message", b""),
        ("cut off", "MEA-1", "message", good[:-1]),
        ("one byte behind", "MEA-1", "message", good + b"\x00"),
        ("twice the same", "MEA-1", "message", good + good),
        ("longer than 512 bytes", "MEA-1", "message", with_signature(bytes(512))),
        ("no tag", "MEA-1", "tag", good[1:]),
        ("tag 17", "MEA-1", "tag", message(header, {}, body, sig, tag=17)),
        ("tag 18 in two bytes", "MEA-1", "message", b"\xd8\x12" + good[1:]),
        ("tag 18 twice", "MEA-1", "message", b"\xd2" + good),
        ("array of three", "MEA-1", "message", cbor2.dumps(cbor2.CBORTag(18, [header, {}, body]))),
        ("array of five", "MEA-1", "message", cbor2.dumps(cbor2.CBORTag(18, [header, {}, body, sig, 0]))),
        ("array of indefinite length", "MEA-1", "message", b"\xd2\x9f" + good[2:] + b"\xff"),
        (
            "length of the payload in two bytes",
            "MEA-1",
            "message",
            good.replace(b"\x58\x41", b"\x59\x00\x41", 1),
        ),
        ("text instead of a message", "MEA-1", "tag", cbor2.dumps("reading")),
        # headers
        ("unprotected header not empty", "MEA-1", "unprotected", message(header, {4: b"x"}, body, sig)),
        ("unprotected header missing", "MEA-1", "unprotected", message(header, None, body, sig)),
        ("protected header a map", "MEA-1", "protected", message({1: -7}, {}, body, sig)),
        ("protected header empty", "MEA-1", "protected", statement(READING, protected=b"")),
        (
            "algorithm ES384",
            "MEA-1",
            "alg",
            statement(READING, protected=cbor2.dumps({1: -35, 4: kid(DEVICE)})),
        ),
        (
            "algorithm EdDSA",
            "MEA-1",
            "alg",
            statement(READING, protected=cbor2.dumps({1: -8, 4: kid(DEVICE)})),
        ),
        ("algorithm missing", "MEA-1", "alg", statement(READING, protected=cbor2.dumps({4: kid(DEVICE)}))),
        ("key id missing", "MEA-1", "kid", statement(READING, protected=cbor2.dumps({1: -7}))),
        (
            "key id of 8 bytes",
            "MEA-1",
            "kid",
            statement(READING, protected=cbor2.dumps({1: -7, 4: kid(DEVICE)[:8]})),
        ),
        (
            "a header parameter more",
            "MEA-1",
            "protected",
            statement(READING, protected=cbor2.dumps({1: -7, 3: 0, 4: kid(DEVICE)})),
        ),
        (
            "header parameters in another order",
            "MEA-1",
            "protected",
            statement(READING, protected=cbor2.dumps({4: kid(DEVICE), 1: -7})),
        ),
        # the payload
        ("payload detached", "MEA-1", "payload", message(header, {}, None, sig)),
        ("payload an array", "MEA-1", "payload", statement(cbor2.dumps(list(READING.values())))),
        ("payload no CBOR", "MEA-1", "payload", statement(b"\xff")),
        ("payload with a byte behind", "MEA-1", "payload", statement(body + b"\x00")),
        (
            "payload in another order",
            "MEA-1",
            "payload",
            statement(cbor2.dumps(dict(reversed(READING.items())))),
        ),
        ("payload a map of indefinite length", "MEA-1", "payload", statement(b"\xbf" + body[1:] + b"\xff")),
        ("counter twice", "MEA-1", "payload", statement(b"\xac" + body[1:] + b"\x05\x01")),
        ("a field more", "MEA-1", "payload", statement({**READING, 12: 0})),
        ("a field with a text key", "MEA-1", "payload", statement({**READING, "note": 0})),
        ("type missing", "MEA-1", "type", without(1)),
        ("type unknown", "MEA-1", "type", statement({**READING, 1: 4})),
        ("type true", "MEA-1", "type", statement({**READING, 1: True})),
        ("counter missing", "MEA-1", "counter", without(5)),
        ("clock missing", "MEA-1", "clock", without(11)),
        ("setpoint_id missing", "MEA-1", "setpoint_id", without(6, EXECUTION)),
        ("pod_id of 31 bytes", "MEA-1", "pod_id", reading(pod_id=POD[1:])),
        ("pod_id as text", "MEA-1", "pod_id", reading(pod_id=POD.hex()[:32])),
        ("period_start negative", "MEA-1", "period_start", reading(period_start=-1)),
        ("period_start beyond 32 bits", "MEA-1", "period_start", reading(period_start=2**32)),
        (
            "period_start as a date",
            "MEA-1",
            "payload",
            statement(cbor2.dumps({**READING, 3: cbor2.CBORTag(1, START)})),
        ),
        (
            "a regular expression in place of the message",
            "MEA-1",
            "tag",
            cbor2.dumps(cbor2.CBORTag(35, "(" * 120 + "a" + ")?" * 120)),
        ),
        (
            "a bignum in place of the signature",
            "MEA-1",
            "message",
            cbor2.dumps(
                cbor2.CBORTag(
                    18, [protected_header(DEVICE), {}, cbor2.dumps(READING), cbor2.CBORTag(2, b"\x01" * 64)]
                )
            ),
        ),
        ("period_length zero", "MEA-1", "period_length", reading(period_length=0)),
        ("period_length above a day", "MEA-1", "period_length", reading(period_length=86401)),
        ("counter zero", "MEA-1", "counter", reading(counter=0)),
        ("counter false", "MEA-1", "counter", reading(counter=False)),
        ("import_wh negative", "MEA-1", "import_wh", reading(import_wh=-1)),
        ("import_wh a float", "MEA-1", "import_wh", reading(import_wh=412.0)),
        ("import_wh nil", "MEA-1", "import_wh", reading(import_wh=None)),
        ("import_wh in four bytes", "MEA-1", "payload", spelled("0619019c", "061a0000019c")),
        ("import_wh a big number", "MEA-1", "payload", spelled("0619019c", "06c242019c")),
        ("export_wh beyond 32 bits", "MEA-1", "export_wh", reading(export_wh=2**32)),
        ("quality with an unknown bit", "MEA-1", "quality", reading(quality=64)),
        ("clock with an unknown bit", "MEA-1", "clock", reading(clock=9)),
        ("outcome unknown", "MEA-1", "outcome", statement({**EXECUTION, 7: 4})),
        ("achieved_power_w beyond 32 bits", "MEA-1", "achieved_power_w", statement({**EXECUTION, 8: 2**31})),
        ("sequence zero", "MEA-1", "sequence", statement({**SETPOINT, 5: 0}, PLATFORM)),
        ("power_w a float", "MEA-1", "power_w", statement({**SETPOINT, 6: -5000.5}, PLATFORM)),
        (
            "expires_at after the period",
            "SET-1",
            "expires_at",
            statement({**SETPOINT, 7: START + 1801}, PLATFORM),
        ),
        # the signature
        ("signature of 63 bytes", "MEA-1", "signature", with_signature(sig[:-1])),
        ("signature missing", "MEA-1", "signature", with_signature(None)),
        ("r zero", "MEA-1", "signature", with_signature(bytes(32) + s)),
        ("r the order of the curve", "MEA-1", "signature", with_signature(ORDER.to_bytes(32, "big") + s)),
        ("s zero", "MEA-1", "signature", with_signature(r + bytes(32))),
        ("s the higher one", "MEA-1", "signature", statement(READING, high=True)),
        ("energy changed after signing", "MEA-2", "signature", changed(good.index(b"\x19\x01\x9c") + 2, 1)),
        ("signature changed", "MEA-2", "signature", changed(len(good) - 1, 1)),
        (
            "signed by another key",
            "MEA-2",
            "signature",
            with_signature(signature(PLATFORM, tbs(header, body))),
        ),
        (
            "key id of another key",
            "MEA-2",
            "kid",
            statement(READING, protected=cbor2.dumps({1: -7, 4: other})),
        ),
    ]
    return [
        {"name": name, "rule": rule, "field": field, "statement": data.hex(), "public_key": public}
        for name, rule, field, data in cases
        for public in [public_point(DEVICE).hex()]
    ]


# ---------------------------------------------------------------------------------------------------- the log


def leaf_hash(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry)


def tree(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 section 2.1.1, word for word."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"")
    k = split(len(leaves))
    return sha256(b"\x01" + tree(leaves[:k]) + tree(leaves[k:]))


def split(n: int) -> int:
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def inclusion(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 9162 section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*inclusion(m, leaves[:k]), tree(leaves[k:])]
    return [*inclusion(m - k, leaves[k:]), tree(leaves[:k])]


def consistency(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 9162 section 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [tree(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*consistency(m, leaves[:k], whole), tree(leaves[k:])]
    return [*consistency(m - k, leaves[k:], False), tree(leaves[:k])]


ENTRIES = [statement({**READING, 3: START + 900 * n, 5: n + 1, 6: 400 + n}) for n in range(LEAVES)]
LEAF_HASHES = [leaf_hash(entry) for entry in ENTRIES]


def merkle_vectors() -> dict[str, Any]:
    return {
        "entries": [entry.hex() for entry in ENTRIES],
        "leaf_hashes": [leaf.hex() for leaf in LEAF_HASHES],
        "roots": [tree(LEAF_HASHES[:size]).hex() for size in range(LEAVES + 1)],
        "inclusion": [
            {"index": m, "size": size, "path": [node.hex() for node in inclusion(m, LEAF_HASHES[:size])]}
            for size in (1, 2, 7, 8, LEAVES)
            for m in range(size)
        ],
        "consistency": [
            {"old": m, "new": size, "path": [node.hex() for node in consistency(m, LEAF_HASHES[:size])]}
            for size in (1, 2, 7, 8, LEAVES)
            for m in range(1, size + 1)
        ],
    }


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


# ---------------------------------------------------------------------------------------------------- witness


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


FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "commitments.json": commitment_vectors,
    "statements.json": lambda: {"good": good_statements(), "bad": bad_statements()},
    "merkle.json": merkle_vectors,
    "checkpoints.json": checkpoint_vectors,
    "cosignatures.json": cosignature_vectors,
    "receipts.json": receipt_vectors,
}


def render(name: str) -> bytes:
    """The bytes of one vector file."""
    return (json.dumps(FILES[name](), indent=1, ensure_ascii=False) + "\n").encode()


def main() -> None:
    for name in FILES:
        (FOLDER / name).write_bytes(render(name))


if __name__ == "__main__":
    main()
