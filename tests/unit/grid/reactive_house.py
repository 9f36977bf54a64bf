"""Feeders where reactive power matters, for the tests of reactive support."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from registry.grid.network import Network
from registry.grid.pods import GridPod
from registry.grid.reactive_opf import Points
from registry.grid.reactive_providers import Providers, SupportTerms
from registry.grid.state import ExpectedState, expected_state
from registry.grid.violations import Limits
from tests.unit.grid.grid_house import Line, flat_day, grid, pod

PRICES = (50_000,) * 24


def feeder(
    random: np.random.Generator, nodes: int = 4, band: tuple[float, float] = (0.97, 1.03)
) -> ExpectedState:
    """A radial feeder with load, PV and a storage or wind turbine at every node, in two perimeters.

    Long enough that its PODs break the voltage band, and now and then a line, in both directions.
    """
    names = [f"N{number}" for number in range(nodes)]
    lines = [
        Line(start, end, float(random.uniform(1500.0, 5000.0)), float(random.uniform(2.0, 9.0)))
        for start, end in zip(["PS", *names], names, strict=False)
    ]
    loads = {f"load {name}": name for name in names}
    plants = {f"pv {name}": name for name in names} | {f"other {name}": name for name in names}
    network = grid(lines, loads, plants, band)
    sunny = bool(random.random() < 0.5)
    power: dict[str, float] = {}
    pods: list[GridPod] = []
    for name in names:
        wind = bool(random.random() < 0.5)
        sizes = {"load": 900, "pv": int(random.integers(200, 1500)), "other": int(random.integers(200, 900))}
        power |= {
            f"load {name}": float(random.uniform(0.0, 300.0 if sunny else 900.0)),
            f"pv {name}": float(random.uniform(0.5, 0.9) * sizes["pv"]) if sunny else 0.0,
            f"other {name}": float(random.uniform(0.0, 0.8 * sizes["other"])) if wind and sunny else 0.0,
        }
        pods += [
            pod(f"load {name}", name, "load", sizes["load"]),
            pod(f"pv {name}", name, "pv", sizes["pv"]),
            pod(f"other {name}", name, "wind" if wind else "storage", sizes["other"]),
        ]
    half = 3 * (nodes // 2)
    perimeters = {"near": [p.key for p in pods[:half]], "far": [p.key for p in pods[half:]]}
    return expected_state(network, pods, perimeters, flat_day(network, power, quarters=96))


def line_to_a_plant(
    ohm: float, power_kw: float, provider_kw: int, band: tuple[float, float]
) -> tuple[Network, ExpectedState]:
    """One line to node A with a load or generator of ``power_kw`` (negative: load) and an idle storage."""
    network = grid([Line("PS", "A", 90_000.0, ohm)], {"load": "A"}, {"pv": "A", "store": "A"}, band)
    power = {"pv": max(power_kw, 0.0), "load": max(-power_kw, 0.0)}
    pods = [pod("pv", "A", "pv", 9_000), pod("store", "A", "storage", provider_kw)]
    return network, expected_state(network, pods, {"P": ["pv", "store"]}, flat_day(network, power))


def point_of(state: ExpectedState, limits: Limits, providers: Providers) -> Points:
    """The expected state of the first quarter-hour as a point to cure, providers at what they have there."""
    quarter, moves = np.array([0]), np.zeros((1, len(state.pods)))
    p_w, q_var = state.scenarios(quarter, moves)
    low, high = providers.at_moves(quarter, moves)
    return Points(p_w, q_var, limits.bounds[None, :], low, high, np.zeros(1, dtype=np.int64))


def providers_of(state: ExpectedState, keys: Sequence[str] | None = None) -> Providers:
    """All providers, or those of some PODs."""
    return SupportTerms(PRICES, None if keys is None else tuple(keys)).providers(state)
