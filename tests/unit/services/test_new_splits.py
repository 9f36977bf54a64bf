"""Which splits of perimeters are new on a day, by the register's history (DTL-1, DTL-5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.grid.before_split import wholes
from registry.grid.perimeters import Partition
from registry.services.new_splits import before_splits, splits_between

KEYS = tuple("abcdefgh")


@pytest.mark.rule("DTL-5")
@pytest.mark.parametrize(
    ("now", "before", "splits"),
    [
        # the same perimeters under new numbers, or the day before under the same names
        ({"x": "ab", "y": "cd"}, {"a": 1, "b": 1, "c": 2, "d": 2}, {}),
        # cut in two and in three
        ({"x": "a", "y": "b", "z": "cd"}, {"a": 1, "b": 1, "c": 2, "d": 2}, {1: ("x", "y")}),
        ({"x": "a", "y": "b", "z": "c"}, {"a": 1, "b": 1, "c": 1}, {1: ("x", "y", "z")}),
        # two splits at once
        ({"w": "a", "x": "b", "y": "c", "z": "d"}, {"a": 1, "b": 1, "c": 2, "d": 2}, {1: "wx", 2: "yz"}),
        # merged; moved from one to the other
        ({"x": "abcd"}, {"a": 1, "b": 1, "c": 2, "d": 2}, {}),
        ({"x": "a", "y": "bcd"}, {"a": 1, "b": 1, "c": 2, "d": 2}, {}),
        # one split, another merged with a part of a third
        (
            {"w": "a", "x": "b", "y": "c", "z": "de"},
            {"a": 1, "b": 1, "c": 2, "d": 2, "e": 3},
            {1: ("w", "x")},
        ),
        # PODs that are new go with their perimeter, and make none
        ({"x": "ae", "y": "b", "z": "f"}, {"a": 1, "b": 1}, {1: ("x", "y")}),
        ({"x": "ae", "y": "f"}, {"a": 1}, {}),
        # the first day of all
        ({"x": "ab", "y": "c"}, {}, {}),
    ],
)
def test_a_split_is_new_where_the_parts_have_pods_of_one_whole(
    now: Mapping[str, str], before: Mapping[str, int], splits: Mapping[int, Sequence[str]]
) -> None:
    found = splits_between({name: tuple(keys) for name, keys in now.items()}, before)
    assert found == {number: tuple(parts) for number, parts in splits.items()}


@pytest.mark.rule("DTL-5")
@given(
    now=st.lists(st.integers(0, 4), min_size=len(KEYS), max_size=len(KEYS)),
    old=st.lists(st.none() | st.integers(1, 3), min_size=len(KEYS), max_size=len(KEYS)),
)
def test_without_its_splits_a_partition_contains_each_perimeter(
    now: list[int], old: list[int | None]
) -> None:
    """Whatever happened: each POD is in exactly one perimeter, of which each of today's is a part."""
    perimeters = {
        f"p{place}": tuple(k for k, p in zip(KEYS, now, strict=True) if p == place) for place in now
    }
    before = {key: number for key, number in zip(KEYS, old, strict=True) if number is not None}
    groups = list(before_splits(perimeters, splits_between(perimeters, before)).values())
    assert sorted(key for keys in groups for key in keys) == list(KEYS)

    def partition(members: Sequence[Sequence[str]]) -> Partition:
        places = tuple(tuple(KEYS.index(key) for key in keys) for keys in members)
        owner = {pod: number for number, group in enumerate(places) for pod in group}
        names = tuple(str(number) for number in range(len(places)))
        return Partition(names, places, tuple(owner[pod] for pod in range(len(KEYS))))

    wholes(partition(list(perimeters.values())), partition(groups))
