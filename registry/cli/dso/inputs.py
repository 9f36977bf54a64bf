"""The files that every command of `flexledger dso` reads, and the case they make."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from registry.cli.dso.options import FEEDERS
from registry.domain.calendar import DeliveryDay
from registry.domain.errors import InputInvalid
from registry.grid.activations import load_activations
from registry.grid.bids import Prices, load_prices
from registry.grid.codes import grid_file
from registry.grid.forecast import Forecast, load_forecast
from registry.grid.json_files import require_json
from registry.grid.network import Network, load_network
from registry.grid.perimeters import (
    Perimeter,
    assign_by_node,
    feeders,
    load_perimeters,
    secondary_substations,
)
from registry.grid.pods import GridPod, load_pods
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_providers import SupportTerms
from registry.grid.results import LocalActivation
from registry.grid.state import ExpectedState, expected_state
from registry.grid.violations import Limits, LimitSettings

AREAS: Mapping[str, Callable[[Network], tuple[Perimeter, ...]]] = {
    FEEDERS: feeders,
    "substations": secondary_substations,
}
"""Perimeters that can be read off a grid."""
T = TypeVar("T")


@dataclass(frozen=True)
class Files:
    """The files of a grid, without a day.

    Attributes:
        areas: perimeters as parts of the grid.
        perimeters: the keys of their PODs, of those that have any.
    """

    network: Network
    pods: tuple[GridPod, ...]
    areas: tuple[Perimeter, ...]
    perimeters: Mapping[str, tuple[str, ...]]
    flow: PowerFlow
    limits: Limits

    def state(
        self,
        forecast: Forecast,
        activations: Sequence[LocalActivation] = (),
        pods: Sequence[GridPod] | None = None,
    ) -> ExpectedState:
        """The expected state of a day; with other ``pods`` the perimeters hold those of them that they have.

        Raises what :func:`~registry.grid.state.expected_state` raises.
        """
        chosen = self.pods if pods is None else pods
        left_out = {pod.key for pod in self.pods} - {pod.key for pod in chosen}
        groups = {name: [k for k in keys if k not in left_out] for name, keys in self.perimeters.items()}
        return expected_state(self.network, chosen, groups, forecast, activations)


def load_files(
    grid: str, pods: Path, perimeters: str, *, loading: float = 1.0, reserve: float = 0.0
) -> Files:
    """Read grid, PODs and perimeters.

    Raises:
        RuleViolation: what is wrong with them, by element, entry or name.
    """
    readable("pods", pods, lambda file: require_json(file, "pods"))
    network = readable("grid", grid_file(grid), lambda _: load_network(grid))
    found = readable("pods", pods, load_pods)
    if not found:
        raise InputInvalid(rule="GRD-1", field="pods", found="none", allowed="at least one POD")
    areas = _areas(network, perimeters, "perimeters")
    limits = Limits(network, LimitSettings(loading=loading, voltage_reserve_pu=reserve))
    return Files(network, found, areas, _with_pods(network, found, areas), PowerFlow(network), limits)


def groups_before(files: Files, perimeters: str | None) -> Mapping[str, tuple[str, ...]] | None:
    """The keys of the PODs of the perimeters before a split; None where none are given.

    Raises:
        RuleViolation: what is wrong with them.
    """
    if perimeters is None:
        return None
    return _with_pods(files.network, files.pods, _areas(files.network, perimeters, "before"))


def _areas(network: Network, perimeters: str, field: str) -> tuple[Perimeter, ...]:
    if perimeters in AREAS:
        return AREAS[perimeters](network)
    path = Path(perimeters)
    if not path.is_file():
        allowed = f"{', '.join(AREAS)}, or a file that exists"
        raise InputInvalid(rule="DTL-1", field=field, found=perimeters, allowed=allowed)
    return readable(field, path, lambda file: load_perimeters(file, network))


def _with_pods(
    network: Network, pods: Sequence[GridPod], areas: Sequence[Perimeter]
) -> dict[str, tuple[str, ...]]:
    return {name: keys for name, keys in assign_by_node(network, pods, areas).items() if keys}


def load_day(path: Path, files: Files, day: DeliveryDay) -> Forecast:
    """Read the forecast of a day."""
    return readable(
        "forecast", path, lambda file: load_forecast(file, files.network, day=day.date, quarters=day.quarters)
    )


def load_plan(path: Path | None) -> tuple[LocalActivation, ...]:
    """Planned local activations, none without a file."""
    return () if path is None else readable("activations", path, load_activations)


def prices_of(path: Path, day: DeliveryDay) -> Prices:
    """Read the hourly prices of a day."""
    return readable("prices", path, lambda file: load_prices(file, day.hours))


def support_terms(path: Path | None, day: DeliveryDay) -> SupportTerms | None:
    """What reactive support costs by a file of prices; None without one: nobody gives any."""
    return None if path is None else SupportTerms(prices_of(path, day).purchase)


def require_hour(day: DeliveryDay, hour: int) -> None:
    """Refuse an hour, 0 or more, that the day has not.

    Raises:
        InputInvalid: TIM-1.
    """
    if hour >= day.hours:
        raise InputInvalid(rule="TIM-1", field="hour", found=hour, allowed=f"0 to {day.hours - 1}")


def readable(field: str, path: Path, read: Callable[[Path], T]) -> T:
    """Read a file, naming it where its bytes are not even text of the right kind.

    Raises:
        InputInvalid: GRD-1 for such a file, and what ``read`` raises.
    """
    try:
        return read(path)
    except (UnicodeError, EOFError, zlib.error, csv.Error, RecursionError, OSError) as error:
        found = f"{path}: {error or type(error).__name__}"
        raise InputInvalid(
            rule="GRD-1", field=field, found=found, allowed="a file that can be read"
        ) from None
