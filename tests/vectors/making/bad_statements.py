"""Statements of devices that MUST be refused by their bytes and their key alone."""

from __future__ import annotations

from typing import Any

import cbor2

from tests.vectors.making.bad_envelopes import Case, bad_headers, bad_messages, bad_signatures, described
from tests.vectors.making.commitments import POD
from tests.vectors.making.payloads import EXECUTION, NAMES, READING, START
from tests.vectors.making.signing import (
    DEVICE,
    PLATFORM,
    message,
    protected_header,
    signature,
    statement,
    tbs,
)


def bad_statements() -> list[dict[str, str]]:
    """Bad envelopes around the example reading, and bad payloads in good envelopes."""
    cases = [
        *bad_messages(READING, DEVICE),
        *bad_headers(READING, DEVICE),
        *_bad_payloads(),
        *_bad_readings(),
        *_bad_executions(),
        *bad_signatures(READING, DEVICE, PLATFORM),
    ]
    return described(cases, DEVICE)


def _bad_payloads() -> list[Case]:
    body, header = cbor2.dumps(READING), protected_header(DEVICE)
    sig = signature(DEVICE, tbs(header, body))
    deep = b"\x81" * 300 + b"\x00"
    return [
        ("payload detached", "MEA-1", "payload", message(header, {}, None, sig)),
        ("payload a map", "MEA-1", "payload", message(header, {}, READING, sig)),
        ("payload empty", "MEA-1", "payload", statement(b"")),
        ("payload an array", "MEA-1", "payload", statement(cbor2.dumps(list(READING.values())))),
        ("payload no CBOR", "MEA-1", "payload", statement(b"\xff")),
        ("payload cut off", "MEA-1", "payload", statement(body[:-1])),
        ("payload with a byte behind", "MEA-1", "payload", statement(body + b"\x00")),
        ("payload in another order", "MEA-1", "payload",
         statement(cbor2.dumps(dict(reversed(READING.items()))))),
        ("payload a map of indefinite length", "MEA-1", "payload", statement(b"\xbf" + body[1:] + b"\xff")),
        ("payload a map that says it has 2^60 fields", "MEA-1", "payload",
         statement(b"\xbb\x10" + bytes(7) + body[1:])),
        ("payload a map whose size takes two bytes", "MEA-1", "payload", statement(b"\xb8\x0b" + body[1:])),
        ("payload nested 300 times", "MEA-1", "payload", statement(deep)),
        ("counter twice", "MEA-1", "payload", statement(b"\xac" + body[1:] + b"\x05\x01")),
        ("a field more", "MEA-1", "payload", statement({**READING, 12: 0})),
        ("a field with a text key", "MEA-1", "payload", statement({**READING, "note": 0})),
        ("type missing", "MEA-1", "type", statement(_without(1))),
        ("type unknown", "MEA-1", "type", statement({**READING, 1: 4})),
        ("type true", "MEA-1", "type", statement({**READING, 1: True})),
    ]  # fmt: skip


def _bad_readings() -> list[Case]:
    keys = {name: key for key, name in enumerate(NAMES[1], start=2)}
    body = cbor2.dumps(READING)

    def with_(field: str, value: Any) -> bytes:
        return statement({**READING, keys[field]: value})

    def spelled(old: str, new: str) -> bytes:
        """The reading with one item of its payload in another spelling."""
        return statement(body.replace(bytes.fromhex(old), bytes.fromhex(new), 1))

    ranges: list[tuple[str, str, Any]] = [
        ("pod_id of 31 bytes", "pod_id", POD[1:]),
        ("pod_id as text", "pod_id", POD.hex()[:32]),
        ("period_start negative", "period_start", -1),
        ("period_start beyond 32 bits", "period_start", 2**32),
        ("period_length zero", "period_length", 0),
        ("period_length above a day", "period_length", 86401),
        ("counter zero", "counter", 0),
        ("counter false", "counter", False),
        ("counter beyond 32 bits", "counter", 2**32),
        ("import_wh negative", "import_wh", -1),
        ("import_wh a float", "import_wh", 412.0),
        ("import_wh nil", "import_wh", None),
        ("export_wh beyond 32 bits", "export_wh", 2**32),
        ("reactive_import_varh negative", "reactive_import_varh", -1),
        ("reactive_export_varh beyond 32 bits", "reactive_export_varh", 2**32),
        ("quality with an unknown bit", "quality", 64),
        ("clock with an unknown bit", "clock", 9),
    ]
    missing = [(f"{name} missing", "MEA-1", name, statement(_without(key))) for name, key in keys.items()]
    return [
        *missing,
        *((title, "MEA-1", field, with_(field, value)) for title, field, value in ranges),
        ("period_start as a date", "MEA-1", "payload", with_("period_start", cbor2.CBORTag(1, START))),
        ("import_wh in four bytes", "MEA-1", "payload", spelled("0619019c", "061a0000019c")),
        ("import_wh a big number", "MEA-1", "payload", spelled("0619019c", "06c242019c")),
        ("energy changed after signing", "MEA-2", "signature",
         statement(READING).replace(b"\x19\x01\x9c", b"\x19\x01\x9d", 1)),
    ]  # fmt: skip


def _bad_executions() -> list[Case]:
    ranges: list[tuple[str, str, int, Any]] = [
        ("setpoint_id of 31 bytes", "setpoint_id", 6, bytes(31)),
        ("outcome unknown", "outcome", 7, 4),
        ("achieved_power_w beyond 32 bits", "achieved_power_w", 8, 2**31),
    ]
    missing = [
        (f"{name} missing", "MEA-1", name, statement(_without(key, EXECUTION)))
        for key, name in ((6, "setpoint_id"), (7, "outcome"), (8, "achieved_power_w"))
    ]
    return missing + [
        (title, "MEA-1", field, statement({**EXECUTION, key: value})) for title, field, key, value in ranges
    ]


def _without(key: int, payload: dict[int, Any] = READING) -> dict[int, Any]:
    return {k: v for k, v in payload.items() if k != key}
