"""What PODs offer: the rational bidder of Natale Table 2, or bids read from a file (GRD-2).

The rational bidder offers, per POD, hour and direction, what each of its elements can move in all four
quarter-hours (:func:`~registry.grid.pods.largest_move_w`) at the price of its kind:

    kind                     up                  down
    pv, wind                 2 x selling price   0
    biomass, hydro           price of the fuel   0.9 x purchase price
    load, storage            1.1 x purchase      0.9 x purchase price

Storage is not in that table; it is priced as load, which postpones energy likewise. Prices are milli-euro
per MWh, as in settlement; a down price is what the provider pays back for energy it does not deliver.
Source: Natale et al. 2022, section 5, Table 2 and the text below it.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from registry.domain.quantities import Direction
from registry.grid.faults import Fault, GridInvalid, raise_if_any
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.json_files import entries_of
from registry.grid.pods import GridPod, Technology, largest_move_w
from registry.grid.results import DIRECTIONS
from registry.grid.state import ExpectedState

_RULE: Final = "GRD-2"
_BIDS_SHAPE: Final = '{"bids": [{"pod", "hour", "direction", "power_w", "price_milli_eur_per_mwh"}]}'
_PRICE_COLUMNS: Final = ["hour", "purchase", "selling", "fuel"]
_DIRECTION: Final = {way.name.lower(): way for way in DIRECTIONS}


@dataclass(frozen=True, slots=True)
class Bid:
    """``power_w`` in one delivery hour and direction at a price in milli-euro per MWh; ``bidder`` is the key
    of the POD that gives it, or names who bids for many.
    """

    bidder: str
    hour: int
    direction: Direction
    power_w: int
    price_milli_eur_per_mwh: int


Cell = tuple[str, Direction, int]
"""Perimeter, direction and hour."""
BidsByCell = Mapping[Cell, Sequence[Bid]]


@dataclass(frozen=True, slots=True)
class Prices:
    """Hourly prices of a day in milli-euro per MWh: what energy costs (``purchase``), earns (``selling``),
    and the ``fuel`` of programmable plants.
    """

    purchase: tuple[int, ...]
    selling: tuple[int, ...]
    fuel: tuple[int, ...]

    def of(self, technology: Technology, direction: Direction, hour: int) -> int:
        """The rational bid price of an element, rounded half up to the milli-euro."""
        up = direction is Direction.UP
        if technology in ("pv", "wind"):
            return 2 * self.selling[hour] if up else 0
        if technology in ("biomass", "hydro") and up:
            return self.fuel[hour]
        return ((11 if up else 9) * self.purchase[hour] + 5) // 10


def merit_order(bids: Sequence[Bid]) -> tuple[Bid, ...]:
    """Bids in the order an operator takes them: up the cheapest first, down the one that pays back most."""
    return tuple(
        sorted(
            bids,
            key=lambda bid: (
                bid.price_milli_eur_per_mwh * (1 if bid.direction is Direction.UP else -1),
                bid.bidder,
            ),
        )
    )


def without_end_users(pods: Sequence[GridPod]) -> tuple[GridPod, ...]:
    """The PODs with their generation and storage only, Natale's case A; those that are all load left out."""
    kept = (replace(pod, elements=tuple(e for e in pod.elements if e.technology != "load")) for pod in pods)
    return tuple(pod for pod in kept if pod.elements)


def rational_bids(state: ExpectedState, prices: Prices) -> tuple[Bid, ...]:
    """The bids of every POD, hour and direction, at most what ``state`` leaves the POD to move.

    Raises :class:`~registry.grid.faults.GridInvalid` where the prices have another number of hours.
    """
    hours = len(prices.purchase)
    if hours != state.hours:
        allowed = f"{state.hours} hours, as the day has"
        raise GridInvalid("prices", [Fault("bad_length", "hours", str(hours), allowed)], rule=_RULE)
    return tuple(
        bid
        for number in range(len(state.pods))
        for way in DIRECTIONS
        for hour in range(state.hours)
        for bid in _pod_bids(state, number, way, hour, prices)
    )


def _pod_bids(state: ExpectedState, number: int, way: Direction, hour: int, prices: Prices) -> Iterator[Bid]:
    pod = state.pods[number]
    quarters = slice(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
    left = _movable_w(state, number, way, hour)
    offers: dict[int, float] = {}
    for element in pod.elements:
        expected = state.p_w[state.network.element_index[element.name], quarters]
        power = float(largest_move_w(element.technology, way, expected, element.rated_w).min())
        price = prices.of(element.technology, way, hour)
        offers[price] = offers.get(price, 0.0) + power
    for price in sorted(offers, reverse=way is Direction.DOWN):
        power_w = min(math.floor(offers[price] + 1e-6), left)
        left -= power_w
        if power_w:
            yield Bid(pod.key, hour, way, power_w, price)


def _movable_w(state: ExpectedState, number: int, way: Direction, hour: int) -> int:
    """What a POD can move in all four quarter-hours of an hour, whole W."""
    quarters = slice(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
    return math.floor(1000.0 * float(np.min(state.range_kw[way][number, quarters])) + 1e-6)


def bids_by_cell(state: ExpectedState, bids: Sequence[Bid]) -> BidsByCell:
    """The bids of PODs under their perimeter, direction and hour; a POD without bids offers nothing.

    Raises :class:`~registry.grid.faults.GridInvalid` for bids that no light of ``state`` can be about: of
    unknown PODs or hours, and of PODs whose bids of one hour and direction exceed what they can move in it.
    """
    _check(state, bids)
    place = {
        pod.key: state.partition.names[state.partition.perimeter_of[number]]
        for number, pod in enumerate(state.pods)
    }
    cells: dict[Cell, list[Bid]] = {}
    for bid in bids:
        cells.setdefault((place[bid.bidder], bid.direction, bid.hour), []).append(bid)
    return cells


def _check(state: ExpectedState, bids: Sequence[Bid]) -> None:
    index = {pod.key: number for number, pod in enumerate(state.pods)}
    faults: list[Fault] = []
    sums: dict[tuple[str, int, Direction], int] = {}
    for bid in bids:
        where = f"bid of {bid.bidder}, hour {bid.hour} {bid.direction.name.lower()}"
        if bid.bidder not in index:
            faults.append(Fault("unknown_pod", where, bid.bidder, "a POD of this grid"))
        elif not 0 <= bid.hour < state.hours:
            faults.append(Fault("unknown_hour", where, str(bid.hour), f"0 to {state.hours - 1}"))
        elif bid.power_w <= 0:
            faults.append(Fault("bad_power", where, f"{bid.power_w} W", "above 0"))
        else:
            key = (bid.bidder, bid.hour, bid.direction)
            sums[key] = sums.get(key, 0) + bid.power_w
    for (pod, hour, way), power_w in sums.items():
        most = _movable_w(state, index[pod], way, hour)
        if power_w > most:
            where = f"bids of {pod}, hour {hour} {way.name.lower()}"
            faults.append(Fault("beyond_range", where, f"{power_w} W", f"at most {most} W, what it can move"))
    raise_if_any("bids", faults, rule=_RULE)


def load_prices(path: Path, hours: int) -> Prices:
    """Read hourly prices from CSV: ``hour,purchase,selling,fuel``, EUR/MWh, one row per hour from 0.

    Raises :class:`~registry.grid.faults.GridInvalid` naming row and column of every bad cell.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    if not rows or rows[0] != _PRICE_COLUMNS:
        found = ",".join(rows[0]) if rows else "an empty file"
        fault = Fault("bad_header", "row 1", found, ",".join(_PRICE_COLUMNS))
        raise GridInvalid("prices", [fault], rule=_RULE)
    faults: list[Fault] = []
    if len(rows) != hours + 1:
        faults.append(Fault("bad_length", "file", f"{len(rows) - 1} rows", f"{hours}, one per hour"))
    values: list[list[int]] = [[], [], []]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(_PRICE_COLUMNS) or row[0] != str(number - 2):
            allowed = f"hour {number - 2} and three prices"
            faults.append(Fault("bad_row", f"row {number}", ",".join(row), allowed))
            continue
        for place, name in enumerate(_PRICE_COLUMNS[1:]):
            values[place].append(_milli(f"row {number}, {name}", row[place + 1], faults))
    raise_if_any("prices", faults, rule=_RULE)
    return Prices(*(tuple(column) for column in values))


def _milli(where: str, text: str, faults: list[Fault]) -> int:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or abs(value) > 1e6:
        faults.append(Fault("not_a_price", where, repr(text), "EUR/MWh, at most a million"))
        return 0
    return round(1000.0 * value)


def load_bids(path: Path) -> tuple[Bid, ...]:
    """Read bids from JSON: ``{"bids": [{"pod", "hour", "direction", "power_w",
    "price_milli_eur_per_mwh"}]}``; ``direction`` is ``up`` or ``down``, numbers are whole.

    Raises :class:`~registry.grid.faults.GridInvalid` naming every bad entry.
    """
    entries = entries_of(path, "bids", _BIDS_SHAPE, rule=_RULE)
    faults: list[Fault] = []
    bids = [bid for number, row in enumerate(entries) if (bid := _bid(number, row, faults)) is not None]
    raise_if_any("bids", faults, rule=_RULE)
    return tuple(bids)


def _bid(number: int, row: Any, faults: list[Fault]) -> Bid | None:
    numbers = ("hour", "power_w", "price_milli_eur_per_mwh")
    if not isinstance(row, Mapping) or not {"pod", "direction", *numbers} <= row.keys():
        faults.append(Fault("bad_bid", f"entry {number}", repr(row), "pod, direction, " + ", ".join(numbers)))
        return None
    if row["direction"] not in _DIRECTION:
        faults.append(Fault("bad_bid", f"entry {number}, direction", repr(row["direction"]), "up or down"))
        return None
    for name in numbers:
        if type(row[name]) is not int:
            faults.append(Fault("bad_bid", f"entry {number}, {name}", repr(row[name]), "a whole number"))
            return None
    return Bid(
        str(row["pod"]),
        row["hour"],
        _DIRECTION[row["direction"]],
        row["power_w"],
        row["price_milli_eur_per_mwh"],
    )
