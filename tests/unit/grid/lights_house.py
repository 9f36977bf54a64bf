"""Lights of a perimeter, made by hand."""

from __future__ import annotations

from registry.domain.quantities import CellLight
from registry.grid.results import PerimeterDayLights, ReactiveSetpoint


def flat_lights(
    perimeter: str,
    up: CellLight,
    down: CellLight,
    without_kw: tuple[int, int] = (0, 0),
    extra_milli_eur: int = 0,
    setpoints: tuple[ReactiveSetpoint, ...] = (),
) -> PerimeterDayLights:
    """The same in each of 24 hours; ``without_kw`` up and down."""
    return PerimeterDayLights(
        perimeter,
        (up,) * 24,
        (down,) * 24,
        ("a limit",) * 24,
        ("a limit",) * 24,
        (without_kw[0],) * 24,
        (without_kw[1],) * 24,
        (extra_milli_eur,) * 24,
        setpoints,
    )
