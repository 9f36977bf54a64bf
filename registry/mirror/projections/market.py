"""Selections, declarations and baselines (SES-2 to SES-4, SES-6, BAS-1)."""

from __future__ import annotations

from registry.domain.events import (
    BaselineFiled,
    DeclarationCompleted,
    PodDeclared,
    PodReleased,
    SelectionRecorded,
)
from registry.domain.identifiers import owner_of_aggregate
from registry.mirror.changes import Changes, Projection
from registry.mirror.keys import area_part, day_part, key
from registry.mirror.projections.market_time import cells_bytes, hours_of
from registry.mirror.tables import Baseline, Completion, Declaration, Selection


def _selected(changes: Changes, event: SelectionRecorded, _time: int) -> None:
    row = {
        "aggregate": event.aggregate,
        "perimeter": event.perimeter,
        "day": event.day,
        "hours": hours_of(changes, event.day),
        "market": int(event.market),
        "session": event.session,
        "bsp": owner_of_aggregate(event.aggregate),
        "operator": event.operator,
        "product": event.product,
        "tested_aggregate": event.tested_aggregate,
        "chain": list(event.chain),
        "cells": cells_bytes(event.cells),
        "commitment": event.commitment,
    }
    changes.put(Selection, outcome_key(event), row)


def _declared(changes: Changes, event: PodDeclared, _time: int) -> None:
    _set_quarters(changes, event, _quarters(changes, event) | event.quarters)


def _released(changes: Changes, event: PodReleased, _time: int) -> None:
    _set_quarters(changes, event, _quarters(changes, event) & ~event.quarters)


def _completed(changes: Changes, event: DeclarationCompleted, _time: int) -> None:
    row = {
        "aggregate": event.aggregate,
        "perimeter": event.perimeter,
        "day": event.day,
        "hours": hours_of(changes, event.day),
        "market": int(event.market),
        "session": event.session,
        "bsp": owner_of_aggregate(event.aggregate),
        "shortfall": cells_bytes(event.shortfall),
    }
    changes.put(Completion, outcome_key(event), row)


def _filed(changes: Changes, event: BaselineFiled, _time: int) -> None:
    row = {
        "pod_id": event.pod_id,
        "bsp": event.bsp,
        "day": event.day,
        "commitment": event.commitment,
    }
    changes.put(Baseline, baseline_key(event), row)


def baseline_key(event: BaselineFiled) -> str:
    """The key of a baseline."""
    return key(day_part(event.day), event.pod_id.hex())


def outcome_key(event: SelectionRecorded | DeclarationCompleted) -> str:
    """The key of a session's outcome, and of its declaration's end."""
    return key(
        day_part(event.day), area_part(event.aggregate), area_part(event.perimeter), str(event.session)
    )


def declaration_key(event: PodDeclared | PodReleased) -> str:
    """The key of what a POD serves."""
    return key(
        day_part(event.day),
        event.pod_id.hex(),
        str(int(event.market)),
        area_part(event.aggregate),
        area_part(event.perimeter),
    )


def _quarters(changes: Changes, event: PodDeclared | PodReleased) -> int:
    known = changes.get(Declaration, declaration_key(event))
    return 0 if known is None else int(known["quarters"], 16)


def _set_quarters(changes: Changes, event: PodDeclared | PodReleased, quarters: int) -> None:
    row = {
        "pod_id": event.pod_id,
        "aggregate": event.aggregate,
        "perimeter": event.perimeter,
        "day": event.day,
        "market": int(event.market),
        "bsp": owner_of_aggregate(event.aggregate),
        "quarters": f"{quarters:032x}",
    }
    changes.put(Declaration, declaration_key(event), row)


PROJECTIONS: dict[str, Projection] = {
    "SelectionRecorded": _selected,
    "PodDeclared": _declared,
    "PodReleased": _released,
    "DeclarationCompleted": _completed,
    "BaselineFiled": _filed,
}
