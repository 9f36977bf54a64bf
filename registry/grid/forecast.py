"""A day of expected power per element, read from CSV with every bad cell named (GRD-1).

Format (plain or gzip), one row per element and quantity, integers:

    day,element,quantity,q0,q1,...,q95
    2016-06-09,MV1.101 Load 2,p_w,23456,...
    2016-06-09,MV1.101 Load 2,q_var,7890,...

``p_w`` is mandatory for every load and generator, ``q_var`` is 0 where it is missing. A load's power is
positive when it withdraws, a generator's (storage included) when it injects. 92, 96 or 100 quarter-hours
(TIM-1).
"""

from __future__ import annotations

import csv
import gzip
import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, TextIO

import numpy as np
import numpy.typing as npt

from registry.grid.faults import Fault, GridInvalid, raise_if_any
from registry.grid.network import Network

Floats = npt.NDArray[np.float64]

QUARTERS_PER_HOUR: Final = 4
DAY_QUARTERS: Final = (92, 96, 100)
_ABSURD: Final = 1.5
_QUANTITIES: Final = ("p_w", "q_var")
_LEADING: Final = ("day", "element", "quantity")


@dataclass(frozen=True, eq=False)
class Forecast:
    """Expected power of a day: ``p_w`` and ``q_var`` as ``[element, quarter-hour]`` in the order of the
    grid.
    """

    day: date
    p_w: Floats
    q_var: Floats

    @property
    def quarters(self) -> int:
        """Number of quarter-hours: 92, 96 or 100."""
        return int(self.p_w.shape[1])

    @property
    def hours(self) -> int:
        """Number of delivery hours: 23, 24 or 25."""
        return self.quarters // QUARTERS_PER_HOUR


def load_forecast(path: Path, network: Network, *, day: date, quarters: int) -> Forecast:
    """Read the forecast of ``day`` for every element of ``network``.

    Raises :class:`~registry.grid.faults.GridInvalid` naming row and column of every missing, unreadable or
    absurd value (beyond 1.5 times the element's rating), unknown or repeated elements, another day, another
    number of quarter-hours, and elements without a forecast.
    """
    if quarters not in DAY_QUARTERS:
        raise GridInvalid(
            "quarters", [Fault("bad_day_length", "day", str(quarters), "92, 96 or 100")], rule="TIM-1"
        )
    with _open(path) as file:
        reader = _Reader(network, day, quarters)
        rows = csv.reader(file)
        reader.header(next(rows, []))
        for number, row in enumerate(rows, start=2):
            reader.row(number, row)
    return reader.finish()


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


class _Reader:
    def __init__(self, network: Network, day: date, quarters: int) -> None:
        self._network, self._day, self._quarters = network, day, quarters
        self._values = {
            quantity: np.full((len(network.element_names), quarters), np.nan) for quantity in _QUANTITIES
        }
        self._seen: set[tuple[str, str]] = set()
        self._faults: list[Fault] = []

    def header(self, names: list[str]) -> None:
        expected = [*_LEADING, *(f"q{i}" for i in range(self._quarters))]
        if names != expected:
            found = f"{len(names)} columns from {names[:4]}"
            allowed = f"{','.join(_LEADING)},q0..q{self._quarters - 1}"
            raise GridInvalid("forecast", [Fault("bad_header", "row 1", found, allowed)])

    def row(self, number: int, cells: list[str]) -> None:
        where = f"row {number}"
        if len(cells) != len(_LEADING) + self._quarters:
            allowed = f"{len(_LEADING) + self._quarters} columns"
            self._faults.append(Fault("bad_length", where, f"{len(cells)} columns", allowed))
            return
        day, element, quantity = cells[: len(_LEADING)]
        if day != self._day.isoformat():
            self._faults.append(Fault("wrong_day", f"{where}, day", day, self._day.isoformat()))
        if quantity not in _QUANTITIES:
            self._faults.append(
                Fault("unknown_quantity", f"{where}, quantity", quantity, " or ".join(_QUANTITIES))
            )
            return
        index = self._network.element_index.get(element)
        if index is None:
            allowed = f"a load or generator of grid {self._network.name}"
            self._faults.append(Fault("unknown_element", f"{where}, element", element, allowed))
            return
        if (element, quantity) in self._seen:
            self._faults.append(
                Fault("repeated_row", f"{where}, element", f"{element} {quantity} again", "once")
            )
            return
        self._seen.add((element, quantity))
        limit = _ABSURD * float(self._network.element_rated_w[index])
        for column, text in enumerate(cells[len(_LEADING) :]):
            self._values[quantity][index, column] = self._value(f"{where}, column q{column}", text, limit)

    def _value(self, where: str, text: str, limit: float) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            self._faults.append(Fault("not_a_number", where, repr(text), "a number"))
            return 0.0
        if abs(value) > limit:
            self._faults.append(Fault("absurd_value", where, text, f"at most {limit:.0f} either way"))
        return value

    def finish(self) -> Forecast:
        missing = [name for name in self._network.element_names if (name, "p_w") not in self._seen]
        self._faults += [Fault("no_forecast", f"element {name}", "no p_w row", "one row") for name in missing]
        raise_if_any("forecast", self._faults)
        return Forecast(self._day, self._values["p_w"], np.nan_to_num(self._values["q_var"]))
