"""Powers of the hours of a day, as the ledger stores them: 13 cells of 18 bits in each of two words.

In a light a cell is a capability in kW: 0 is red, 131,071 (17 ones) green, anything else yellow. In a
selection the low 17 bits are kW and bit 17 says down. In Python a selection is signed: up is positive (more
injection or less withdrawal), down negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

from registry.domain.calendar import MAX_HOURS
from registry.domain.errors import InputInvalid

MAX_KW = (1 << 17) - 1
GREEN = MAX_KW
"""The cell of a green light: no limit beyond the PODs' own."""
CELLS_PER_WORD = 13
CELL_BITS = 18
FLAG_SHIFT = CELLS_PER_WORD * CELL_BITS
WH_PER_KW_QUARTER = 250
"""Energy of one kW over a quarter-hour, in Wh."""

_CELL_MASK = (1 << CELL_BITS) - 1
_DOWN = 1 << 17
_CELLS = 2 * CELLS_PER_WORD


class Direction(IntEnum):
    """Up is more injection or less withdrawal, down the opposite (D4.1 Table 6)."""

    UP = 0
    DOWN = 1

    @property
    def opposite(self) -> Direction:
        return Direction.DOWN if self is Direction.UP else Direction.UP


@dataclass(frozen=True, slots=True)
class HourCells:
    """Cells of the hours 0..12 in `lo` and 13..25 in `hi`, cell i of a word at bit 18 * i."""

    lo: int = 0
    hi: int = 0

    def raw(self, hour: int) -> int:
        """The 18 bits of an hour's cell."""
        word, place = _place(self, hour)
        return word >> CELL_BITS * place & _CELL_MASK

    def flag(self, hour: int) -> bool:
        """The flag of an hour (in a light: needs reactive support)."""
        word, place = _place(self, hour)
        return bool(word >> FLAG_SHIFT + place & 1)

    @property
    def flags(self) -> frozenset[int]:
        """Hours whose flag is set."""
        return frozenset(hour for hour in range(_CELLS) if self.flag(hour))

    def beyond(self, hours: int) -> bool:
        """Whether anything stands outside a day of so many hours.

        A cell, a flag, or a bit that no cell or flag owns.
        """
        spare = FLAG_SHIFT + CELLS_PER_WORD
        outside = any(self.raw(hour) or self.flag(hour) for hour in range(hours, _CELLS))
        return outside or self.lo >> spare != 0 or self.hi >> spare != 0


NO_CELLS = HourCells()


def pack_raw(cells: Iterable[int], flags: Iterable[int] = ()) -> HourCells:
    """Cells of 18 bits each, the first for hour 0, and the hours whose flag is set.

    Raises:
        InputInvalid: TIM-1 for more than 25 hours, DTL-2 for a value outside 18 bits.
    """
    words = [0, 0]
    for hour, cell in enumerate(cells):
        _check_hour(hour)
        if not 0 <= cell <= _CELL_MASK:
            raise InputInvalid(
                rule="DTL-2", field=f"cell of hour {hour}", found=cell, allowed=f"0 to {_CELL_MASK}"
            )
        words[hour // CELLS_PER_WORD] |= cell << CELL_BITS * (hour % CELLS_PER_WORD)
    for hour in flags:
        _check_hour(hour)
        words[hour // CELLS_PER_WORD] |= 1 << FLAG_SHIFT + hour % CELLS_PER_WORD
    return HourCells(*words)


def pack_cells(powers_kw: Sequence[int]) -> HourCells:
    """Powers of the hours from hour 0, in kW, each 0..131071.

    Raises:
        InputInvalid: TIM-1 for more than 25 hours, DTL-2 for a power out of range.
    """
    for hour, power_kw in enumerate(powers_kw):
        _check_power(hour, power_kw)
    return pack_raw(powers_kw)


def unpack_cells(cells: HourCells, hours: int) -> tuple[int, ...]:
    """Powers of the first `hours` hours in kW, without direction."""
    return tuple(cells.raw(hour) & MAX_KW for hour in range(hours))


def pack_selection(signed_kw: Sequence[int]) -> HourCells:
    """A selection of the hours from hour 0, in kW, up positive and down negative.

    Raises:
        InputInvalid: TIM-1 for more than 25 hours, SES-3 for a power beyond 131,071 kW.
    """
    for hour, power_kw in enumerate(signed_kw):
        _check_power(hour, abs(power_kw), rule="SES-3")
    return pack_raw(selection_cell(power_kw) for power_kw in signed_kw)


def unpack_selection(cells: HourCells, hours: int) -> tuple[int, ...]:
    """The selection of the first `hours` hours in kW, up positive and down negative."""
    return tuple(signed_kw(cells.raw(hour)) for hour in range(hours))


def selection_cell(power_kw: int) -> int:
    """The cell of a signed power in kW."""
    return -power_kw | _DOWN if power_kw < 0 else power_kw


def signed_kw(cell: int) -> int:
    """Signed power in kW of a selection's cell."""
    return -(cell & MAX_KW) if cell & _DOWN else cell


def has_direction_without_power(cell: int) -> bool:
    """Whether a selection's cell says down but nothing is selected."""
    return cell == _DOWN


class Colour(IntEnum):
    """Colour of a dynamic traffic light (DTL-2; Natale §4.3 calls yellow orange)."""

    RED = 0
    YELLOW = 1
    GREEN = 2


@dataclass(frozen=True, slots=True)
class CellLight:
    """Light of one perimeter, hour and direction (DTL-2).

    Attributes:
        colour: green, yellow or red.
        capability_kw: total that global selections may reach; None where green sets no limit, 0 where red.
        reactive: yellow only with reactive support, at its extra cost.
    """

    colour: Colour
    capability_kw: int | None
    reactive: bool = False

    def __post_init__(self) -> None:
        """Refuse a light whose parts contradict each other.

        Raises:
            InputInvalid: DTL-2, a limit on green, power on red, none or too much on yellow, reactive support
            off yellow.
        """
        limit = self.capability_kw
        fits = {
            Colour.RED: limit == 0,
            Colour.YELLOW: limit is not None and 0 < limit < GREEN,
            Colour.GREEN: limit is None,
        }
        if not fits[self.colour]:
            raise InputInvalid(
                rule="DTL-2",
                field=f"capability of a {self.colour.name.lower()} light",
                found=limit,
                allowed=f"0 if red, 1 to {GREEN - 1} kW if yellow, none if green",
            )
        if self.reactive and self.colour is not Colour.YELLOW:
            raise InputInvalid(
                rule="DTL-2",
                field="reactive",
                found=self.colour.name.lower(),
                allowed="reactive support on yellow only",
            )

    @property
    def limit_kw(self) -> int:
        """The capability as the ledger compares it: green counts as 131,071 kW."""
        return GREEN if self.capability_kw is None else self.capability_kw


RED_LIGHT = CellLight(Colour.RED, 0)
GREEN_LIGHT = CellLight(Colour.GREEN, None)


def light_of_limit(limit_kw: int, reactive: bool = False) -> CellLight:
    """The light of a capability in kW: red at 0, green from 131,071 on, yellow between (DTL-2).

    Raises:
        InputInvalid: DTL-2, negative, or reactive support off yellow.
    """
    if limit_kw >= GREEN:
        return CellLight(Colour.GREEN, None, reactive)
    return CellLight(Colour.YELLOW if limit_kw else Colour.RED, limit_kw, reactive)


def pack_lights(lights: Sequence[CellLight]) -> HourCells:
    """Lights of the hours from hour 0, with the reactive flags of yellow cells (DTL-2).

    Raises:
        InputInvalid: TIM-1 for more than 25 hours.
    """
    flags = (hour for hour, light in enumerate(lights) if light.reactive)
    return pack_raw((light.limit_kw for light in lights), flags)


def unpack_lights(cells: HourCells, hours: int) -> tuple[CellLight, ...]:
    """Lights of the first `hours` hours.

    Raises:
        InputInvalid: DTL-2, a flag stands on a cell that is not yellow.
    """
    return tuple(light_of_limit(cells.raw(hour) & MAX_KW, cells.flag(hour)) for hour in range(hours))


def energy_wh(power_kw: int) -> int:
    """Energy of a power over one quarter-hour, in Wh, same sign."""
    return power_kw * WH_PER_KW_QUARTER


def _place(cells: HourCells, hour: int) -> tuple[int, int]:
    return (cells.lo, hour) if hour < CELLS_PER_WORD else (cells.hi, hour - CELLS_PER_WORD)


def _check_hour(hour: int) -> None:
    if not 0 <= hour < MAX_HOURS:
        raise InputInvalid(rule="TIM-1", field="hour", found=hour, allowed=f"0 to {MAX_HOURS - 1}")


def _check_power(hour: int, power_kw: int, rule: str = "DTL-2") -> None:
    if not 0 <= power_kw <= MAX_KW:
        raise InputInvalid(
            rule=rule, field=f"power of hour {hour}", found=power_kw, allowed=f"at most {MAX_KW} kW"
        )
