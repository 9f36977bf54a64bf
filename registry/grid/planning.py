"""The local activations that the expected state calls for: step 1a of the coordination (D4.1 §6.3).

Where the expected state breaks a limit, or comes closer to it than a reserve, the DSO needs local
flexibility. For each hour, limit by limit from the worst, the perimeter whose PODs relieve it most per kW
is asked for the power that takes the excess away, spread in proportion to what its PODs can move; AC power
flow tells what is left, and the next round asks for that. Limits given with a reserve
(``LimitSettings.voltage_reserve_pu``, ``loading``) leave other perimeters room to move after the cure;
without one the cured hour stands at its limit and nobody else may move.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import Direction
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.powerflow import PowerFlow, Solution
from registry.grid.results import DIRECTIONS, LocalNeed
from registry.grid.sensitivity import Sensitivities, sensitivities
from registry.grid.state import SIGN, ExpectedState
from registry.grid.violations import TOLERANCE, Limits

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_ROUNDS: Final = 12
_MARGIN: Final = 1.02
_WORTH: Final = 0.1
"""A perimeter that relieves a limit by less than this part of the most effective one is not asked."""


@dataclass(slots=True)
class _Ask:
    direction: Direction
    power_kw: int
    binding: str


def planned_needs(state: ExpectedState, flow: PowerFlow, limits: Limits) -> tuple[LocalNeed, ...]:
    """The needs of a day, by hour and perimeter; empty where the expected state keeps all limits.

    Local activations already in ``state`` count as given, and a perimeter that has one in an hour is only
    asked for more in the same direction (DTL-2). Hours whose expected state does not converge have no
    answer: their lights are red and say so.
    """
    plan = _Plan(state, limits, sensitivities(state, flow))
    hours = [hour for hour in range(state.hours) if plan.sens.valid[hour]]
    cured: set[int] = set()
    for _ in range(_ROUNDS):
        solution = plan.solve(flow, hours)
        open_hours = []
        for position, hour in enumerate(hours):
            part = slice(QUARTERS_PER_HOUR * position, QUARTERS_PER_HOUR * (position + 1))
            values = limits.values(solution)[part]
            if (values <= limits.bounds + TOLERANCE).all():
                cured.add(hour)
            elif solution.converged[part].all() and plan.ask(hour, values):
                open_hours.append(hour)
        hours = open_hours
        if not hours:
            break
    return tuple(
        LocalNeed(
            state.partition.names[perimeter], hour, ask.direction, ask.power_kw, hour in cured, ask.binding
        )
        for (hour, perimeter), ask in sorted(plan.asks.items())
    )


class _Plan:
    def __init__(self, state: ExpectedState, limits: Limits, sens: Sensitivities) -> None:
        self._state, self._limits, self.sens = state, limits, sens
        self.asks: dict[tuple[int, int], _Ask] = {}

    def solve(self, flow: PowerFlow, hours: list[int]) -> Solution:
        """All quarter-hours of ``hours`` with what has been asked for so far."""
        each = [np.arange(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1)) for hour in hours]
        quarters = np.concatenate(each) if each else np.zeros(0, dtype=np.int64)
        moves = np.zeros((len(quarters), len(self._state.pods)))
        for (hour, perimeter), ask in self.asks.items():
            for scenario in np.flatnonzero(quarters // QUARTERS_PER_HOUR == hour):
                share = self._share(perimeter, ask.direction, int(quarters[scenario]))
                moves[scenario] += SIGN[ask.direction] * ask.power_kw * share
        return flow.solve(*self._state.scenarios(quarters, moves))

    def ask(self, hour: int, values: Floats) -> bool:
        """Ask one perimeter for more against the worst excess of the hour; false when nobody can help."""
        excess = values - self._limits.bounds
        quarter, limit = (int(i) for i in np.unravel_index(int(excess.argmax()), excess.shape))
        at = QUARTERS_PER_HOUR * hour + quarter
        effect = self._effect(hour, limit)
        reliefs = [
            (-SIGN[way] * float(effect @ self._share(perimeter, way, at)), perimeter, way)
            for perimeter in range(len(self._state.partition.names))
            for way in DIRECTIONS
        ]
        enough = _WORTH * max(relief for relief, _, _ in reliefs)
        useful = [
            each for each in reliefs if each[0] > 0.0 and each[0] >= enough and self._may(hour, *each[1:])
        ]
        if not useful:
            return False
        relief, perimeter, way = max(useful, key=lambda each: each[0])
        binding = self._limits.describe(limit, float(values[quarter, limit]))
        ask = self.asks.setdefault((hour, perimeter), _Ask(way, 0, binding))
        wanted = ask.power_kw + max(math.ceil(_MARGIN * float(excess[quarter, limit]) / relief), 1)
        ask.power_kw = min(wanted, self._available(hour, perimeter, way))
        return True

    def _effect(self, hour: int, limit: int) -> Floats:
        """Use of a limit per kW injected at each POD; of a loading, along the phasor of the expected
        state.
        """
        nodes = self._limits.nodes
        if limit < 2 * nodes:
            change: Floats = self.sens.voltage[hour][limit % nodes]
            return change if limit < nodes else -change
        branch = limit - 2 * nodes
        along = self.sens.phasor[hour, branch]
        turned: Floats = (self.sens.loading[hour][branch] * np.conj(along) / abs(along)).real
        return turned

    def _may(self, hour: int, perimeter: int, way: Direction) -> bool:
        planned = self._state.local.get((perimeter, hour))
        asked = self.asks.get((hour, perimeter))
        if (planned is not None and planned[0] != way) or (asked is not None and asked.direction != way):
            return False
        return (asked.power_kw if asked else 0) < self._available(hour, perimeter, way)

    def _available(self, hour: int, perimeter: int, way: Direction) -> int:
        quarters = slice(QUARTERS_PER_HOUR * hour, QUARTERS_PER_HOUR * (hour + 1))
        members = list(self._state.partition.members[perimeter])
        return int(self._state.range_kw[way][members, quarters].sum(axis=0).min()) if members else 0

    def _share(self, perimeter: int, way: Direction, quarter: int) -> Floats:
        """The part of an activation that each POD gives, ``[POD]``, in proportion to what it can move."""
        members = list(self._state.partition.members[perimeter])
        share = np.zeros(len(self._state.pods))
        ranges = self._state.range_kw[way][members, quarter]
        if ranges.sum() > 0.0:
            share[members] = ranges / ranges.sum()
        return share
