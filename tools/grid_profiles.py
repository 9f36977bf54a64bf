"""Profiles of a SimBench year by day, and the files of `flexledger dso year` (no need of SimBench itself).

Times are SimBench's, local: `31.12.2016 23:45`. A day in which the clocks change has 92 or 100 quarter-hours.
"""

from __future__ import annotations

import csv
import gzip
import io
from calendar import isleap
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.domain.calendar import DeliveryDay

QUARTERS: Final = 96
WATT_STEP: Final = 4  # a multiple of 4 W is a whole number of Wh in a quarter-hour
PRICES: Final = "50,48,60"
"""Purchase, selling, fuel in EUR/MWh."""
Series = Mapping[tuple[str, str], npt.NDArray[np.int64]]
"""W or var per (element, quantity) and quarter-hour."""


class ProfilesUnusable(ValueError):
    """No year can be made of the profiles; the message says what was found and what is allowed."""


def day_slices(stamps: Sequence[str]) -> dict[date, slice]:
    """The quarter-hours of each day of a year, in the order of the days.

    Raises:
        ProfilesUnusable: a time that is none, a day in several places or of another length than it has, or
        something else than all days of one year.
    """
    days: dict[date, slice] = {}
    for row, stamp in enumerate(stamps):
        try:
            day_of_month, month, year = stamp.split(" ")[0].split(".")
            day = date(int(year), int(month), int(day_of_month))
        except ValueError:
            raise ProfilesUnusable(f"row {row}: found time {stamp!r}, allowed dd.mm.yyyy hh:mm") from None
        if day in days and days[day].stop != row:
            raise ProfilesUnusable(f"{day}: found again in row {row}, allowed rows without a gap")
        days[day] = slice(days[day].start if day in days else row, row + 1)
    for day, rows in days.items():
        if rows.stop - rows.start != DeliveryDay(day).quarters:
            found, allowed = rows.stop - rows.start, DeliveryDay(day).quarters
            raise ProfilesUnusable(f"{day}: found {found} quarter-hours, allowed {allowed}")
    first = date(min(days).year, 1, 1) if days else date.min
    if sorted(days) != [first + timedelta(number) for number in range(366 if isleap(first.year) else 365)]:
        raise ProfilesUnusable(f"found {len(days)} days, allowed all days of one year")
    return dict(sorted(days.items()))


def in_steps(names: Sequence[str], watts: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.int64]]:
    """The columns of ``watts`` by the name of their element, rounded to the step that a meter counts.

    Raises:
        ProfilesUnusable: a name that comes twice, or a value that is no number.
    """
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise ProfilesUnusable(f"element {repeated[0]}: found several of that name, allowed one")
    missing = np.argwhere(~np.isfinite(watts))
    if len(missing):
        row, column = missing[0]
        raise ProfilesUnusable(f"element {names[column]}: found {watts[row, column]} in row {row}, allowed W")
    stepped = (np.round(watts / WATT_STEP) * WATT_STEP).astype(np.int64)
    return {name: stepped[:, column] for column, name in enumerate(names)}


def typical(days: Mapping[date, slice], series: Series) -> dict[date, int]:
    """The days that stand for the months, and for how many days each: of each month the day of 96
    quarter-hours that is nearest to the mean of all such.
    """
    power = np.stack([values for (_, quantity), values in series.items() if quantity == "p_w"]) / 1e3
    chosen = {}
    for month in range(1, 13):
        mine = [day for day in days if day.month == month]
        whole = [day for day in mine if days[day].stop - days[day].start == QUARTERS]
        stack = np.stack([power[:, days[day]] for day in whole])
        distance = ((stack - stack.mean(axis=0)) ** 2).sum(axis=(1, 2))
        chosen[whole[int(distance.argmin())]] = len(mine)
    return chosen


def write_year(out: Path, days: Mapping[date, slice], series: Series, chosen: Mapping[date, int]) -> None:
    """Write, per day, forecast and prices, and the table when all of them are there."""
    out.mkdir(parents=True, exist_ok=True)
    lines = ["day,forecast,prices,days"]
    for day, count in chosen.items():
        quarters = days[day].stop - days[day].start
        table = io.StringIO()
        writer = csv.writer(table, lineterminator="\n")
        writer.writerow(["day", "element", "quantity", *(f"q{i}" for i in range(quarters))])
        for (element, quantity), values in series.items():
            writer.writerow([day.isoformat(), element, quantity, *values[days[day]].tolist()])
        (out / f"{day}.csv.gz").write_bytes(packed(table.getvalue()))
        prices = f"prices-{quarters // 4}.csv"
        hours = [f"{hour},{PRICES}" for hour in range(quarters // 4)]
        (out / prices).write_text("\n".join(["hour,purchase,selling,fuel", *hours]) + "\n", encoding="utf-8")
        lines.append(f"{day},{day}.csv.gz,{prices},{count}")
    (out / "days.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def packed(text: str) -> bytes:
    """The text as gzip without a time in it."""
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)
