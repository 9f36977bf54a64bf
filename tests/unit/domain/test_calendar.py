"""The delivery day of Europe/Rome: 92, 96 or 100 quarter-hours (TIM-1)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.calendar import (
    HOURS_PER_BLOCK,
    ROME,
    SESSIONS,
    DeliveryDay,
    from_unix,
    hour_of_quarter,
    quarter_of,
    unix,
)
from registry.domain.errors import InputInvalid

FIRST, LAST = date(2020, 1, 1), date(2035, 12, 31)
EVERY_DAY = [DeliveryDay(FIRST + timedelta(days=n)) for n in range((LAST - FIRST).days + 1)]
MARCH, OCTOBER = DeliveryDay(date(2026, 3, 29)), DeliveryDay(date(2026, 10, 25))

instants = st.integers(1_577_836_800, 2_082_672_000).map(from_unix)


def last_sunday(year: int, month: int) -> date:
    end = date(year, month, 31)
    return end - timedelta(days=(end.weekday() + 1) % 7)


@pytest.mark.rule("TIM-1")
def test_every_day_of_sixteen_years_has_its_length_and_follows_the_one_before() -> None:
    for day in EVERY_DAY:
        expected = {last_sunday(day.date.year, 3): 92, last_sunday(day.date.year, 10): 100}.get(day.date, 96)
        assert (day.quarters, day.hours) == (expected, expected // 4), day
        assert day.ends_at == DeliveryDay(day.date + timedelta(days=1)).starts_at
        assert DeliveryDay.from_number(day.number) == day
        assert day.starts_at.astimezone(ROME).time().isoformat() == "00:00:00"


@pytest.mark.rule("TIM-1")
@given(instants)
def test_an_instant_lies_in_the_quarter_that_it_is_found_in(instant: datetime) -> None:
    day, quarter = quarter_of(instant)
    start = day.quarter_start(quarter)
    assert start <= instant < start + timedelta(minutes=15)
    assert day.hour_start(day.hour_of_quarter(quarter)) <= instant
    assert DeliveryDay.of(instant) == day


@pytest.mark.rule("TIM-1")
@given(st.sampled_from([*EVERY_DAY[:400], MARCH, OCTOBER]), st.integers(0, 99))
def test_quarter_starts_are_found_again(day: DeliveryDay, quarter: int) -> None:
    if quarter < day.quarters:
        assert quarter_of(day.quarter_start(quarter)) == (day, quarter)
    else:
        with pytest.raises(InputInvalid, match="TIM-1: quarter"):
            day.quarter_start(quarter)


@pytest.mark.rule("TIM-1")
def test_the_zone_of_an_instant_does_not_matter() -> None:
    instant = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert quarter_of(instant) == quarter_of(instant.astimezone(timezone(timedelta(hours=-7)))) == (MARCH, 10)


@pytest.mark.rule("TIM-1")
def test_the_skipped_hour_has_no_number_and_the_doubled_one_two() -> None:
    assert [MARCH.local_clock(quarter).hour for quarter in range(0, 16, 4)] == [0, 1, 3, 4]
    assert [OCTOBER.local_clock(quarter).hour for quarter in range(0, 20, 4)] == [0, 1, 2, 2, 3]


@pytest.mark.rule("SES-1")
@pytest.mark.parametrize("day", [MARCH, OCTOBER, DeliveryDay(date(2026, 7, 26))])
def test_blocks_follow_the_local_clock(day: DeliveryDay) -> None:
    starts = [
        day.hour_start(day.first_hour(session)).astimezone(ROME).hour for session in range(1, SESSIONS + 1)
    ]
    assert starts == [HOURS_PER_BLOCK * pair for pair in range(SESSIONS)]
    assert day.first_hour(2) == day.hours - 20


@pytest.mark.rule("TIM-1")
def test_what_has_no_zone_or_no_day_is_refused() -> None:
    with pytest.raises(InputInvalid, match="time zone"):
        DeliveryDay.of(datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(InputInvalid, match="time zone"):
        unix(datetime(2026, 1, 1))  # noqa: DTZ001
    for number in (-1, 65_536):
        with pytest.raises(InputInvalid, match="TIM-1: day"):
            DeliveryDay.from_number(number)
    with pytest.raises(InputInvalid, match="TIM-1: hour"):
        MARCH.hour_start(23)
    with pytest.raises(InputInvalid, match="SES-1: session"):
        MARCH.first_hour(7)


@given(st.integers(0, 4_000_000_000))
def test_unix_times_round_trip(seconds: int) -> None:
    assert unix(from_unix(seconds)) == seconds


@given(st.integers(0, 99))
def test_an_hour_has_four_quarters(quarter: int) -> None:
    assert hour_of_quarter(quarter) * 4 <= quarter < hour_of_quarter(quarter) * 4 + 4
