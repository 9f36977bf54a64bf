"""The template and the slow reader say the same, of whatever bytes (MEA-1)."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import example, given
from hypothesis import strategies as st

from registry.domain.errors import RuleViolation
from registry.evidence.es256 import HIGHEST_S, P256_ORDER
from registry.evidence.payloads import Reading, encode_payload
from registry.evidence.statements import Statement, assemble, parse, parse_slowly, protected_header, sign
from registry.evidence.template import recognise

VECTORS = json.loads((Path(__file__).resolve().parents[2] / "vectors/statements.json").read_text())
KEY = ec.derive_private_key(2026, ec.SECP256R1())
A_READING = Reading(bytes(range(32)), 1_793_181_600, 900, 1, 412, 0, 37, 0, 0, 1)
EDGES = [0, 1, 23, 24, 255, 256, 65_535, 65_536, 2**32 - 1]
UINT = st.sampled_from(EDGES) | st.integers(0, 2**32 - 1)
SERIAL = UINT.filter(bool)
LENGTHS = st.sampled_from([1, 23, 255, 256, 900, 65_535, 65_536, 86_400])
IDS = st.binary(min_size=32, max_size=32)
READINGS = st.builds(
    Reading, IDS, UINT, LENGTHS, SERIAL, UINT, UINT, UINT, UINT, st.integers(0, 63), st.integers(0, 7)
)
HALVES = st.sampled_from([0, 1, HIGHEST_S, HIGHEST_S + 1, P256_ORDER - 1, P256_ORDER, 2**256 - 1])
SIGNATURES = st.builds(lambda r, s: r.to_bytes(32, "big") + s.to_bytes(32, "big"), HALVES, HALVES)


def said(data: bytes, read: object) -> Statement | tuple[str, str, str]:
    try:
        return read(data)  # type: ignore[operator, no-any-return]
    except RuleViolation as violation:
        return violation.rule, violation.field, str(violation)


def unsigned(payload: bytes, signature: bytes = bytes(31) + b"\1" + bytes(31) + b"\1") -> bytes:
    return assemble(protected_header(bytes(32)), payload, signature)


@pytest.mark.rule("MEA-1")
@pytest.mark.parametrize("vector", [*VECTORS["good"], *VECTORS["bad"]], ids=lambda vector: vector["name"])
def test_same_answer_on_every_vector(vector: dict[str, str]) -> None:
    data = bytes.fromhex(vector["statement"])
    assert said(data, parse) == said(data, parse_slowly)


@pytest.mark.rule("MEA-1")
@given(READINGS, SIGNATURES)
def test_same_answer_on_every_reading(reading: Reading, signature: bytes) -> None:
    data = unsigned(encode_payload(reading), signature)
    assert said(data, parse) == said(data, parse_slowly)


@pytest.mark.rule("MEA-1")
@given(READINGS)
def test_what_a_device_sends_is_recognised(reading: Reading) -> None:
    usual = replace(reading, period_start=reading.period_start | 1 << 30, period_length=900)
    data = sign(usual, KEY)
    found = recognise(data)
    assert found is not None and Statement(*found, data) == parse_slowly(data)


@pytest.mark.rule("MEA-1")
@given(st.data())
def test_same_answer_on_changed_bytes(data: st.DataObject) -> None:
    """Bytes changed, left out, doubled or added, and payloads that are not in the shortest form."""
    whole = bytearray(sign(A_READING, KEY))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(whole) - 1))
        match data.draw(st.sampled_from(["flip", "set", "drop", "double", "append"])):
            case "flip":
                whole[at] ^= 1 << data.draw(st.integers(0, 7))
            case "set":
                whole[at] = data.draw(st.integers(0, 255))
            case "drop":
                del whole[at]
            case "double":
                whole.insert(at, whole[at])
            case "append":
                whole += data.draw(st.binary(min_size=1, max_size=2))
        if not whole:
            break
    mutated = bytes(whole)
    assert said(mutated, parse) == said(mutated, parse_slowly)


@pytest.mark.rule("MEA-1")
@given(st.dictionaries(st.integers(1, 11), UINT | IDS | st.integers(-5, 5), max_size=11))
@example({1: 1})
def test_same_answer_on_any_map(fields: dict[int, int | bytes]) -> None:
    usual = dict(enumerate((1, bytes(32), 1_793_181_600, 900, 1, 0, 0, 0, 0, 0, 1), start=1))
    data = unsigned(cbor2.dumps({**usual, **fields}))
    assert said(data, parse) == said(data, parse_slowly)


def _map(values: list[bytes]) -> bytes:
    return b"\xab" + b"".join(bytes([at]) + value for at, value in enumerate(values, start=1))


@pytest.mark.rule("MEA-1")
@pytest.mark.parametrize("key", range(3, 12))
@pytest.mark.parametrize("other", ["1805", "190005", "1a00000005", "25"])
def test_another_form_of_a_number_is_not_recognised(key: int, other: str) -> None:
    start, length = bytes.fromhex("1a6ae1c7a0"), bytes.fromhex("190384")
    values = [b"\x01", b"\x58\x20" + bytes(32), start, length, *[b"\x05"] * 7]
    assert recognise(unsigned(_map(values)))
    values[key - 1] = bytes.fromhex(other)
    data = unsigned(_map(values))
    assert recognise(data) is None
    with pytest.raises(RuleViolation):
        parse(data)
