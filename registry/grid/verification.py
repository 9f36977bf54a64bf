"""Capabilities held against AC power flow: worst-case and random placements, and the cells at fault
(GRD-1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.powerflow import PowerFlow
from registry.grid.robust import Cell
from registry.grid.sensitivity import Sensitivities
from registry.grid.state import ExpectedState
from registry.grid.violations import TOLERANCE, Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NOT_CONVERGED: Final = "power flow does not converge"

_CAUSE: Final = 0.1
FEW: Final = 2
MANY: Final = 8
"""Random placements of each kind and quarter-hour: in hours without limited cells, and with."""


@dataclass(frozen=True, eq=False)
class Failure:
    """A placement that broke a limit: the quarter-hour, the moves in kW per POD, the limit and by how much.

    ``limit`` is -1 where the power flow did not converge.
    """

    quarter: int
    moves_kw: Floats
    limit: int
    excess: float


def random_placements(
    state: ExpectedState,
    cells: Sequence[Cell],
    hour: int,
    power_kw: Floats,
    count: int,
    random: np.random.Generator,
) -> tuple[Ints, Floats]:
    """Random placements of the given powers in every quarter-hour of ``hour``: ``[scenario]``, ``[scenario,
    POD]``.

    Cells come as up, down, up, down ... per perimeter. ``count`` scenarios a quarter-hour move all perimeters
    up, as many all down, as many each its own way, half of these by a random part. PODs are filled one after
    the other in random order: the extreme placements.
    """
    quarters = np.arange(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
    perimeters, each = len(cells) // 2, 3 * count
    way = np.zeros((each, perimeters), dtype=np.int64)
    way[count : 2 * count] = 1
    way[2 * count :] = random.integers(0, 2, (count, perimeters))
    part = np.ones((each, perimeters))
    part[2 * count :: 2] = random.random((len(part[2 * count :: 2]), perimeters))
    at = np.repeat(quarters, each)
    way, part = np.tile(way, (len(quarters), 1)), np.tile(part, (len(quarters), 1))
    moves = np.zeros((len(at), len(state.pods)))
    for number, cell in enumerate(cells):
        perimeter, direction = divmod(number, 2)
        chosen = np.flatnonzero(way[:, perimeter] == direction)
        if not cell.pods or not len(chosen):
            continue
        pods = np.array(cell.pods)
        order = random.random((len(chosen), len(pods))).argsort(axis=1)
        ranges = state.range_kw[cell.direction][pods[order], at[chosen, None]]
        before = np.cumsum(ranges, axis=1) - ranges
        target = part[chosen, perimeter, None] * power_kw[number]
        moves[chosen[:, None], pods[order]] = cell.sign * np.clip(target - before, 0.0, ranges)
    return at, moves


def failures(
    state: ExpectedState, flow: PowerFlow, limits: Limits, allowed: Floats, quarters: Ints, moves_kw: Floats
) -> list[Failure]:
    """The placements that break a limit; ``allowed`` is ``[quarter-hour, K]``. One failure per scenario,
    its worst.
    """
    solution = flow.solve(*state.scenarios(quarters, moves_kw))
    excess = limits.values(solution) - allowed[quarters]
    bad = ~(excess <= TOLERANCE).all(axis=1)
    found = []
    for scenario in np.flatnonzero(bad):
        if not solution.converged[scenario]:
            found.append(Failure(int(quarters[scenario]), moves_kw[scenario], -1, np.inf))
            continue
        worst = int(excess[scenario].argmax())
        found.append(
            Failure(int(quarters[scenario]), moves_kw[scenario], worst, float(excess[scenario, worst]))
        )
    return found


def shrink_factors(
    failure: Failure, cells: Sequence[Cell], limits: Limits, sens: Sensitivities, hour: int
) -> Floats:
    """By how much to shrink each cell so that a failed placement fits; 1 for cells that did not cause it.

    Each POD's part in the excess is its move times its sensitivity; cells with less than a tenth of the
    largest part are left alone. Where the power flow did not converge, every cell that moved is halved.
    """
    moves = failure.moves_kw
    if failure.limit < 0:
        part = np.abs(moves)
    elif failure.limit < 2 * limits.nodes:
        sign = 1.0 if failure.limit < limits.nodes else -1.0
        part = sign * sens.voltage[hour][failure.limit % limits.nodes] * moves
    else:
        part = np.abs(sens.loading[hour][failure.limit - 2 * limits.nodes] * moves)
    moved = [np.sign(moves[list(cell.pods)]) == cell.sign for cell in cells]
    caused = np.array([part[list(c.pods)][mine].sum() for c, mine in zip(cells, moved, strict=True)])
    culprits = (caused > 0.0) & (caused >= _CAUSE * caused.max(initial=0.0))
    if failure.limit < 0 or not culprits.any():
        return np.where([mine.any() for mine in moved], 0.5, 1.0)
    needed = min(1.1 * failure.excess / float(caused[culprits].sum()), 1.0)
    return np.where(culprits, 1.0 - max(needed, 0.002), 1.0)
