"""What leaves the grid room: colours, static lights and local needs. Powers are integer kW, rounded down.

*Up* is more injection or less withdrawal, *down* the opposite (D4.1 Table 6).
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.enums import StaticLight
from registry.domain.quantities import CellLight, Direction

DIRECTIONS = (Direction.UP, Direction.DOWN)


@dataclass(frozen=True, slots=True)
class ReactiveSetpoint:
    """Reactive power that a POD has to give on top of what is expected of it, for an orange light to hold.

    Attributes:
        pod: key of the POD.
        quarter: quarter-hour of the day.
        injected_var: positive raises the voltage, negative lowers it.
    """

    pod: str
    quarter: int
    injected_var: int


@dataclass(frozen=True, slots=True)
class PerimeterDayLights:
    """The lights of one perimeter on one delivery day (DTL-2).

    Attributes:
        perimeter: its name.
        up, down: one light per hour (23, 24 or 25) and direction.
        up_binding, down_binding: per light the limit that sets it, in words; empty where green. Of a light
            whose whole range is safe with reactive support, the limit that would bind without.
        up_without_kw, down_without_kw: per light marked ``reactive`` the capability without support; of the
            others it is their own.
        extra_milli_eur: per hour, the perimeter's part in the cost of the hour's setpoints, which serve all
            perimeters and both directions together; 0 in hours without a light marked ``reactive``.
        setpoints: the reactive power that the lights marked ``reactive`` rest on, hour by hour.
    """

    perimeter: str
    up: tuple[CellLight, ...]
    down: tuple[CellLight, ...]
    up_binding: tuple[str, ...]
    down_binding: tuple[str, ...]
    up_without_kw: tuple[int, ...]
    down_without_kw: tuple[int, ...]
    extra_milli_eur: tuple[int, ...]
    setpoints: tuple[ReactiveSetpoint, ...]

    def side(self, direction: Direction) -> tuple[CellLight, ...]:
        """The lights of one direction, hour by hour."""
        return self.up if direction is Direction.UP else self.down

    def binding(self, direction: Direction) -> tuple[str, ...]:
        """What sets the lights of one direction, hour by hour."""
        return self.up_binding if direction is Direction.UP else self.down_binding

    def without_kw(self, direction: Direction) -> tuple[int, ...]:
        """What one direction may have as long as no reactive support is at work, hour by hour."""
        return self.up_without_kw if direction is Direction.UP else self.down_without_kw


@dataclass(frozen=True, slots=True)
class StaticLightAdvice:
    """What the grid says about one POD's declared power (POD-2).

    Attributes:
        pod: key of the POD.
        light: *confirmed* as declared, *modulated* to the given powers (never higher), or *invalidated*.
        up_kw, down_kw: largest power that the POD alone may move in every expected quarter-hour.
        reason: empty when confirmed.
        quarters_left_out: quarter-hours not asked because the expected state violates a limit there without
            the POD.
    """

    pod: str
    light: StaticLight
    up_kw: int
    down_kw: int
    reason: str
    quarters_left_out: int


@dataclass(frozen=True, slots=True)
class LocalActivation:
    """A planned local activation: ``power_kw`` of ``direction`` in a perimeter and delivery hour (from 0).

    ``pods`` gives the kW of each POD where the placement is declared; without it the power is spread over the
    perimeter's PODs in proportion to what each can move.
    """

    perimeter: str
    hour: int
    direction: Direction
    power_kw: int
    pods: tuple[tuple[str, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class LocalNeed:
    """A local activation that the expected state calls for (D4.1 §6.3, step 1a).

    Attributes:
        perimeter, hour, direction: where, in which delivery hour (from 0) and which way.
        power_kw: power to activate, rounded up; all there is when ``cures`` is false.
        cures: whether power flow shows all limits kept, with the reserve asked for, after all needs of that
            hour.
        binding: the limit at stake and its expected value.
    """

    perimeter: str
    hour: int
    direction: Direction
    power_kw: int
    cures: bool
    binding: str

    def as_activation(self) -> LocalActivation:
        """The activation that answers this need, its placement not declared yet."""
        return LocalActivation(self.perimeter, self.hour, self.direction, self.power_kw)
