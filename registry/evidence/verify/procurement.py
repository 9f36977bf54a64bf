"""Does each deal say what the agreement or bid says that it rests on, and were the cheapest bids taken
(SES-5)?

The first is asked of every bundle: it holds the openings of what its deals rest on. The second needs the
bids and deals of others, which are their secrets: an auditor brings them along
(:class:`~registry.evidence.verify.report.Trust`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from registry.domain.calendar import DeliveryDay
from registry.domain.deals import Basis, DealTerms, Form
from registry.domain.enums import Market
from registry.domain.errors import RuleViolation
from registry.domain.events import (
    AgreementAccepted,
    AgreementProposed,
    OfferRecorded,
    SelectionRecorded,
)
from registry.domain.identifiers import canonical_json, commitment, owner_of_product
from registry.domain.merit import Slice, StandingBid, able_kw, passed_over, risen_kw, slice_of
from registry.domain.procurement import Agreement, Bid, Taken, agreement_violations, bid_violations
from registry.domain.quantities import Direction, unpack_selection
from registry.domain.settlement_case import PerimeterCase
from registry.evidence.bundle import OpenedCommitment
from registry.evidence.case import Openings, perimeter_case, pods_on
from registry.evidence.facts import Facts, RecordedFact
from registry.evidence.qualifications import Qualifications

PROCUREMENT = "Procurement"
"""The contract that a ledger has on which every deal names what it rests on (docs/adr/0017)."""


def check_bases(
    facts: Facts, bought: Sequence[RecordedFact], openings: Openings, contracts: Iterable[str]
) -> str:
    """Check that each deal is on the terms of an agreement or bid that stood when it was made (SES-5)."""
    counts = {"agreements": 0, "bids": 0, "from before there were any": 0}
    for record in bought:
        terms = _deal(record, openings)
        if terms.basis is None:
            if PROCUREMENT in contracts:
                raise _violation("terms", "a deal on nothing", "one that names an agreement or bid")
            counts["from before there were any"] += 1
            continue
        payload = _opened(openings, terms.basis.commitment, terms.basis.form.value)
        if terms.basis.form is Form.AGREEMENT:
            found = _agreement_broken(facts, record, terms, terms.basis, payload)
        else:
            found = _bid_broken(facts, record, terms, terms.basis, payload)
        if found:
            raise found[0]
        counts["agreements" if terms.basis.form is Form.AGREEMENT else "bids"] += 1
    return f"{len(bought)} deals: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count)


def _agreement_broken(
    facts: Facts, record: RecordedFact, terms: DealTerms, basis: Basis, payload: Mapping[str, Any]
) -> list[RuleViolation]:
    before, agreement = facts.until(record.position), Agreement.from_payload(payload)
    proposed = before.last(AgreementProposed, lambda event: event.commitment == basis.commitment)
    accepted = before.last(AgreementAccepted, lambda event: event.commitment == basis.commitment)
    if proposed is None or accepted is None:
        return [_violation("agreement", "not accepted when the selection was made", "accepted before")]
    said = owner_of_product(agreement.product), agreement.aggregate
    if (proposed.event.dso, proposed.event.aggregate) != said:
        return [_violation("agreement", (proposed.event.dso, proposed.event.aggregate), said)]
    return agreement_violations(_taken(record), terms, agreement, basis.commitment)


def _bid_broken(
    facts: Facts, record: RecordedFact, terms: DealTerms, basis: Basis, payload: Mapping[str, Any]
) -> list[RuleViolation]:
    bid, taken = Bid.from_payload(payload), _taken(record)
    found = bid_violations(taken, terms, bid, basis.commitment)
    standing = _in_force(facts.until(record.position), taken).get((taken.aggregate, taken.perimeter))
    if not found and (standing is None or standing.event.commitment != basis.commitment):
        stood = "none" if standing is None else standing.event.commitment.hex()
        found = [_violation("bid", basis.commitment, f"the one that stood then: {stood}")]
    return found


def check_merit(
    facts: Facts, bought: Sequence[RecordedFact], openings: Openings, others: Sequence[OpenedCommitment]
) -> str:
    """Check that none of these local selections bought power while a cheaper bid was left (SES-5).

    Of the bids in its perimeter count those for the same product, of aggregates that were qualified for it
    then, themselves or over an equivalence (TOE-2), as far as their PODs were not taken by the other market.
    A bid that nobody opened is named.
    """
    known = dict(openings)
    for one in others:
        found = commitment(one.salt, canonical_json(dict(one.payload)))
        if found != one.commitment:
            raise RuleViolation(rule="PRIV-3", field="openings", found=found, allowed=one.commitment)
        known[found] = one.payload
    compared: set[bytes] = set()
    local = [record for record in bought if record.event.market is Market.LFP]
    for record in local:
        basis = _deal(record, known).basis
        if basis is not None and basis.form is Form.BID:
            compared |= _compare(facts, known, record, basis.commitment)
    return f"{len(local)} local selections, {len(compared)} bids compared"


def _compare(facts: Facts, known: Openings, record: RecordedFact, name: bytes) -> set[bytes]:
    """The bids that a selection was held against."""
    own = _taken(record)
    hours = len(own.kw)
    # 1. the bids that stood when it was recorded, and what was selected of their aggregates in the end
    able = _able(facts, known, record)
    in_the_end = {
        standing.commitment: _selected(facts, own, standing.bid.aggregate, own.session, hours)
        for standing, _ in able
    }
    # 2. where it rose, none that is cheaper was left
    before = _selected(facts, own, own.aggregate, own.session - 1, hours)
    for hour in own.planned:
        for direction in Direction:
            if not risen_kw(own.kw, before, hour, direction):
                continue
            taken = {other: risen_kw(kw, (0,) * hours, hour, direction) for other, kw in in_the_end.items()}
            where = f"in {own.perimeter}, session {own.session}, hour {hour} {direction.name.lower()}"
            found = passed_over(_slices(able, hour, direction), taken, {name}, where)
            if found:
                raise found[0]
    return set(in_the_end)


def _selected(facts: Facts, own: Taken, aggregate: int, session: int, hours: int) -> tuple[int, ...]:
    """What was selected of an aggregate in the perimeter up to a session, signed kW per hour."""
    record = facts.last(
        SelectionRecorded,
        lambda e: (
            (e.aggregate, e.perimeter, e.day) == (aggregate, own.perimeter, own.day) and e.session <= session
        ),
    )
    return (0,) * hours if record is None else unpack_selection(record.event.cells, hours)


def _able(facts: Facts, known: Openings, record: RecordedFact) -> list[tuple[StandingBid, PerimeterCase]]:
    """The bids for a selection's product in its perimeter, of aggregates that were qualified when it was
    recorded, with their PODs' facts.
    """
    taken, before = _taken(record), facts.until(record.position)
    day, places = DeliveryDay.from_number(taken.day), pods_on(before, taken.day)
    qualifications = Qualifications(before, taken.day)
    found = []
    for (aggregate, perimeter), offer in _in_force(before, taken).items():
        if perimeter != taken.perimeter:
            continue
        name = offer.event.commitment
        bid = Bid.from_payload(_opened(known, name, "bid"))
        said = bid.aggregate, bid.perimeter, bid.day, bid.market, bid.session
        if said != (aggregate, perimeter, taken.day, taken.market, offer.event.session):
            continue
        if bid.product != taken.product:
            continue
        if qualifications.answer(aggregate, taken.product, record.block_time).qualified:
            case = perimeter_case(before, aggregate, taken.market, day, perimeter, places)
            found.append((StandingBid(bid, name, offer.position), case))
    return found


def _slices(
    able: Iterable[tuple[StandingBid, PerimeterCase]], hour: int, direction: Direction
) -> list[Slice]:
    return [slice_of(one, hour, direction, able_kw(case, hour, direction)) for one, case in able]


def _in_force(before: Facts, taken: Taken) -> dict[tuple[int, int], RecordedFact]:
    """Per aggregate and perimeter the offer that stands in the session, by what the ledger says of it."""
    records = before.of(
        OfferRecorded,
        lambda e: (e.day, e.market) == (taken.day, taken.market) and e.session <= taken.session,
    )
    in_order = sorted(records, key=lambda record: (record.event.session, record.position))
    return {(record.event.aggregate, record.event.perimeter): record for record in in_order}


def _taken(record: RecordedFact) -> Taken:
    event: SelectionRecorded = record.event
    kw = unpack_selection(event.cells, DeliveryDay.from_number(event.day).hours)
    return Taken(event.product, event.aggregate, event.perimeter, event.day, event.market, event.session, kw)


def _deal(record: RecordedFact, openings: Openings) -> DealTerms:
    return DealTerms.from_payload(_opened(openings, record.event.commitment, "deal"))


def _opened(openings: Openings, name: bytes, what: str) -> Mapping[str, Any]:
    payload = openings.get(name)
    if payload is None:
        found = f"no opening of {name.hex()}"
        raise RuleViolation(rule="PRIV-3", field=what, found=found, allowed="its opening")
    return payload


def _violation(field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule="SES-5", field=field, found=found, allowed=allowed)
