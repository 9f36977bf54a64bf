"""RLP out of a bundle is decoded as by the library, up to a depth that no block has (AUD-1)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import pytest
import rlp
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.errors import RuleViolation
from registry.evidence.blocks import decode_receipt, parse_header
from registry.evidence.rlp_items import LEVELS_MAX, decode_rlp

pytestmark = pytest.mark.rule("AUD-1")

trees = st.recursive(st.binary(max_size=70), lambda inner: st.lists(inner, max_size=5), max_leaves=30)


def nested(levels: int, width: int = 0) -> bytes:
    """Lists within each other, each with ``width`` empty strings before the next."""
    heads: list[bytes] = []
    length = 0
    for _ in range(levels):
        inner = length + width if heads else 0
        size = inner.to_bytes((inner.bit_length() + 7) // 8)
        head = bytes([0xC0 + inner]) if inner < 56 else bytes([0xF7 + len(size)]) + size
        heads.append(head + b"\x80" * (width if heads else 0))
        length = len(head) + inner
    return b"".join(reversed(heads))


def depth(item: Any) -> int:
    return 1 + max(map(depth, item), default=0) if isinstance(item, list) else 0


@pytest.fixture
def high_limit() -> Iterator[None]:
    """As libraries of the chain set it."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    yield
    sys.setrecursionlimit(before)


@given(trees, st.integers(0, 10))
def test_items_are_what_was_written_up_to_the_depth(item: Any, more: int) -> None:
    for _ in range(more):
        item = [b"\x01" * 60, item, b""]
    data = rlp.encode(item)
    if depth(item) <= LEVELS_MAX:
        assert decode_rlp(data, "header") == item
    else:
        with pytest.raises(RuleViolation, match=f"more than {LEVELS_MAX} levels"):
            decode_rlp(data, "header")


@given(st.binary(max_size=60) | trees.map(lambda item: rlp.encode(item)[:-1]))
def test_any_bytes_are_read_as_by_the_library_or_refused(data: bytes) -> None:
    try:
        found = decode_rlp(data, "receipt")
    except RuleViolation as refused:
        assert (refused.rule, refused.field) == ("AUD-1", "receipt")
    else:
        assert found == rlp.decode(data, strict=True)
        assert depth(found) <= LEVELS_MAX


@pytest.mark.parametrize("levels", [LEVELS_MAX + 1, 1_000, 20_000])
@pytest.mark.parametrize("width", [0, 3])
def test_what_nests_without_end_is_not_decoded(
    high_limit: None, monkeypatch: pytest.MonkeyPatch, levels: int, width: int
) -> None:
    """The library copies what is left at every level: the work grows with the square of the depth."""
    data = nested(levels, width)
    monkeypatch.setattr(rlp, "decode", lambda *_, **__: pytest.fail("decoded"))
    for read in (parse_header, lambda each: decode_receipt(b"\x02" + each, 0, 0)):
        with pytest.raises(RuleViolation, match=f"more than {LEVELS_MAX} levels"):
            read(data)
