"""Perimeters and dynamic traffic lights (DTL-1..4)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.deps import After, AsOf, KnownCaller, Limit, NodeDep, delivery_day, page_of, signer_for, written
from api.schemas.answers import Page, Written, answer_model
from api.schemas.requests import CellBody, DynamicLightsBody
from api.visibility import PARTICIPANTS, light_scope, require_role
from registry.domain.calendar import DeliveryDay
from registry.domain.lights import CellLight, Colour
from registry.services.identity import Role
from registry.services.publish_lights import DayLights, publish_lights
from registry.views import LightView, PerimeterView

router = APIRouter(prefix="/v1", tags=["traffic lights"])


@router.get("/perimeters", response_model=Page[answer_model(PerimeterView)])  # type: ignore[misc]
def perimeters(
    node: NodeDep, caller: KnownCaller, as_of: AsOf, dso: int | None = None, day: str | None = None, after: After = None, limit: Limit = 100
) -> Page[Any]:
    """Perimeters, or with `day` the partition in force on it (DTL-1)."""
    require_role(caller, *PARTICIPANTS)
    number = delivery_day(day).number if day is not None else None
    return page_of(node.mirror.perimeters(dso=dso, day=number, as_of=as_of, after=after, limit=limit), limit)


@router.post("/lights", response_model=Written)
def publish(node: NodeDep, caller: KnownCaller, body: DynamicLightsBody) -> Written:
    """Publish the lights of a session, all or none (DTL-2)."""
    require_role(caller, Role.DSO)
    lights = [
        DayLights(item.perimeter, tuple(map(_cell, item.up)), tuple(map(_cell, item.down)), {}) for item in body.lights
    ]
    receipt = publish_lights(
        node.recorder, caller.party, signer_for(node, caller), DeliveryDay(body.day), body.session, lights
    )
    return written(receipt)


@router.get("/lights/{day}", response_model=Page[answer_model(LightView)])  # type: ignore[misc]
def lights(
    node: NodeDep,
    caller: KnownCaller,
    day: str,
    as_of: AsOf,
    perimeter: int | None = None,
    session: int | None = None,
    after: After = None,
    limit: Limit = 100,
) -> Page[Any]:
    """Lights of a delivery day, one entry per perimeter and session."""
    rows = node.mirror.lights(
        delivery_day(day).number, perimeter=perimeter, session=session, as_of=as_of, after=after, limit=limit, **light_scope(caller)
    )
    return page_of(rows, limit)


def _cell(body: CellBody) -> CellLight:
    return CellLight(Colour[body.colour.upper()], body.capability_kw, body.reactive)
