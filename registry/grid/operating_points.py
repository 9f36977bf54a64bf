"""Operating points of every perimeter over the joint range of its PODs, each green, orange or red (GRD-1;
Natale §4.3, steps 1 to 3, and his Table 3).

1. Range: what the PODs of a perimeter can move together, up and down, per quarter-hour; the other perimeters
   stay as expected.
2. Points: the expected state, and every step of the range in both directions; at each step once spread in
   proportion to what each POD can move and, if more placements are asked for, filled up POD after POD in
   random order.
3. One batch of AC power flows. No limit broken: green. Not converged: red, whatever stands in its results.
4. The others are handed to the linearised OPF (``reactive_opf.py``) with the perimeter's own providers: cured
   is orange at its cost, the rest is red. Without providers there is no orange.

A limit that the expected state breaks elsewhere, where the perimeter's PODs hardly bear on it, is not held
against its points beyond what they add.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import Direction
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.powerflow import PowerFlow, Solution
from registry.grid.reactive_opf import ROUNDS, Points, Verdict, cure
from registry.grid.reactive_providers import SupportTerms
from registry.grid.sensitivity import Sensitivities, sensitivities
from registry.grid.state import SIGN, ExpectedState
from registry.grid.violations import TOLERANCE, Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_BEARS: Final = 0.1
_SLIGHTLY: Final = 1e-4
_GREEN: Final = (Verdict.FEASIBLE,)
_ORANGE: Final = (Verdict.CURED,)


@dataclass(frozen=True, eq=False)
class OperatingPoints:
    """Columns, one entry per point (Natale, Figures 3 and 4).

    Attributes:
        perimeter: position of the perimeter in the state's partition.
        quarter: quarter-hour of the day.
        delta_kw: change of injection of the perimeter's PODs against the expected state, up positive.
        expected_kw: their expected injection.
        support_kvar: reactive power injected by the providers on top of the expected state, their sum; 0
            unless orange.
        provided_kvar: the same without regard to sign: what is paid for.
        cost_milli_eur: price of the support for the quarter-hour, 0 unless orange.
        verdict: a :class:`~registry.grid.reactive_opf.Verdict` each.
        limit: the limit broken worst without support, -1 where none is or power flow does not converge.
        moves_kw: ``[point, POD]``.
        setpoints_var: of the given providers, injected on top of the expected state, ``[point, provider]``.
    """

    perimeter: Ints
    quarter: Ints
    delta_kw: Floats
    expected_kw: Floats
    support_kvar: Floats
    provided_kvar: Floats
    cost_milli_eur: Ints
    verdict: Ints
    limit: Ints
    moves_kw: Floats
    setpoints_var: Floats

    @property
    def green(self) -> Bools:
        """Points that need nothing."""
        return np.isin(self.verdict, _GREEN)

    @property
    def orange(self) -> Bools:
        """Points that reactive support cures."""
        return np.isin(self.verdict, _ORANGE)

    @property
    def red(self) -> Bools:
        """All others."""
        return ~(self.green | self.orange)


@dataclass(frozen=True, slots=True)
class PerimeterShares:
    """How many points of one perimeter are green, orange and red, and how many of the red for which reason
    (Natale, Table 3).
    """

    perimeter: str
    points: int
    green: int
    orange: int
    red: int
    red_because: tuple[tuple[Verdict, int], ...]

    def percent(self) -> tuple[float, float, float]:
        """Shares of green, orange and red, which add up to 100; all 0 without points."""
        whole = max(self.points, 1)
        return 100.0 * self.green / whole, 100.0 * self.orange / whole, 100.0 * self.red / whole


def operating_points(
    state: ExpectedState,
    flow: PowerFlow,
    limits: Limits,
    terms: SupportTerms,
    *,
    perimeters: Collection[str] | None = None,
    steps: int = 10,
    placements: int = 1,
    seed: int = 1,
    rounds: int = ROUNDS,
) -> OperatingPoints:
    """Every point of every perimeter with PODs, quarter-hour by quarter-hour.

    Args:
        terms: who gives reactive support at what price.
        perimeters: names of those whose points are wanted; None: all.
        steps: points per direction; the expected state comes on top once.
        placements: per step; the first in proportion, the others in random order of the PODs (``seed``).
        rounds: linear programs per point at most.
    """
    providers = terms.providers(state)
    perimeter, quarter, moves = _points(state, perimeters, steps, placements, np.random.default_rng(seed))
    allowed = Allowed(state, flow, limits)
    solution = flow.solve(*state.scenarios(quarter, moves))
    values = limits.values(solution)
    excess = values - allowed.of(perimeter, quarter)
    verdict, limit = _first_look(solution, excess)
    setpoints = np.zeros((len(quarter), len(providers.pods)))
    for number in np.unique(perimeter[verdict == Verdict.NO_PROVIDERS]):
        own = providers.of_perimeters([int(number)])
        if not len(own.pods):
            continue
        asked = np.flatnonzero((verdict == Verdict.NO_PROVIDERS) & (perimeter == number))
        p_w, q_var = state.scenarios(quarter[asked], moves[asked])
        low, high = own.at_moves(quarter[asked], moves[asked])
        way = moves[asked].sum(axis=1) > 0.0
        group = 2 * (quarter[asked] // QUARTERS_PER_HOUR) + way
        cures = cure(
            Points(p_w, q_var, allowed.of(perimeter[asked], quarter[asked]), low, high, group),
            own,
            flow,
            limits,
            rounds=rounds,
        )
        done = cures.verdict == Verdict.CURED
        verdict[asked] = cures.verdict
        setpoints[asked[done]] = providers.widened(own, cures.support_var[done])
    provided = np.abs(setpoints).sum(axis=1)
    cost = np.zeros(len(quarter), dtype=np.int64)
    for point in np.flatnonzero(verdict == Verdict.CURED):
        cost[point] = terms.cost_milli_eur(int(quarter[point]) // QUARTERS_PER_HOUR, setpoints[point])
    return OperatingPoints(
        perimeter,
        quarter,
        moves.sum(axis=1),
        _expected(state)[perimeter, quarter],
        setpoints.sum(axis=1) / 1000.0,
        provided / 1000.0,
        cost,
        verdict,
        limit,
        moves,
        setpoints,
    )


def shares(state: ExpectedState, points: OperatingPoints) -> tuple[PerimeterShares, ...]:
    """The points of every perimeter counted by colour, in the partition's order."""
    counted = []
    for number, name in enumerate(state.partition.names):
        mine = points.perimeter == number
        verdicts = points.verdict[mine & points.red]
        because = tuple((each, int((verdicts == each).sum())) for each in Verdict if (verdicts == each).any())
        counted.append(
            PerimeterShares(
                name,
                int(mine.sum()),
                int((mine & points.green).sum()),
                int((mine & points.orange).sum()),
                len(verdicts),
                because,
            )
        )
    return tuple(counted)


def _points(
    state: ExpectedState,
    wanted: Collection[str] | None,
    steps: int,
    placements: int,
    random: np.random.Generator,
) -> tuple[Ints, Ints, Floats]:
    """Perimeter, quarter-hour and moves of every point, those of a perimeter together; no steps where there
    is no range.
    """
    every = np.arange(state.quarters)
    perimeter = [np.zeros(0, dtype=np.int64)]
    quarter = [np.zeros(0, dtype=np.int64)]
    moves = [np.zeros((0, len(state.pods)))]

    def add(number: int, at: Ints, members: Ints, moved: Floats) -> None:
        block = np.zeros((len(at), len(state.pods)))
        block[:, members] = moved
        perimeter.append(np.full(len(at), number))
        quarter.append(at)
        moves.append(block)

    for number, group in enumerate(state.partition.members):
        members = np.array(group, dtype=np.int64)
        if not len(members) or (wanted is not None and state.partition.names[number] not in wanted):
            continue
        add(number, every, members, np.zeros((len(every), len(members))))
        for way in Direction:
            at = np.flatnonzero(state.range_kw[way][members].sum(axis=0) > 0.0)
            ranges = state.range_kw[way][members][:, at].T
            for placement in range(placements):
                for step in range(1, steps + 1):
                    share = step / steps
                    moved = share * ranges if not placement else _filled(ranges, share, random)
                    add(number, at, members, SIGN[way] * moved)
    return np.concatenate(perimeter), np.concatenate(quarter), np.concatenate(moves)


def _filled(ranges: Floats, share: float, random: np.random.Generator) -> Floats:
    """A share of the joint range, PODs moving to the end of their ranges in random order."""
    order = random.random(ranges.shape).argsort(axis=1)
    sorted_ranges = np.take_along_axis(ranges, order, axis=1)
    before = np.cumsum(sorted_ranges, axis=1) - sorted_ranges
    target = share * ranges.sum(axis=1, keepdims=True)
    moved = np.empty_like(ranges)
    np.put_along_axis(moved, order, np.clip(target - before, 0.0, sorted_ranges), axis=1)
    return moved


def _first_look(solution: Solution, excess: Floats) -> tuple[Ints, Ints]:
    """Verdicts without support (``NO_PROVIDERS`` where a limit is broken) and the limit broken worst."""
    limit = np.full(len(excess), -1, dtype=np.int64)
    broken = solution.converged & ~(excess <= TOLERANCE).all(axis=1)
    limit[broken] = excess[broken].argmax(axis=1)
    verdict = np.where(broken, Verdict.NO_PROVIDERS, Verdict.FEASIBLE)
    return np.where(solution.converged, verdict, Verdict.NOT_CONVERGED).astype(np.int64), limit


def _expected(state: ExpectedState) -> Floats:
    """Expected injection of each perimeter's PODs in kW, ``[perimeter, quarter]``."""
    network = state.network
    injected = state.p_w * network.element_sign[:, None] / 1000.0
    sums = np.zeros((len(state.partition.names), state.quarters))
    for number, members in enumerate(state.partition.members):
        elements = [network.element_index[each.name] for pod in members for each in state.pods[pod].elements]
        sums[number] = injected[elements].sum(axis=0)
    return sums


class Allowed:
    """What each limit may reach at the points of a perimeter, others' trouble in the expected state allowed
    for.
    """

    def __init__(self, state: ExpectedState, flow: PowerFlow, limits: Limits) -> None:
        quarters = np.arange(state.quarters)
        base = flow.solve(*state.scenarios(quarters, np.zeros((state.quarters, len(state.pods)))))
        self._bounds = limits.bounds
        self._own: dict[tuple[int, int], Floats] = {}
        values = limits.values(base)
        violated = values > limits.bounds
        if not violated.any():
            return
        sens = sensitivities(state, flow)
        for quarter in np.flatnonzero(violated.any(axis=1)):
            broken = np.flatnonzero(violated[quarter])
            effect = _effects(sens, limits, int(quarter) // QUARTERS_PER_HOUR)[broken]
            strongest = effect.max(axis=1)
            for number, members in enumerate(state.partition.members):
                mine = effect[:, list(members)]
                ranges = np.maximum(*(state.range_kw[way][list(members), quarter] for way in Direction))
                far = mine.max(axis=1, initial=0.0) < _BEARS * strongest
                own = limits.bounds.copy()
                own[broken[far]] = values[quarter, broken[far]] + 1.2 * (mine @ ranges)[far] + _SLIGHTLY
                self._own[(number, int(quarter))] = own

    def of(self, perimeter: Ints, quarter: Ints) -> Floats:
        """For points of the given perimeters and quarter-hours, ``[point, K]``."""
        pairs = zip(perimeter.tolist(), quarter.tolist(), strict=True)
        rows = [self._own.get(pair, self._bounds) for pair in pairs]
        return np.array(rows) if rows else np.zeros((0, len(self._bounds)))


def _effects(sens: Sensitivities, limits: Limits, hour: int) -> Floats:
    """Absolute effect of 1 kW at every POD on every limit, ``[K, POD]``."""
    voltage = np.abs(sens.voltage[hour])
    found: Floats = np.concatenate([voltage, voltage, np.abs(sens.loading[hour])])
    return found
