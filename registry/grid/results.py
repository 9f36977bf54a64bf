"""What leaves the grid room: colours, static lights and local needs. Powers are integer kW, rounded down.

*Up* is more injection or less withdrawal, *down* the opposite (D4.1 Table 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["up", "down"]
Colour = Literal["green", "yellow", "red"]
Verdict = Literal["confirmed", "modulated", "invalidated"]

DIRECTIONS: tuple[Direction, Direction] = ("up", "down")


def opposite(direction: Direction) -> Direction:
    """The other direction."""
    return "down" if direction == "up" else "up"


@dataclass(frozen=True, slots=True)
class CellLight:
    """The light of one perimeter, hour and direction (DTL-2).

    Attributes:
        colour: green: no limit beyond the PODs' own; yellow: limited to ``capability_kw``; red: zero.
        capability_kw: total that global selections may reach; ``None`` when green, 0 when red.
        reactive: the capability holds only with reactive support.
        binding: the limit that sets the capability, in words; ``None`` when green.
    """

    colour: Colour
    capability_kw: int | None
    reactive: bool
    binding: str | None

    def __post_init__(self) -> None:
        consistent = {
            "green": self.capability_kw is None,
            "yellow": self.capability_kw is not None and self.capability_kw > 0,
            "red": self.capability_kw == 0,
        }
        if not consistent[self.colour]:
            raise ValueError(f"a {self.colour} light cannot have the capability {self.capability_kw} kW")


GREEN = CellLight("green", None, reactive=False, binding=None)


def red(binding: str) -> CellLight:
    """A red light with its reason."""
    return CellLight("red", 0, reactive=False, binding=binding)


@dataclass(frozen=True, slots=True)
class PerimeterDayLights:
    """The lights of one perimeter on one delivery day: one cell per hour (23, 24 or 25) and direction."""

    perimeter: str
    up: tuple[CellLight, ...]
    down: tuple[CellLight, ...]

    def cells(self, direction: Direction) -> tuple[CellLight, ...]:
        """The cells of one direction, hour by hour."""
        return self.up if direction == "up" else self.down


@dataclass(frozen=True, slots=True)
class StaticLightAdvice:
    """What the grid says about one POD's declared power (POD-2).

    Attributes:
        pod: key of the POD.
        verdict: *confirmed* as declared, *modulated* to the given powers (never higher), or *invalidated*.
        up_kw, down_kw: largest power that the POD alone may move in every expected quarter-hour.
        reason: empty when confirmed.
        quarters_left_out: quarter-hours not asked because the expected state violates a limit there without the POD.
    """

    pod: str
    verdict: Verdict
    up_kw: int
    down_kw: int
    reason: str
    quarters_left_out: int


@dataclass(frozen=True, slots=True)
class LocalNeed:
    """A local activation that the expected state calls for (D4.1 §6.3, step 1a).

    Attributes:
        perimeter, hour, direction: where, in which delivery hour (from 0) and which way.
        power_kw: power to activate, rounded up; all there is when ``cures`` is false.
        cures: whether power flow shows all limits kept, with the reserve asked for, after all needs of that hour.
        binding: the limit at stake and its expected value.
    """

    perimeter: str
    hour: int
    direction: Direction
    power_kw: int
    cures: bool
    binding: str


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
