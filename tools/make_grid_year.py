"""A year of SimBench's as the files that `flexledger dso year` reads (needs requirements-fixtures.lock).

    python -m tools.make_grid_year 1-MV-rural--1-sw --out year              # 12 typical days, 288 hours
    python -m tools.make_grid_year 1-MV-rural--1-sw --out year --every-day  # all days of 2016

A typical day is the real day of a month that is nearest to the month's mean day, in the sum of squares over
all elements and quarter-hours: a mean day itself would have no clouds. It stands for all days of its month.
Prices are the same in every hour: about the middle of the ranges that Natale 2022 §5 gives for purchase and
selling; the price of fuel is an assumption, the source gives none.
"""

from __future__ import annotations

import argparse
import csv
import io
import warnings
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import simbench  # type: ignore[import-not-found,import-untyped,unused-ignore]

from tools.grid_nets import named
from tools.grid_oracle import PROFILED
from tools.make_grid_fixture import QUARTERS, WATT_STEP, packed

PRICES: Final = "50,48,60"
"""Purchase, selling, fuel in EUR/MWh."""
Series = Mapping[tuple[str, str], npt.NDArray[np.int64]]


def year_profiles(net: Any) -> tuple[dict[date, slice], Series]:
    """The quarter-hours of each day, and W or var per (element, quantity) and quarter-hour."""
    stamps = [stamp.split(" ")[0] for stamp in net.profiles["load"].time]
    names, first, counts = np.unique(stamps, return_index=True, return_counts=True)
    days = {
        date(int(name[6:]), int(name[3:5]), int(name[:2])): slice(int(start), int(start + count))
        for name, start, count in zip(names, first, counts, strict=True)
    }
    values = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    series = {}
    for table, column, quantity, sign in PROFILED:
        frame = values[(table, column)].to_numpy() * 1e6 * sign
        watts = (np.round(frame / WATT_STEP) * WATT_STEP).astype(np.int64)
        for position, name in enumerate(net[table].name):
            series[(str(name), quantity)] = watts[:, position]
    return dict(sorted(days.items())), series


def typical(days: Mapping[date, slice], series: Series) -> dict[date, int]:
    """The days that stand for the months, and for how many days each."""
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
    """Write the table and, per day, forecast and prices."""
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


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("code", help="a SimBench code or fixture with profiles")
    parser.add_argument("--out", type=Path, required=True, help="folder")
    parser.add_argument("--every-day", action="store_true", help="all days instead of twelve")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", category=FutureWarning)
    days, series = year_profiles(named(options.code).make())
    chosen = dict.fromkeys(days, 1) if options.every_day else typical(days, series)
    write_year(options.out, days, series, chosen)
    print(f"{options.out / 'days.csv'}: {len(chosen)} days for {sum(chosen.values())}")


if __name__ == "__main__":
    main()
