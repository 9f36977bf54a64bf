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
from registry.grid.robust import Cell, HourProblem, Rows
from registry.grid.sensitivity import Sensitivities
from registry.grid.state import ExpectedState
from registry.grid.violations import TOLERANCE, Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

NOT_CONVERGED: Final = "power flow does not converge"

_MORE: Final = 1.02
_BACKOFF: Final = 1e-6
"""p.u. or fraction: what is cut more than the excess, so that the same placement need not come again."""
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
    sens: Sensitivities,
    random: np.random.Generator,
) -> tuple[Ints, Floats]:
    """Random placements of the given powers in every quarter-hour of ``hour``: ``[scenario]``, ``[scenario,
    POD]``.

    Cells come as up, down, up, down ... per perimeter. ``count`` scenarios a quarter-hour move all perimeters
    up, as many all down, as many each its own way, half of these by a random part. PODs are filled one after
    the other: the extreme placements. Their order is random, in every second scenario that of their effect on
    the voltage of some node.
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
    key = random.random(moves.shape)
    node = random.integers(0, sens.voltage.shape[1], len(at[::2]))
    key[::2] = sens.voltage[hour][node] * random.choice([-1.0, 1.0], len(node))[:, None]
    for number, cell in enumerate(cells):
        perimeter, direction = divmod(number, 2)
        chosen = np.flatnonzero(way[:, perimeter] == direction)
        if not cell.pods or not len(chosen):
            continue
        pods = np.array(cell.pods)
        order = key[chosen][:, pods].argsort(axis=1)
        ranges = state.range_kw[cell.direction][pods[order], at[chosen, None]]
        before = np.cumsum(ranges, axis=1) - ranges
        target = part[chosen, perimeter, None] * power_kw[number]
        moves[chosen[:, None], pods[order]] = cell.sign * np.clip(target - before, 0.0, ranges)
    return at, moves


def failures(quarters: Ints, moves_kw: Floats, values: Floats, allowed: Floats) -> list[Failure]:
    """The placements that break a limit, given what each limit reaches, ``[scenario, K]``, NaN where the
    power flow did not converge; ``allowed`` is ``[quarter-hour, K]``. One failure per scenario, its worst.
    """
    excess = values - allowed[quarters]
    bad = ~(excess <= TOLERANCE).all(axis=1)
    found = []
    for scenario in np.flatnonzero(bad):
        if np.isnan(excess[scenario]).any():
            found.append(Failure(int(quarters[scenario]), moves_kw[scenario], -1, np.inf))
            continue
        worst = int(excess[scenario].argmax())
        found.append(
            Failure(int(quarters[scenario]), moves_kw[scenario], worst, float(excess[scenario, worst]))
        )
    return found


def cuts(
    found: Sequence[Failure],
    problem: HourProblem,
    power_kw: Floats,
    limits: Limits,
    sens: Sensitivities,
    hour: int,
) -> tuple[Rows, Floats]:
    """A row for each limit and quarter-hour that placements of ``power_kw`` broke, leaving what AC power flow
    leaves there, and the shares of its effects (:meth:`~registry.grid.robust.HourProblem.weaken`), ``[row,
    cell]``.

    A placement whose linear use is u and that exceeds its limit by x shows that the row of that limit has a
    margin of u - x, whatever was thought of it before. What a voltage has a row for is cut with the shares of
    that row; the traces, which may do most where they move in part, count in u as they do in the worst use
    that the margin is held against. A loading is cut across the phasor that it is expected to have at the
    placement.
    """
    rows = problem.rows
    own = {
        (int(quarter), int(limit)): row
        for row, (quarter, limit) in enumerate(zip(rows.quarter, rows.limit, strict=True))
        if limit < 2 * limits.nodes
    }
    worst: dict[tuple[int, int], tuple[float, Floats, Floats]] = {}
    for failure in found:
        effect, at = _effect(failure, limits, sens, hour), (failure.quarter, failure.limit)
        use = np.array([_use(effect, cell, failure.moves_kw) for cell in problem.cells])
        share = np.ones(len(use))
        if at in own:
            share = problem.shares[own[at]]
            all_of_it = problem.effects(power_kw, np.array([own[at]]))[0]
            use = np.where(problem.leads[own[at]], share * use, all_of_it)
        margin = float(use.sum()) - _MORE * failure.excess - _BACKOFF
        if at not in worst or margin < worst[at][0]:
            worst[at] = (margin, effect, share)
    cut = Rows(
        np.array([quarter for quarter, _ in worst], dtype=np.int64),
        np.array([limit for _, limit in worst], dtype=np.int64),
        np.array([effect for _, effect, _ in worst.values()]),
        np.array([margin for margin, _, _ in worst.values()]),
    )
    return cut, np.array([share for _, _, share in worst.values()])


def _use(effect: Floats, cell: Cell, moves_kw: Floats) -> float:
    """What a cell's moves use of a limit; those that relieve it do not count."""
    pods = list(cell.pods)
    mine = cell.sign * moves_kw[pods] > 0.0
    return float(np.maximum(effect[pods] * moves_kw[pods], 0.0)[mine].sum())


def _effect(failure: Failure, limits: Limits, sens: Sensitivities, hour: int) -> Floats:
    """Use of the broken limit per kW injected at each POD."""
    if failure.limit < 2 * limits.nodes:
        sign = 1.0 if failure.limit < limits.nodes else -1.0
        voltage: Floats = sign * sens.voltage[hour][failure.limit % limits.nodes]
        return voltage
    branch = failure.limit - 2 * limits.nodes
    turn = sens.loading[hour][branch]
    there = sens.phasor[hour, branch] + turn @ failure.moves_kw
    along: Floats = (turn * np.conj(there) / max(abs(there), 1e-9)).real
    return along
