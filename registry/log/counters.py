"""Per-device counters: which numbers a key has used, and which are missing (MEA-1, MEA-2). Pure.

A key's counter starts at 1 and rises by one. What has been used is kept as the highest number seen and the
ranges below it that have not arrived, so the state of a well-behaved device is one number, whatever its age.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """Counters ``first`` .. ``last`` (both included) that have not arrived although a higher one has."""

    first: int
    last: int

    def __len__(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Step:
    """What using a counter changes: the new highest number, the gap it lies in (it closes) and the gaps that
    open.
    """

    highest: int
    closed: Gap | None
    opened: tuple[Gap, ...]


def use(counter: int, highest: int, gaps: Sequence[Gap]) -> Step | None:
    """Use ``counter`` of a key that has used everything in 1 .. ``highest`` but ``gaps``; ``None`` if it was
    used before (MEA-2).
    """
    if counter > highest:
        opened = (Gap(highest + 1, counter - 1),) if counter > highest + 1 else ()
        return Step(counter, None, opened)
    for gap in gaps:
        if gap.first <= counter <= gap.last:
            rest = (Gap(gap.first, counter - 1), Gap(counter + 1, gap.last))
            return Step(highest, gap, tuple(each for each in rest if len(each)))
    return None
