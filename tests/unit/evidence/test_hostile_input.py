"""Input made to harm whoever reads it: refused by name, at a bounded cost."""

from __future__ import annotations

import sys

import cbor2
import pytest

from registry.domain.errors import RuleViolation
from registry.evidence.bundle import read_canonical_json
from registry.evidence.checkpoints import split_note
from registry.evidence.cosignatures import with_cosignatures
from registry.evidence.receipts import parse_receipt
from tests.unit.log.signed_logs import SignedLog

DIGITS = b"\x01" * 1900  # more than str() makes of a number


@pytest.mark.rule("LOG-1")
@pytest.mark.parametrize("place", ["size", "index", "header"])
def test_a_receipt_with_huge_numbers_is_refused(place: str) -> None:
    big = cbor2.CBORTag(2, DIGITS)
    proof = cbor2.dumps([big if place == "size" else 5, big if place == "index" else 1, []])
    header = {1: -7, 4: bytes(32), **({big: 1} if place == "header" else {395: 1})}
    data = cbor2.dumps(
        cbor2.CBORTag(18, [cbor2.dumps(header), {396: {-1: [proof]}}, None, bytes(31) + b"\x01" * 33])
    )
    with pytest.raises(RuleViolation, match="LOG-1"):
        parse_receipt(data)


@pytest.mark.rule("AUD-1")
@pytest.mark.parametrize("data", [b"[" * 200_000, b'{"a":' * 200_000, "[".encode("utf-16") * 90_000])
def test_json_without_a_bottom_is_refused(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)  # as libraries of the chain do
    try:
        with pytest.raises(RuleViolation, match="AUD-1: manifest"):
            read_canonical_json(data, "manifest")
    finally:
        sys.setrecursionlimit(limit)


@pytest.mark.rule("LOG-2")
@pytest.mark.parametrize("mark", ["\u2028", "\x0b", "\x85", "\xa0", "+"])
def test_a_name_with_a_line_end_of_another_kind_is_refused(mark: str) -> None:
    note = SignedLog.of(["a", "b"]).note(2).decode() + f"— stranger{mark}x AAAAAAAA\n"
    with pytest.raises(RuleViolation, match="LOG-1: note"):
        split_note(note.encode())
    with pytest.raises(RuleViolation, match="LOG-1: note"):
        with_cosignatures(note.encode(), [])
