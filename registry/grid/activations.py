"""Local activations that a DSO plans, as a file (DTL-3).

    {"activations": [{"perimeter": "north", "hour": 13, "direction": "down", "power_kw": 250}]}

``pods``, a map of POD keys to kW, may say who gives what. Whether perimeter, hour and power fit the grid is
asked where the expected state is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from registry.grid.faults import Fault, raise_if_any
from registry.grid.json_files import entries_of
from registry.grid.results import DIRECTIONS, LocalActivation

_SHAPE = '{"activations": [{"perimeter", "hour", "direction", "power_kw"}]}'
_DIRECTION = {way.name.lower(): way for way in DIRECTIONS}


def load_activations(path: Path) -> tuple[LocalActivation, ...]:
    """Read planned activations.

    Raises :class:`~registry.grid.faults.GridInvalid` (DTL-3) naming every bad entry.
    """
    entries = entries_of(path, "activations", _SHAPE, rule="DTL-3")
    faults: list[Fault] = []
    read = [_activation(number, entry, faults) for number, entry in enumerate(entries)]
    raise_if_any("activations", faults, rule="DTL-3")
    return tuple(activation for activation in read if activation is not None)


def _activation(number: int, entry: Any, faults: list[Fault]) -> LocalActivation | None:
    where = f"entry {number}"
    if not isinstance(entry, Mapping) or not {"perimeter", "hour", "direction", "power_kw"} <= entry.keys():
        faults.append(Fault("bad_activation", where, repr(entry)[:60], _SHAPE))
        return None
    if entry["direction"] not in _DIRECTION:
        faults.append(Fault("bad_activation", f"{where}, direction", repr(entry["direction"]), "up or down"))
        return None
    pods = entry.get("pods")
    powers = [entry["hour"], entry["power_kw"], *(pods.values() if isinstance(pods, Mapping) else ())]
    if any(type(value) is not int for value in powers) or not (pods is None or isinstance(pods, Mapping)):
        faults.append(Fault("bad_activation", where, repr(entry)[:60], "whole numbers of hour and kW"))
        return None
    placed = None if pods is None else tuple((str(key), power_kw) for key, power_kw in pods.items())
    return LocalActivation(
        str(entry["perimeter"]), entry["hour"], _DIRECTION[entry["direction"]], entry["power_kw"], placed
    )
