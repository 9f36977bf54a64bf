"""Where the state of each contract lies, and that a change of the code leaves it there (CON-1).

A facade keeps its state when its code is replaced, so new code must find every variable where the old code
put it. ``layout.json`` holds, per contract and per struct, one line per variable: slot, offset in it, name,
type. Lines may be added at an end; one that changes would give a variable the value of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Layout = dict[str, list[str]]


def layout_of(name: str, compiled: Mapping[str, Any]) -> Layout:
    """Variables of a contract under its name, members of the structs that it keeps under theirs."""
    storage = compiled["storageLayout"]
    types: Mapping[str, Any] = storage["types"] or {}
    found = {name: _lines(storage["storage"], types)}
    for kind in types.values():
        if "members" in kind:
            found[f"{name}: {kind['label']}"] = _lines(kind["members"], types)
    return found


def moved(old: Mapping[str, Sequence[str]], new: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """One line per contract or struct whose old variables are not all where they were."""
    for name, lines in old.items():
        now = list(new.get(name, []))[: len(lines)]
        for number, line in enumerate(lines):
            if number >= len(now) or now[number] != line:
                found = now[number] if number < len(now) else "nothing"
                yield f"{name}: found {found} where {line} was, allowed variables that stay where they are"
                break


def _lines(variables: Sequence[Mapping[str, Any]], types: Mapping[str, Any]) -> list[str]:
    return [
        f"{one['slot']}+{one['offset']} {one['label']} {types[one['type']]['label']}" for one in variables
    ]
