"""Price-quantity curves of perimeters, and what they come to over days (GRD-2; Natale Figure 1, Table 4).

A curve holds the bids of a perimeter's PODs in one hour and direction in merit order. As much of it is
*feasible* as the light lets through: all of it where green, up to the capability where yellow, nothing where
red. A yellow that rests on reactive support carries the energy and extra cost of that support.

Powers in W, energies in Wh, prices in milli-euro per MWh: W for an hour times price is exactly nano-euro.
``cost_neur`` is quantity times bid price, as Natale's Table 4 reckons in both directions; up it is paid to
the providers, down they pay it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from registry.domain.quantities import GREEN, Direction
from registry.grid.bids import Bid, BidsByCell, merit_order
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.results import DIRECTIONS, PerimeterDayLights

W_PER_KW = 1000
NEUR_PER_MILLI_EUR = 10**6


@dataclass(frozen=True, slots=True)
class ReactiveSupport:
    """Reactive energy that the feasible quantity of one cell needs for its hour, and what that costs."""

    energy_varh: int = 0
    cost_neur: int = 0


NO_SUPPORT = ReactiveSupport()


@dataclass(frozen=True, slots=True)
class Curve:
    """The curve of one cell.

    Attributes:
        bids: in merit order.
        capability_kw: what the light lets through, None where it sets no limit.
        support: reactive support that the feasible quantity needs.
    """

    perimeter: str
    hour: int
    direction: Direction
    bids: tuple[Bid, ...]
    capability_kw: int | None
    support: ReactiveSupport = NO_SUPPORT

    @property
    def potential_w(self) -> int:
        """All that is offered: Natale's market potential."""
        return sum(bid.power_w for bid in self.bids)

    @property
    def feasible(self) -> tuple[Bid, ...]:
        """The bids that the light lets through, the last one cut to what is left."""
        if self.capability_kw is None:
            return self.bids
        left, taken = self.capability_kw * W_PER_KW, []
        for bid in self.bids:
            power_w = min(bid.power_w, left)
            if power_w:
                taken.append(replace(bid, power_w=power_w))
            left -= power_w
        return tuple(taken)

    @property
    def feasible_w(self) -> int:
        """What of the potential the light lets through."""
        return sum(bid.power_w for bid in self.feasible)

    @property
    def cost_neur(self) -> int:
        """Price times feasible quantity for the hour, without the extra cost."""
        return sum(bid.power_w * bid.price_milli_eur_per_mwh for bid in self.feasible)

    def as_document(self) -> dict[str, Any]:
        """The curve as text and whole numbers; ``up_to_w`` of a step is the quantity at its end."""
        steps, total_w = [], 0
        for bid in self.bids:
            total_w += bid.power_w
            steps.append(
                {
                    "up_to_w": total_w,
                    "price_milli_eur_per_mwh": bid.price_milli_eur_per_mwh,
                    "bidder": bid.bidder,
                }
            )
        return {
            "perimeter": self.perimeter,
            "hour": self.hour,
            "direction": self.direction.name.lower(),
            "potential_w": self.potential_w,
            "feasible_w": self.feasible_w,
            "cost_neur": self.cost_neur,
            "reactive_varh": self.support.energy_varh,
            "reactive_cost_neur": self.support.cost_neur,
            "steps": steps,
        }


def curves_of(lights: Sequence[PerimeterDayLights], bids: BidsByCell) -> tuple[Curve, ...]:
    """The curves of a day, by perimeter, direction and hour.

    Args:
        lights: of every perimeter of a grid.
        bids: what is offered in each cell.

    A cell whose light rests on reactive support carries its part of the hour's setpoints if more is offered
    there than the grid takes without them.
    """
    support = _Support(lights)
    return tuple(
        support.added(
            Curve(
                day.perimeter,
                hour,
                way,
                merit_order(bids.get((day.perimeter, way, hour), ())),
                None if light.limit_kw == GREEN else light.limit_kw,
            ),
            day,
        )
        for day in lights
        for way in DIRECTIONS
        for hour, light in enumerate(day.side(way))
    )


class _Support:
    """Energy and cost of each hour's setpoints, which serve all its cells together: shared among the cells
    that gain by them, in proportion to the kW that they gain.
    """

    def __init__(self, lights: Sequence[PerimeterDayLights]) -> None:
        hours = range(len(lights[0].up) if lights else 0)
        self._gained = [
            sum(_gained_kw(day, way, hour) for day in lights for way in DIRECTIONS) for hour in hours
        ]
        self._varq = [0 for _ in hours]
        for day in lights:
            for setpoint in day.setpoints:
                self._varq[setpoint.quarter // QUARTERS_PER_HOUR] += abs(setpoint.injected_var)
        self._milli_eur = [sum(day.extra_milli_eur[hour] for day in lights) for hour in hours]

    def added(self, curve: Curve, day: PerimeterDayLights) -> Curve:
        """The curve with its part of the support."""
        hour, gained = curve.hour, _gained_kw(day, curve.direction, curve.hour)
        if not gained or curve.potential_w <= W_PER_KW * day.without_kw(curve.direction)[hour]:
            return curve
        whole = self._gained[hour]
        energy_varh = -(-self._varq[hour] * gained // (QUARTERS_PER_HOUR * whole))
        cost_neur = -(-self._milli_eur[hour] * NEUR_PER_MILLI_EUR * gained // whole)
        return replace(curve, support=ReactiveSupport(energy_varh, cost_neur))


def _gained_kw(day: PerimeterDayLights, way: Direction, hour: int) -> int:
    """What reactive support adds to the capability of a cell."""
    light = day.side(way)[hour]
    return light.limit_kw - day.without_kw(way)[hour] if light.reactive else 0


@dataclass(frozen=True, slots=True)
class SideTotals:
    """One direction of Natale's Table 4; energies in Wh and varh, money in nano-euro."""

    potential_wh: int = 0
    feasible_wh: int = 0
    cost_neur: int = 0
    reactive_varh: int = 0
    reactive_cost_neur: int = 0

    def plus(self, curve: Curve, days: int) -> SideTotals:
        """With a curve that stands for its hour of ``days`` days."""
        return SideTotals(
            self.potential_wh + days * curve.potential_w,
            self.feasible_wh + days * curve.feasible_w,
            self.cost_neur + days * curve.cost_neur,
            self.reactive_varh + days * curve.support.energy_varh,
            self.reactive_cost_neur + days * curve.support.cost_neur,
        )

    @property
    def lost_part(self) -> float | None:
        """Part of the potential that the grid takes away; None where there is none."""
        return 1.0 - self.feasible_wh / self.potential_wh if self.potential_wh else None

    @property
    def unit_milli_eur_per_mwh(self) -> int | None:
        """Unitary cost of what is feasible, without the extra cost; None where nothing is."""
        return round(self.cost_neur / self.feasible_wh) if self.feasible_wh else None

    @property
    def unit_with_support_milli_eur_per_mwh(self) -> int | None:
        """Unitary cost with the extra cost of reactive support."""
        total = self.cost_neur + self.reactive_cost_neur
        return round(total / self.feasible_wh) if self.feasible_wh else None

    def as_document(self) -> dict[str, Any]:
        """All figures, by name."""
        return {
            "potential_wh": self.potential_wh,
            "feasible_wh": self.feasible_wh,
            "cost_neur": self.cost_neur,
            "reactive_varh": self.reactive_varh,
            "reactive_cost_neur": self.reactive_cost_neur,
            "unit_milli_eur_per_mwh": self.unit_milli_eur_per_mwh,
            "unit_with_support_milli_eur_per_mwh": self.unit_with_support_milli_eur_per_mwh,
        }


def totals(days: Iterable[tuple[int, Iterable[Curve]]]) -> dict[Direction, SideTotals]:
    """The sums over days, each with the number of days it stands for; memory does not grow with the days."""
    sums = {way: SideTotals() for way in DIRECTIONS}
    for count, curves in days:
        for curve in curves:
            sums[curve.direction] = sums[curve.direction].plus(curve, count)
    return sums
