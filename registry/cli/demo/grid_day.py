"""The DSO's view of the demo day: grid, PODs, forecasts that get better with each session, and what follows
from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from registry.cli.demo.scenario import DAY, FORECAST_ERROR, PROFILE_DAY
from registry.grid.forecast import Forecast, load_forecast
from registry.grid.lights import day_lights
from registry.grid.network import Network, load_network
from registry.grid.perimeters import assign_by_node, feeders
from registry.grid.planning import planned_needs
from registry.grid.pods import GridPod, load_pods, net_injection
from registry.grid.powerflow import PowerFlow
from registry.grid.results import LocalActivation, LocalNeed, PerimeterDayLights, StaticLightAdvice
from registry.grid.state import expected_state
from registry.grid.static_light import static_lights
from registry.grid.violations import Limits, LimitSettings

DATA = Path(__file__).resolve().parents[3] / "data" / "simbench_rural"
PLANNING_RESERVE_PU = 0.003
"""The DSO asks for local flexibility before the voltage band is reached, so that others keep room."""
WH_PER_W_QUARTER = 4
"""A mean of 4 W over a quarter-hour is 1 Wh."""


@dataclass(frozen=True)
class GridDay:
    """One grid, one day."""

    network: Network
    flow: PowerFlow
    pods: tuple[GridPod, ...]
    actual: Forecast

    @classmethod
    def load(cls) -> GridDay:
        """The SimBench fixture."""
        network = load_network(DATA / "grid.json")
        pods = load_pods(DATA / "pods.json")
        actual = load_forecast(DATA / "profiles.csv.gz", network, day=PROFILE_DAY, quarters=DAY.quarters)
        return cls(network, PowerFlow(network), pods, actual)

    @cached_property
    def limits(self) -> Limits:
        """The limits that must hold."""
        return Limits(self.network, LimitSettings())

    @cached_property
    def planning_limits(self) -> Limits:
        """The limits with the DSO's reserve."""
        return Limits(self.network, LimitSettings(voltage_reserve_pu=PLANNING_RESERVE_PU))

    @cached_property
    def perimeters(self) -> dict[str, tuple[str, ...]]:
        """PODs of each feeder, by the name of the feeder."""
        return {
            name: keys
            for name, keys in assign_by_node(self.network, self.pods, feeders(self.network)).items()
            if keys
        }

    def forecast(self, session: int) -> Forecast:
        """The forecast that session ``session`` plans with: the day as it will be, off by a little per
        element.
        """
        random = np.random.default_rng(session)
        error = (
            random.uniform(-1.0, 1.0, size=(len(self.network.element_names), 1)) * FORECAST_ERROR[session - 1]
        )
        return replace(self.actual, p_w=self.actual.p_w * (1.0 + error))

    def static_lights(self, declared: Sequence[GridPod]) -> tuple[StaticLightAdvice, ...]:
        """What the grid says about declared powers."""
        return static_lights(
            self.network, declared, [self.forecast(1)], self.flow, self.limits, planning=self.planning_limits
        )

    def needs(
        self, session: int, granted: Sequence[GridPod], planned: Sequence[LocalActivation]
    ) -> tuple[LocalNeed, ...]:
        """Local flexibility that the expected state still calls for, beside what is planned."""
        state = expected_state(self.network, granted, self._among(granted), self.forecast(session), planned)
        return planned_needs(state, self.flow, self.planning_limits)

    def lights(
        self, session: int, granted: Sequence[GridPod], planned: Sequence[LocalActivation]
    ) -> tuple[PerimeterDayLights, ...]:
        """The dynamic lights over the expected state with the planned local activations."""
        state = expected_state(self.network, granted, self._among(granted), self.forecast(session), planned)
        return day_lights(state, self.flow, self.limits)

    def net_w(self, pod: GridPod, forecast: Forecast) -> list[int]:
        """Net injection of a POD per quarter-hour, W, rounded to whole watt-hours."""
        total = np.zeros(forecast.quarters)
        for element in pod.elements:
            index = self.network.element_index[element.name]
            total += forecast.p_w[index] * self.network.element_sign[index]
        return [round(float(value) / WH_PER_W_QUARTER) * WH_PER_W_QUARTER for value in total]

    def drawn_var(self, pod: GridPod, forecast: Forecast) -> list[int]:
        """Reactive power that a POD draws per quarter-hour, var."""
        (injected,) = net_injection(self.network, [pod], forecast.q_var)
        return [-int(value) for value in injected]

    def _among(self, granted: Sequence[GridPod]) -> dict[str, tuple[str, ...]]:
        keys = {pod.key for pod in granted}
        return {
            name: tuple(key for key in members if key in keys) for name, members in self.perimeters.items()
        }
