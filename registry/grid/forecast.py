"""A day of expected power per element, read from CSV or Parquet with every bad cell named (GRD-1).

One row per subject and quantity, 92, 96 or 100 quarter-hours (TIM-1), numbers in W and var:

    day,element,quantity,q0,q1,...,q95
    2016-06-09,MV1.101 Load 2,p_w,23456,...
    2016-06-09,MV1.101 Load 2,q_var,7890,...

The second column says what the subjects are:

    element    ``p_w`` is needed for every load and generator, ``q_var`` is 0 where it is missing. A load's
        power is positive when it withdraws, a generator's (storage included) when it injects.
    pod, node    ``load_w`` is needed where loads are behind the POD or at the node, ``generation_w`` where
        generators are; ``load_var`` and ``generation_var`` are 0 where they are missing. The power is shared
        among the elements in proportion to their ratings (:mod:`registry.grid.forecast_carriers`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from registry.grid.faults import Fault, GridInvalid, raise_if_any
from registry.grid.forecast_carriers import SUBJECTS, Carrier, Subject, carriers
from registry.grid.forecast_rows import forecast_table
from registry.grid.network import Network
from registry.grid.pods import GridPod

Floats = npt.NDArray[np.float64]

QUARTERS_PER_HOUR: Final = 4
DAY_QUARTERS: Final = (92, 96, 100)
_ABSURD: Final = 1.5
_LEADING: Final = 3


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


def load_forecast(
    path: Path, network: Network, *, day: date, quarters: int, pods: Sequence[GridPod] = ()
) -> Forecast:
    """Read the forecast of ``day`` for every element of ``network``.

    ``pods`` are needed for a forecast per POD; in one per node they tell which elements are storages.

    Raises :class:`~registry.grid.faults.GridInvalid` naming row and column of every missing, unreadable or
    absurd value (beyond 1.5 times the rating), unknown or repeated subjects, another day, another number of
    quarter-hours, and elements without a forecast.
    """
    if quarters not in DAY_QUARTERS:
        raise GridInvalid(
            "quarters", [Fault("bad_day_length", "day", str(quarters), "92, 96 or 100")], rule="TIM-1"
        )
    table = forecast_table(path)
    subject = _subject(table.columns, quarters)
    known, faults = carriers(subject, network, pods)
    reader = _Reader(network, subject, known, day, quarters)
    for number, row in table.rows:
        reader.row(number, row)
    return reader.finish(faults)


def _subject(columns: Sequence[str], quarters: int) -> Subject:
    for subject in SUBJECTS:
        if tuple(columns) == ("day", subject, "quantity", *(f"q{i}" for i in range(quarters))):
            return subject
    found = f"{len(columns)} columns from {list(columns[:4])}"
    allowed = f"day,{' or '.join(SUBJECTS)},quantity,q0..q{quarters - 1}"
    raise GridInvalid("forecast", [Fault("bad_header", "first row", found, allowed)])


class _Reader:
    def __init__(
        self,
        network: Network,
        subject: Subject,
        known: Mapping[str, Mapping[str, Carrier]],
        day: date,
        quarters: int,
    ) -> None:
        self._network, self._subject, self._known = network, subject, known
        self._day, self._quarters = day, quarters
        shape = (len(network.element_names), quarters)
        self._values = {"w": np.zeros(shape), "var": np.zeros(shape)}
        self._seen: set[tuple[str, str]] = set()
        self._faults: list[Fault] = []

    def row(self, number: int, cells: Sequence[Any]) -> None:
        where = f"row {number}"
        if len(cells) != _LEADING + self._quarters:
            allowed = f"{_LEADING + self._quarters} columns"
            self._faults.append(Fault("bad_length", where, f"{len(cells)} columns", allowed))
            return
        day, name, quantity = (str(cell) for cell in cells[:_LEADING])
        if day != self._day.isoformat():
            self._faults.append(Fault("wrong_day", f"{where}, day", day, self._day.isoformat()))
        carrier = self._carrier(where, name, quantity)
        if carrier is not None:
            values = self._numbers(where, cells[_LEADING:], _ABSURD * carrier.rated_w)
            self._values[carrier.unit][carrier.elements] += carrier.shares[:, None] * values

    def _carrier(self, where: str, name: str, quantity: str) -> Carrier | None:
        quantities = SUBJECTS[self._subject]
        own = self._known.get(name)
        if quantity not in quantities:
            fault = Fault("unknown_quantity", f"{where}, quantity", quantity, " or ".join(quantities))
        elif own is None:
            allowed = f"a {self._subject} of grid {self._network.name}"
            fault = Fault(f"unknown_{self._subject}", f"{where}, {self._subject}", name, allowed)
        elif (name, quantity) in self._seen:
            fault = Fault("repeated_row", f"{where}, {self._subject}", f"{name} {quantity} again", "once")
        elif quantity not in own:
            allowed = f"{' or '.join(own)}: nothing at {name} carries the other"
            fault = Fault("nothing_there", f"{where}, quantity", quantity, allowed)
        else:
            self._seen.add((name, quantity))
            return own[quantity]
        self._faults.append(fault)
        return None

    def _numbers(self, where: str, cells: Sequence[Any], limit: float) -> Floats:
        values: Floats = np.array([_number(cell) for cell in cells], dtype=np.float64)
        for column in np.flatnonzero(~np.isfinite(values)).tolist():
            found = repr(cells[column])
            self._faults.append(Fault("not_a_number", f"{where}, column q{column}", found, "a number"))
        for column in np.flatnonzero(np.abs(values) > limit).tolist():  # a rating of NaN is no limit
            if math.isfinite(values[column]):
                found, allowed = str(cells[column]), f"at most {limit:.0f} either way"
                self._faults.append(Fault("absurd_value", f"{where}, column q{column}", found, allowed))
        return np.where(np.isfinite(values), values, 0.0)

    def finish(self, faults: Sequence[Fault]) -> Forecast:
        missing = [
            Fault("no_forecast", f"{self._subject} {name}", f"no {quantity} row", "one row")
            for name, own in self._known.items()
            for quantity in own
            if quantity.endswith("_w") and (name, quantity) not in self._seen
        ]
        raise_if_any("forecast", [*faults, *self._faults, *missing])
        return Forecast(self._day, self._values["w"], self._values["var"])


def _number(cell: Any) -> float:
    if cell is None or isinstance(cell, bool):
        return math.nan
    try:
        return float(cell)
    except (TypeError, ValueError):
        return math.nan
