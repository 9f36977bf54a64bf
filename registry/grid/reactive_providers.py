"""The PODs whose plants give reactive power, and how much each has to give (GRD-1, GRD-3).

Reactive power is counted as injected (var, positive raises the voltage), per POD, on top of the expected
state. A POD gives what its elements give together (``reactive_capability.py``). The room of an element
depends on its active power after an activation, and who activates a POD does not say which of its elements
will move: the room is that of the worst split. It always contains zero, so that giving nothing is possible
whatever the forecast says.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import Direction
from registry.grid.faults import Fault, raise_if_any
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.pods import PodElement, largest_move_w
from registry.grid.reactive_capability import Curve, curve_of, largest_var, support_cost_milli_eur
from registry.grid.state import ExpectedState

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SupportTerms:
    """Who gives reactive support on a day, and at what price.

    Attributes:
        purchase_milli_eur_per_mwh: purchase price of energy per delivery hour; reactive energy costs a
            share of it.
        pods: keys of the PODs that have agreed to give support; None: all that are able to.
    """

    purchase_milli_eur_per_mwh: tuple[int, ...]
    pods: tuple[str, ...] | None = None

    def providers(self, state: ExpectedState) -> Providers:
        """The providers of a state under these terms.

        Raises :class:`~registry.grid.faults.GridInvalid` (GRD-3) for a key that is no POD of the state, a
        number of prices other than the day's hours, or a negative price.
        """
        known = {pod.key for pod in state.pods}
        faults = [
            Fault("unknown_pod", "pods", key, "a POD of the state")
            for key in sorted(set(self.pods or ()) - known)
        ]
        prices = self.purchase_milli_eur_per_mwh
        if len(prices) != state.hours:
            faults.append(
                Fault("bad_price_count", "prices", f"{len(prices)} prices", f"{state.hours}, one per hour")
            )
        faults += [
            Fault("negative_price", f"price of hour {hour}", str(price), "0 milli-euro per MWh or more")
            for hour, price in enumerate(prices)
            if price < 0
        ]
        raise_if_any("reactive support", faults, rule="GRD-3")
        able = [
            number
            for number, pod in enumerate(state.pods)
            if (self.pods is None or pod.key in self.pods)
            and any(curve_of(each.technology, each.rated_w) is not Curve.NONE for each in pod.elements)
        ]
        pods = np.array(able, dtype=np.int64)
        owners = np.array(state.partition.perimeter_of, dtype=np.int64)
        return Providers(state, pods, state.carrier[pods], owners[pods])

    def cost_milli_eur(self, hour: int, support_var: Floats) -> int:
        """Price of setpoints that each stand for a quarter-hour of ``hour``, whatever their sign."""
        varh = float(np.abs(support_var).sum()) / QUARTERS_PER_HOUR
        return support_cost_milli_eur(varh, self.purchase_milli_eur_per_mwh[hour])


def no_support(state: ExpectedState) -> SupportTerms:
    """Terms under which nobody gives reactive support."""
    return SupportTerms((0,) * state.hours, pods=())


@dataclass(frozen=True, eq=False)
class Providers:
    """The providers of an expected state.

    Attributes:
        state: the expected state.
        pods: their positions among the state's PODs.
        carrier: the element at which power flow applies each one's support.
        perimeter: position of each one's perimeter.
    """

    state: ExpectedState
    pods: Ints
    carrier: Ints
    perimeter: Ints

    def of_perimeters(self, perimeters: Collection[int]) -> Providers:
        """Those of some perimeters only."""
        kept = np.isin(self.perimeter, list(perimeters))
        return Providers(self.state, self.pods[kept], self.carrier[kept], self.perimeter[kept])

    def widened(self, part: Providers, support_var: Floats) -> Floats:
        """Support of some of these providers, ``[scenario, provider of part]``, as one of all of them."""
        whole = np.zeros((len(support_var), len(self.pods)))
        whole[:, np.isin(self.pods, part.pods)] = support_var
        return whole

    def applied(self, q_var: Floats, support_var: Floats) -> Floats:
        """Element reactive powers ``[scenario, element]`` with support ``[scenario, provider]`` added."""
        changed = q_var.copy()
        changed[:, self.carrier] += support_var * self.state.network.element_sign[self.carrier]
        return changed

    def any_move(self, quarters: Ints) -> tuple[Floats, Floats]:
        """Least and most support, ``[quarter, provider]``, that each can give wherever in its range it is."""
        up, down = (self.state.range_kw[way][self.pods][:, quarters].T for way in Direction)
        first, last = self._room(quarters, up), self._room(quarters, -down)
        return np.maximum(first[0], last[0]), np.minimum(first[1], last[1])

    def at_moves(self, quarters: Ints, moves_kw: Floats) -> tuple[Floats, Floats]:
        """Least and most support, ``[scenario, provider]``, when PODs inject ``moves_kw`` more."""
        return self._room(quarters, moves_kw[:, self.pods])

    def _room(self, quarters: Ints, moves_kw: Floats) -> tuple[Floats, Floats]:
        low, high = np.zeros(moves_kw.shape), np.zeros(moves_kw.shape)
        for column, position in enumerate(self.pods):
            elements = self.state.pods[position].elements
            moves = 1000.0 * moves_kw[:, column]
            splits = _splits(self.state, int(position), elements, quarters, moves)
            for element, changes in zip(elements, splits, strict=True):
                if curve_of(element.technology, element.rated_w) is Curve.NONE:
                    continue
                index = self.state.network.element_index[element.name]
                expected = self.state.p_w[index, quarters]
                room = np.minimum(
                    *(
                        largest_var(element.technology, element.rated_w, expected + change)
                        for change in changes
                    )
                )
                given = self.state.q_var[index, quarters]
                low[:, column] += np.minimum(-room - given, 0.0)
                high[:, column] += np.maximum(room - given, 0.0)
        return low, high


def _splits(
    state: ExpectedState, pod: int, elements: Sequence[PodElement], quarters: Ints, moves_w: Floats
) -> list[tuple[Floats, Floats]]:
    """Per element its least and most change of own power (W, own sense of sign) when the POD injects
    ``moves_w`` more.

    An element moves at most by its own range, and at least by what the others leave over.
    """
    wanted = np.abs(moves_w)
    upward = moves_w >= 0.0
    ranges = []
    for element in elements:
        expected = state.p_w[state.network.element_index[element.name], quarters]
        up, down = (
            np.minimum(
                largest_move_w(element.technology, way, expected, element.rated_w),
                1000.0 * state.range_kw[way][pod, quarters],
            )
            for way in Direction
        )
        ranges.append(np.where(upward, up, down))
    together = np.sum(ranges, axis=0)
    splits = []
    for element, own in zip(elements, ranges, strict=True):
        most = np.minimum(wanted, own)
        least = np.clip(wanted - (together - own), 0.0, most)
        sign = np.where(upward, 1.0, -1.0) * (-1.0 if element.technology == "load" else 1.0)
        splits.append((sign * least, sign * most))
    return splits
