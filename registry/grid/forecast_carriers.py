"""Which elements of a grid carry the power that a forecast states for a POD or a node (GRD-1).

Loads share what is withdrawn, generators what is injected, in proportion to their ratings, or evenly where
one has no rating. A storage is left at rest as long as another generator is there; where there are only
storages, they carry the stated injection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from registry.grid.faults import Fault
from registry.grid.network import Network
from registry.grid.pods import GridPod, placement_faults

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Subject = Literal["element", "pod", "node"]
Unit = Literal["w", "var"]

_UNITS: Final[tuple[tuple[str, Unit], ...]] = (("p", "w"), ("q", "var"))
_BOTH: Final = ("load_w", "load_var", "generation_w", "generation_var")
SUBJECTS: Final[Mapping[Subject, tuple[str, ...]]] = {
    "element": ("p_w", "q_var"),
    "pod": _BOTH,
    "node": _BOTH,
}
"""What a forecast may be about, and the quantities it then states."""


@dataclass(frozen=True, slots=True)
class Carrier:
    """Elements that share a power: positions, parts that sum to 1, and what they are rated at together (NaN
    where one of them has no rating).
    """

    unit: Unit
    elements: Ints
    shares: Floats
    rated_w: float


def carriers(
    subject: Subject, network: Network, pods: Sequence[GridPod]
) -> tuple[dict[str, dict[str, Carrier]], list[Fault]]:
    """Carriers by name of the subject and quantity, and elements that no subject covers."""
    if subject == "element":
        known = {}
        for name, index in network.element_index.items():
            rated_w = float(network.element_rated_w[index])
            known[name] = {
                f"{letter}_{unit}": Carrier(unit, np.array([index]), np.ones(1), rated_w)
                for letter, unit in _UNITS
            }
        return known, []
    storages = {e.name for pod in pods for e in pod.elements if e.technology == "storage"}
    at_rest = np.array([name in storages for name in network.element_names], dtype=np.bool_)
    if subject == "node":
        groups = {
            name: np.flatnonzero(network.element_node == index).tolist()
            for index, name in enumerate(network.node_names)
        }
        return {name: _shared(network, group, at_rest) for name, group in groups.items() if group}, []
    faults = placement_faults(network, pods)
    if faults:
        return {}, faults
    groups = {pod.key: [network.element_index[e.name] for e in pod.elements] for pod in pods}
    covered = {index for group in groups.values() for index in group}
    faults = [
        Fault("no_forecast", f"element {name}", "behind no POD", "a forecast per element, or a POD")
        for name, index in network.element_index.items()
        if index not in covered
    ]
    return {key: _shared(network, group, at_rest) for key, group in groups.items()}, faults


def _shared(network: Network, group: list[int], at_rest: npt.NDArray[np.bool_]) -> dict[str, Carrier]:
    elements = np.array(group, dtype=np.int64)
    loads = elements[network.element_sign[elements] < 0.0]
    generators = elements[network.element_sign[elements] > 0.0]
    moving = generators[~at_rest[generators]]
    found = {}
    for word, carrying in (("load", loads), ("generation", moving if len(moving) else generators)):
        if len(carrying):
            rated = network.element_rated_w[carrying]
            weights = rated if np.isfinite(rated).all() and rated.sum() > 0.0 else np.ones(len(carrying))
            for _, unit in _UNITS:
                found[f"{word}_{unit}"] = Carrier(unit, carrying, weights / weights.sum(), float(rated.sum()))
    return found
