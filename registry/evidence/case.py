"""The facts behind a settlement statement, gathered from the ledger's events alone (SES-3, AGG-1, STT-1,
AUD-1).

The register gathers the same :class:`~registry.domain.settlement_case.SettlementCase` from its mirror. That
both ways lead to the same statement, byte for byte, is what an outsider checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from registry.domain.calendar import QUARTER_S, DeliveryDay, unix
from registry.domain.deals import DealTerms
from registry.domain.errors import RuleViolation
from registry.domain.events import (
    BaselineFiled,
    DeclarationCompleted,
    Event,
    PodChanged,
    PodDeclared,
    PodJoined,
    PodLeft,
    PodMoved,
    PodReleased,
    PodWithdrawn,
    ProductPublished,
    SelectionRecorded,
    StatementRecorded,
    StaticLightGiven,
)
from registry.domain.identifiers import owner_of_aggregate
from registry.domain.pods import Roster
from registry.domain.quantities import unpack_selection
from registry.domain.sessions import Market
from registry.domain.settlement_case import (
    Outcome,
    PerimeterCase,
    ReadingFact,
    Readings,
    SettlementCase,
    held_quarters,
)
from registry.evidence.facts import Facts, RecordedFact
from registry.evidence.payloads import Reading

Openings = Mapping[bytes, Mapping[str, Any]]
"""Opened payloads by the commitment they open."""

CONFLICT = "conflicting statements"


@dataclass(frozen=True, slots=True)
class PodPlace:
    """A POD on a delivery day: its perimeter (0: none yet), granted power in kW, and aggregates."""

    perimeter: int = 0
    up_kw: int = 0
    down_kw: int = 0
    aggregates: frozenset[int] = frozenset()


def pods_on(facts: Facts, day: int) -> dict[bytes, PodPlace]:
    """The PODs as they are on a delivery day, by all that takes effect until then (POD-2, POD-3, DTL-1)."""
    kinds: tuple[type[Event], ...] = (
        StaticLightGiven,
        PodChanged,
        PodMoved,
        PodWithdrawn,
        PodJoined,
        PodLeft,
    )
    records = [record for kind in kinds for record in facts.of(kind) if record.event.from_day <= day]
    places: dict[bytes, PodPlace] = {}
    for record in sorted(records, key=lambda record: record.position):
        event = record.event
        place = places.get(event.pod_id, PodPlace())
        match event:
            case StaticLightGiven():
                place = replace(place, perimeter=event.perimeter, up_kw=event.up_kw, down_kw=event.down_kw)
            case PodChanged():
                place = replace(place, up_kw=0, down_kw=0)
            case PodMoved():
                place = replace(place, perimeter=event.perimeter)
            case PodWithdrawn():
                place = PodPlace()
            case PodJoined():
                place = replace(place, aggregates=place.aggregates | {event.aggregate})
            case PodLeft():
                place = replace(place, aggregates=place.aggregates - {event.aggregate})
        places[event.pod_id] = place
    return places


def roster_on(facts: Facts, aggregate: int, day: int) -> Roster:
    """What a test of an aggregate is about, on a delivery day (PRQ-2)."""
    places = [place for place in pods_on(facts, day).values() if aggregate in place.aggregates]
    steps = [
        *facts.of(PodJoined, lambda event: event.aggregate == aggregate and event.from_day <= day),
        *facts.of(PodLeft, lambda event: event.aggregate == aggregate and event.from_day <= day),
    ]
    return Roster(len(steps), sum(place.up_kw for place in places), sum(place.down_kw for place in places))


def selections(facts: Facts, aggregate: int, product: int, day: int) -> list[RecordedFact]:
    """The outcomes that a statement settles, in the order of their record."""
    return facts.of(SelectionRecorded, lambda e: (e.aggregate, e.product, e.day) == (aggregate, product, day))


def declared_quarters(
    facts: Facts, day: int, where: Callable[[PodDeclared | PodReleased], bool]
) -> dict[bytes, int]:
    """Per POD the quarter-hours (bits) that it is declared for and not released from (SES-3, SES-6)."""
    records = [
        *facts.of(PodDeclared, lambda event: event.day == day and where(event)),
        *facts.of(PodReleased, lambda event: event.day == day and where(event)),
    ]
    quarters: dict[bytes, int] = {}
    for record in sorted(records, key=lambda record: record.position):
        event = record.event
        before = quarters.get(event.pod_id, 0)
        taken = isinstance(event, PodDeclared)
        quarters[event.pod_id] = before | event.quarters if taken else before & ~event.quarters
    return quarters


def settlement_case(facts: Facts, statement: StatementRecorded) -> SettlementCase:
    """The case that a recorded statement settles.

    Raises :class:`RuleViolation`: PRD-1 for a product never published, STT-4 if nothing was selected.
    """
    product = facts.last(ProductPublished, lambda event: event.product == statement.product)
    if product is None:
        raise RuleViolation(
            rule="PRD-1", field="product", found=statement.product, allowed="a published product"
        )
    outcomes = facts.of(
        SelectionRecorded, lambda e: (e.aggregate, e.day) == (statement.aggregate, statement.day)
    )
    perimeters = sorted(
        {record.event.perimeter for record in outcomes if record.event.product == statement.product}
    )
    if not perimeters:
        raise RuleViolation(
            rule="STT-4",
            field="aggregate",
            found=f"no selection of {statement.aggregate}",
            allowed="a day with selections of this product",
        )
    day, places = DeliveryDay.from_number(statement.day), pods_on(facts, statement.day)
    return SettlementCase(
        statement_id=statement.statement_id,
        operator=product.event.operator,
        bsp=owner_of_aggregate(statement.aggregate),
        aggregate=statement.aggregate,
        product=product.event.terms,
        day=day,
        perimeters=tuple(
            perimeter_case(facts, statement.aggregate, outcomes[0].event.market, day, perimeter, places)
            for perimeter in perimeters
        ),
        supersedes=statement.supersedes,
    )


def perimeter_case(
    facts: Facts,
    aggregate: int,
    market: Market,
    day: DeliveryDay,
    perimeter: int,
    places: Mapping[bytes, PodPlace],
) -> PerimeterCase:
    """The recorded facts of an aggregate in a perimeter; ``places`` are the PODs of the day."""
    inside = {
        pod: place
        for pod, place in places.items()
        if aggregate in place.aggregates and place.perimeter == perimeter
    }
    members = {pod: (place.up_kw, place.down_kw) for pod, place in inside.items()}
    own = _outcomes(_selected(facts, aggregate, perimeter, day), day)
    held = {
        other: held_quarters(
            market,
            own,
            _outcomes(_selected(facts, other, perimeter, day), day),
            _completed_sessions(facts, other, perimeter, day),
            day,
        )
        for place in inside.values()
        for other in place.aggregates - {aggregate}
    }
    return PerimeterCase(
        perimeter=perimeter,
        outcomes=own,
        completed_sessions=_completed_sessions(facts, aggregate, perimeter, day),
        declared=_of_members(facts, day, members, lambda served: served is market),
        other_market=_of_members(facts, day, members, lambda served: served is not market),
        held={pod: held[other] for pod, place in inside.items() for other in place.aggregates - {aggregate}},
        members=members,
    )


def _selected(facts: Facts, aggregate: int, perimeter: int, day: DeliveryDay) -> list[RecordedFact]:
    wanted = (aggregate, perimeter, day.number)
    return facts.of(SelectionRecorded, lambda e: (e.aggregate, e.perimeter, e.day) == wanted)


def _outcomes(records: Iterable[RecordedFact], day: DeliveryDay) -> tuple[Outcome, ...]:
    events: list[SelectionRecorded] = sorted(
        (record.event for record in records), key=lambda event: int(event.session)
    )
    return tuple(
        Outcome(e.session, e.product, unpack_selection(e.cells, day.hours), e.commitment) for e in events
    )


def _completed_sessions(facts: Facts, aggregate: int, perimeter: int, day: DeliveryDay) -> frozenset[int]:
    wanted = (aggregate, perimeter, day.number)
    completions = facts.of(DeclarationCompleted, lambda e: (e.aggregate, e.perimeter, e.day) == wanted)
    return frozenset(completion.event.session for completion in completions)


def _of_members(
    facts: Facts, day: DeliveryDay, members: Iterable[bytes], market: Callable[[Market], bool]
) -> dict[bytes, int]:
    found = declared_quarters(facts, day.number, lambda event: market(event.market))
    return {pod: found[pod] for pod in members if pod in found}


def deal_terms(openings: Openings, case: SettlementCase) -> dict[bytes, DealTerms]:
    """The opened deals of a case; a missing one is found by whoever needs it (PRIV-3)."""
    commitments = sorted(case.deal_commitments())
    return {c: DealTerms.from_payload(openings[c]) for c in commitments if c in openings}


def filed_baselines(facts: Facts, openings: Openings, case: SettlementCase) -> dict[bytes, tuple[int, ...]]:
    """Per POD of the case the baseline that the case's BSP filed last; PODs without one are left out (BAS-1).

    What another BSP filed before it handed the POD over for that day does not count (POD-5).

    Raises :class:`RuleViolation` (BAS-1) for a filed baseline that was not opened, or that opens to something
    else.
    """
    found: dict[bytes, tuple[int, ...]] = {}
    pods = {pod for perimeter in case.perimeters for pod in (*perimeter.members, *perimeter.declared)}
    for filing in facts.of(
        BaselineFiled, lambda e: (e.day, e.bsp) == (case.day.number, case.bsp) and e.pod_id in pods
    ):
        found[filing.event.pod_id] = _baseline(filing.event, openings)
    return found


def _baseline(filing: BaselineFiled, openings: Openings) -> tuple[int, ...]:
    match openings.get(filing.commitment):
        case {"pod_id": pod, "day": day, "energy_wh": [*values]} if (pod, day) == (
            filing.pod_id.hex(),
            filing.day,
        ) and all(type(value) is int for value in values):
            return tuple(values)
    raise RuleViolation(
        rule="BAS-1",
        field="baseline",
        found=f"no opened baseline of POD {filing.pod_id.hex()}",
        allowed="pod_id, day and whole numbers energy_wh of the filing",
    )


def reading_facts(day: DeliveryDay, readings: Iterable[Reading], conflicting: Iterable[Reading]) -> Readings:
    """Per POD and quarter-hour of the day the net injection of its reading in Wh, or why there is none
    (STT-3).
    """
    found: dict[tuple[bytes, int], ReadingFact] = {}
    for reading in readings:
        place = reading.pod_id, _quarter(day, reading)
        if place in found:
            found[place] = ReadingFact(None, CONFLICT)
        else:
            found[place] = reading_fact(reading)
    for reading in conflicting:
        found[reading.pod_id, _quarter(day, reading)] = ReadingFact(None, CONFLICT)
    return found


def reading_fact(reading: Reading) -> ReadingFact:
    """Net injection (export less import) of a reading in Wh and varh, or why it does not count (STT-3)."""
    if reading.unsettled_reason is not None:
        return ReadingFact(None, reading.unsettled_reason)
    varh = reading.reactive_export_varh - reading.reactive_import_varh
    return ReadingFact(reading.export_wh - reading.import_wh, metered_varh=varh)


def _quarter(day: DeliveryDay, reading: Reading) -> int:
    return (reading.period_start - unix(day.starts_at)) // QUARTER_S
