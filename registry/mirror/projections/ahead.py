"""What events are going to read, so that it is read for many at once and not for each by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from registry.domain.events import Event
from registry.mirror.changes import Changes
from registry.mirror.keys import area_part, key
from registry.mirror.projections.market import baseline_key, declaration_key, outcome_key
from registry.mirror.projections.market_time import light_key
from registry.mirror.projections.pods import members_key
from registry.mirror.tables import (
    Baseline,
    Completion,
    Declaration,
    Device,
    Light,
    Membership,
    Perimeter,
    Pod,
    Selection,
    Version,
)

_Read = tuple[type[Version], Callable[[Any], str]]
_OBJECTS: dict[str, _Read] = {
    "PerimeterDeclared": (Perimeter, lambda event: area_part(event.perimeter)),
    "LightsPublished": (Light, light_key),
    "SelectionRecorded": (Selection, outcome_key),
    "PodDeclared": (Declaration, declaration_key),
    "PodReleased": (Declaration, declaration_key),
    "DeclarationCompleted": (Completion, outcome_key),
    "BaselineFiled": (Baseline, baseline_key),
    "DeviceBound": (Device, lambda event: str(event.key_id.hex())),
    "DeviceEnded": (Device, lambda event: str(event.key_id.hex())),
}
"""By event: the one object it gives a new version."""
_VERSIONED: dict[str, type[Version]] = {
    "PodRegistered": Pod,
    "PodChanged": Pod,
    "PodWithdrawn": Pod,
    "StaticLightGiven": Pod,
    "PodJoined": Membership,
    "PodLeft": Membership,
}
"""By event: a POD's objects, of which there is one per day; membership changes the POD too."""


def read_ahead(changes: Changes, events: Iterable[Event]) -> None:
    """Have all that is known of the events' objects at hand."""
    objects: dict[type[Version], list[str]] = {}
    pods: dict[bytes, None] = {}
    members: dict[bytes, list[str]] = {}
    for event in events:
        name = type(event).__name__
        if name in _OBJECTS:
            model, key_of = _OBJECTS[name]
            objects.setdefault(model, []).append(key_of(event))
        elif name in _VERSIONED:
            pod: Any = event
            pods[pod.pod_id] = None
            if _VERSIONED[name] is Membership:
                members.setdefault(pod.pod_id, []).append(members_key(pod))
    for model, keys in objects.items():
        changes.expect(model, keys)
    changes.expect_below(Pod, "pod_id", {pod_id: [key(pod_id.hex())] for pod_id in pods})
    changes.expect_below(Membership, "pod_id", members)
