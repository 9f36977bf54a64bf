"""A year of profiles by day, typical days of it, and the files that `flexledger dso year` reads; bad profiles
are named.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from registry.domain.calendar import DeliveryDay
from registry.grid.bids import load_prices
from registry.grid.forecast import load_forecast
from registry.grid.typical_days import load_typical_days
from tests.unit.grid.grid_house import Line, grid
from tools.grid_profiles import ProfilesUnusable, Series, day_slices, in_steps, typical, write_year

YEAR = 2016
DAYS = [date(YEAR, 1, 1) + timedelta(number) for number in range(366)]
SPRING, AUTUMN = date(YEAR, 3, 27), date(YEAR, 10, 30)
NETWORK = grid([Line("PS", "A", 1_000.0)], {"town": "A"}, {"sun": "A"})


def stamps(days: list[date]) -> list[str]:
    """Local times as SimBench writes them; only the day is read."""
    return [f"{day:%d.%m.%Y} 00:00" for day in days for _ in range(DeliveryDay(day).quarters)]


def series_of(level: dict[date, float]) -> Series:
    """A load of so many kW all day, twice as much sun, and a twentieth of it as reactive power."""
    watts = np.array([1e3 * level[day] for day in DAYS for _ in range(DeliveryDay(day).quarters)])
    parts = {("town", "p_w"): watts, ("town", "q_var"): watts / 20.0, ("sun", "p_w"): 2.0 * watts}
    return {place: in_steps(["it"], values[:, None])["it"] for place, values in parts.items()}


def test_days_have_the_quarter_hours_of_their_clocks() -> None:
    days = day_slices(stamps(DAYS))
    assert list(days) == DAYS
    lengths = {day: rows.stop - rows.start for day, rows in days.items() if rows.stop - rows.start != 96}
    assert lengths == {SPRING: 92, AUTUMN: 100}
    assert days[DAYS[-1]].stop == 366 * 96


@pytest.mark.parametrize(
    ("times", "words"),
    [
        ([], "found 0 days, allowed all days of one year"),
        (stamps(DAYS[:180]), "found 180 days"),
        (stamps(DAYS[1:]), "found 365 days"),
        (stamps(DAYS)[:-1], "2016-12-31: found 95 quarter-hours, allowed 96"),
        (["01.01.2016 00:00"] * 4 + stamps(DAYS), "2016-01-01: found 100 quarter-hours, allowed 96"),
        (stamps([*DAYS, DAYS[5]]), f"2016-01-06: found again in row {366 * 96}, allowed rows without a gap"),
        (["2016-01-01 00:00", *stamps(DAYS)[1:]], "row 0: found time '2016-01-01 00:00'"),
        (["", *stamps(DAYS)[1:]], "row 0: found time ''"),
    ],
)
def test_times_that_are_no_year_are_named(times: list[str], words: str) -> None:
    with pytest.raises(ProfilesUnusable) as refused:
        day_slices(times)
    assert words in str(refused.value)


def test_powers_are_whole_watt_hours() -> None:
    found = in_steps(["a", "b"], np.array([[1.9, -6.1], [2.1, 1e6 + 1.0]]))
    assert {name: row.tolist() for name, row in found.items()} == {"a": [0, 4], "b": [-8, 1_000_000]}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_named(value: float) -> None:
    with pytest.raises(ProfilesUnusable, match=rf"element b: found {value} in row 1"):
        in_steps(["a", "b"], np.array([[0.0, 0.0], [0.0, value]]))


def test_two_elements_of_one_name_would_lose_one() -> None:
    with pytest.raises(ProfilesUnusable, match="element a: found several of that name"):
        in_steps(["a", "b", "a"], np.zeros((2, 3)))


def test_a_typical_day_is_a_real_one_and_the_nearest_to_the_mean() -> None:
    """Days of 100 or 300 kW and one of each month at 200: that one, for all days of its month.

    A day in which the clocks change is left out, were it the nearest.
    """
    middle = {month: date(YEAR, month, 2 * month) for month in range(1, 13)}
    level = {
        day: 200.0 if day in (*middle.values(), SPRING, AUTUMN) else 100.0 + 200.0 * (day.day % 2)
        for day in DAYS
    }
    chosen = typical(day_slices(stamps(DAYS)), series_of(level))
    assert list(chosen) == list(middle.values())
    assert list(chosen.values()) == [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]


def test_the_files_are_those_that_are_read(tmp_path: Path) -> None:
    level = {day: 4.0 * number for number, day in enumerate(DAYS)}
    days, series = day_slices(stamps(DAYS)), series_of(level)
    shown = {SPRING: 100, AUTUMN: 200, date(YEAR, 7, 1): 66}
    write_year(tmp_path / "deep" / "year", days, series, shown)
    table = load_typical_days(tmp_path / "deep" / "year" / "days.csv")
    assert {row.day: row.days for row in table} == shown
    for row in table:
        day = DeliveryDay(row.day)
        forecast = load_forecast(row.forecast, NETWORK, day=row.day, quarters=day.quarters)
        watts = 1e3 * level[row.day]
        for name, p_w, q_var in (("town", watts, watts / 20.0), ("sun", 2.0 * watts, 0.0)):
            index = NETWORK.element_index[name]
            assert forecast.p_w[index] == pytest.approx([p_w] * day.quarters)
            assert forecast.q_var[index] == pytest.approx([q_var] * day.quarters, abs=2.0)
        prices = load_prices(row.prices, day.hours)
        assert prices.purchase == (50_000,) * day.hours


def test_the_table_comes_last_and_the_bytes_are_the_same(tmp_path: Path) -> None:
    """Without the table nothing is taken for a year; where a file cannot be written there is none."""
    days, series = day_slices(stamps(DAYS)), series_of(dict.fromkeys(DAYS, 8.0))
    for folder in ("one", "other"):
        write_year(tmp_path / folder, days, series, {SPRING: 366})
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert files == ["2016-03-27.csv.gz", "days.csv", "prices-23.csv"]
    assert all(
        (tmp_path / "one" / name).read_bytes() == (tmp_path / "other" / name).read_bytes() for name in files
    )
    (tmp_path / "third" / "2016-03-27.csv.gz").mkdir(parents=True)
    with pytest.raises(OSError):
        write_year(tmp_path / "third", days, series, {SPRING: 366})
    assert not (tmp_path / "third" / "days.csv").exists()
