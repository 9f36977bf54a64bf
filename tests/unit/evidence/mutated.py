"""Statements gone wrong: good ones with bytes or structure changed, for hypothesis."""

from __future__ import annotations

from random import Random
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import strategies as st

from registry.evidence.payloads import Execution, Payload, Reading, Setpoint
from registry.evidence.statements import sign

KEYS = [ec.derive_private_key(number, ec.SECP256R1()) for number in (2026, 2027, 2028)]
START = 1_793_181_600
_PODS = [bytes([number]) * 32 for number in range(3)]
_PAYLOADS: list[Payload] = [
    Reading(_PODS[0], START, 900, 1, 412, 0, 37, 0, 0, 1),
    Reading(_PODS[1], START, 900, 24, 256, 65_536, 2**32 - 1, 23, 63, 7),
    Reading(_PODS[2], START + 900, 900, 70_000, 0, 0, 0, 0, 0, 0),
    Execution(_PODS[0], START, 900, 2, bytes(32), 1, -4_800),
    Setpoint(_PODS[1], START, 900, 1, -5_000, START),
]
GOOD = [sign(payload, key) for payload, key in zip(_PAYLOADS, [*KEYS, *KEYS], strict=False)]
"""Three readings, an execution, a setpoint."""

_HUGE = [
    bytes([major << 5 | 27]) + value.to_bytes(8, "big")
    for major in range(8)
    for value in (2**60, 2**63 - 1, 2**64 - 1)
]
_VALUES = [
    *(0, 1, 23, 24, 255, 256, 2**16, 2**32, 2**64 - 1, -1, -(2**31)),
    *(b"", bytes(31), bytes(32), bytes(40), None, True, 1.5, "text", [], {}, [[[[]]]]),
]
_CHANGES = ["flip", "set", "insert", "drop", "double", "cut", "behind", "huge", "deep"]
_OPENINGS = [b"\x81", b"\x9f", b"\xa1\x00", b"\xc1", b"\xd8\x3d"]


def mutated() -> st.SearchStrategy[bytes]:
    """A statement that was good before it was changed, in bytes or in structure, up to three times.

    Hypothesis chooses the seed alone: to draw every byte of a structure costs more than to judge it.
    """
    return st.integers(0, 2**63).map(lambda seed: mutate(Random(seed)))


def mutate(chance: Random) -> bytes:
    """One of them."""
    good = chance.choice(GOOD)
    data = bytearray(respelled(good, chance) if chance.random() < 0.5 else good)
    for _ in range(chance.randint(0, 3)):
        at = chance.randint(0, len(data))
        until = min(len(data), at + chance.randint(1, 40))
        match chance.choice(_CHANGES):
            case "flip" if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case "set" if at < len(data):
                data[at] = chance.randrange(256)
            case "insert":
                data[at:at] = chance.randbytes(chance.randint(1, 4))
            case "drop":
                del data[at:until]
            case "double":
                data[at:at] = data[at:until]
            case "cut":
                del data[at:]
            case "behind":
                data += chance.randbytes(chance.randint(1, 4))
            case "huge":
                data[at:until] = chance.choice(_HUGE)
            case "deep":
                data[at:at] = chance.choice(_OPENINGS) * chance.randint(1, 300)
    return bytes(data)


def respelled(good: bytes, chance: Random) -> bytes:
    """The message taken apart, some of it changed, and put together in another spelling."""
    items = list(cbor2.loads(good).value)
    for place in (0, 2):
        fields = list(cbor2.loads(items[place]).items())
        for _ in range(chance.randint(0, 2)):
            at = chance.randrange(len(fields))
            match chance.choice(["value", "drop", "twice", "order", "more"]):
                case "value":
                    fields[at] = (fields[at][0], chance.choice(_VALUES))
                case "drop" if len(fields) > 1:
                    del fields[at]
                case "twice":
                    fields.append(fields[at])
                case "order":
                    chance.shuffle(fields)
                case "more":
                    fields.append((chance.choice(_VALUES), chance.choice(_VALUES)))
        items[place] = spelled(_Pairs(fields), chance)
    if chance.random() < 0.3:
        items[chance.randrange(len(items))] = chance.choice(_VALUES)
    return _head(6, chance.choice([18, 18, 18, 17, 61, 98]), chance) + spelled(items, chance)


class _Pairs(list[tuple[Any, Any]]):
    """A map with its order, whose keys may come twice."""


def spelled(value: Any, chance: Random) -> bytes:
    """CBOR that says ``value`` in the shortest form or, now and then, in another one."""
    if isinstance(value, dict):
        value = _Pairs(value.items())
    if isinstance(value, bytes | str):
        data = value.encode() if isinstance(value, str) else value
        major = 3 if isinstance(value, str) else 2
        if _seldom(chance):
            half = len(data) // 2
            parts = [_head(major, len(part), chance) + part for part in (data[:half], data[half:])]
            return bytes([major << 5 | 31]) + b"".join(parts) + b"\xff"
        return _head(major, len(data), chance) + data
    if isinstance(value, list):
        pairs = isinstance(value, _Pairs)
        parts = [part for item in value for part in (item if pairs else [item])]
        inner = b"".join(spelled(part, chance) for part in parts)
        major = 5 if pairs else 4
        if _seldom(chance):
            return bytes([major << 5 | 31]) + inner + b"\xff"
        return _head(major, len(value), chance) + inner
    if type(value) is int:
        return _head(0, value, chance) if value >= 0 else _head(1, -1 - value, chance)
    return cbor2.dumps(value)


def _seldom(chance: Random) -> bool:
    return chance.random() < 0.02


def _head(major: int, value: int, chance: Random) -> bytes:
    shortest = next(width for width in (0, 1, 2, 4, 8) if value < (24 if width == 0 else 256**width))
    wider = [width for width in (1, 2, 4, 8) if width > shortest]
    width = chance.choice(wider) if wider and _seldom(chance) else shortest
    if width == 0:
        return bytes([major << 5 | value])
    return bytes([major << 5 | {1: 24, 2: 25, 4: 26, 8: 27}[width]]) + value.to_bytes(width, "big")
