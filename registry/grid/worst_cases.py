"""The worst placements of linear rows, solved by AC power flow (GRD-1).

By its row a limit is met first when all cells that use it move. By AC the cells of small effect may do
otherwise: the voltage of a busbar rises with the power that its feeders feed back, and falls again as the
flow through the transformer grows and takes reactive power with its square. Such a limit is highest while the
others are neither idle nor at either end. So where the values with the others idle, all up and all down lie
on a parabola that is higher in between, the placement at its top is solved too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.placements import reached
from registry.grid.powerflow import PowerFlow
from registry.grid.robust import HourProblem
from registry.grid.state import ExpectedState
from registry.grid.violations import TOLERANCE, Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_TINY: Final = 1e-9


@dataclass(frozen=True, slots=True)
class Task:
    """A row of an hour's problem, with the powers at which its worst placements are wanted."""

    problem: HourProblem
    row: int
    power_kw: Floats


@dataclass(frozen=True, eq=False)
class WorstCases:
    """Placements of several tasks.

    Attributes:
        task: position of the task that each belongs to.
        quarter: quarter-hour of each.
        moves_kw: what each POD injects more, ``[placement, POD]``.
        values: what each limit reaches, ``[placement, K]``; NaN where the power flow does not converge.
    """

    task: Ints
    quarter: Ints
    moves_kw: Floats
    values: Floats


def worst_cases(tasks: Sequence[Task], state: ExpectedState, flow: PowerFlow, limits: Limits) -> WorstCases:
    """Four placements per task (:meth:`~registry.grid.robust.HourProblem.worst_placements`), and the one in
    between where there is one that reaches more; in two batches.
    """
    pods = len(state.pods)
    placed = np.zeros((len(tasks), 4, pods))
    start = 0
    for _, group in groupby(tasks, key=lambda task: (id(task.problem), id(task.power_kw))):
        some = list(group)
        rows = np.array([task.row for task in some])
        placed[start : start + len(some)] = some[0].problem.worst_placements(rows, some[0].power_kw)
        start += len(some)
    quarter = np.array([each.problem.rows.quarter[each.row] for each in tasks], dtype=np.int64)
    limit = np.array([each.problem.rows.limit[each.row] for each in tasks], dtype=np.int64)
    first = np.repeat(np.arange(len(tasks)), 4)
    values = reached(quarter[first], placed.reshape(-1, pods), state, flow, limits)
    own = values[np.arange(len(first)), limit[first]].reshape(-1, 4)
    second, peaks = between(placed, own)
    more = reached(quarter[second], peaks, state, flow, limits)
    owner = np.concatenate([first, second])
    return WorstCases(
        owner,
        quarter[owner],
        np.concatenate([placed.reshape(-1, pods), peaks]),
        np.concatenate([values, more]),
    )


def between(placed: Floats, met: Floats) -> tuple[Ints, Floats]:
    """Placements between the second, third and fourth of each task, ``[task, 4, POD]``, where the value
    ``[task, 4]`` of the limit bends so that it is highest there: positions of the tasks, and the moves.
    """
    alone = placed[:, 1]
    up, down = placed[:, 2] - alone, placed[:, 3] - alone
    right, left = up.sum(axis=1), -down.sum(axis=1)
    rise = (met[:, 2] - met[:, 1]) / np.maximum(right, _TINY)
    fall = (met[:, 3] - met[:, 1]) / np.maximum(left, _TINY)
    bend = (rise + fall) / np.maximum(right + left, _TINY)
    slope = rise - bend * right
    with np.errstate(divide="ignore", invalid="ignore"):
        top = -slope / (2.0 * bend)
        gain = met[:, 1] - slope**2 / (4.0 * bend) - met[:, 1:].max(axis=1)
        inside = (right > _TINY) & (left > _TINY) & (bend < 0.0) & (top < right) & (top > -left)
        chosen = np.flatnonzero(inside & (gain > TOLERANCE))
    share_up = np.maximum(top[chosen], 0.0) / right[chosen]
    share_down = np.maximum(-top[chosen], 0.0) / left[chosen]
    moves = alone[chosen] + share_up[:, None] * up[chosen] + share_down[:, None] * down[chosen]
    return chosen, moves
