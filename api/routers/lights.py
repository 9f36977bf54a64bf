"""Perimeters and dynamic traffic lights (DTL-1..4)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from api.deps import (
    AreaFilter,
    AsOf,
    DayFilter,
    DsoCaller,
    KnownCaller,
    NodeDep,
    PartyFilter,
    PathDay,
    SessionFilter,
    signer_for,
    written,
)
from api.pages import PAGE_DEFAULT, After, Limit, page_model, page_of
from api.schemas.answers import Page, Written
from api.schemas.requests import CellBody, DynamicLightsBody
from api.sight import require_role
from api.visibility import LIGHTS, PARTICIPANTS
from registry.domain.lights import CellLight, Colour
from registry.services.publish_lights import DayLights, publish_lights
from registry.views import LightView, PerimeterView

router = APIRouter(prefix="/v1", tags=["traffic lights"])


@router.get("/perimeters", response_model=page_model(PerimeterView))
def perimeters(
    node: NodeDep,
    caller: KnownCaller,
    as_of: AsOf,
    day: DayFilter,
    dso: PartyFilter = None,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Perimeters, or with `day` the partition in force on it (DTL-1)."""
    require_role(caller, *PARTICIPANTS)
    return page_of(
        PerimeterView,
        lambda position, size: node.mirror.perimeters(
            dso=dso, day=day, as_of=as_of, after=position, limit=size
        ),
        after,
        limit,
    )


@router.post("/lights")
def publish(node: NodeDep, caller: DsoCaller, body: DynamicLightsBody) -> Written:
    """Publish the lights of a session, all or none (DTL-2)."""
    lights = [
        DayLights(item.perimeter, tuple(map(_cell, item.up)), tuple(map(_cell, item.down)), {})
        for item in body.lights
    ]
    signer = signer_for(node, caller)
    return written(publish_lights(node.recorder, caller.party, signer, body.day, body.session, lights))


@router.get("/lights/{day}", response_model=page_model(LightView))
def lights(
    node: NodeDep,
    caller: KnownCaller,
    day: PathDay,
    as_of: AsOf,
    perimeter: AreaFilter = None,
    session: SessionFilter = None,
    after: After = None,
    limit: Limit = PAGE_DEFAULT,
) -> Page[Any]:
    """Lights of a delivery day, one entry per perimeter and session."""
    filters = {**LIGHTS.filters(caller), "perimeter": perimeter, "session": session, "as_of": as_of}
    return page_of(
        LightView,
        lambda position, size: node.mirror.lights(day.number, after=position, limit=size, **filters),
        after,
        limit,
        LIGHTS.of(caller),
    )


def _cell(body: CellBody) -> CellLight:
    colour = Colour[body.colour.upper()]
    capability = 0 if colour is Colour.RED and body.capability_kw is None else body.capability_kw
    return CellLight(colour, capability, body.reactive)
