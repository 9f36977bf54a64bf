"""The capabilities of a day, as the steps of ``capability.py`` leave them (GRD-1, DTL-2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.reactive_support import HourSupport

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_WHOLE: Final = 1e-6
"""kW by which a capability may miss the whole range and still be all of it."""


@dataclass(frozen=True, eq=False)
class DayCapability:
    """Per cell (perimeter 0 up, perimeter 0 down, perimeter 1 up, ...) and hour of a day.

    Attributes:
        power_kw: largest safe power.
        without_kw: the same as long as no reactive support is at work.
        full_kw: the most that the cell's PODs can move together in any quarter-hour of the hour.
        strained: whether the expected state violates a limit that the cell's perimeter bears on: never green.
        reason: what limits the cell; empty where nothing does.
        support: hours in which reactive support gives some cells more, which ``power_kw`` contains.
    """

    power_kw: Floats
    without_kw: Floats
    full_kw: Floats
    strained: Bools
    reason: tuple[tuple[str, ...], ...]
    support: Mapping[int, HourSupport]

    @property
    def green(self) -> Bools:
        """``[cell, hour]``: the whole range is safe without support, and no violation is near."""
        gains = np.zeros(self.power_kw.shape, dtype=np.bool_)
        for hour, support in self.support.items():
            gains[:, hour] = support.gains
        return np.asarray((self.power_kw >= self.full_kw - _WHOLE) & ~self.strained & ~gains)

    def published_kw(self, *, support: bool) -> Floats:
        """What the lights let each cell have, with or without support, ``[cell, hour]``: whole kW, of a green
        one all its PODs can move, rounded up.
        """
        day = self if support else replace(self, power_kw=self.without_kw, support={})
        return np.where(day.green, np.ceil(day.full_kw - _WHOLE), whole_kw(day.power_kw))


def whole_kw(power_kw: Floats) -> Floats:
    """Rounded down to whole kW, but for the last bit."""
    return np.floor(power_kw + 1e-9)
