"""Batches are cut into items by their heads alone, within bounds (MEA-1)."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.errors import RuleViolation
from registry.evidence.cbor import decode_item, end_of_item

leaves = st.one_of(
    st.integers(-(2**63), 2**63), st.binary(max_size=300), st.text(max_size=50), st.booleans(), st.none()
)
trees = st.one_of(
    leaves,
    st.lists(leaves, max_size=10),
    st.dictionaries(st.integers(0, 100), leaves, max_size=10),
    st.builds(lambda inner: cbor2.CBORTag(18, inner), st.lists(leaves, max_size=4)),
)


def split(data: bytes) -> tuple[list[bytes], int]:
    """The items one after the other, and how much of the data they are."""
    items: list[bytes] = []
    at = 0
    while (end := end_of_item(data, at)) is not None:
        items.append(data[at:end])
        at = end
    return items, at


@pytest.mark.rule("MEA-1")
@given(st.lists(trees, max_size=20))
def test_items_come_back_by_their_exact_bytes(values: list[object]) -> None:
    items = [cbor2.dumps(value) for value in values]
    whole = b"".join(items)
    assert split(whole) == (items, len(whole))


@pytest.mark.rule("MEA-1")
@given(st.binary(max_size=400))
def test_any_bytes_are_cut_without_loss_as_far_as_they_are_items(data: bytes) -> None:
    items, end = split(data)
    assert b"".join(items) == data[:end]
    assert all(split(item) == ([item], len(item)) for item in items)
    for cut in range(end, len(data)):
        assert split(data[:cut])[0] == items, "an item does not depend on what follows it"


@pytest.mark.rule("MEA-1")
@pytest.mark.parametrize(
    "data",
    [
        b"\x58\x20" + bytes(31),
        b"\x9f\x01\xff",
        b"\x5f\x41\x00\xff",
        b"\x84\x01\x02\x03",
        b"\x1c",
        b"\x9b" + b"\xff" * 8,
        b"\x81" * 70 + b"\x01",
        b"\x98\x41" + b"\x01" * 65,
    ],
)
def test_what_has_no_end_within_bounds_is_no_item(data: bytes) -> None:
    assert split(b"\x01" + data) == ([b"\x01"], 1)


def decode(data: bytes) -> object:
    return decode_item(data, rule="MEA-1", field="message")


@pytest.mark.rule("MEA-1")
@given(trees)
def test_an_item_is_decoded_as_the_library_does(value: object) -> None:
    assert decode(cbor2.dumps(value)) == value


@pytest.mark.rule("MEA-1")
@given(st.integers(0, 2**32), leaves, st.integers(0, 3))
def test_tags_inside_are_refused_and_a_leading_one_is_not_interpreted(
    number: int, content: object, depth: int
) -> None:
    value: object = cbor2.CBORTag(number, content)
    assert decode(cbor2.dumps(value)) == value
    for _ in range(depth):
        value = [1, {2: value}]
    data = cbor2.dumps(cbor2.CBORTag(18, [b"", value]))
    with pytest.raises(RuleViolation, match=f"tag {number} inside"):
        decode(data)


@pytest.mark.rule("MEA-1")
@pytest.mark.parametrize(
    "text",
    [
        "9f" + "01" * 3 + "ff",  # indefinite, as the library reads it
        "5f4101ff",
        "bf01020304ff",
    ],
)
def test_indefinite_lengths_are_walked_through(text: str) -> None:
    assert decode(bytes.fromhex(text)) == cbor2.loads(bytes.fromhex(text))
    with pytest.raises(RuleViolation, match="tag 35 inside"):
        decode(bytes.fromhex("9f" + text + "d8236161ff"))


@pytest.mark.rule("MEA-1")
@pytest.mark.parametrize("opening", [b"\x81", b"\x9f", b"\xa1\x00", b"\xbf\x00"])
def test_items_in_one_another_are_counted_before_they_are_read(opening: bytes) -> None:
    closing = b"\xff" if opening[0] & 0x1F == 0x1F else b""
    nested = opening * 15 + b"\x00" + closing * 15
    assert decode(nested) == cbor2.loads(nested)
    for depth in (16, 17, 400, 100_000):
        with pytest.raises(RuleViolation, match="more than 16 items in one another"):
            decode(opening * depth + b"\x00" + closing * depth)


@pytest.mark.rule("MEA-1")
@given(st.binary(max_size=300))
def test_any_bytes_are_an_item_or_refused(data: bytes) -> None:
    try:
        decode(data)
    except RuleViolation as refused:
        assert refused.rule == "MEA-1" and refused.field == "message"
