"""Lights made by hand."""

from __future__ import annotations

from registry.domain.quantities import CellLight
from registry.grid.results import PerimeterDayLights


def flat_lights(perimeter: str, up: CellLight, down: CellLight, hours: int = 24) -> PerimeterDayLights:
    """The same lights in every hour."""
    blank = ("",) * hours
    return PerimeterDayLights(
        perimeter, up=(up,) * hours, down=(down,) * hours, up_binding=blank, down_binding=blank
    )
