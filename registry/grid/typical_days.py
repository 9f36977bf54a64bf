"""The days that stand for a year, as a table of files (GRD-2; Natale §5: twelve typical days, 288 hours).

    day,forecast,prices,days
    2016-01-13,january.csv.gz,january-prices.csv,64

``forecast`` and ``prices`` are files beside the table; ``days`` says how many days of the year the row stands
for, 1 each for a whole year of 365 rows. They sum to 365 or 366.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from registry.grid.faults import Fault, GridInvalid, raise_if_any

_COLUMNS: Final = ["day", "forecast", "prices", "days"]
_YEARS: Final = (365, 366)


@dataclass(frozen=True, slots=True)
class TypicalDay:
    """A day, its files, and the number of days it stands for."""

    day: date
    forecast: Path
    prices: Path
    days: int


def load_typical_days(path: Path) -> tuple[TypicalDay, ...]:
    """Read the table.

    Raises :class:`~registry.grid.faults.GridInvalid` (GRD-2) naming every bad row, missing file, and a sum
    that is no year.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if not rows or rows[0] != _COLUMNS:
        found = ",".join(rows[0]) if rows else "an empty file"
        raise GridInvalid("days", [Fault("bad_header", "row 1", found, ",".join(_COLUMNS))], rule="GRD-2")
    faults: list[Fault] = []
    days = [_day(number, row, path.parent, faults) for number, row in enumerate(rows[1:], start=2)]
    total = sum(day.days for day in days if day is not None)
    if not faults and total not in _YEARS:
        faults.append(Fault("no_year", "column days", f"a sum of {total}", "365 or 366"))
    raise_if_any("days", faults, rule="GRD-2")
    return tuple(day for day in days if day is not None)


def _day(number: int, row: list[str], folder: Path, faults: list[Fault]) -> TypicalDay | None:
    where = f"row {number}"
    if len(row) != len(_COLUMNS):
        faults.append(Fault("bad_length", where, f"{len(row)} columns", str(len(_COLUMNS))))
        return None
    try:
        day = date.fromisoformat(row[0])
    except ValueError:
        faults.append(Fault("bad_day", f"{where}, day", row[0], "YYYY-MM-DD"))
        return None
    if not row[3].isascii() or not row[3].isdigit() or not 0 < int(row[3]) <= max(_YEARS):
        faults.append(Fault("bad_count", f"{where}, days", row[3], f"1 to {max(_YEARS)}"))
        return None
    forecast, prices = folder / row[1], folder / row[2]
    for name, file in (("forecast", forecast), ("prices", prices)):
        if not file.is_file():
            faults.append(Fault("no_file", f"{where}, {name}", str(file), "a file that exists"))
    return TypicalDay(day, forecast, prices, int(row[3]))
