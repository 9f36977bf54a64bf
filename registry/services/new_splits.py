"""Splits of perimeters that are new on a delivery day: by what the register had the day before (DTL-1,
DTL-5).

A perimeter was split where its PODs are in several perimeters now that have no PODs of any other. A perimeter
that also took PODs of another one was merged: what it held before cannot be compared, and it stays as it is.
PODs that are new go with the perimeter that they are in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from registry.domain.calendar import DeliveryDay
from registry.ports import Mirror
from registry.services.grid_register import KnownPod
from registry.services.recorder import every

Splits = Mapping[int, Sequence[str]]
"""The register's number of a perimeter that was split, and the names of its parts."""


def new_splits(
    mirror: Mirror,
    dso: int,
    day: DeliveryDay,
    perimeters: Mapping[str, Sequence[str]],
    known: Mapping[str, KnownPod],
) -> dict[int, tuple[str, ...]]:
    """The splits that made ``perimeters`` (keys of PODs by name) out of the register's of the day before."""
    rows = every(lambda after, limit: mirror.pods(day=day.number - 1, dso=dso, after=after, limit=limit))
    before = {row.pod_id: row.perimeter for row in rows}
    return splits_between(
        perimeters,
        {
            key: number
            for keys in perimeters.values()
            for key in keys
            if (number := before.get(known[key].pod_id)) is not None
        },
    )


def splits_between(
    perimeters: Mapping[str, Sequence[str]], before: Mapping[str, int]
) -> dict[int, tuple[str, ...]]:
    """The splits between the perimeter that each POD had ``before``, if any, and those it has now."""
    origins = {name: {before[key] for key in keys if key in before} for name, keys in perimeters.items()}
    parts: dict[int, list[str]] = {}
    for name, numbers in origins.items():
        for number in sorted(numbers):
            parts.setdefault(number, []).append(name)
    return {
        number: tuple(names)
        for number, names in parts.items()
        if len(names) > 1 and all(origins[name] == {number} for name in names)
    }


def before_splits(perimeters: Mapping[str, Sequence[str]], splits: Splits) -> dict[str, tuple[str, ...]]:
    """The PODs of each perimeter as they would be without the splits; the perimeters are merely counted."""
    parts = {name for names in splits.values() for name in names}
    wholes = [tuple(key for name in names for key in perimeters[name]) for names in splits.values()]
    others = [tuple(keys) for name, keys in perimeters.items() if name not in parts]
    return {str(number): keys for number, keys in enumerate([*wholes, *others])}
