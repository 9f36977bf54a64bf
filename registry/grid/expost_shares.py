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

import numpy as np
import numpy.typing as npt

from registry.grid.powerflow import PowerFlow
from registry.grid.state import ExpectedState
from registry.grid.violations import Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DayValues:
    """Values of all limits with and without all activations, ``[quarter-hour, K]``; NaN: not converged."""

    having: Floats
    lacking: Floats


@dataclass(frozen=True, eq=False)
class PerimeterChanges:
    """What perimeters did in some quarter-hours of a day.

    Attributes:
        quarters: these quarter-hours, ascending.
        change: what each perimeter changed each value by, ``[quarter-hour, perimeter, K]``, 0 where it did
            not move, NaN where a power flow did not converge.
        out: each value without the perimeter's activations, likewise; NaN where not converged.
    """

    quarters: Ints
    change: Floats
    out: Floats

    def at(self, quarters: list[int], limit: int) -> tuple[Floats, Floats]:
        """Change and value without each perimeter, ``[quarter-hour, perimeter]``, of one limit."""
        rows = np.searchsorted(self.quarters, quarters)
        return self.change[rows, :, limit], self.out[rows, :, limit]


def perimeter_changes(
    metered: ExpectedState,
    activation_kw: Floats,
    quarters: Ints,
    values: DayValues,
    flow: PowerFlow,
    limits: Limits,
) -> PerimeterChanges:
    """The changes of some quarter-hours in which power flow converged with and without all activations.

    Args:
        metered: the day with all activations.
        activation_kw: what each POD injected more for them, ``[POD, quarter-hour]``.
        quarters: ascending.
        values: of the whole day.
        flow: of the grid of ``metered``; all power flows are one batch of it.
        limits: whose values are meant.
    """
    perimeter_of = np.array(metered.partition.perimeter_of, dtype=np.int64)
    moved = moving(metered, activation_kw != 0.0)[:, quarters].T
    with_all, without = values.having[quarters], values.lacking[quarters]
    out = np.repeat(with_all[:, None], moved.shape[1], axis=1)
    alone = np.repeat(without[:, None], moved.shape[1], axis=1)
    out[moved], alone[moved] = (each[np.nonzero(moved)[0]] for each in (without, with_all))
    row, perimeter = np.nonzero(moved & (moved.sum(axis=1) > 1)[:, None])
    if len(row):
        mine = perimeter_of == perimeter[:, None]
        taken = activation_kw.T[quarters[row]]
        moves = -np.concatenate([np.where(mine, taken, 0.0), np.where(mine, 0.0, taken)])
        solved = limits.values(flow.solve(*metered.scenarios(np.tile(quarters[row], 2), moves)))
        out[row, perimeter], alone[row, perimeter] = np.split(solved, 2)
    change = ((with_all[:, None] - out) + (alone - without[:, None])) / 2.0
    return PerimeterChanges(quarters, change, out)


def moving(state: ExpectedState, pods: Bools) -> Bools:
    """Per perimeter and quarter-hour whether any of its PODs is among ``pods``, ``[POD, quarter-hour]``."""
    return np.array([pods[list(members)].any(axis=0) for members in state.partition.members])
