"""Readings of a POD and how far they are (MEA-3, LOG-1, LOG-2)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.deps import DATE, KnownCaller, NodeDep, PodId, existing, parse_day
from api.schemas.documents import AnchorAnswer, ReadingAnswer, Readings
from api.sight import require_role
from api.visibility import DEVICE_ROLES, sees_on_day
from registry.domain.calendar import from_unix
from registry.services.reading_status import ReadingStatus, missing_quarters, reading_statuses
from registry.views import CheckpointView

router = APIRouter(prefix="/v1", tags=["measurements"])


@router.get("/pods/{pod_id}/readings")
def readings(
    node: NodeDep,
    caller: KnownCaller,
    pod_id: PodId,
    day: Annotated[str, Query(pattern=DATE, description="delivery day", examples=["2026-06-18"])],
) -> Readings:
    """Certified readings of a delivery day: accepted and logged, anchored, final.

    For the BSP that was responsible for the POD on that day, its DSO and the auditor.
    """
    require_role(caller, *DEVICE_ROLES)
    asked, identity = parse_day(day), bytes.fromhex(pod_id)
    latest = node.mirror.pod(identity)
    then = node.mirror.pod(identity, day=asked.number)
    existing(latest, lambda _: sees_on_day(caller, then, latest), "pod_id", pod_id)
    statuses = reading_statuses(node.log, node.mirror, identity, asked, node.settings.final_after_blocks)
    return Readings(
        pod_id=pod_id,
        day=asked.date,
        readings=[_answer(status) for status in statuses],
        missing=missing_quarters(asked, statuses, node.clock.now()),
    )


def _answer(status: ReadingStatus) -> ReadingAnswer:
    reading = status.reading
    return ReadingAnswer(
        quarter=status.quarter,
        period_start=from_unix(reading.period_start),
        index=status.index,
        statement_id=status.statement_id.hex(),
        key_id=status.key_id.hex(),
        counter=reading.counter,
        import_wh=reading.import_wh,
        export_wh=reading.export_wh,
        unsettled=reading.unsettled_reason,
        accepted_at=status.accepted_at,
        anchor=_anchor(status.anchor) if status.anchor is not None else None,
        final=status.final,
    )


def _anchor(anchor: CheckpointView) -> AnchorAnswer:
    return AnchorAnswer(
        size=anchor.size,
        witnesses=anchor.witnesses,
        transaction=anchor.recorded.tx_hash.hex(),
        block=anchor.recorded.block_number,
        time=anchor.recorded.block_time,
    )
