"""What the ledger says, asked by kind of event: the same questions for the register and for an outsider with a bundle.

A :class:`LedgerFact` comes out of a bundle's blocks; the register's own :class:`~registry.domain.events.Recorded` serves as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from registry.domain.calendar import DeliveryDay
from registry.domain.events import (
    BaselineFiled,
    DeclarationCompleted,
    Event,
    PodChanged,
    PodDeclared,
    PodJoined,
    PodLeft,
    PodReleased,
    PodWithdrawn,
    SelectionRecorded,
    StaticLightGiven,
)
from registry.domain.quantities import unpack_selection

E = TypeVar("E", bound=Event)


class RecordedFact(Protocol):
    """A domain event with its place on the ledger."""

    @property
    def event(self) -> Any: ...
    @property
    def block_time(self) -> int: ...
    @property
    def position(self) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True)
class LedgerFact:
    """An event proved by a block: ``block_time`` in Unix seconds, ``log_index`` within the block."""

    event: Event
    contract: str
    block_number: int
    block_hash: bytes
    block_time: int
    log_index: int

    @property
    def position(self) -> tuple[int, int]:
        """Place in the total order of all events."""
        return self.block_number, self.log_index


class Facts:
    """Recorded events in their total order."""

    def __init__(self, records: Iterable[RecordedFact]) -> None:
        self._records = sorted(records, key=lambda record: record.position)
        self._by_type: dict[type, list[RecordedFact]] = defaultdict(list)
        for record in self._records:
            self._by_type[type(record.event)].append(record)

    def of(self, kind: type[E], where: Callable[[E], bool] = lambda _: True) -> list[RecordedFact]:
        """The records of one kind of event that satisfy ``where``, oldest first."""
        return [record for record in self._by_type[kind] if where(record.event)]

    def last(self, kind: type[E], where: Callable[[E], bool] = lambda _: True) -> RecordedFact | None:
        """The newest of :meth:`of`, or ``None``."""
        found = self.of(kind, where)
        return found[-1] if found else None

    def until(self, position: tuple[int, int]) -> Facts:
        """The facts recorded before a position."""
        return Facts(record for record in self._records if record.position < position)


@dataclass(frozen=True, slots=True)
class Deal:
    """What one recorded selection bought: signed kW (up positive) per hour that no later session planned anew (SES-1)."""

    record: RecordedFact
    power_kw: dict[int, int]

    @property
    def selection(self) -> SelectionRecorded:
        """The event itself."""
        event: SelectionRecorded = self.record.event
        return event


def deals(facts: Facts, day: int, where: Callable[[SelectionRecorded], bool]) -> list[Deal]:
    """The selections of a delivery day that are in force somewhere, each with its hours of non-zero power (SES-1, SES-2).

    Session *k* plans every hour from its first hour on; so an hour belongs to the last session that could plan it.
    """
    delivery = DeliveryDay.from_number(day)
    planned: dict[tuple[int, int], dict[int, RecordedFact]] = defaultdict(dict)
    for record in facts.of(SelectionRecorded, lambda event: event.day == day and where(event)):
        hours = planned[record.event.aggregate, record.event.perimeter]
        for hour in range(delivery.first_hour(record.event.session), delivery.hours):
            hours[hour] = record
    found: dict[tuple[int, int], Deal] = {}
    for hours in planned.values():
        for hour, record in hours.items():
            power_kw = unpack_selection(record.event.cells, delivery.hours)[hour]
            if power_kw:
                found.setdefault(record.position, Deal(record, {})).power_kw[hour] = power_kw
    return [found[position] for position in sorted(found)]


def members(facts: Facts, aggregate: int, perimeter: int, day: int) -> frozenset[bytes]:
    """PODs of an aggregate that may be used in a perimeter on a delivery day: joined, and with a static light that grants (AGG-1, POD-2)."""
    joined: set[bytes] = set()
    placed: set[bytes] = set()
    kinds: Sequence[type[Event]] = (PodJoined, PodLeft, PodWithdrawn, PodChanged, StaticLightGiven)
    records = sorted(
        (record for kind in kinds for record in facts.of(kind) if record.event.from_day <= day),
        key=lambda record: record.position,
    )
    for record in records:
        match record.event:
            case PodJoined(aggregate=into, pod_id=pod) if into == aggregate:
                joined.add(pod)
            case PodLeft(aggregate=out_of, pod_id=pod) if out_of == aggregate:
                joined.discard(pod)
            case PodWithdrawn(pod_id=pod):
                joined.discard(pod)
                placed.discard(pod)
            case PodChanged(pod_id=pod):
                placed.discard(pod)
            case StaticLightGiven(pod_id=pod) as given:
                (placed.add if given.light.grants and given.perimeter == perimeter else placed.discard)(pod)
    return frozenset(joined & placed)


def declared_quarters(facts: Facts, day: int, where: Callable[[PodDeclared | PodReleased], bool]) -> dict[bytes, int]:
    """Per POD the quarter-hours (bits) that it is declared for and not released from (SES-3, SES-6)."""
    quarters: dict[bytes, int] = {}
    records = [
        *facts.of(PodDeclared, lambda event: event.day == day and where(event)),
        *facts.of(PodReleased, lambda event: event.day == day and where(event)),
    ]
    for record in sorted(records, key=lambda record: record.position):
        event = record.event
        before = quarters.get(event.pod_id, 0)
        quarters[event.pod_id] = (
            before | event.quarters if isinstance(event, PodDeclared) else before & ~event.quarters
        )
    return quarters


def is_declared(facts: Facts, selection: SelectionRecorded) -> bool:
    """Whether the BSP has completed its declaration for this selection's session or a later one (SES-3)."""
    return bool(
        facts.of(
            DeclarationCompleted,
            lambda event: (event.aggregate, event.perimeter, event.day, event.market)
            == (selection.aggregate, selection.perimeter, selection.day, selection.market)
            and event.session >= selection.session,
        )
    )


def baseline_commitment(facts: Facts, pod_id: bytes, day: int) -> bytes | None:
    """The commitment of the baseline last filed for a POD and delivery day (BAS-1)."""
    record = facts.last(BaselineFiled, lambda event: (event.pod_id, event.day) == (pod_id, day))
    return record.event.commitment if record else None
