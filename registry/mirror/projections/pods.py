"""PODs, static lights, aggregates and members (POD-1 to POD-3, POD-5, AGG-1, AGG-2).

A POD has one row per delivery day from which something else holds; the latest row carries over what an event
leaves as it was.
"""

from __future__ import annotations

from typing import Any

from registry.domain.enums import Scope, StaticLight
from registry.domain.events import (
    AggregateCreated,
    PodChanged,
    PodClaimDropped,
    PodClaimed,
    PodHandedOver,
    PodJoined,
    PodLeft,
    PodMoved,
    PodRegistered,
    PodWithdrawn,
    StaticLightGiven,
)
from registry.domain.pods import NO_REASON
from registry.mirror.changes import Changes, Projection, Row
from registry.mirror.keys import area_part, day_part, key, party_part
from registry.mirror.projections.market_time import first_unfrozen_day
from registry.mirror.tables import Aggregate, Claim, Membership, Pod

_UNGRANTED = {
    "light": int(StaticLight.REQUESTED),
    "granted_up_kw": 0,
    "granted_down_kw": 0,
    "light_reason": NO_REASON,
}


def _registered(changes: Changes, event: PodRegistered, time: int) -> None:
    row = {
        "pod_id": event.pod_id,
        "withdrawn": False,
        "bsp": event.bsp,
        "dso": event.dso,
        "perimeter": None,
        "local_aggregate": None,
        "global_aggregate": None,
        **_declared(event),
        **_UNGRANTED,
    }
    _put(changes, event.pod_id, first_unfrozen_day(changes, time), row)


def _changed(changes: Changes, event: PodChanged, _time: int) -> None:
    _from_day(changes, event.pod_id, event.from_day, **_declared(event), **_UNGRANTED)


def _withdrawn(changes: Changes, event: PodWithdrawn, _time: int) -> None:
    gone = {"withdrawn": True, "local_aggregate": None, "global_aggregate": None}
    _from_day(changes, event.pod_id, event.from_day, **gone)


def _claimed(changes: Changes, event: PodClaimed, _time: int) -> None:
    row = {
        "pod_id": event.pod_id,
        "bsp": event.bsp,
        "holder": event.holder,
        "dso": _latest(changes, event.pod_id)["dso"],
        "mandate_hash": event.mandate_hash,
        "granted": None,
    }
    changes.put(Claim, _claim(event), row)


def _claim_dropped(changes: Changes, event: PodClaimDropped, _time: int) -> None:
    changes.amend(Claim, _claim(event), granted=False)


def _handed_over(changes: Changes, event: PodHandedOver, _time: int) -> None:
    changes.amend(Claim, _claim(event), granted=True)
    _from_day(
        changes, event.pod_id, event.from_day, bsp=event.bsp, local_aggregate=None, global_aggregate=None
    )


def _light_given(changes: Changes, event: StaticLightGiven, _time: int) -> None:
    _from_day(
        changes,
        event.pod_id,
        event.from_day,
        light=int(event.light),
        granted_up_kw=event.up_kw,
        granted_down_kw=event.down_kw,
        light_reason=event.reason,
        perimeter=event.perimeter or None,
    )


def _moved(changes: Changes, event: PodMoved, _time: int) -> None:
    _from_day(changes, event.pod_id, event.from_day, perimeter=event.perimeter)


def _created(changes: Changes, event: AggregateCreated, _time: int) -> None:
    row = {
        "aggregate": event.aggregate,
        "bsp": event.bsp,
        "scope": int(event.scope),
        "payload_hash": event.payload_hash,
    }
    changes.put(Aggregate, area_part(event.aggregate), row)


def _joined(changes: Changes, event: PodJoined, _time: int) -> None:
    place = key(members_key(event), day_part(event.from_day))
    before = changes.get(Membership, place)
    row = {
        "aggregate": event.aggregate,
        "pod_id": event.pod_id,
        "from_day": event.from_day,
        "until_day": None,
        "steps": 1 if before is None else before["steps"] + 1,
    }
    changes.put(Membership, place, row)
    _from_day(changes, event.pod_id, event.from_day, **{_column(changes, event): event.aggregate})


def _left(changes: Changes, event: PodLeft, _time: int) -> None:
    membership = changes.latest(Membership, members_key(event))
    if membership is None:
        raise LookupError(f"the chain ends a membership of aggregate {event.aggregate} that never began")
    steps = membership["steps"] + (1 if membership["from_day"] == event.from_day else 0)
    changes.amend(Membership, membership["key"], until_day=event.from_day, steps=steps)
    _from_day(changes, event.pod_id, event.from_day, **{_column(changes, event): None})


def _declared(event: PodRegistered | PodChanged) -> Row:
    return {
        "category": int(event.category),
        "voltage": int(event.voltage),
        "declared_up_kw": event.up_kw,
        "declared_down_kw": event.down_kw,
        "activation_time_s": event.activation_time_s,
        "payload_hash": event.payload_hash,
    }


def _claim(event: PodClaimed | PodClaimDropped | PodHandedOver) -> str:
    return key(event.pod_id.hex(), party_part(event.bsp))


def members_key(event: PodJoined | PodLeft) -> str:
    """The key above all memberships of a POD in an aggregate."""
    return key(area_part(event.aggregate), event.pod_id.hex())


def _column(changes: Changes, event: PodJoined | PodLeft) -> str:
    scope = Scope(changes.need(Aggregate, area_part(event.aggregate))["scope"])
    return "local_aggregate" if scope is Scope.LOCAL else "global_aggregate"


def _from_day(changes: Changes, pod_id: bytes, from_day: int, **differences: Any) -> None:
    _put(changes, pod_id, from_day, {**_latest(changes, pod_id), **differences})


def _latest(changes: Changes, pod_id: bytes) -> Row:
    latest = changes.latest(Pod, pod_id.hex())
    if latest is None:
        raise LookupError(f"the chain names POD {pod_id.hex()}, which was never registered")
    return latest


def _put(changes: Changes, pod_id: bytes, from_day: int, row: Row) -> None:
    changes.put(Pod, key(pod_id.hex(), day_part(from_day)), {**row, "from_day": from_day})


PROJECTIONS: dict[str, Projection] = {
    "PodRegistered": _registered,
    "PodChanged": _changed,
    "PodWithdrawn": _withdrawn,
    "PodClaimed": _claimed,
    "PodClaimDropped": _claim_dropped,
    "PodHandedOver": _handed_over,
    "PodMoved": _moved,
    "StaticLightGiven": _light_given,
    "AggregateCreated": _created,
    "PodJoined": _joined,
    "PodLeft": _left,
}
