"""Largest power per perimeter and direction that is safe for any placement: one hour as linear rows (GRD-1).

A row says: *margin* is left under some limit in some quarter-hour, and 1 kW more injection at POD i uses
``effect[i]`` of it. Who selects kW in a cell (a perimeter and direction) does not say which PODs will move,
so the worst placement
counts: the PODs with the largest effect move first, each to the end of its range. That greedy filling
    solves the fractional knapsack exactly; its value grows with the selected power, in ever flatter pieces.

Cells share the rows. They are filled together in proportion to their ranges until a row is used up; the
cells that use that row stop there, the others go on. Cells with a small effect on a row (below a tenth of
the largest) do not
stop others by it: their whole use is set aside first. That second rule is fair between feeders that only
    feel each other through a transformer; plain proportion without it is computed too, and the one that
    leaves more power wins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import Direction

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_MEMBER: Final = 0.1
_BISECTIONS: Final = 26
_EPSILON: Final = 1e-12


@dataclass(frozen=True, eq=False)
class Rows:
    """Linear rows of one hour.

    Attributes:
        quarter: quarter-hour of the day of each row.
        limit: position of the limit in ``Limits.bounds``.
        effect: use of the margin per kW injected, ``[row, POD]``.
        margin: what the expected state leaves; negative where it already violates the limit.
    """

    quarter: Ints
    limit: Ints
    effect: Floats
    margin: Floats


@dataclass(frozen=True, slots=True)
class Cell:
    """A perimeter and direction, with the positions of the perimeter's PODs."""

    pods: tuple[int, ...]
    direction: Direction

    @property
    def sign(self) -> float:
        """+1 for up, -1 for down: times the moved power this is the change of injection."""
        return 1.0 if self.direction is Direction.UP else -1.0


@dataclass(frozen=True, eq=False)
class Allocation:
    """Power per cell in kW and the row that stopped each cell (-1: none, the cell's whole range is safe)."""

    power_kw: Floats
    stopped_by: Ints


class HourProblem:
    """The cells and rows of one hour.

    Args:
        cells: perimeters and directions.
        rows: the rows.
        ranges_kw: for each cell, what each of its PODs can move in each row's quarter-hour, ``[row, POD of
            the cell]``.
        full_kw: per cell, the most its PODs can move together in any quarter-hour.
    """

    def __init__(
        self, cells: Sequence[Cell], rows: Rows, ranges_kw: Sequence[Floats], full_kw: Floats
    ) -> None:
        self.cells, self.rows, self.full_kw = cells, rows, full_kw
        self._order: list[Ints] = []
        self._effect: list[Floats] = []
        self._range: list[Floats] = []
        self._before: list[Floats] = []
        for cell, ranges in zip(cells, ranges_kw, strict=True):
            effect = np.maximum(cell.sign * rows.effect[:, list(cell.pods)], 0.0)
            order = np.argsort(-effect, axis=1, kind="stable")
            moved = np.take_along_axis(ranges, order, axis=1)
            self._order.append(order)
            self._effect.append(np.take_along_axis(effect, order, axis=1))
            self._range.append(moved)
            self._before.append(np.cumsum(moved, axis=1) - moved)

    def effects(self, power_kw: Floats, rows: Ints | slice = slice(None)) -> Floats:
        """Worst use of each row by each cell at the given powers, ``[row, cell]``."""
        columns = [
            (np.clip(power - before[rows], 0.0, moved[rows]) * effect[rows]).sum(axis=1)
            for power, before, moved, effect in zip(
                power_kw, self._before, self._range, self._effect, strict=True
            )
        ]
        return np.stack(columns, axis=1)

    def placement(self, row: int, power_kw: Floats, pods: int) -> Floats:
        """The worst placement for one row: kW injected more per POD (negative: less)."""
        moves = np.zeros(pods)
        for number, cell in enumerate(self.cells):
            fill = np.clip(power_kw[number] - self._before[number][row], 0.0, self._range[number][row])
            fill = np.where(self._effect[number][row] > 0.0, fill, 0.0)
            moves[np.array(cell.pods, dtype=np.int64)[self._order[number][row]]] += cell.sign * fill
        return moves

    def largest_alone(self, cell: int, rows: Ints, margin: Floats) -> float:
        """Largest power of one cell that keeps the given rows while no other cell moves."""
        effect, moved, before = self._effect[cell][rows], self._range[cell][rows], self._before[cell][rows]
        used = np.cumsum(effect * moved, axis=1)
        over = used > margin[:, None] + _EPSILON
        binds = over.any(axis=1)
        if not binds.any():
            return float(self.full_kw[cell])
        at = over.argmax(axis=1)[binds]
        lines = np.flatnonzero(binds)
        left = margin[lines] - (used[lines, at] - effect[lines, at] * moved[lines, at])
        largest = before[lines, at] + np.maximum(left, 0.0) / effect[lines, at]
        return float(min(largest.min(), self.full_kw[cell]))

    def allocate(self, margin: Floats, barred: Bools, exempt: Bools) -> Allocation:
        """Share the margins among the cells.

        Args:
            margin: margin per row, as corrected so far.
            barred: cells that stay at zero.
            exempt: rows that bind nobody any more (already violated; the cells that worsen them are barred).
        """
        caps = np.where(barred, 0.0, self.full_kw)
        full = self.effects(caps)
        rows = np.flatnonzero((full.sum(axis=1) > margin + _EPSILON) & ~exempt)
        stopped = np.full(len(caps), -1, dtype=np.int64)
        if not len(rows):
            return Allocation(caps, stopped)
        full, left = full[rows], np.maximum(margin[rows], 0.0)
        everyone = full > 0.0
        choices = [self._fill(rows, everyone, left, caps)]
        members = full >= _MEMBER * full.max(axis=1, keepdims=True)
        if (members != everyone).any():
            alone = np.array(
                [self.largest_alone(c, rows, left) if caps[c] else 0.0 for c in range(len(caps))]
            )
            use = np.where(everyone & ~members, self.effects(alone, rows), 0.0).sum(axis=1)
            members = np.where((use > left)[:, None], everyone, members)
            reserved = np.where(use > left, left, left - use)
            choices.append(self._fill(rows, members, reserved, alone))
        best = max(choices, key=lambda choice: float(choice.power_kw.sum()))
        slack = (
            margin[rows, None] - self.effects(best.power_kw, rows).sum(axis=1, keepdims=True)
        ) / full.max()
        return Allocation(best.power_kw, self._stops(best, rows, everyone, slack[:, 0], caps))

    def _fill(self, rows: Ints, members: Bools, left: Floats, caps: Floats) -> Allocation:
        """Raise all cells in proportion to their full ranges; stop those that meet a used-up row."""

        def powers(share: float) -> Floats:
            return np.where(stopped, reached, np.minimum(caps, share * self.full_kw))

        def use(power_kw: Floats) -> Floats:
            return np.where(members, self.effects(power_kw, rows), 0.0)

        stopped = caps <= 0.0
        reached = np.zeros_like(caps)
        by = np.full(len(caps), -1, dtype=np.int64)
        low = 0.0
        while not (use(powers(1.0)).sum(axis=1) <= left + _EPSILON).all():
            high = 1.0
            for _ in range(_BISECTIONS):
                middle = (low + high) / 2.0
                fits = (use(powers(middle)).sum(axis=1) <= left + _EPSILON).all()
                low, high = (middle, high) if fits else (low, middle)
            before, after = use(powers(low)), use(powers(high))
            over = after.sum(axis=1) > left + _EPSILON
            growing = (after > before) & over[:, None]
            halted = growing.any(axis=0) & ~stopped
            if not halted.any():
                halted = ~stopped
            reached = powers(low)
            by = np.where(halted, rows[np.where(growing, after, -1.0).argmax(axis=0)], by)
            stopped = stopped | halted
            if stopped.all():
                break
        return Allocation(powers(1.0), by)

    def _stops(self, best: Allocation, rows: Ints, everyone: Bools, slack: Floats, caps: Floats) -> Ints:
        """Per cell below its whole range the row that stopped it, else the tightest row that it uses."""
        stops = best.stopped_by.copy()
        for cell in np.flatnonzero((best.power_kw < caps - 1e-9) & (stops < 0)):
            used = np.flatnonzero(everyone[:, cell])
            if len(used):
                stops[cell] = rows[used[slack[used].argmin()]]
        return stops
