"""Whose activations changed what: a day afterwards with the activations of one perimeter taken out, and with
those of that perimeter alone (CIRED 2019).

For each quarter-hour and each perimeter that moved in it, two AC power flows more:

    out    all activations but the perimeter's
    alone  the perimeter's only

    its change of a value = ((with - out) + (alone - without)) / 2

Each of the two differences alone would not sum to the whole where perimeters act on one limit: a loading
depends on what the others do. Their mean does up to second order, and with two perimeters exactly; it is
then the Shapley value. Where only one perimeter moved nothing is left to solve: its change is the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.powerflow import PowerFlow
from registry.grid.state import ExpectedState
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_CHUNK: Final = 2048
"""Quarter-hours and perimeters that are solved at once: bounds memory whatever their number."""


@dataclass(frozen=True, eq=False)
class DayValues:
    """Values of all limits with and without all activations, ``[quarter-hour, K]``; NaN: not converged."""

    having: Floats
    lacking: Floats


@dataclass(frozen=True, eq=False)
class PerimeterChanges:
    """What perimeters did in the quarter-hours of a day, and to the limits, in which any limit and which at
    any time is violated.

    Attributes:
        quarters, limits: these, ascending.
        change: what each perimeter changed each value by, ``[quarter-hour, perimeter, limit]``, 0 where it
            did not move, NaN where a power flow did not converge.
        out: each value without the perimeter's activations, likewise; NaN where not converged.
    """

    quarters: Ints
    limits: Ints
    change: Floats
    out: Floats

    def at(self, quarters: list[int], limit: int) -> tuple[Floats, Floats]:
        """Change and value without each perimeter, ``[quarter-hour, perimeter]``, of one limit."""
        rows, column = np.searchsorted(self.quarters, quarters), int(np.searchsorted(self.limits, limit))
        return self.change[rows, :, column], self.out[rows, :, column]


def perimeter_changes(
    metered: ExpectedState,
    activation_kw: Floats,
    violated: Bools,
    values: DayValues,
    flow: PowerFlow,
    limits: Limits,
) -> PerimeterChanges:
    """The changes where limits are violated and power flow converged with and without all activations.

    Args:
        metered: the day with all activations.
        activation_kw: what each POD injected more for them, ``[POD, quarter-hour]``.
        violated: ``[quarter-hour, K]``.
        values: of the whole day.
        flow: of the grid of ``metered``.
        limits: whose values are meant.
    """
    quarters, chosen = (np.flatnonzero(violated.any(axis=axis)) for axis in (1, 0))
    perimeter_of = np.array(metered.partition.perimeter_of, dtype=np.int64)
    moved = moving(metered, activation_kw != 0.0)[:, quarters].T
    with_all, without = (each[np.ix_(quarters, chosen)] for each in (values.having, values.lacking))
    out = np.repeat(with_all[:, None], moved.shape[1], axis=1)
    alone = np.repeat(without[:, None], moved.shape[1], axis=1)
    out[moved], alone[moved] = (each[np.nonzero(moved)[0]] for each in (without, with_all))
    pairs = np.argwhere(moved & (moved.sum(axis=1) > 1)[:, None])
    for start in range(0, len(pairs), _CHUNK):
        row, perimeter = pairs[start : start + _CHUNK].T
        mine = perimeter_of == perimeter[:, None]
        taken = activation_kw.T[quarters[row]]
        moves = -np.concatenate([np.where(mine, taken, 0.0), np.where(mine, 0.0, taken)])
        solved = limits.values(flow.solve(*metered.scenarios(np.tile(quarters[row], 2), moves)))
        out[row, perimeter], alone[row, perimeter] = np.split(solved[:, chosen], 2)
    change = ((with_all[:, None] - out) + (alone - without[:, None])) / 2.0
    return PerimeterChanges(quarters, chosen, change, out)


def moving(state: ExpectedState, pods: Bools) -> Bools:
    """Per perimeter and quarter-hour whether any of its PODs is among ``pods``, ``[POD, quarter-hour]``."""
    return np.array([pods[list(members)].any(axis=0) for members in state.partition.members])
