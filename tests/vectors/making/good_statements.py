"""Statements that MUST be read, and what they say."""

from __future__ import annotations

from typing import Any

import cbor2

from tests.vectors.making.payloads import EXECUTION, NAMES, READING, SETPOINT, START, TYPES
from tests.vectors.making.signing import (
    DEVICE,
    PLATFORM,
    Key,
    kid,
    protected_header,
    public_point,
    sha256,
    statement,
    tbs,
)


def good_statements() -> list[dict[str, Any]]:
    uint, low, high = 2**32 - 1, -(2**31), 2**31 - 1
    cases: list[tuple[str, dict[int, Any], Key]] = [
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
