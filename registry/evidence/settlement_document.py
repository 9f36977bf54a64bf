"""The settlement statement as a document: derived from facts, openings and readings, by whoever has them (STT-1..5, AUD-1).

The register writes the document this way and commits to it on the ledger; an outsider with the evidence bundle derives it again and
must get the same bytes. The sums are those of :mod:`registry.domain.settlement`; here is only who served, what was asked and where the
numbers come from. Fields: ``docs/formats/bundle.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from registry.domain.calendar import DeliveryDay, hour_of_quarter, unix
from registry.domain.errors import RuleViolation
from registry.domain.events import ProductPublished
from registry.domain.identifiers import owner_of_product
from registry.domain.products import Product
from registry.domain.quantities import energy_wh
from registry.domain.settlement import (
    NANO_EUR_PER_CENT,
    Line,
    Period,
    PodEnergy,
    SettlementMethod,
    SettlementResult,
    Terms,
    require_single_service,
    settle,
)
from registry.evidence.facts import (
    Deal,
    Facts,
    baseline_commitment,
    deals,
    declared_quarters,
    is_declared,
    members,
)
from registry.evidence.payloads import Reading

FORMAT: Final = "flexledger-settlement/1"
PRICE_FIELDS: Final = ("availability_price_milli_eur_per_mwh", "use_price_milli_eur_per_mwh")
BASELINE_FIELD: Final = "baseline_wh"


class Readings:
    """Certified readings by POD and start of period; more than one statement for the same is a conflict (STT-3)."""

    def __init__(self, readings: Iterable[Reading], conflicting: Iterable[Reading] = ()) -> None:
        self._readings: dict[tuple[bytes, int], Reading] = {}
        self._conflicts = {(reading.pod_id, reading.period_start) for reading in conflicting}
        for reading in readings:
            place = reading.pod_id, reading.period_start
            if self._readings.setdefault(place, reading) != reading:
                self._conflicts.add(place)

    def net_wh(self, pod_id: bytes, start: int) -> tuple[int | None, str]:
        """Net injection (export less import, Wh) of a period, or ``None`` with the reason why none can be settled on."""
        place = pod_id, start
        if place in self._conflicts:
            return None, "conflicting readings"
        reading = self._readings.get(place)
        if reading is None:
            return None, "no certified reading"
        if reading.unsettled_reason:
            return None, f"reading marked: {reading.unsettled_reason}"
        return reading.export_wh - reading.import_wh, ""


@dataclass(frozen=True, slots=True)
class SettlementRequest:
    """Which statement: one aggregate, one product, one delivery day (days from 1970-01-01)."""

    chain_id: int
    aggregate: int
    product: int
    day: int


def settlement_document(
    request: SettlementRequest, facts: Facts, openings: Mapping[bytes, Mapping[str, Any]], readings: Readings
) -> dict[str, Any]:
    """Derive the settlement statement, ready for canonical JSON.

    1. the product's terms, from the ledger;
    2. the deals: selections of this aggregate and product in force, with their prices opened;
    3. per deal and quarter-hour: what was asked, which PODs served, their baselines and readings;
    4. no POD serves the other market in one of these quarter-hours (STT-5);
    5. the sums, rounded once (STT-2).

    ``openings`` maps commitments to the payloads they hide (checked by the caller). Raises :class:`RuleViolation`: STT-2 if product,
    deal or price are not there, STT-5 for a POD paid twice.
    """
    # 1. terms of the product
    product = _product(facts, request.product)
    # 2. deals
    bought = deals(facts, request.day, lambda selection: selection.aggregate == request.aggregate)
    bought = [deal for deal in bought if deal.selection.product == request.product]
    if not bought:
        raise RuleViolation(
            rule="STT-2", field="product", found="no selection", allowed="a product selected of this aggregate and day"
        )
    # 3. periods, 5. sums per deal
    results: list[tuple[Deal, Terms, list[Period], SettlementResult]] = []
    for deal in bought:
        terms = _terms(product, openings, deal)
        periods = _periods(deal, facts, openings, readings)
        results.append((deal, terms, periods, settle(terms, periods)))
    # 4. nobody serves two markets at once
    _require_single_service(facts, request.day, results)
    # 5. totals
    totals = [result for _, _, _, result in results]
    availability = sum(result.availability_neur for result in totals)
    use = sum(result.use_neur for result in totals)
    penalty = sum((result.penalty_neur for result in totals), Fraction(0))
    return {
        "format": FORMAT,
        "chain_id": request.chain_id,
        "operator": owner_of_product(request.product),
        "aggregate": request.aggregate,
        "product": request.product,
        "day": request.day,
        "method": SettlementMethod(product.method).name.lower(),
        "tolerance_ppm": product.tolerance_ppm,
        "penalty_numerator": product.penalty_numerator,
        "penalty_denominator": product.penalty_denominator,
        "deals": [_deal_json(*result) for result in results],
        "availability_neur": str(availability),
        "use_neur": str(use),
        "penalty_neur": _fraction(penalty),
        "total_cent": round((availability + use - penalty) / NANO_EUR_PER_CENT),
        "unsettled_periods": sum(result.unsettled_periods for result in totals),
    }


class ServingPods:
    """Who serves a deal: the PODs declared, or all that were left to it if no declaration was completed (SES-3).

    Without a completed declaration the selection commits every POD of the aggregate in the perimeter, except those that serve the
    other market in that hour: by declaration, or because an earlier selection committed them in the same way.
    """

    def __init__(self, facts: Facts, deal: Deal) -> None:
        chosen = deal.selection
        day, perimeter = chosen.day, chosen.perimeter
        place = (chosen.aggregate, perimeter, chosen.market)
        self._declared = declared_quarters(facts, day, lambda e: (e.aggregate, e.perimeter, e.market) == place)
        self._complete = is_declared(facts, chosen)
        self._pool = members(facts, chosen.aggregate, perimeter, day)
        self._elsewhere = declared_quarters(facts, day, lambda event: event.market != chosen.market)
        self._earlier = [
            (other, members(facts, other.selection.aggregate, perimeter, day))
            for other in deals(facts, day, lambda e: e.market != chosen.market and e.perimeter == perimeter)
            if other.record.position < deal.record.position and not is_declared(facts, other.selection)
        ]

    def at(self, quarter: int) -> frozenset[bytes]:
        """The PODs that serve in a quarter-hour of the day."""
        declared = frozenset(pod for pod, quarters in self._declared.items() if quarters >> quarter & 1)
        if self._complete:
            return declared
        hour = hour_of_quarter(quarter)
        taken = {pod for pod, quarters in self._elsewhere.items() if quarters >> 4 * hour & 0b1111}
        for other, pool in self._earlier:
            if hour in other.power_kw:
                taken |= pool
        return declared | (self._pool - taken)


def _product(facts: Facts, product: int) -> Product:
    record = facts.last(ProductPublished, lambda event: event.product == product)
    if record is None:
        raise RuleViolation(rule="STT-2", field="product", found=product, allowed="a product published on the ledger")
    terms: Product = record.event.terms
    return terms


def _terms(product: Product, openings: Mapping[bytes, Mapping[str, Any]], deal: Deal) -> Terms:
    payload = openings.get(deal.selection.commitment)
    prices = [payload.get(field) if payload else None for field in PRICE_FIELDS]
    if any(type(price) is not int for price in prices):
        raise RuleViolation(
            rule="STT-2",
            field="prices",
            found=f"no opened prices for the selection of session {deal.selection.session}",
            allowed=f"an opening with {' and '.join(PRICE_FIELDS)}",
        )
    availability, use = prices
    return Terms(
        method=SettlementMethod(product.method),
        availability_price_milli_eur_per_mwh=int(availability or 0),
        use_price_milli_eur_per_mwh=int(use or 0),
        tolerance_ppm=product.tolerance_ppm,
        penalty_numerator=product.penalty_numerator,
        penalty_denominator=product.penalty_denominator,
    )


def _periods(
    deal: Deal, facts: Facts, openings: Mapping[bytes, Mapping[str, Any]], readings: Readings
) -> list[Period]:
    delivery = DeliveryDay.from_number(deal.selection.day)
    serving = ServingPods(facts, deal)
    baselines: dict[bytes, tuple[list[int] | None, str]] = {}
    periods = []
    for quarter in range(delivery.quarters):
        power_kw = deal.power_kw.get(hour_of_quarter(quarter), 0)
        if not power_kw:
            continue
        start, pods = unix(delivery.quarter_start(quarter)), []
        for pod in sorted(serving.at(quarter)):
            if pod not in baselines:
                baselines[pod] = _baseline(facts, openings, pod, delivery)
            baseline, no_baseline = baselines[pod]
            metered, no_reading = readings.net_wh(pod, start)
            pods.append(PodEnergy(pod, baseline[quarter] if baseline else None, metered, no_baseline or no_reading))
        periods.append(Period(quarter, energy_wh(power_kw), abs(power_kw), tuple(pods)))
    return periods


def _baseline(
    facts: Facts, openings: Mapping[bytes, Mapping[str, Any]], pod: bytes, delivery: DeliveryDay
) -> tuple[list[int] | None, str]:
    commitment = baseline_commitment(facts, pod, delivery.number)
    if commitment is None:
        return None, "no baseline filed"
    values = openings.get(commitment, {}).get(BASELINE_FIELD)
    if not isinstance(values, list) or [type(value) for value in values] != [int] * delivery.quarters:
        return None, "baseline not opened"
    return values, ""


def _require_single_service(
    facts: Facts, day: int, results: list[tuple[Deal, Terms, list[Period], SettlementResult]]
) -> None:
    served: dict[bytes, set[int]] = {}
    for _, _, periods, _ in results:
        for period in periods:
            for pod in period.pods:
                served.setdefault(pod.pod_id, set()).add(period.quarter)
    market = results[0][0].selection.market
    others = declared_quarters(facts, day, lambda event: event.market != market)
    require_single_service(
        served, {pod: [q for q in range(quarters.bit_length()) if quarters >> q & 1] for pod, quarters in others.items()}
    )


def _deal_json(deal: Deal, terms: Terms, periods: list[Period], result: SettlementResult) -> dict[str, Any]:
    return {
        "perimeter": deal.selection.perimeter,
        "session": deal.selection.session,
        **{field: getattr(terms, field) for field in PRICE_FIELDS},
        "periods": [_period_json(period, line) for period, line in zip(periods, result.lines, strict=True)],
    }


def _period_json(period: Period, line: Line) -> dict[str, Any]:
    settled: dict[str, Any] = {
        "quarter": period.quarter,
        "requested_wh": period.requested_wh,
        "available_kw": period.available_kw,
        "pods": len(period.pods),
        "delivered_wh": line.delivered_wh,
        "under_delivered_wh": line.under_delivered_wh,
        "availability_neur": str(line.availability_neur),
        "use_neur": str(line.use_neur),
        "penalty_neur": _fraction(line.penalty_neur),
    }
    return settled | {"unsettled": line.unsettled} if line.unsettled else settled


def _fraction(value: Fraction) -> str:
    return f"{value.numerator}/{value.denominator}"
