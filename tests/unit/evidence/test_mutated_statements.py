"""Whatever becomes of a statement on its way: both readers agree on it, at a bounded cost (MEA-1)."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.errors import RuleViolation
from registry.evidence.cbor import end_of_item
from registry.evidence.payloads import Reading, encode_payload
from registry.evidence.statements import (
    STATEMENT_BYTES_MAX,
    Statement,
    assemble,
    parse,
    parse_slowly,
    protected_header,
)
from registry.evidence.template import recognise, skim
from tests.unit.evidence.mutated import GOOD, mutated

MEMORY_MAX = 128 * 1024
"""Bytes that reading a statement may take for a moment, whatever it says of itself: the decoder makes room
for strings in pieces of 64 KiB.
"""


def said(data: bytes, read: object) -> Statement | tuple[str, str, str]:
    try:
        return read(data)  # type: ignore[operator, no-any-return]
    except RuleViolation as violation:
        return violation.rule, violation.field, str(violation)


@pytest.mark.rule("MEA-1")
@settings(max_examples=1_500, deadline=None)
@given(mutated())
def test_both_readers_say_the_same(data: bytes) -> None:
    """Same acceptance, same values, same refusal; and what is accepted has no other spelling."""
    slow = said(data, parse_slowly)
    assert said(data, parse) == slow
    skimmed, recognised = skim(data), recognise(data)
    whole = skimmed is not None and skimmed[1] == len(data)
    assert whole == (recognised is not None)
    if isinstance(slow, Statement):
        assert len(data) <= STATEMENT_BYTES_MAX and end_of_item(data, 0) == len(data)
        assert assemble(protected_header(slow.kid), encode_payload(slow.payload), slow.signature) == data
    else:
        assert slow[0] in ("MEA-1", "SET-1") and slow[1] and slow[2]
        assert recognised is None
    if skimmed is not None and isinstance(slow, Statement):
        reading = slow.payload
        assert isinstance(reading, Reading)
        expected = (slow.kid, reading.pod_id, reading.period_start, reading.period_length, reading.counter)
        assert skimmed[0] == (*expected, slow.signature, slow.tbs)


def test_some_mutations_are_none_and_most_are_refused() -> None:
    """The strategy reaches both sides; else the test above would prove nothing."""
    accepted: list[bool] = []

    @settings(max_examples=300, deadline=None, database=None, derandomize=True)
    @given(mutated())
    def tried(data: bytes) -> None:
        accepted.append(isinstance(said(data, parse), Statement))

    tried()
    assert 0.02 < sum(accepted) / len(accepted) < 0.6


def peak_of(data: bytes) -> int:
    """The most memory that reading ``data`` held at once, bytes."""
    tracemalloc.start()
    try:
        said(data, parse)
        end_of_item(data, 0)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.rule("MEA-1")
@settings(max_examples=300, deadline=None)
@given(mutated())
def test_reading_takes_little_memory(data: bytes) -> None:
    assert peak_of(data) < MEMORY_MAX


@pytest.mark.rule("MEA-1")
@pytest.mark.parametrize("major", range(8))
@pytest.mark.parametrize("length", [2**20, 2**31, 2**32, 2**60, 2**63, 2**64 - 1])
@pytest.mark.parametrize("at", ["alone", "tagged", "in an array", "in a map", "in the payload", "indefinite"])
def test_a_length_that_is_only_said_costs_nothing(major: int, length: int, at: str) -> None:
    head = bytes([major << 5 | 27]) + length.to_bytes(8, "big")
    data = {
        "alone": head,
        "tagged": b"\xd2" + head,
        "in an array": b"\xd2\x84" + head,
        "in a map": b"\xd2\x84\x41\x00\xa1\x00" + head,
        "in the payload": assemble(protected_header(bytes(32)), b"\xab\x01" + head, bytes(64)),
        "indefinite": b"\xd2\x9f" + head,
    }[at].ljust(64, b"\x00")
    assert said(data, parse) == said(data, parse_slowly)
    assert not isinstance(said(data, parse), Statement)
    assert peak_of(data) < MEMORY_MAX


@pytest.mark.rule("MEA-1")
@given(st.sampled_from(GOOD), st.integers(0, 2**20))
def test_a_long_message_is_refused_by_its_length_alone(good: bytes, more: int) -> None:
    data = good.ljust(STATEMENT_BYTES_MAX + 1 + more, b"\x81")
    assert said(data, parse)[:2] == ("MEA-1", "message")  # type: ignore[index]
    assert peak_of(data[: STATEMENT_BYTES_MAX + 1]) < MEMORY_MAX
