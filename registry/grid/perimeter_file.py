"""Perimeters that a DSO names itself, as a file (DTL-1).

    {"perimeters": [{"name": "north", "pods": ["key", ...]}, ...]}

``pods`` are keys of the POD file. Whether each POD is in exactly one perimeter is asked where the partition
is used.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from registry.grid.faults import Fault, raise_if_any
from registry.grid.json_files import entries_of

_SHAPE = '{"perimeters": [{"name", "pods": [...]}]}'


def load_perimeters(path: Path) -> dict[str, tuple[str, ...]]:
    """The keys of the PODs of each perimeter.

    Raises :class:`~registry.grid.faults.GridInvalid` (DTL-1) naming every bad entry and repeated name.
    """
    entries = entries_of(path, "perimeters", _SHAPE, rule="DTL-1")
    faults = [
        Fault("bad_perimeter", f"entry {number}", _short(entry), "a name and a list of POD keys")
        for number, entry in enumerate(entries)
        if not _is_perimeter(entry)
    ]
    good = [entry for entry in entries if _is_perimeter(entry)]
    faults += [
        Fault("repeated_name", f"perimeter {name}", f"{count} times", "once")
        for name, count in Counter(entry["name"] for entry in good).items()
        if count > 1
    ]
    if not entries:
        faults.append(Fault("no_perimeters", path.name, "none", "at least one"))
    raise_if_any("perimeters", faults, rule="DTL-1")
    return {entry["name"]: tuple(entry["pods"]) for entry in good}


def perimeters_text(perimeters: Mapping[str, Sequence[str]]) -> str:
    """The file of these perimeters."""
    rows = [{"name": name, "pods": list(keys)} for name, keys in perimeters.items()]
    return json.dumps({"perimeters": rows}, indent=1, ensure_ascii=False) + "\n"


def _is_perimeter(entry: object) -> bool:
    if not isinstance(entry, Mapping):
        return False
    name, pods = entry.get("name"), entry.get("pods")
    named = isinstance(name, str) and bool(name)
    return named and isinstance(pods, list) and all(isinstance(key, str) for key in pods)


def _short(entry: object) -> str:
    text = repr(entry)
    return text if len(text) <= 60 else text[:57] + "..."
