"""Colours of lights. The three are told apart by colour-blind eyes (Okabe and Ito's set); letters, markers
and hatching say the same again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from registry.domain.quantities import CellLight, Colour

INK: Final = "#222222"
GREY: Final = "#9a9a9a"
PALE: Final = "#e8e8e8"
BLUE: Final = "#0072b2"


@dataclass(frozen=True, slots=True)
class Look:
    """How one kind of light is drawn: fill, letter, hatch of an area, marker of a point, name in a legend."""

    fill: str
    letter: str
    hatch: str
    marker: str
    name: str


GREEN: Final = Look("#3aa981", "G", "", "o", "green: no limit of the grid")
YELLOW: Final = Look("#f2d544", "Y", "", "s", "yellow: up to the capability")
REACTIVE: Final = Look("#f0a030", "Q", "..", "D", "yellow: with reactive support")
RED: Final = Look("#d55e00", "R", "////", "X", "red: nothing")
NO_LIGHT: Final = Look(GREY, "", "", ".", "no POD")


def look_of(light: CellLight | None) -> Look:
    """The look of a light; of None, where there is none."""
    if light is None:
        return NO_LIGHT
    if light.reactive:
        return REACTIVE
    return {Colour.GREEN: GREEN, Colour.YELLOW: YELLOW, Colour.RED: RED}[light.colour]
