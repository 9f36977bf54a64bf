"""A DSO publishes the dynamic traffic lights of its perimeters (DTL-2, DTL-3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.domain.calendar import DeliveryDay
from registry.domain.commands import PublishLights
from registry.domain.errors import RuleViolation
from registry.domain.lights import CellLight, DynamicLight
from registry.ports import Receipt, Signer
from registry.services.recorder import Recorder
from registry.services.sealing import auditors, seal

PERIMETERS_PER_TRANSACTION = 100
"""Of a day with 25 hours these take 10 million gas, a third of a block."""


@dataclass(frozen=True, slots=True)
class DayLights:
    """The lights of one perimeter, one cell per hour and direction; ``reasons`` (binding elements, extra
    costs) stay in the vault.
    """

    perimeter: int
    up: tuple[CellLight, ...]
    down: tuple[CellLight, ...]
    reasons: Mapping[str, Any]


def publish_lights(
    recorder: Recorder, dso: int, signer: Signer, day: DeliveryDay, session: int, lights: Sequence[DayLights]
) -> Receipt:
    """Publish the lights of a session, all or none; at most :data:`PERIMETERS_PER_TRANSACTION` at once.

    Raises:
        RuleViolation: DTL-2 for a light that has not one cell per hour, SES-4 outside the session's window,
            DTL-1 for a perimeter that is another DSO's or not in force.
    """
    for light in lights:
        for side, cells in (("up", light.up), ("down", light.down)):
            if len(cells) != day.hours:
                raise RuleViolation(
                    rule="DTL-2",
                    field=f"{side} of perimeter {light.perimeter}",
                    found=f"{len(cells)} hours",
                    allowed=f"{day.hours}, the hours of {day.date}",
                )
    owners = (dso, *auditors(recorder.mirror))
    packed = tuple(
        DynamicLight(light.perimeter, day.number, light.up, light.down).packed(
            seal(
                recorder.vault,
                {
                    "kind": "lights",
                    "perimeter": light.perimeter,
                    "day": day.number,
                    "session": session,
                    "reasons": dict(light.reasons),
                },
                owners,
            )
        )
        for light in lights
    )
    return recorder.record(PublishLights(dso, day.number, session, packed), signer)
