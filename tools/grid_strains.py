"""The six grids under days that strain them, for the campaign of proofs (GRD-1).

SimBench's grids come with a June day. CIGRE MV and MV Oberrhein have one operating point: their loads follow
a day with a morning and an evening peak, generators and storages the sun. Where a calm day limits nobody,
more generation, larger ranges, a lower loading limit or a narrower voltage band make it bind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from registry.grid.forecast import Forecast, load_forecast
from registry.grid.network import Network, load_network
from registry.grid.perimeters import assign_by_node, feeders
from registry.grid.pods import GridPod, load_pods
from registry.grid.state import ExpectedState, expected_state
from registry.grid.violations import Limits, LimitSettings

DATA: Final = Path(__file__).resolve().parents[1] / "data"
DAY: Final = date(2016, 6, 9)
_QUARTERS: Final = 96


@dataclass(frozen=True, slots=True)
class Strain:
    """What is changed about a grid's day.

    Attributes:
        generation: factor on the power and rating of everything that generates.
        ranges: factor on the power that each POD may move at most.
        loading: highest loading, fraction of the rating.
        reserve_pu: by which every voltage band is narrowed at both ends.
    """

    generation: float = 1.0
    ranges: float = 1.0
    loading: float = 1.0
    reserve_pu: float = 0.0

    def __str__(self) -> str:
        """What differs from the grid as it is."""
        parts = [
            f"generation x {self.generation:g}" if self.generation != 1.0 else "",
            f"ranges x {self.ranges:g}" if self.ranges != 1.0 else "",
            f"loading {self.loading:.0%}" if self.loading != 1.0 else "",
            f"band narrowed by {self.reserve_pu:g} p.u." if self.reserve_pu else "",
        ]
        return ", ".join(part for part in parts if part) or "as it is"


CALM: Final = Strain()
_LITTLE_ROOM: Final = Strain(ranges=3.0, loading=0.15)
STRAINS: Final[dict[str, tuple[Strain, ...]]] = {
    "simbench_rural": (CALM, Strain(generation=2.0)),
    "simbench_semiurb": (CALM, Strain(generation=2.0), Strain(ranges=3.0, loading=0.6)),
    "simbench_urban": (CALM, Strain(generation=8.0), _LITTLE_ROOM),
    "simbench_comm": (CALM, Strain(generation=8.0), _LITTLE_ROOM),
    "cigre_mv": (
        CALM,
        Strain(ranges=3.0, loading=0.7),
        Strain(generation=2.5, ranges=3.0, reserve_pu=0.05),
    ),
    "mv_oberrhein": (
        CALM,
        Strain(generation=2.0, ranges=3.0),
        Strain(ranges=3.0, loading=0.8, reserve_pu=0.05),
    ),
}
"""Per grid the day as it is, then days that limit somebody."""


@dataclass(frozen=True, eq=False)
class StrainedDay:
    """A grid and day ready to compute."""

    grid: str
    strain: Strain
    state: ExpectedState
    limits: Limits


def strained_day(grid: str, strain: Strain) -> StrainedDay:
    """The grid's day under a strain, its feeders as perimeters."""
    network = load_network(DATA / grid / "net.json.gz")
    forecast = _forecast(grid, network)
    p_w, q_var = forecast.p_w.copy(), forecast.q_var
    p_w[network.load_count :] *= strain.generation
    pods = [_strained(pod, strain) for pod in load_pods(DATA / grid / "pods.json")]
    groups = assign_by_node(network, pods, feeders(network))
    state = expected_state(network, pods, groups, Forecast(DAY, p_w, q_var))
    limits = Limits(network, LimitSettings(loading=strain.loading, voltage_reserve_pu=strain.reserve_pu))
    return StrainedDay(grid, strain, state, limits)


def _strained(pod: GridPod, strain: Strain) -> GridPod:
    elements = tuple(
        replace(e, rated_w=round(e.rated_w * strain.generation)) if e.technology != "load" else e
        for e in pod.elements
    )
    grown = strain.ranges * max(strain.generation, 1.0)
    up_kw, down_kw = (round(grown * each) for each in (pod.up_kw, pod.down_kw))
    return replace(pod, elements=elements, up_kw=up_kw, down_kw=down_kw)


def _forecast(grid: str, network: Network) -> Forecast:
    profiles = DATA / grid / "profiles.csv.gz"
    if profiles.exists():
        return load_forecast(profiles, network, day=DAY, quarters=_QUARTERS)
    rows = [network.input[kind] for kind in ("sym_load", "sym_gen") if kind in network.input]
    p_w = np.concatenate([row["p_specified"] for row in rows])
    q_var = np.concatenate([row["q_specified"] for row in rows])
    hour = np.arange(_QUARTERS) / 4.0
    peaks = 0.35 * np.exp(-(((hour - 19.5) / 3.0) ** 2)) + 0.25 * np.exp(-(((hour - 9.0) / 2.5) ** 2))
    sun = np.maximum(np.sin((hour - 6.0) / 12.0 * np.pi), 0.0)
    shape = np.where(network.element_sign[:, None] < 0.0, 0.45 + peaks, sun)
    return Forecast(DAY, p_w[:, None] * shape, q_var[:, None] * shape)
