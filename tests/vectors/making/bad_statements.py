"""Statements that MUST be refused by their bytes and their key alone."""

from __future__ import annotations

from typing import Any

import cbor2

from tests.vectors.making.commitments import POD
from tests.vectors.making.payloads import EXECUTION, NAMES, READING, SETPOINT, START
from tests.vectors.making.signing import (
    DEVICE,
    ORDER,
    PLATFORM,
    kid,
    message,
    protected_header,
    public_point,
    signature,
    statement,
    tbs,
)


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
