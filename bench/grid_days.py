"""The grid days that `flexledger bench grid` computes: SimBench's medium-voltage fixtures, as they are or as
parts of a city.
"""

from __future__ import annotations

import json
import os
import resource
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from time import perf_counter
from typing import Final

import numpy as np
import numpy.typing as npt

from registry.grid.codes import grid_file
from registry.grid.forecast import Forecast, load_forecast
from registry.grid.network import Network, load_network
from registry.grid.perimeters import assign_by_node, feeders
from registry.grid.pods import GridPod, load_pods
from registry.grid.powerflow import Bools, Output, PowerFlow
from registry.grid.state import ExpectedState, expected_state

Floats = npt.NDArray[np.float64]

BLOCK: Final = 4096
"""Operating points that are made and solved at once."""
URBAN: Final = ("1-MV-urban--1-sw", "1-MV-comm--1-sw", "1-MV-semiurb--1-sw")
"""What a city is put together from."""


class CountingFlow(PowerFlow):
    """Power flow that counts what it was asked for."""

    def __init__(self, network: Network, *, threads: int) -> None:
        super().__init__(network, threads=threads)
        self.count = 0

    def _run(self, p_w: Floats, q_var: Floats, wanted: dict[str, list[str]]) -> tuple[Output, Bools]:
        self.count += len(p_w)
        return super()._run(p_w, q_var, wanted)


@dataclass(frozen=True)
class GridDay:
    """A fixture with its day, its PODs and its feeders as perimeters."""

    code: str
    network: Network
    pods: tuple[GridPod, ...]
    forecast: Forecast
    perimeters: Mapping[str, tuple[str, ...]]

    @classmethod
    def load(cls, code: str) -> GridDay:
        """The fixture of a SimBench code."""
        folder = grid_file(code).parent
        network = load_network(code)
        pods = load_pods(folder / "pods.json")
        day = date.fromisoformat(_day(folder / "pods.json"))
        forecast = load_forecast(folder / "profiles.csv.gz", network, day=day, quarters=96)
        perimeters = assign_by_node(network, pods, feeders(network))
        return cls(code, network, pods, forecast, perimeters)

    @property
    def feeders(self) -> int:
        """How many feeders; the first perimeter is the busbar."""
        return len(self.perimeters) - 1

    def state(self) -> ExpectedState:
        """The expected state of the day."""
        return expected_state(self.network, self.pods, self.perimeters, self.forecast)

    def copy(self, number: int) -> GridDay:
        """Another part of the city: the same grid, each element's day up to a fifth more or less."""
        random = np.random.default_rng(number)
        factors = random.uniform(0.8, 1.2, size=(len(self.network.element_names), 1))
        forecast = replace(
            self.forecast, p_w=self.forecast.p_w * factors, q_var=self.forecast.q_var * factors
        )
        return replace(self, forecast=forecast)

    def points(self, count: int, seed: int) -> tuple[Floats, Floats]:
        """Operating points ``[point, element]``: quarter-hours of the day, each element off by up to half."""
        random = np.random.default_rng(seed)
        quarters = random.integers(self.forecast.quarters, size=count)
        factors = random.uniform(0.5, 1.5, size=(count, len(self.network.element_names)))
        return self.forecast.p_w.T[quarters] * factors, self.forecast.q_var.T[quarters] * factors


def _day(path: Path) -> str:
    return str(json.loads(path.read_text(encoding="utf-8"))["day"])


def bare_rate(day: GridDay, *, threads: int = 0) -> float:
    """Power flows a second of the engine on this grid, nothing else."""
    flow = PowerFlow(day.network, threads=threads)
    points = day.points(BLOCK, 0)
    flow.solve(*points)
    began = perf_counter()
    flow.solve(*points)
    return BLOCK / (perf_counter() - began)


def machine() -> dict[str, int | float]:
    """Cores, and what else they have to do."""
    return {"cores": os.cpu_count() or 1, "load_1min": round(os.getloadavg()[0], 2)}


def peak_mb() -> float:
    """The most memory this process has had, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
