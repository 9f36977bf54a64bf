"""Traffic lights per perimeter, hour and direction from the capabilities of a day (DTL-2, DTL-3, GRD-1).

Green: the whole joint range of the PODs is safe. Yellow: limited to the capability. Red: zero. Where the
expected
state violates a limit, a perimeter that bears on it is never green: what worsens it is red, what relieves
    it is yellow. Blocked hours (no convergence) are red in both directions, on the whole grid.

Reactive support is not used yet, so no light has ``reactive`` set.
"""

from __future__ import annotations

import math

from registry.domain.quantities import GREEN, GREEN_LIGHT, CellLight, Direction, light_of_limit
from registry.grid.capability import CapabilityRun, DayCapability
from registry.grid.powerflow import PowerFlow
from registry.grid.results import PerimeterDayLights
from registry.grid.state import ExpectedState
from registry.grid.violations import Limits


def day_lights(
    state: ExpectedState, flow: PowerFlow, limits: Limits, *, seed: int = 1
) -> tuple[PerimeterDayLights, ...]:
    """The lights of every perimeter of the state's partition, in its order."""
    return lights_of(state.partition.names, CapabilityRun(state, flow, limits, seed=seed).run())


def lights_of(perimeters: tuple[str, ...], day: DayCapability) -> tuple[PerimeterDayLights, ...]:
    """Colours of computed capabilities."""
    return tuple(_perimeter(name, number, day) for number, name in enumerate(perimeters))


def _perimeter(name: str, number: int, day: DayCapability) -> PerimeterDayLights:
    up = _side(2 * number + Direction.UP, day)
    down = _side(2 * number + Direction.DOWN, day)
    return PerimeterDayLights(
        name,
        up=tuple(light for light, _ in up),
        down=tuple(light for light, _ in down),
        up_binding=tuple(binding for _, binding in up),
        down_binding=tuple(binding for _, binding in down),
    )


def _side(cell: int, day: DayCapability) -> list[tuple[CellLight, str]]:
    lights = []
    for hour in range(day.power_kw.shape[1]):
        power, full = float(day.power_kw[cell, hour]), float(day.full_kw[cell, hour])
        if power >= full - 1e-6 and not day.strained[cell, hour]:
            lights.append((GREEN_LIGHT, ""))
            continue
        power_kw = min(math.floor(power + 1e-9), GREEN - 1)
        lights.append((light_of_limit(power_kw), day.reason[cell][hour]))
    return lights
