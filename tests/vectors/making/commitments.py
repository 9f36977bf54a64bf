"""Vectors of docs/formats/commitment.md."""

from __future__ import annotations

import json
from typing import Any

from tests.vectors.making.signing import sha256


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
