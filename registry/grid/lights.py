"""Traffic lights per perimeter, hour and direction from the capabilities of a day (DTL-2, DTL-3, GRD-1).

Green: the whole joint range of the PODs is safe. Yellow: limited to the capability, or, marked ``reactive``
(Natale: orange), safe up to it only with reactive support at its extra cost. Red: zero. Where the expected
state violates a limit, a perimeter that bears on it is never green: what worsens it is red, what relieves
it is yellow. Blocked hours (no convergence) are red in both directions, on the whole grid.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from registry.domain.quantities import GREEN, GREEN_LIGHT, CellLight, Direction, light_of_limit
from registry.grid.before_split import BeforeSplit, wholes
from registry.grid.capability import CapabilityRun
from registry.grid.day_capability import DayCapability, whole_kw
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_providers import Providers, SupportTerms, no_support
from registry.grid.results import PerimeterDayLights, ReactiveSetpoint
from registry.grid.state import ExpectedState, with_perimeters
from registry.grid.violations import Limits


def day_lights(
    state: ExpectedState,
    flow: PowerFlow,
    limits: Limits,
    *,
    terms: SupportTerms | None = None,
    before: Mapping[str, Sequence[str]] | None = None,
    seed: int = 1,
) -> tuple[PerimeterDayLights, ...]:
    """The lights of every perimeter of the state's partition, in its order.

    Without ``terms`` nobody gives reactive support, and no light is marked ``reactive``. ``before`` maps the
    perimeters before a split to the keys of their PODs: their lights are computed too, and the sum of
    capability of no hour and direction is lower than theirs (DTL-5).

    Raises :class:`~registry.grid.faults.GridInvalid`: DTL-1 where ``before`` is no partition of the PODs,
    DTL-5 where a perimeter has PODs of several of its perimeters.
    """
    terms = terms or no_support(state)
    providers = terms.providers(state)
    old = None if before is None else _before_split(state, flow, limits, terms, before, seed)
    day = CapabilityRun(state, flow, limits, seed=seed).run(providers, old)
    setpoints = _Setpoints(day, providers, terms)
    return tuple(
        _perimeter(name, number, day, setpoints) for number, name in enumerate(state.partition.names)
    )


def _before_split(
    state: ExpectedState,
    flow: PowerFlow,
    limits: Limits,
    terms: SupportTerms,
    perimeters: Mapping[str, Sequence[str]],
    seed: int,
) -> BeforeSplit:
    whole = with_perimeters(state, perimeters)
    parts = wholes(state.partition, whole.partition)
    return BeforeSplit(CapabilityRun(whole, flow, limits, seed=seed).run(terms.providers(whole)), parts)


class _Setpoints:
    """The setpoints of a day by perimeter."""

    def __init__(self, day: DayCapability, providers: Providers, terms: SupportTerms) -> None:
        self._day, self._providers, self._terms = day, providers, terms

    def cost(self, perimeter: int, hour: int) -> int:
        """The perimeter's part in the hour's setpoints, by the kW that it gains: milli-euro, rounded up."""
        support = self._day.support.get(hour)
        if support is None:
            return 0
        gained = np.where(support.gains, (self._day.power_kw - self._day.without_kw)[:, hour], 0.0)
        part = float(gained[2 * perimeter : 2 * perimeter + 2].sum() / gained.sum())
        return math.ceil(self._terms.cost_milli_eur(hour, support.support_var) * part - 1e-9)

    def of(self, perimeter: int) -> tuple[ReactiveSetpoint, ...]:
        """In the order of time; providers that give nothing are left out."""
        state = self._providers.state
        return tuple(
            ReactiveSetpoint(
                state.pods[self._providers.pods[column]].key,
                QUARTERS_PER_HOUR * hour + quarter,
                int(support.support_var[quarter, column]),
            )
            for hour, support in sorted(self._day.support.items())
            for quarter in range(QUARTERS_PER_HOUR)
            for column in np.flatnonzero(self._providers.perimeter == perimeter)
            if support.support_var[quarter, column]
        )


def _perimeter(name: str, number: int, day: DayCapability, setpoints: _Setpoints) -> PerimeterDayLights:
    up, down = (_side(2 * number + way, day) for way in Direction)
    return PerimeterDayLights(
        name,
        up=tuple(light for light, _, _ in up),
        down=tuple(light for light, _, _ in down),
        up_binding=tuple(binding for _, binding, _ in up),
        down_binding=tuple(binding for _, binding, _ in down),
        up_without_kw=tuple(without for _, _, without in up),
        down_without_kw=tuple(without for _, _, without in down),
        extra_milli_eur=tuple(setpoints.cost(number, hour) for hour in range(day.power_kw.shape[1])),
        setpoints=setpoints.of(number),
    )


def _side(cell: int, day: DayCapability) -> list[tuple[CellLight, str, int]]:
    """Per hour the light, what sets it, and the kW without reactive support."""
    lights, green = [], day.green[cell]
    for hour in range(day.power_kw.shape[1]):
        if green[hour]:
            lights.append((GREEN_LIGHT, "", GREEN))
            continue
        support = day.support.get(hour)
        reactive = support is not None and bool(support.gains[cell])
        light = light_of_limit(_published(day.power_kw[cell, hour]), reactive)
        without = _published(day.without_kw[cell, hour])
        lights.append((light, day.reason[cell][hour], without))
    return lights


def _published(power_kw: float) -> int:
    return min(int(whole_kw(np.array(power_kw))), GREEN - 1)
