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
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import simbench  # type: ignore[import-not-found,import-untyped,unused-ignore]

from tools.grid_nets import named
from tools.grid_oracle import PROFILED
from tools.grid_profiles import ProfilesUnusable, Series, day_slices, in_steps, typical, write_year


def year_profiles(net: Any) -> tuple[dict[date, slice], Series]:
    """The quarter-hours of each day, and W or var per (element, quantity) and quarter-hour.

    Raises:
        ProfilesUnusable: the net has none, or such as no year can be made of.
    """
    if "profiles" not in net:
        raise ProfilesUnusable("found a net without profiles, allowed one with a year of them")
    days = day_slices([str(stamp) for stamp in net.profiles["load"].time])
    values = simbench.get_absolute_values(net, profiles_instead_of_study_cases=True)
    series: dict[tuple[str, str], npt.NDArray[np.int64]] = {}
    for table, column, quantity, sign in PROFILED:
        names = [str(name) for name in net[table].name]
        watts = in_steps(names, values[(table, column)].to_numpy() * 1e6 * sign)
        series |= {(name, quantity): row for name, row in watts.items()}
    return days, series


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
    try:
        days, series = year_profiles(named(options.code).make())
        chosen = dict.fromkeys(days, 1) if options.every_day else typical(days, series)
        write_year(options.out, days, series, chosen)
    except (ProfilesUnusable, OSError) as error:
        raise SystemExit(f"{options.code}: {error}") from None
    print(f"{options.out / 'days.csv'}: {len(chosen)} days for {sum(chosen.values())}")


if __name__ == "__main__":
    main()
