"""The market's part of a bundle: was what is settled validly agreed (SES-4, BAS-1, TOE-2, DTL-4, STT-4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

from registry.domain.calendar import DeliveryDay, unix
from registry.domain.errors import RuleViolation
from registry.domain.events import (
    AgreementProposed,
    BaselineFiled,
    DayScheduled,
    DeclarationCompleted,
    Event,
    LightsPublished,
    OfferRecorded,
    SelectionRecorded,
    StatementRecorded,
)
from registry.domain.identifiers import canonical_json, commitment
from registry.domain.lights import DynamicLight, PerimeterLights, conflicts, derive_opposite_red
from registry.domain.quantities import unpack_selection
from registry.domain.sessions import DaySchedule, Market
from registry.evidence.bundle import OpenedCommitment
from registry.evidence.case import Openings
from registry.evidence.facts import Facts, RecordedFact
from registry.evidence.qualifications import Qualifications

COMMITTING: tuple[type[Event], ...] = (
    SelectionRecorded,
    BaselineFiled,
    AgreementProposed,
    OfferRecorded,
)
"""The events that hold the commitments of a settlement."""


def check_statement(
    facts: Facts, statement_id: bytes, salt: bytes, statement: bytes
) -> tuple[RecordedFact, str]:
    """Check that the ledger committed to exactly these statement bytes, and replaced them by none (STT-4)."""
    record = facts.last(StatementRecorded, lambda event: event.statement_id == statement_id)
    if record is None:
        raise _violation("STT-4", "statement_id", statement_id, "a statement recorded on the ledger")
    found = commitment(salt, statement)
    if found != record.event.commitment:
        raise _violation("STT-4", "commitment", found, record.event.commitment)
    successor = facts.last(StatementRecorded, lambda event: event.supersedes == statement_id)
    if successor is not None:
        raise _violation("STT-4", "statement_id", statement_id, successor.event.statement_id)
    return record, f"recorded in block {record.position[0]}, replaced by none until the run ends"


def check_openings(facts: Facts, openings: Sequence[OpenedCommitment]) -> tuple[Openings, str]:
    """Check that every opening opens a commitment that the ledger holds, and each only once (PRIV-3)."""
    recorded = {record.event.commitment for kind in COMMITTING for record in facts.of(kind)}
    opened = {}
    for opening in openings:
        found = commitment(opening.salt, canonical_json(dict(opening.payload)))
        if found != opening.commitment:
            raise _violation("PRIV-3", "opening", found, opening.commitment)
        if found not in recorded or found in opened:
            raise _violation("PRIV-3", "opening", found, "commitments that the ledger holds, each once")
        opened[found] = opening.payload
    return opened, f"{len(opened)} commitments opened"


def check_schedule(facts: Facts, day: DeliveryDay) -> tuple[DaySchedule, str]:
    """Check that the delivery day was scheduled with the length and start the calendar gives it (TIM-1,
    SES-1).
    """
    record = facts.last(DayScheduled, lambda event: event.day == day.number)
    if record is None:
        raise _violation("SES-1", "day", day.number, "a scheduled delivery day")
    schedule = DaySchedule(**{field.name: getattr(record.event, field.name) for field in fields(DaySchedule)})
    expected = (unix(day.starts_at), day.quarters)
    if (schedule.starts_at, schedule.quarters) != expected:
        raise _violation("TIM-1", "starts_at, quarters", (schedule.starts_at, schedule.quarters), expected)
    return schedule, f"{day.date}: {day.quarters} quarter-hours from {day.starts_at:%Y-%m-%dT%H:%MZ}"


def check_gates(facts: Facts, schedule: DaySchedule, bought: Sequence[RecordedFact]) -> str:
    """Check that selections, declarations and baselines were recorded while they could be (SES-4, SES-3,
    BAS-1).
    """
    for record in bought:
        selection: SelectionRecorded = record.event
        opens_at, gate = schedule.window(selection.market, selection.session)
        _check_time("SES-4", "selection", record, opens_at, gate)
    pairs = {(record.event.aggregate, record.event.perimeter) for record in bought}
    completed = facts.of(
        DeclarationCompleted, lambda e: e.day == schedule.day and (e.aggregate, e.perimeter) in pairs
    )
    for record in completed:
        due = schedule.declaration_due(record.event.market, record.event.session)
        _check_time("SES-4", "declaration", record, schedule.opens_at, due)
    baselines = facts.of(BaselineFiled, lambda event: event.day == schedule.day)
    for record in baselines:
        _check_time("BAS-1", "baseline", record, 0, schedule.baseline_gate)
    return f"{len(bought)} selections, {len(completed)} declarations, {len(baselines)} baselines in time"


def check_qualified(facts: Facts, bought: Sequence[RecordedFact]) -> str:
    """Check that a living qualification reaches each selection's product (PRQ-1, PRQ-2, TOE-1, TOE-2)."""
    return (
        f"{len(bought)} selections qualified, over {sum(_check_chain(facts, r) for r in bought)} equivalences"
    )


def _check_chain(facts: Facts, record: RecordedFact) -> int:
    selection: SelectionRecorded = record.event
    chain, tested = selection.chain, selection.tested_aggregate
    if not chain or chain[-1] != selection.product:
        raise _violation("TOE-2", "chain", chain, f"a chain that ends at product {selection.product}")
    then = Qualifications(facts.until(record.position), selection.day)
    then.require_chain(selection.aggregate, tested, chain, record.block_time)
    return len(chain) - 1


def check_lights(facts: Facts, bought: Sequence[RecordedFact]) -> str:
    """Check each global selection against the lights in force when it was made, over all aggregates (DTL-3,
    DTL-4).
    """
    global_ = [record for record in bought if record.event.market is Market.MSD]
    for record in global_:
        _check_light(facts, record)
    return f"{len(global_)} global selections within the lights, {len(bought) - len(global_)} local ones"


def _check_light(facts: Facts, record: RecordedFact) -> None:
    selection: SelectionRecorded = record.event
    before, perimeter, day = facts.until(record.position), selection.perimeter, selection.day
    hours = DeliveryDay.from_number(day).hours
    # 1. the lights in force, red against the DSO's own plan
    published = before.last(LightsPublished, lambda event: (event.perimeter, event.day) == (perimeter, day))
    if published is None:
        raise _violation("DTL-2", "lights", "none published", f"lights of perimeter {perimeter}")
    light: LightsPublished = published.event
    cells = PerimeterLights(perimeter, light.up, light.down, light.payload_hash)
    local = _plans(before, selection, Market.LFP, hours)
    local_kw = [sum(plan[hour] for plan in local.values()) for hour in range(hours)]
    lights = derive_opposite_red(DynamicLight.unpacked(cells, day, hours), local_kw)
    # 2. what all global selections use with this one
    plans = _plans(before, selection, Market.MSD, hours)
    earlier_kw = plans.get(selection.aggregate, (0,) * hours)
    plans[selection.aggregate] = now_kw = unpack_selection(selection.cells, hours)
    used_up = [sum(max(plan[hour], 0) for plan in plans.values()) for hour in range(hours)]
    used_down = [sum(max(-plan[hour], 0) for plan in plans.values()) for hour in range(hours)]
    # 3. no hour in which this selection took more than before, or turned, is beyond the light
    for conflict in conflicts(lights, used_up, used_down):
        before_kw, kw = earlier_kw[conflict.hour], now_kw[conflict.hour]
        sign = 1 if conflict.direction.name == "UP" else -1
        if sign * kw > max(sign * before_kw, 0):
            raise _violation(
                "DTL-4",
                f"hour {conflict.hour} {conflict.direction.name.lower()}",
                f"{conflict.selected_kw} kW",
                f"{conflict.capability_kw} kW in perimeter {perimeter}",
            )


def _plans(
    facts: Facts, selection: SelectionRecorded, market: Market, hours: int
) -> dict[int, tuple[int, ...]]:
    """Per aggregate the signed kW per hour that were selected last in the selection's perimeter and day."""
    place = (selection.perimeter, selection.day, market)
    records = facts.of(SelectionRecorded, lambda event: (event.perimeter, event.day, event.market) == place)
    return {record.event.aggregate: unpack_selection(record.event.cells, hours) for record in records}


def _check_time(rule: str, what: str, record: RecordedFact, opens_at: int, gate: int) -> None:
    if not opens_at <= record.block_time < gate:
        raise _violation(
            rule, what, f"recorded at {record.block_time}", f"from {opens_at} until before {gate}"
        )


def _violation(rule: str, field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule=rule, field=field, found=found, allowed=allowed)
