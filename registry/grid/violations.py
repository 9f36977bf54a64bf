"""Limits on voltage and loading as one list, how far a solution is from them, and their names (GRD-1).

Every limit is written as *value at most bound*. The list holds, in this order: the upper voltage limit of
each node (value u), the lower one of each node (value -u), the loading of each branch. Voltages in p.u.,
loadings as fraction of the rating. ``K`` below is the number of limits, twice the nodes plus the branches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.network import Network
from registry.grid.powerflow import Solution

Floats = npt.NDArray[np.float64]

TOLERANCE: Final = 1e-7
"""p.u. or fraction: ten times the solver's own error; less than any meter resolves."""


@dataclass(frozen=True, slots=True)
class LimitSettings:
    """What counts as a violation.

    Attributes:
        loading: highest loading of lines and transformers, fraction of the rating. Below 1 it keeps a
            reserve, for instance for taking over a neighbouring feeder.
        voltage_reserve_pu: narrows each node's voltage band (of the grid file) at both ends.
    """

    loading: float = 1.0
    voltage_reserve_pu: float = 0.0

    def __post_init__(self) -> None:
        if not 0.0 < self.loading <= 2.0:
            raise ValueError(f"loading: found {self.loading}, allowed above 0 and at most 2 times the rating")
        if not 0.0 <= self.voltage_reserve_pu < 0.1:
            raise ValueError(f"voltage_reserve_pu: found {self.voltage_reserve_pu}, allowed 0 to below 0.1")


class Limits:
    """All limits of a network under ``settings``."""

    def __init__(self, network: Network, settings: LimitSettings | None = None) -> None:
        self.network = network
        self.settings = settings or LimitSettings()
        reserve = self.settings.voltage_reserve_pu
        self.nodes = len(network.node_names)
        branches = np.full(len(network.branch_names), self.settings.loading, dtype=np.float64)
        branches[[kind == "link" for kind in network.branch_kinds]] = np.inf
        self.bounds: Floats = np.concatenate([network.u_max - reserve, -(network.u_min + reserve), branches])

    def values(self, solution: Solution) -> Floats:
        """The values held against ``bounds``, ``[scenario, K]``; NaN where the scenario failed."""
        return np.concatenate([solution.u_pu, -solution.u_pu, solution.loading], axis=1)

    def within(self, solution: Solution) -> npt.NDArray[np.bool_]:
        """Per scenario, whether it converged and keeps all limits."""
        return np.asarray((self.values(solution) <= self.bounds + TOLERANCE).all(axis=1))

    def worst(self, values: Floats) -> int:
        """The limit that one row of ``values`` exceeds most, each measured in its own unit; the closest if
        none.
        """
        return int(np.nanargmax(values - self.bounds))

    def sign(self, limit: int) -> float:
        """-1 for a limit whose value is held with the opposite sign, a lower one of voltage; else 1."""
        return -1.0 if self.nodes <= limit < 2 * self.nodes else 1.0

    def describe(self, limit: int, value: float | None = None) -> str:
        """A limit in words, with the value it meets where one is given."""
        network, bound = self.network, float(self.bounds[limit])
        if limit < 2 * self.nodes:
            node = network.node_names[limit % self.nodes]
            high = limit < self.nodes
            text = f"node {node} {'above' if high else 'below'} {abs(bound):.4f} p.u."
            return text if value is None else f"{text} ({abs(value):.4f})"
        branch = limit - 2 * self.nodes
        text = (
            f"{network.branch_kinds[branch]} {network.branch_names[branch]} above {bound:.0%} of its rating"
        )
        return text if value is None else f"{text} ({value:.1%})"
