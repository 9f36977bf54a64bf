"""Baseline methods: exact, reproducible, bounded (BAS-1)."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.baselines import (
    BaselineMethod,
    average,
    high_5_of_10,
    meter_before_after,
    reference_days,
    require_filing_open,
)
from registry.domain.errors import RuleViolation

DAY = date(2026, 6, 18)  # a Thursday
PAST = [DAY - timedelta(days=n) for n in range(1, 40)]
WORKING = [d for d in PAST if d.weekday() < 5]


@pytest.mark.rule("BAS-1")
def test_filing_closes_at_the_gate() -> None:
    require_filing_open(gate=1000, now=999)
    with pytest.raises(RuleViolation, match="BAS-1"):
        require_filing_open(gate=1000, now=1000)


@pytest.mark.rule("BAS-1")
def test_reference_days_are_the_last_ten_of_the_same_type_without_event_days() -> None:
    days = reference_days(DAY, frozenset(PAST), event_days=frozenset({WORKING[0]}))
    assert list(days) == WORKING[1:11]
    with pytest.raises(RuleViolation, match="BAS-1: reference_days: found 9"):
        reference_days(DAY, frozenset(WORKING[:9]), frozenset())


@pytest.mark.rule("BAS-1")
def test_holidays_are_not_working_days() -> None:
    assert WORKING[0] not in reference_days(
        DAY, frozenset(PAST), frozenset(), holidays=frozenset({WORKING[0]})
    )


@pytest.mark.rule("BAS-1")
@pytest.mark.parametrize(("today_wh", "expected"), [(110, 110), (50, 80), (500, 120), (100, 100)])
def test_average_is_adjusted_within_its_bounds(today_wh: int, expected: int) -> None:
    history = {d: [100] * 96 for d in WORKING[:10]}
    assert average(DAY, 40, history, [today_wh] * 36) == (expected,) * 96


@pytest.mark.rule("BAS-1")
def test_average_needs_the_hours_before_the_event() -> None:
    history = {d: [100] * 96 for d in WORKING[:10]}
    with pytest.raises(RuleViolation, match="BAS-1: today"):
        average(DAY, 12, history, [100] * 12)


@pytest.mark.rule("BAS-1")
def test_average_with_nothing_expected_is_not_scaled() -> None:
    assert average(DAY, 40, {d: [0] * 96 for d in WORKING[:10]}, [7] * 36) == (0,) * 96


@pytest.mark.rule("BAS-1")
def test_days_of_unequal_length_are_refused() -> None:
    history = {d: [100] * (92 if i == 0 else 96) for i, d in enumerate(WORKING[:10])}
    with pytest.raises(RuleViolation, match="BAS-1: history"):
        average(DAY, 40, history, [100] * 36)


@pytest.mark.rule("BAS-1")
def test_high_5_of_10_takes_the_days_of_largest_withdrawal() -> None:
    history = {d: [-(i + 1) * 10] * 96 for i, d in enumerate(WORKING[:10])}
    assert high_5_of_10(DAY, range(40, 44), history) == (-80,) * 96


@pytest.mark.rule("BAS-1")
def test_meter_before_after_is_a_line_and_marked() -> None:
    assert meter_before_after(100, 200, 3) == (125, 150, 175)
    assert [m for m in BaselineMethod if m.easy_to_game] == [BaselineMethod.METER_BEFORE_AFTER]


@pytest.mark.rule("BAS-1")
@given(
    st.lists(st.lists(st.integers(0, 10_000), min_size=96, max_size=96), min_size=10, max_size=10),
    st.integers(0, 10**6),
)
def test_average_stays_within_twenty_percent_of_the_mean(rows: list[list[int]], today_wh: int) -> None:
    result = average(DAY, 40, dict(zip(WORKING[:10], rows, strict=True)), [today_wh] * 36)
    for quarter, value in enumerate(result):
        mean = sum(row[quarter] for row in rows) / 10
        assert 0.8 * mean - 1 <= value <= 1.2 * mean + 1
