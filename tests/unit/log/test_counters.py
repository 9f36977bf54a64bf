"""Used and missing counters of a key (MEA-2)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.log.counters import Gap, use


@pytest.mark.rule("MEA-2")
@given(st.lists(st.integers(1, 40), max_size=80))
def test_state_is_what_a_set_of_used_numbers_says(numbers: list[int]) -> None:
    used: set[int] = set()
    highest, gaps = 0, []
    for number in numbers:
        step = use(number, highest, gaps)
        assert (step is None) == (number in used)
        used.add(number)
        if step:
            highest = step.highest
            gaps = sorted([gap for gap in gaps if gap != step.closed] + list(step.opened))
        missing = [number for gap in gaps for number in range(gap.first, gap.last + 1)]
        assert missing == [number for number in range(1, max(used) + 1) if number not in used]
        assert all(one.last + 1 < two.first for one, two in pairwise(gaps))


def test_a_gap_counts_its_numbers() -> None:
    assert len(Gap(3, 5)) == 3
