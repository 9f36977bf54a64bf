"""What may be selected, what is left, what was sold short (SES-2, SES-3, SES-4, SES-6)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.market import (
    Claim,
    Selection,
    available_kw,
    check_definitive_hours,
    check_selection_cells,
    direction_of,
    hours_of,
    in_direction,
    quarters_of,
    rising_hours,
    shortfall_kw,
)
from registry.domain.quantities import Direction, HourCells, pack_selection, signed_kw
from registry.domain.refusals import Refusal

signed = st.lists(st.integers(-9, 9), min_size=24, max_size=24)


def selection(cells: HourCells) -> Selection:
    return Selection(1, 2, 1, (3,), cells, bytes(32))


@pytest.mark.rule("SES-6")
@given(signed, signed)
def test_an_hour_rises_where_more_is_asked_in_some_direction(before: list[int], wanted: list[int]) -> None:
    expected = [
        hour
        for hour in range(24)
        if any(in_direction(wanted[hour], d) > in_direction(before[hour], d) for d in Direction)
    ]
    assert list(rising_hours(before, wanted)) == expected
    assert rising_hours(before, before) == ()


@pytest.mark.rule("SES-3")
@pytest.mark.parametrize(
    ("selected", "complete", "taken"),
    [(True, False, 10), (True, True, 4), (False, False, 4), (False, True, 4)],
)
def test_without_a_declaration_everything_shared_is_taken(selected: bool, complete: bool, taken: int) -> None:
    claim = Claim(selected, complete, shared_kw=10, declared_kw=4)
    assert claim.taken_kw == taken
    assert available_kw(30, [claim, claim]) == 30 - 2 * taken


@pytest.mark.rule("SES-4")
@pytest.mark.parametrize(
    "cells",
    [
        HourCells(1 << 17, 0),  # down without power
        HourCells(0, 1 << 18 * 11),  # hour 24
        HourCells(1 << 234, 0),  # a flag, which selections don't have
    ],
)
def test_malformed_selections_are_refused(cells: HourCells) -> None:
    with pytest.raises(Refusal, match="SES-4: cells"):
        check_selection_cells(selection(cells), 20_000, 24)


@pytest.mark.rule("SES-4")
@given(signed)
def test_every_packed_selection_is_well_formed(kw: list[int]) -> None:
    check_selection_cells(selection(pack_selection(kw)), 20_000, 24)


@pytest.mark.rule("SES-2")
@given(signed, signed, st.integers(0, 24))
def test_definitive_hours_stay(before: list[int], wanted: list[int], first_hour: int) -> None:
    changed = [hour for hour in range(first_hour) if before[hour] != wanted[hour]]
    if not changed:
        check_definitive_hours(selection(HourCells()), 1, first_hour, before, wanted)
        return
    with pytest.raises(Refusal, match="SES-2") as refusal:
        check_definitive_hours(selection(HourCells()), 1, first_hour, before, wanted)
    values = refusal.value.values
    assert values["hour"] == changed[0]
    assert signed_kw(int(str(values["recorded"]))) == before[changed[0]]
    assert signed_kw(int(str(values["found"]))) == wanted[changed[0]]


@pytest.mark.rule("SES-3")
@given(signed, st.lists(st.integers(0, 9), min_size=24, max_size=24))
def test_the_shortfall_is_what_was_sold_and_not_declared(selected: list[int], declared: list[int]) -> None:
    by_cell = {(hour, direction): declared[hour] for hour in range(24) for direction in Direction}
    assert list(shortfall_kw(selected, by_cell)) == [
        max(0, abs(s) - d) for s, d in zip(selected, declared, strict=True)
    ]


@pytest.mark.rule("SES-3")
def test_power_the_other_way_covers_nothing() -> None:
    assert shortfall_kw([-5], {(0, Direction.UP): 9}) == (5,)
    assert direction_of(-5) is Direction.DOWN


@pytest.mark.rule("SES-6")
@given(st.integers(0, (1 << 100) - 1))
def test_one_quarter_takes_the_hour(quarters: int) -> None:
    hours = hours_of(quarters)
    assert hours == {bit // 4 for bit in range(100) if quarters >> bit & 1}
    assert quarters_of(hours) & quarters == quarters
    assert hours_of(quarters_of(hours)) == hours
