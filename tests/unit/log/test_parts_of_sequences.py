"""A sequence is judged as its items, into whatever parts it is cut (MEA-1, MEA-2)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.evidence.acceptance import AcceptanceRules
from registry.evidence.cbor import end_of_item
from registry.evidence.es256 import kid_of, public_key_bytes
from registry.log.judged import Judged, Refusal
from registry.log.judging import ITEM_BYTES_MAX, Body, Gate
from registry.log.keys import KeyBook
from registry.ports import DeviceKey
from tests.unit.evidence.mutated import GOOD, KEYS, START, mutated

POINTS = [public_key_bytes(key.public_key()) for key in KEYS]
DIRECTORY = {
    kid_of(point): DeviceKey(kid_of(point), bytes([number]) * 32, point, 0, 2**40)
    for number, point in enumerate(POINTS)
}
GATE = Gate(KeyBook(100), AcceptanceRules())
SEQUENCES = st.lists(
    st.sampled_from(GOOD) | mutated() | st.binary(max_size=30) | st.sampled_from([b"\x59\x0f\xfd", b"\x9f"]),
    max_size=12,
).map(b"".join)


def ask(key_ids: Sequence[bytes]) -> list[DeviceKey | None]:
    return [DIRECTORY.get(key_id) for key_id in key_ids]


def judge(messages: list[bytes] | Body) -> Judged:
    return GATE.judge(messages, START + 3_600, ask)


def verdicts(judged: Judged) -> list[object]:
    """What became of each message, in order."""
    readings, told = dict(zip(judged.numbers, columns(judged), strict=True)), []
    for number in range(judged.count):
        other = judged.others.get(number)
        if other is None:
            told.append(readings[number])
        else:
            told.append((str(other.violation), other.raw) if isinstance(other, Refusal) else other)
    return told


def columns(judged: Judged) -> list[object]:
    cut = [
        [column[at : at + 32] for at in range(0, len(column), 32)]
        for column in (judged.kids, judged.pods, judged.leaves)
    ]
    return list(zip(*cut, judged.starts, judged.counters, judged.readings(), strict=True))


def items_of(data: bytes) -> tuple[list[bytes], int]:
    """The items that stand before the first place where none does, and that place."""
    items: list[bytes] = []
    at = 0
    while at < len(data):
        end = end_of_item(data[: at + ITEM_BYTES_MAX], at)
        if end is None:
            break
        items.append(data[at:end])
        at = end
    return items, at


@pytest.mark.rule("MEA-1", "MEA-2")
@settings(max_examples=500, deadline=None)
@given(SEQUENCES)
def test_a_sequence_is_judged_as_its_items(data: bytes) -> None:
    items, end = items_of(data)
    whole = judge(Body(data, 1_000))
    assert verdicts(whole) == verdicts(judge(items))
    assert whole.count == len(items) and whole.end == end
    if end == len(data):
        assert whole.fault is None
    else:
        assert whole.fault is not None
        assert (whole.fault.rule, whole.fault.field) == ("MEA-1", "body")
        assert whole.fault.found == f"no whole item at byte {end}"


@pytest.mark.rule("MEA-1", "MEA-2")
@settings(max_examples=500, deadline=None)
@given(SEQUENCES, st.data(), st.integers(0, 12))
def test_the_cuts_make_no_difference(data: bytes, draw: st.DataObject, items_max: int) -> None:
    """Parts come with what was left of the one before; verdicts, end and fault are those of the whole."""
    whole = judge(Body(data, items_max))
    cuts = sorted(draw.draw(st.sets(st.integers(0, len(data)), max_size=8)) | {0, len(data)})
    told: list[object] = []
    items = taken = 0
    fault = None
    for start, end in pairwise([*cuts, len(data)]) if len(cuts) > 1 else [(0, 0)]:
        last = end == len(data)
        part = judge(Body(data[taken:end], items_max, last, items, taken))
        told += verdicts(part)
        items, taken, fault = items + part.count, taken + part.end, part.fault
        assert start <= end
        if fault or last:
            break
    assert told == verdicts(whole) and taken == whole.end
    assert str(fault) == str(whole.fault)


@pytest.mark.rule("MEA-1")
@pytest.mark.parametrize("size", [ITEM_BYTES_MAX - 1, ITEM_BYTES_MAX, ITEM_BYTES_MAX + 1])
@pytest.mark.parametrize("arrived", [1, 3, 100, ITEM_BYTES_MAX - 1, ITEM_BYTES_MAX, ITEM_BYTES_MAX + 1])
def test_an_item_has_its_own_refusal_up_to_a_length(size: int, arrived: int) -> None:
    """Beyond it, its end is not waited for."""
    item = b"\x59" + (size - 3).to_bytes(2, "big") + bytes(size - 3)
    part = judge(Body(item[:arrived], 10, last=False))
    if arrived >= size <= ITEM_BYTES_MAX:
        assert (part.count, part.fault, part.end) == (1, None, size)
    elif arrived >= ITEM_BYTES_MAX:
        assert part.count == 0 and part.fault is not None
    else:
        assert (part.count, part.fault, part.end) == (0, None, 0)
        whole = judge(Body(item, 10))
        assert (whole.count, whole.fault is None) == ((1, True) if size <= ITEM_BYTES_MAX else (0, False))
