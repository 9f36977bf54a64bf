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
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import Direction

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_MEMBER: Final = 0.1
_STEPS: Final = 100
_FINEST: Final = 2.0**-26
"""Part of a range: what is nothing."""
_EPSILON: Final = 1e-12
_SLIVER: Final = 1e-9
"""kW that rounding may leave between two PODs that move one after the other."""


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


class _Filling(NamedTuple):
    """PODs in the order in which they move, per row: effect, range, and the range of all before it."""

    effect: Floats
    range: Floats
    before: Floats

    def only(self, rows: Ints | int) -> _Filling:
        return _Filling(self.effect[rows], self.range[rows], self.before[rows])


class HourProblem:
    """The cells and rows of one hour.

    Args:
        cells: perimeters and directions.
        rows: the rows.
        ranges_kw: for each cell, what each of its PODs can move in each row's quarter-hour, ``[row, POD of
            the cell]``.
        full_kw: per cell, the most its PODs can move together in any quarter-hour.

    Attributes:
        leads: which cells have a large effect on a row, ``[row, cell]``: per kW at least a tenth of the
            largest. The others' effects are *traces*, which far moves need not bear out.
        shares: what is left of the effect of each cell, ``[row, cell]``; see :meth:`weaken`.
    """

    def __init__(
        self, cells: Sequence[Cell], rows: Rows, ranges_kw: Sequence[Floats], full_kw: Floats
    ) -> None:
        self.cells, self.rows, self.full_kw = cells, rows, full_kw
        sizes = np.array([len(cell.pods) for cell in cells])
        self._cell_of = np.repeat(np.arange(len(cells)), sizes)
        self._filled = np.flatnonzero(sizes)
        self._starts = (np.cumsum(sizes) - sizes)[self._filled]
        self._columns = [slice(end - size, end) for end, size in zip(np.cumsum(sizes), sizes, strict=True)]
        pods = np.array([pod for cell in cells for pod in cell.pods], dtype=np.int64)
        self._sign = np.array([cell.sign for cell in cells])[self._cell_of]
        effect = np.maximum(self._sign * rows.effect[:, pods], 0.0)
        order = np.zeros(effect.shape, dtype=np.int64)
        for own in self._columns:
            order[:, own] = own.start + np.argsort(-effect[:, own], axis=1, kind="stable")
        effect = np.take_along_axis(effect, order, axis=1)
        moved = np.take_along_axis(np.concatenate(ranges_kw, axis=1), order, axis=1)
        before = np.zeros_like(moved)
        for own in self._columns:
            before[:, own] = np.cumsum(moved[:, own], axis=1) - moved[:, own]
        self._pod = pods[order]
        self._all = _Filling(effect, moved, before)
        self.shares: Floats = np.ones((len(rows.margin), len(cells)))
        strength = np.stack([effect[:, own].max(axis=1, initial=0.0) for own in self._columns], axis=1)
        most = strength.max(axis=1, initial=0.0, keepdims=True)
        self._way = np.array([cell.direction for cell in cells])
        member = np.zeros((len(cells), rows.effect.shape[1]), dtype=np.bool_)
        member[self._cell_of, pods] = True
        self._sharing: Bools = member @ member.T
        self.leads: Bools = (strength > 0.0) & (strength >= _MEMBER * most)

    def weaken(self, row: int, share: Floats) -> None:
        """From now on a kW of each cell uses ``share`` (above 0) of what the row says it uses."""
        factor = share / self.shares[row]
        self.shares[row] = share
        self._all.effect[row] *= factor[self._cell_of]

    def effects(self, power_kw: Floats, rows: Ints | None = None) -> Floats:
        """Worst use of each row by each cell at the given powers, ``[row, cell]``; of the given rows only."""
        return self._use(self._all if rows is None else self._all.only(rows), power_kw)

    def _use(self, filling: _Filling, power_kw: Floats) -> Floats:
        use = np.zeros((len(filling.effect), len(self.cells)))
        if len(self._filled):
            moved = np.minimum(np.maximum(power_kw[self._cell_of] - filling.before, 0.0), filling.range)
            use[:, self._filled] = np.add.reduceat(moved * filling.effect, self._starts, axis=1)
        return use

    def _growth(self, filling: _Filling, power_kw: Floats) -> Floats:
        """Use of each row by the next kW of each cell at the given powers, ``[row, cell]``."""
        growth = np.zeros((len(filling.effect), len(self.cells)))
        if len(self._filled):
            beyond = power_kw[self._cell_of] - filling.before
            moving = (beyond >= -_SLIVER) & (beyond < filling.range)
            growth[:, self._filled] = np.add.reduceat(
                np.where(moving, filling.effect, 0.0), self._starts, axis=1
            )
        return growth

    def worst_placements(self, rows: Ints, power_kw: Floats) -> Floats:
        """Placements that may be the worst for each of some rows: ``[row, 4, POD]``, kW injected more
        (negative: less).

        By the linear row the first is the worst, all cells together, PODs of largest effect first. But what a
        perimeter of small effect really does may have the other sign than its row says; so also those that
        lead alone, and with all others up, and with all others down.
        """
        filling = self._all.only(rows)
        fill = np.clip(power_kw[self._cell_of] - filling.before, 0.0, filling.range)
        using = self._use(filling, power_kw) > 0.0
        leading = using & self.leads[rows]
        free = ~(leading @ self._sharing)
        helping = np.where(filling.effect > 0.0, fill, 0.0)
        alone = np.where(leading[:, self._cell_of], helping, 0.0)
        parts = [np.where(using[:, self._cell_of], helping, 0.0), alone]
        for way in Direction:
            others = free & (self._way == way)
            parts.append(alone + np.where(others[:, self._cell_of], fill, 0.0))
        moves = np.zeros((len(rows), len(parts), self.rows.effect.shape[1]))
        at = np.arange(len(rows))[:, None], self._pod[rows]
        for number, part in enumerate(parts):
            np.add.at(moves[:, number], at, self._sign * part)
        return moves

    def largest_alone(self, cell: int, rows: Ints, margin: Floats) -> float:
        """Largest power of one cell that keeps the given rows while no other cell moves."""
        effect, moved, before = (each[:, self._columns[cell]] for each in self._all.only(rows))
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

    def slopes(self, power_kw: Floats) -> Floats:
        """Use of each row by the last kW of each cell at the given powers, ``[row, cell]``: the effect of
        the POD that moves last; of the one that moves first at no power, none beyond the cell's range.
        """
        part, use = self._all, np.zeros((len(self.rows.margin), len(self.cells)))
        if len(self._filled):
            power = power_kw[self._cell_of]
            first = (part.before == 0.0) & (power == 0.0)
            last = (part.before < power) & (power <= part.before + part.range)
            use[:, self._filled] = np.add.reduceat(
                np.where(first | last, part.effect, 0.0), self._starts, axis=1
            )
        return use

    def allocate(
        self,
        margin: Floats,
        barred: Bools,
        exempt: Bools,
        *,
        floor_kw: Floats | None = None,
        target_kw: Floats | None = None,
    ) -> Allocation:
        """Share the margins among the cells.

        Args:
            margin: margin per row, as corrected so far.
            barred: cells that stay at their floor.
            exempt: rows that bind nobody any more (already violated; the cells that worsen them are barred).
            floor_kw: what each cell has in any case, 0 if not given.
            target_kw: what each cell is raised to at most, its whole range if not given.
        """
        floor = np.zeros(len(self.cells)) if floor_kw is None else floor_kw
        caps = np.where(barred, floor, np.maximum(self.full_kw if target_kw is None else target_kw, floor))
        full = self.effects(caps)
        rows = np.flatnonzero((full.sum(axis=1) > margin + _EPSILON) & ~exempt)
        stopped = np.full(len(caps), -1, dtype=np.int64)
        if not len(rows):
            return Allocation(caps, stopped)
        full, left = full[rows], np.maximum(margin[rows], 0.0)
        everyone = full > 0.0
        choices = [self._fill(rows, everyone, left, floor, caps)]
        members = full >= _MEMBER * full.max(axis=1, keepdims=True)
        if (members != everyone).any():
            taken = self.effects(floor, rows)
            room = np.maximum(left[:, None] - (taken.sum(axis=1, keepdims=True) - taken), 0.0)
            alone = np.array(
                [
                    np.clip(self.largest_alone(c, rows, room[:, c]), floor[c], caps[c]) if caps[c] else 0.0
                    for c in range(len(caps))
                ]
            )
            use = np.where(everyone & ~members, self.effects(alone, rows), 0.0).sum(axis=1)
            members = np.where((use > left)[:, None], everyone, members)
            reserved = np.where(use > left, left, left - use)
            choices.append(self._fill(rows, members, reserved, floor, alone))
        best = max(choices, key=lambda choice: float(choice.power_kw.sum()))
        return self._fill(rows, everyone, left, best.power_kw, caps)

    def _fill(self, rows: Ints, members: Bools, left: Floats, start: Floats, caps: Floats) -> Allocation:
        """Raise all cells from ``start`` towards ``caps`` alike; stop those that meet a used-up row.

        The use of a row is a concave function of the share that all have reached: what its tangent still lets
        through is never too much, and exact on the last piece.
        """

        def powers(share: float) -> Floats:
            return np.where(stopped, reached, start + share * (caps - start))

        def use(power_kw: Floats) -> Floats:
            return self._use(filling, power_kw) * members

        filling = self._all.only(rows)
        stopped = caps <= start
        reached = start.copy()
        by = np.full(len(caps), -1, dtype=np.int64)
        share = 0.0
        while not stopped.all() and not (use(powers(1.0)).sum(axis=1) <= left + 2.0 * _EPSILON).all():
            for _ in range(_STEPS):
                power = powers(share)
                growth = self._growth(filling, power) * members * np.where(stopped, 0.0, caps - start)
                used, grown = use(power), growth.sum(axis=1)
                room = left + _EPSILON - used.sum(axis=1)
                rest = np.where(room < -_EPSILON, 0.0, np.inf)  # a row that is over lets nobody go on
                step = np.divide(room, grown, out=rest, where=grown > 0.0)
                if not _FINEST < step.min() < np.inf:
                    break
                share += step.min()
            growing = (growth > 0.0) & (step <= _FINEST)[:, None]
            halted = growing.any(axis=0) & ~stopped
            if not halted.any():
                halted = ~stopped
            reached = powers(share)
            by = np.where(halted, rows[np.where(growing, used, -1.0).argmax(axis=0)], by)
            stopped = stopped | halted
        return Allocation(powers(1.0), by)
