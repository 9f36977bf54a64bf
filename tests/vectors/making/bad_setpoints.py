"""Setpoints that MUST be refused by their bytes and their key alone: by the access node, and by a device."""

from __future__ import annotations

from typing import Any

import cbor2

from tests.vectors.making.bad_envelopes import bad_headers, bad_messages, bad_signatures, described
from tests.vectors.making.payloads import NAMES, SETPOINT, START
from tests.vectors.making.signing import DEVICE, PLATFORM, statement


def bad_setpoints() -> list[dict[str, str]]:
    """The envelopes of bad statements around the example setpoint, and its own bad payloads."""
    keys = {name: key for key, name in enumerate(NAMES[3], start=2)}
    body = cbor2.dumps(SETPOINT)

    def signed(payload: Any) -> bytes:
        return statement(payload, PLATFORM)

    ranges: list[tuple[str, str, Any]] = [
        ("pod_id of 31 bytes", "pod_id", bytes(31)),
        ("period_length zero", "period_length", 0),
        ("sequence zero", "sequence", 0),
        ("power_w a float", "power_w", -5000.5),
        ("power_w beyond 32 bits", "power_w", 2**31),
        ("expires_at negative", "expires_at", -1),
    ]
    cases = [
        *bad_messages(SETPOINT, PLATFORM),
        *bad_headers(SETPOINT, PLATFORM),
        ("payload with a byte behind", "MEA-1", "payload", signed(body + b"\x00")),
        ("payload in another order", "MEA-1", "payload", signed(dict(reversed(SETPOINT.items())))),
        ("payload a map of indefinite length", "MEA-1", "payload", signed(b"\xbf" + body[1:] + b"\xff")),
        ("a field more", "MEA-1", "payload", signed({**SETPOINT, 8: 0})),
        ("sequence twice", "MEA-1", "payload", signed(b"\xa8" + body[1:] + b"\x05\x01")),
        ("type unknown", "MEA-1", "type", signed({**SETPOINT, 1: 4})),
        *(
            (f"{name} missing", "MEA-1", name, signed({k: v for k, v in SETPOINT.items() if k != key}))
            for name, key in keys.items()
        ),
        *(
            (title, "MEA-1", field, signed({**SETPOINT, keys[field]: value}))
            for title, field, value in ranges
        ),
        ("expires_at after the period", "SET-1", "expires_at", signed({**SETPOINT, 7: START + 1801})),
        *bad_signatures(SETPOINT, PLATFORM, DEVICE),
    ]  # fmt: skip
    return described(cases, PLATFORM)
