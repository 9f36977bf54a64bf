"""Small hand-made grids and the SimBench fixture for the tests of the grid room."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from registry.grid.forecast import Forecast, load_forecast
from registry.grid.network import Network, load_network, parse_network
from registry.grid.perimeters import assign_by_node, feeders
from registry.grid.pods import GridPod, PodElement, Technology, load_pods
from registry.grid.powerflow import PowerFlow
from registry.grid.state import ExpectedState, expected_state
from registry.grid.violations import Limits, LimitSettings

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FIXTURE = Path(__file__).parents[3] / "data" / "simbench_rural"
FIXTURE_DAY = date(2016, 6, 9)
DAY = date(2026, 6, 18)
VOLTS = 20_000.0


def ampere(power_kw: float) -> float:
    """Current of a power at rated voltage."""
    return power_kw * 1000.0 / (math.sqrt(3.0) * VOLTS)


@dataclass(frozen=True)
class Line:
    """A line of a hand-made grid; ``rated_kw`` at rated voltage."""

    start: str
    end: str
    rated_kw: float
    ohm: float = 0.01


def document(
    lines: Sequence[Line],
    loads: Mapping[str, str],
    generators: Mapping[str, str],
    band: tuple[float, float] = (0.9, 1.1),
) -> dict[str, Any]:
    """A grid fed at node ``PS``; loads and generators map a name to a node."""
    names = ["PS", *dict.fromkeys(end for line in lines for end in (line.start, line.end) if end != "PS")]
    number = {name: i + 1 for i, name in enumerate(names)}
    rows = iter(range(100, 1000))

    idle = {"p_specified": 0.0, "q_specified": 0.0}

    def element(name: str, node: str) -> dict[str, Any]:
        return {"id": next(rows), "name": name, "node": number[node], "status": 1, "type": 0, **idle}

    return {
        "version": "1.0",
        "type": "input",
        "is_batch": False,
        "attributes": {},
        "data": {
            "node": [
                {"id": i, "name": name, "u_rated": VOLTS, "u_min": band[0], "u_max": band[1]}
                for name, i in number.items()
            ],
            "line": [
                {
                    "id": next(rows),
                    "name": f"{line.start}-{line.end}",
                    "from_node": number[line.start],
                    "to_node": number[line.end],
                    "from_status": 1,
                    "to_status": 1,
                    "r1": line.ohm,
                    "x1": line.ohm,
                    "c1": 0.0,
                    "tan1": 0.0,
                    "i_n": ampere(line.rated_kw),
                }
                for line in lines
            ],
            "source": [{"id": next(rows), "node": 1, "status": 1, "u_ref": 1.0, "sk": 1e18}],
            "sym_load": [element(name, node) for name, node in loads.items()],
            "sym_gen": [element(name, node) for name, node in generators.items()],
        },
    }


def grid(
    lines: Sequence[Line],
    loads: Mapping[str, str],
    generators: Mapping[str, str],
    band: tuple[float, float] = (0.9, 1.1),
) -> Network:
    """The network of :func:`document`."""
    return parse_network(json.dumps(document(lines, loads, generators, band)), name="hand-made")


def flat_day(network: Network, power_kw: Mapping[str, float], quarters: int = 96) -> Forecast:
    """The same power in every quarter-hour; elements not named are at zero."""
    values = np.array([power_kw.get(name, 0.0) * 1000.0 for name in network.element_names])
    p_w = np.repeat(values[:, None], quarters, axis=1)
    return Forecast(DAY, p_w, np.zeros_like(p_w))


def pod(name: str, node: str, technology: Technology, rated_kw: int) -> GridPod:
    """A POD with one element of the same name, free to move as much as it is rated."""
    return GridPod(name, node, (PodElement(name, technology, rated_kw * 1000),), rated_kw, rated_kw)


def figure_12() -> tuple[Network, tuple[GridPod, ...], Forecast]:
    """D4.1 Figure 12 in units of 100 kW: 2 used below each substation; SS_1 takes 3, SS_2 takes 6.5."""
    network = grid(
        [Line("PS", "MV", 5000.0), Line("MV", "SS_1", 300.0), Line("MV", "SS_2", 650.0)],
        loads={"used_1": "SS_1", "used_2": "SS_2"},
        generators={"a_1": "SS_1", "b_1": "SS_1", "a_2": "SS_2", "b_2": "SS_2"},
    )
    pods = tuple(
        pod(name, node, "storage", 400)
        for name, node in (("a_1", "SS_1"), ("b_1", "SS_1"), ("a_2", "SS_2"), ("b_2", "SS_2"))
    )
    return network, pods, flat_day(network, {"used_1": 200.0, "used_2": 200.0})


@dataclass(frozen=True)
class House:
    """The SimBench fixture, ready to compute."""

    network: Network
    pods: tuple[GridPod, ...]
    forecast: Forecast
    perimeters: Mapping[str, tuple[str, ...]]
    flow: PowerFlow

    @property
    def state(self) -> ExpectedState:
        return expected_state(self.network, self.pods, self.perimeters, self.forecast)

    def limits(self, reserve_pu: float = 0.0) -> Limits:
        return Limits(self.network, LimitSettings(voltage_reserve_pu=reserve_pu))


@cache
def simbench() -> House:
    """The committed fixture."""
    network = load_network(FIXTURE / "grid.json")
    pods = load_pods(FIXTURE / "pods.json")
    forecast = load_forecast(FIXTURE / "profiles.csv.gz", network, day=FIXTURE_DAY, quarters=96)
    return House(
        network,
        pods,
        forecast,
        assign_by_node(network, pods, feeders(network)),
        PowerFlow(network, threads=1),
    )
