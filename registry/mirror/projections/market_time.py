"""Delivery days, perimeters and dynamic lights (SES-1, DTL-1, DTL-2)."""

from __future__ import annotations

from sqlalchemy import func, select

from registry.domain.events import DayScheduled, LightsPublished, PerimeterDeclared, PerimeterEnded
from registry.domain.identifiers import owner_of_perimeter
from registry.domain.quantities import HourCells
from registry.mirror.changes import Changes, Projection
from registry.mirror.keys import area_part, day_part, key
from registry.mirror.tables import Day, Light, Perimeter, table_of

_SECONDS_PER_DAY = 86_400


def cells_bytes(cells: HourCells) -> bytes:
    """Cells as the two words of the chain."""
    return cells.lo.to_bytes(32, "big") + cells.hi.to_bytes(32, "big")


def hours_of(changes: Changes, day: int) -> int:
    """Hours of a scheduled day."""
    return int(changes.need(Day, day_part(day))["quarters"]) // 4


def first_unfrozen_day(changes: Changes, time: int) -> int:
    """The first day whose LFP 1 has not opened at ``time`` (Unix seconds): from here changes take effect
    (AGG-2).

    The same answer as the contracts' ``firstUnfrozenDay``.
    """
    return int(changes.once(Day, ("first unfrozen day", time), lambda: _first_unfrozen_day(changes, time)))


def _first_unfrozen_day(changes: Changes, time: int) -> int:
    day = table_of(Day)
    current = day.c.until_block.is_(None)
    first = changes.scalar(Day, select(func.min(day.c.day)).where(current, day.c.opens_at > time))
    if first is not None:
        return int(first)
    last = changes.scalar(Day, select(func.max(day.c.day)).where(current))
    return time // _SECONDS_PER_DAY if last is None else int(last) + 1


def _scheduled(changes: Changes, event: DayScheduled, _time: int) -> None:
    row = {
        "day": event.day,
        "tso": event.tso,
        "starts_at": event.starts_at,
        "quarters": event.quarters,
        "baseline_gate": event.baseline_gate,
        "opens_at": event.opens_at,
        "lfp_gates": list(event.lfp_gates),
        "msd_gates": list(event.msd_gates),
        "last_declaration": event.last_declaration,
    }
    changes.put(Day, day_part(event.day), row)


def _declared(changes: Changes, event: PerimeterDeclared, _time: int) -> None:
    row = {
        "perimeter": event.perimeter,
        "dso": event.dso,
        "from_day": event.from_day,
        "until_day": None,
        "predecessors": list(event.predecessors),
        "payload_hash": event.payload_hash,
    }
    changes.put(Perimeter, area_part(event.perimeter), row)


def _ended(changes: Changes, event: PerimeterEnded, _time: int) -> None:
    changes.amend(Perimeter, area_part(event.perimeter), until_day=event.until_day)


def _published(changes: Changes, event: LightsPublished, _time: int) -> None:
    row = {
        "perimeter": event.perimeter,
        "dso": owner_of_perimeter(event.perimeter),
        "day": event.day,
        "session": event.session,
        "hours": hours_of(changes, event.day),
        "up": cells_bytes(event.up),
        "down": cells_bytes(event.down),
        "payload_hash": event.payload_hash,
    }
    changes.put(Light, light_key(event), row)


def light_key(event: LightsPublished) -> str:
    """The key of a perimeter's lights of a session."""
    return key(day_part(event.day), area_part(event.perimeter), str(event.session))


PROJECTIONS: dict[str, Projection] = {
    "DayScheduled": _scheduled,
    "PerimeterDeclared": _declared,
    "PerimeterEnded": _ended,
    "LightsPublished": _published,
}
