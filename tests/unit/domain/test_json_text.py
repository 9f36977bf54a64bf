"""JSON from outside is looked at before a parser sees it."""

from __future__ import annotations

import codecs
import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.json_text import NESTING_MAX, flaw_of, nests_too_deeply

DEEP = '["\u2200",' + "[" * 90_000
"""The first letter has a quotation mark for one of its bytes in UTF-16."""


@given(
    st.recursive(
        st.none()
        | st.integers()
        | st.text(max_size=8)
        | st.sampled_from(['"[', "\\", '\\"{', "]", "\u2200", "\0"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=10,
    ),
    st.integers(0, 40),
    st.booleans(),
)
def test_a_text_has_a_flaw_if_it_is_too_deep_and_only_then(value: Any, levels: int, ascii_only: bool) -> None:
    for _ in range(levels):
        value = [value]

    def depth(node: Any) -> int:
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else None
        return 0 if inner is None else 1 + max(map(depth, inner), default=0)

    text = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert (flaw_of(text) is not None) == nests_too_deeply(text) == (depth(value) > NESTING_MAX)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("text", ["{}", '["\u2200"]', "1", DEEP])
def test_another_encoding_than_utf_8_is_a_flaw(encoding: str, text: str) -> None:
    flaw = flaw_of(text.encode(encoding))
    assert flaw is not None
    assert "UTF-8" in flaw.allowed


@pytest.mark.parametrize(
    "data",
    [
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b"\0",
        b'{"a":\0 1}',
        codecs.BOM_UTF8 + b"{}",
        b"[\0" + b"[" * 90_000,
    ],
)
def test_what_is_no_utf_8_or_begins_with_a_mark_is_a_flaw(data: bytes) -> None:
    assert flaw_of(data) is not None


@given(st.binary(max_size=200) | st.text(max_size=80).map(lambda text: text.encode("utf-16")))
def test_what_has_no_flaw_is_read_as_utf_8(data: bytes) -> None:
    if flaw_of(data) is None:
        assert json.detect_encoding(data) == "utf-8"
        data.decode()


def test_any_depth_is_found_whatever_the_parser_would_take() -> None:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(100_000)
    try:
        for text in (DEEP, "[" * 90_000, '{"a":' * 90_000):
            assert flaw_of(text.encode()) is not None
    finally:
        sys.setrecursionlimit(before)


def test_nesting_is_counted_in_linear_time() -> None:
    for text in (b'"' + b'\\"' * 1_000_000, b'"' * 1_000_000, b"[]" * 1_000_000, b'"\\' * 500_000):
        assert not nests_too_deeply(b"[" * 20 + text + b"{" * 12)
