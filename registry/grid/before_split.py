"""A day's capabilities after a split, never lower in their sum than before it (DTL-5).

Why it needs the day before: perimeters that share a limit are raised together in proportion to their ranges.
A part that a limit of its own no longer holds back takes more of the shared limit than the whole did, and
where each of its kW uses more of that limit than a kW of its neighbours, they lose more than it gains. No
allocation that is fair in this sense can look at the new perimeters alone and never lower the sum.

Why the day before can always be kept: C kW of a perimeter are safe wherever its PODs move. Shares of C for
its parts, which add up to C, allow no placement that C did not allow. So they are safe together with what all
others have, by the very power flows that proved C, and are where the new allocation starts:

1. An hour that has less than before in either direction is allocated again. Others start at what they had,
   parts at their shares, in proportion to what their PODs can move (``floors``); all are raised from there as
   far as the rows let them.
2. Hours with reactive support rest on setpoints, which another partition finds anew. An hour in which the new
   ones give less in either direction keeps the old ones, with the shares of what they allow (``kept``).

The sum is that of the published capabilities per hour and direction, in whole kW, a green cell at what its
PODs can move.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import Direction
from registry.grid.day_capability import DayCapability, whole_kw
from registry.grid.faults import Fault, raise_if_any
from registry.grid.perimeters import Partition
from registry.grid.reactive_support import HourSupport

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def wholes(parts: Partition, before: Partition) -> Ints:
    """Per perimeter of ``parts`` the position of the perimeter of ``before`` that contains it.

    Raises :class:`~registry.grid.faults.GridInvalid` (DTL-5) naming every perimeter with PODs of several.
    """
    owners = [sorted({before.perimeter_of[pod] for pod in members}) for members in parts.members]
    faults = [
        Fault(
            "not_a_split",
            f"perimeter {name}",
            "PODs of " + ", ".join(before.names[owner] for owner in found),
            "PODs of one perimeter before the split",
        )
        for name, found in zip(parts.names, owners, strict=True)
        if len(found) > 1
    ]
    raise_if_any("perimeters", faults, rule="DTL-5")
    return np.array([found[0] if found else 0 for found in owners], dtype=np.int64)


@dataclass(frozen=True, eq=False)
class BeforeSplit:
    """The day before a split.

    Attributes:
        day: its capabilities.
        whole: per perimeter now, the position of the one that it is or is a part of; any without PODs.
    """

    day: DayCapability
    whole: Ints

    def lowered(self, day: DayCapability, hour: int, *, support: bool) -> bool:
        """Whether an hour of ``day`` has less than before in a direction."""
        found, wanted = (each.published_kw(support=support)[:, hour] for each in (day, self.day))
        return any(found[way::2].sum() < wanted[way::2].sum() for way in Direction)

    def floors(self, hour: int, full_kw: Floats) -> Floats:
        """What each cell has in any case in an hour without reactive support, given all its PODs can move."""
        safe = self._shares(self.day.without_kw[:, hour], full_kw)
        whole_range = self.day.without_kw[:, hour] >= self.day.full_kw[:, hour]
        return np.where(self._of_parts(whole_range), np.maximum(full_kw, safe), safe)

    def kept(self, day: DayCapability) -> DayCapability:
        """``day``, with the setpoints of the day before in hours in which its own give less."""
        power, without = day.power_kw.copy(), day.without_kw.copy()
        reasons, support = [list(row) for row in day.reason], dict(day.support)
        for hour, old in self.day.support.items():
            if not self.lowered(day, hour, support=True):
                continue
            first = self.floors(hour, day.full_kw[:, hour])
            gained = (self.day.power_kw - self.day.without_kw)[:, hour]
            power[:, hour] = first + self._shares(gained, day.full_kw[:, hour])
            without[:, hour] = first
            texts = self._of_parts(np.array([row[hour] for row in self.day.reason], dtype=object))
            for cell, text in enumerate(texts):
                reasons[cell][hour] = str(text)
            gains = whole_kw(power[:, hour]) > whole_kw(first)
            support[hour] = HourSupport(power[:, hour], gains, old.support_var, tuple(texts))
        return replace(
            day,
            power_kw=power,
            without_kw=without,
            reason=tuple(tuple(row) for row in reasons),
            support=support,
        )

    def _shares(self, before_kw: Floats, full_kw: Floats) -> Floats:
        """Powers of the cells before the split, divided among their parts: whole kW, in proportion to the
        ranges; what is left of the last kW goes to the first part.
        """
        shares = np.zeros(len(full_kw))
        for cell, power in enumerate(before_kw):
            mine = 2 * np.flatnonzero(self.whole == cell // 2) + cell % 2
            total = full_kw[mine].sum()
            if total <= 0.0:
                continue
            whole = whole_kw(power)
            ends = np.floor(whole * np.cumsum(full_kw[mine]) / total)
            ends[-1] = whole
            shares[mine] = np.diff(ends, prepend=0.0)
            shares[mine[0]] += power - whole
        return shares

    def _of_parts(self, before: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What stands for each cell before the split, for each cell after it."""
        return np.asarray(before.reshape(-1, 2)[self.whole].reshape(-1))
