"""Reactive setpoints of one hour by linear programming: those that make room for the most power, and the
cheapest that keep it (GRD-1).

Setpoints are one per provider and quarter-hour and stand whatever the placement of the activation is. On the
linear rows of the hour (``linearise.py``, the providers as further injections) the worst placement of C kW
uses a row by a concave function of C; its tangent is never below it and exact where it touches. So the
program errs on the safe side, and repeated around its own answer it meets the best C.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.reactive_program import linear_support
from registry.grid.robust import HourProblem

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_SHARE: Final = 1e3
"""Worth of a cell's whole range, in kvar: the power comes first, the setpoints only break ties."""
_PER_KVAR: Final = 1e-3
_PER_SLACK: Final = 1e6
_BEARS: Final = 0.1
_BACKOFF: Final = 1e-4
"""p.u. kept under every row: what cells have without support cannot be shrunk where a row errs."""
_BACKOFF_LAST: Final = 2e-5


@dataclass(frozen=True, eq=False)
class PlanTask:
    """One hour as a linear program.

    Attributes:
        problem: cells and rows.
        margin: what each row leaves at the setpoints ``start``, with nobody moving.
        effect: use of each row per kvar, ``[row, provider]``.
        weight: of each row against voltages in p.u.
        start: setpoints in kvar around which the rows hold, ``[4, provider]``.
        low, high: least and most of each setpoint.
        floor_kw: what each cell has without support.
        rising: cells that support is asked for.
        soft: rows that the expected state breaks: support takes back what it can.
        dropped: rows that nobody is held to.
        kept: rows that the floors are known to keep without any support, whatever the linear row says.
    """

    problem: HourProblem
    margin: Floats
    effect: Floats
    weight: Floats
    start: Floats
    low: Floats
    high: Floats
    floor_kw: Floats
    rising: Bools
    soft: Bools
    dropped: Bools
    kept: Bools

    @property
    def column(self) -> Ints:
        """Quarter-hour of each row within the hour."""
        return self.problem.rows.quarter % QUARTERS_PER_HOUR


def most_power(task: PlanTask, around_kw: Floats) -> tuple[Floats, Floats, Floats]:
    """Setpoints ``[4, provider]`` that let the rising cells reach most: first the least of their shares of
    range, then the sum of shares; the power per cell; and what each row is still exceeded by.

    Tangents are taken at ``around_kw``.
    """
    cells = np.flatnonzero(task.rising)
    rows = np.flatnonzero(~task.dropped)
    use, slope = task.problem.effects(around_kw)[rows], task.problem.slopes(around_kw)[rows]
    soft = task.soft[rows]
    steepest = task.problem.slopes(np.zeros(len(task.problem.cells)))[rows]
    strong = steepest >= _BEARS * steepest.max(axis=1, initial=0.0, keepdims=True)
    counted = np.where(soft[:, None] & ~strong, 0.0, 1.0)
    use, slope = use * counted, slope * counted
    span = task.problem.full_kw - task.floor_kw
    providers, slacks = task.effect.shape[1], int(soft.sum())
    setpoints = QUARTERS_PER_HOUR * providers
    scale = 1000.0 * task.weight[rows]
    matrix = np.zeros((len(rows), 2 * setpoints + len(cells) + 1 + slacks))
    for column in range(QUARTERS_PER_HOUR):
        mine = np.flatnonzero(task.column[rows] == column)
        first = column * providers
        matrix[mine, first : first + providers] = task.effect[rows[mine]]
        matrix[mine, setpoints + first : setpoints + first + providers] = -task.effect[rows[mine]]
    shares = 2 * setpoints + np.arange(len(cells))
    matrix[:, shares] = slope[:, cells] * span[cells]
    least = 2 * setpoints + len(cells)
    matrix[np.flatnonzero(soft), least + 1 + np.arange(slacks)] = -1.0 / scale[soft]
    at_start = (task.effect[rows] * task.start[task.column[rows]]).sum(axis=1)
    fixed = use.sum(axis=1) - slope[:, cells] @ (around_kw - task.floor_kw)[cells]
    right = task.margin[rows] - _BACKOFF / task.weight[rows] + at_start - fixed
    right = np.where(task.kept[rows], np.maximum(right, 0.0), right)
    fair = np.zeros((len(cells), matrix.shape[1]))
    fair[np.arange(len(cells)), shares] = -1.0
    fair[:, least] = 1.0
    price = np.concatenate(
        [
            np.full(2 * setpoints, _PER_KVAR),
            np.full(len(cells), -_SHARE),
            [-_SHARE * len(cells)],
            np.full(slacks, _PER_SLACK),
        ]
    )
    bounds = np.concatenate(
        [
            np.stack([np.maximum(task.low, 0.0).ravel(), np.maximum(task.high, 0.0).ravel()], axis=1),
            np.stack([np.maximum(-task.high, 0.0).ravel(), np.maximum(-task.low, 0.0).ravel()], axis=1),
            np.tile([0.0, 1.0], (len(cells) + 1, 1)),
            np.tile([0.0, np.inf], (slacks, 1)),
        ]
    )
    found = linprog(
        price,
        A_ub=np.vstack([matrix * scale[:, None], fair]),
        b_ub=np.concatenate([right * scale, np.zeros(len(cells))]),
        bounds=bounds,
        method="highs",
    )
    over = np.zeros(len(task.margin))
    power = task.floor_kw.copy()
    if found.x is None:
        return task.start, power, over
    power[cells] += found.x[shares] * span[cells]
    over[rows[soft]] = found.x[least + 1 :] / 1000.0
    net = found.x[:setpoints] - found.x[setpoints : 2 * setpoints]
    return net.reshape(QUARTERS_PER_HOUR, providers), power, over


def least_support(task: PlanTask, power_kw: Floats) -> Floats:
    """The cheapest setpoints, ``[4, provider]``, that keep the rows when the cells have ``power_kw``, which
    ``start`` is known to allow.
    """
    use = task.problem.effects(power_kw).sum(axis=1)
    found = task.start.copy()
    for column in range(QUARTERS_PER_HOUR):
        mine = (task.column == column) & ~task.dropped
        room = task.weight[mine] * (task.margin - use)[mine] - _BACKOFF_LAST
        found[column], _ = linear_support(
            task.weight[mine, None] * task.effect[mine],
            np.maximum(room, 0.0),
            task.start[column],
            (task.low[column], task.high[column]),
        )
    return found
