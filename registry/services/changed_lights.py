"""A DSO publishes of a day's lights only what differs from what is in force (DTL-2, SES-4)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from registry.domain.calendar import SESSIONS, DeliveryDay
from registry.domain.errors import RuleViolation
from registry.domain.lights import CellLight
from registry.ports import Mirror, Receipt, Signer
from registry.services.publish_lights import PERIMETERS_PER_TRANSACTION, DayLights, publish_lights
from registry.services.recorder import Recorder
from registry.views import DayView, LightView


@dataclass(frozen=True, slots=True)
class Publication:
    """What was published.

    Attributes:
        session: the session it was published in.
        changed: per published perimeter the number of cells (hour and direction) that differ from before; all
            of them where no light was in force.
        unchanged: perimeters whose lights in force say the same already.
        receipts: of the transactions, none where nothing had changed.
    """

    session: int
    changed: Mapping[int, int]
    unchanged: tuple[int, ...]
    receipts: tuple[Receipt, ...]


def open_light_session(mirror: Mirror, day: DeliveryDay, now: datetime) -> int:
    """The session in which lights of a day can be published now: its LFP window is open.

    Raises:
        RuleViolation: SES-1 for a day without a schedule, SES-4 if no LFP session is open.
    """
    view = mirror.day(day.number)
    if view is None:
        raise RuleViolation(
            rule="SES-1", field="day", found=day.date.isoformat(), allowed="a scheduled delivery day"
        )
    for session, (opens_at, gate) in enumerate(_windows(view), start=1):
        if opens_at <= now < gate:
            return session
    coming = [
        f"LFP {session} opens at {opens_at:%Y-%m-%d %H:%M} UTC"
        for session, (opens_at, _) in enumerate(_windows(view), start=1)
        if now < opens_at
    ]
    raise RuleViolation(
        rule="SES-4",
        field="session",
        found=f"no LFP session of {day.date} open at {now:%Y-%m-%d %H:%M} UTC",
        allowed=coming[0] if coming else f"a time before the gate of LFP {SESSIONS}",
    )


def publish_changed_lights(
    recorder: Recorder, dso: int, signer: Signer, day: DeliveryDay, session: int, lights: Sequence[DayLights]
) -> Publication:
    """Publish those of ``lights`` that differ from what is in force, :data:`PERIMETERS_PER_TRANSACTION` at a
    time: a block could not hold those of a city in one. Should one be refused, those before it stand, and the
    next run publishes the rest.

    Hours that ``session`` can plan no more keep the light in force: nobody can select in them, and what was
    selected was valid under it.

    Raises:
        RuleViolation: as :func:`~registry.services.publish_lights.publish_lights`.
    """
    first = day.first_hour(session)
    changed: dict[int, int] = {}
    fresh: list[DayLights] = []
    for light in lights:
        in_force = recorder.mirror.light_in_force(light.perimeter, day.number)
        if in_force is not None:
            light = _with_past_of(light, in_force, first)
        cells = _differing(light, in_force)
        if cells:
            changed[light.perimeter] = cells
            fresh.append(light)
    receipts = tuple(
        publish_lights(recorder, dso, signer, day, session, fresh[at : at + PERIMETERS_PER_TRANSACTION])
        for at in range(0, len(fresh), PERIMETERS_PER_TRANSACTION)
    )
    same = tuple(light.perimeter for light in lights if light.perimeter not in changed)
    return Publication(session, changed, same, receipts)


def _windows(view: DayView) -> list[tuple[datetime, datetime]]:
    """Opening and gate of the six LFP sessions (SES-1)."""
    return list(zip((view.opens_at, *view.msd_gates), view.lfp_gates, strict=False))


def _with_past_of(light: DayLights, in_force: LightView, first: int) -> DayLights:
    return replace(
        light,
        up=(*in_force.up_lights[:first], *light.up[first:]),
        down=(*in_force.down_lights[:first], *light.down[first:]),
    )


def _differing(light: DayLights, in_force: LightView | None) -> int:
    if in_force is None:
        return len(light.up) + len(light.down)
    return _count(light.up, in_force.up_lights) + _count(light.down, in_force.down_lights)


def _count(new: Sequence[CellLight], old: Sequence[CellLight]) -> int:
    return sum(a != b for a, b in zip(new, old, strict=False)) + abs(len(new) - len(old))
