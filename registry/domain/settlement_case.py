"""From recorded facts to a settlement statement: who served when, under which deal, and what it comes to
(SES-3, STT-1..5).

The operator builds the statement with this module and the auditor builds it again from the evidence: one
function, one result,
byte for byte. Facts come from the ledger (outcomes, declarations, members), prices and baselines from
opened commitments,
energies from certified readings. A statement has one deal per perimeter and terms; its total is rounded once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.domain.calendar import DeliveryDay
from registry.domain.deals import DealTerms
from registry.domain.errors import RuleViolation
from registry.domain.products import Product
from registry.domain.quantities import energy_wh
from registry.domain.sessions import Market
from registry.domain.settlement import Line, Period, PodEnergy, SettlementResult, Terms, settle, total_cent

FORMAT = "flexledger-settlement/1"
MINUTES_PER_QUARTER = 15


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one session selected of the aggregate in a perimeter: under which product, signed kW per hour, and
    the commitment to its deal.
    """

    session: int
    product: int
    kw: tuple[int, ...]
    commitment: bytes


@dataclass(frozen=True, slots=True)
class PerimeterCase:
    """The recorded facts of one aggregate in one perimeter on one day.

    Attributes:
        outcomes: of all sessions, in order, also those under other products: a later one takes hours over.
        completed_sessions: sessions whose declaration the BSP completed.
        declared: per POD the bit map of quarter-hours it serves here, releases taken off.
        other_market: the same for the other market.
        held: per POD the quarter-hours for which the other market has it by default (`held_quarters`).
        members: per POD of the aggregate in this perimeter, as of the day, its granted power up and down
            (kW).
    """

    perimeter: int
    outcomes: tuple[Outcome, ...]
    completed_sessions: frozenset[int]
    declared: Mapping[bytes, int]
    other_market: Mapping[bytes, int]
    held: Mapping[bytes, int]
    members: Mapping[bytes, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class SettlementCase:
    """The recorded facts behind one settlement statement."""

    statement_id: bytes
    operator: int
    bsp: int
    aggregate: int
    product: Product
    day: DeliveryDay
    perimeters: tuple[PerimeterCase, ...]
    supersedes: bytes

    def deal_commitments(self) -> set[bytes]:
        """Commitments to the deals that this case settles: those under its product."""
        return {
            outcome.commitment
            for perimeter in self.perimeters
            for outcome in perimeter.outcomes
            if outcome.product == self.product.product
        }


@dataclass(frozen=True, slots=True)
class ReadingFact:
    """What the log says of a POD and period (STT-3): net injection in Wh and varh, or none and why.

    Nothing is settled on reactive energy.
    """

    metered_wh: int | None
    reason: str = ""
    metered_varh: int | None = None


Readings = Mapping[tuple[bytes, int], ReadingFact]
NO_BASELINE = "no baseline filed"
NO_READING = ReadingFact(None, "no certified reading")


def outcome_of_hour(outcomes: Sequence[Outcome], day: DeliveryDay, hour: int) -> Outcome | None:
    """The outcome that planned an hour last: of the latest session that could still plan it (SES-1)."""
    able = [outcome for outcome in outcomes if day.first_hour(outcome.session) <= hour]
    return max(able, key=lambda outcome: outcome.session, default=None)


def standing_since(outcomes: Sequence[Outcome], hour: int) -> int:
    """The session in which the power of an hour last rose or turned, 0 if there is none now (SES-3)."""
    since, power = 0, 0
    for outcome in sorted(outcomes, key=lambda o: o.session):
        new = outcome.kw[hour]
        if new and (abs(new) > abs(power) or new * power < 0):
            since = outcome.session
        power = new
    return since if power else 0


def declaration_completed(
    outcomes: Sequence[Outcome], completed_sessions: Iterable[int], day: DeliveryDay, hour: int
) -> bool:
    """Whether the BSP completed a declaration for this hour after its power last rose or turned (SES-3).

    A declaration speaks for the hours that its session could still plan, as on the ledger: earlier hours stay
    as they were.
    """
    since = standing_since(outcomes, hour)
    return any(session >= since and day.first_hour(session) <= hour for session in completed_sessions)


def held_quarters(
    market: Market,
    outcomes: Sequence[Outcome],
    other_outcomes: Sequence[Outcome],
    other_completed: Iterable[int],
    day: DeliveryDay,
) -> int:
    """Quarter-hours (bits) for which the aggregate of the other market has the PODs that both share, because
    its BSP did not say which serve (SES-3, STT-5).

    If neither declaration is complete, the market whose power stands longer has them: the ledger took the
    later rise only because the other PODs covered it.
    """
    completed = tuple(other_completed)
    held = 0
    for hour in range(day.hours):
        since = standing_since(other_outcomes, hour)
        if not since or declaration_completed(other_outcomes, completed, day, hour):
            continue
        own = standing_since(outcomes, hour)
        if not own or (since, market is Market.LFP) < (own, market is Market.MSD):
            held |= 0b1111 << 4 * hour
    return held


def serving_pods(
    case: PerimeterCase, day: DeliveryDay, hour: int, quarter: int, power_kw: int
) -> tuple[bytes, ...]:
    """PODs that serve a quarter-hour: the declared ones; without a completed declaration all that can and
    that the other market has neither by declaration nor by default in that hour (SES-3).
    """
    if declaration_completed(case.outcomes, case.completed_sessions, day, hour):
        return tuple(sorted(pod for pod, quarters in case.declared.items() if quarters >> quarter & 1))
    direction = 0 if power_kw > 0 else 1
    of_hour = 0b1111 << 4 * hour
    return tuple(
        sorted(
            pod
            for pod, granted in case.members.items()
            if granted[direction]
            and not case.other_market.get(pod, 0) & of_hour
            and (case.declared.get(pod, 0) & of_hour or not case.held.get(pod, 0) & of_hour)
        )
    )


def build_statement(
    case: SettlementCase,
    terms: Mapping[bytes, DealTerms],
    baselines: Mapping[bytes, Sequence[int]],
    readings: Readings,
) -> dict[str, Any]:
    """The settlement statement of a case, as it is hashed, kept and verified (STT-1..5).

    Args:
        case: recorded facts.
        terms: opened deals by commitment.
        baselines: per POD its filed baseline, Wh net injection per quarter-hour of the day; absent if none
            was filed.
        readings: per POD and quarter-hour what the log says.

    Returns:
        A document of text and whole numbers only. Energies in Wh, signed as requested (up positive);
        amounts in nano-euro, penalties
        as exact fractions ``"numerator/denominator"``; the total in cents, positive owed to the BSP.

    Raises:
        RuleViolation: STT-2 for a deal that was not opened, BAS-1 for a baseline of another day length,
        STT-5 for a POD that serves
            both markets in one period.
    """
    for pod_id, values in baselines.items():
        if len(values) != case.day.quarters:
            raise RuleViolation(
                rule="BAS-1",
                field="energy_wh",
                found=f"{len(values)} values for {pod_id.hex()}",
                allowed=f"{case.day.quarters}",
            )
    deals: list[dict[str, Any]] = []
    results: list[SettlementResult] = []
    for perimeter in case.perimeters:
        for commitment, periods in _deals_of(case, perimeter, terms, baselines, readings).items():
            result = settle(_terms_of(case.product, terms[commitment]), periods)
            results.append(result)
            deals.append(_deal_document(perimeter.perimeter, commitment, terms[commitment], periods, result))
    return {
        "format": FORMAT,
        "statement_id": case.statement_id.hex(),
        "supersedes": case.supersedes.hex(),
        "operator": case.operator,
        "bsp": case.bsp,
        "aggregate": case.aggregate,
        "product": case.product.product,
        "method": case.product.method.name.lower(),
        "day": case.day.number,
        "date": case.day.date.isoformat(),
        "deals": deals,
        "unsettled_periods": sum(result.unsettled_periods for result in results),
        "total_cent": total_cent(results),
    }


def _deals_of(
    case: SettlementCase,
    perimeter: PerimeterCase,
    terms: Mapping[bytes, DealTerms],
    baselines: Mapping[bytes, Sequence[int]],
    readings: Readings,
) -> dict[bytes, list[Period]]:
    deals: dict[bytes, list[Period]] = {}
    for quarter in range(case.day.quarters):
        hour = case.day.hour_of_quarter(quarter)
        outcome = outcome_of_hour(perimeter.outcomes, case.day, hour)
        if outcome is None or outcome.product != case.product.product:
            continue
        if outcome.commitment not in terms:
            raise RuleViolation(
                rule="STT-2",
                field="terms",
                found=f"no opening of {outcome.commitment.hex()}",
                allowed="the opened deal of each outcome",
            )
        power_kw = outcome.kw[hour]
        available_kw = (
            terms[outcome.commitment].available_kw
            if in_availability_window(case.product, case.day, quarter)
            else 0
        )
        if not power_kw and not available_kw:
            continue
        pods = serving_pods(perimeter, case.day, hour, quarter, power_kw) if power_kw else ()
        for pod_id in pods:
            if perimeter.other_market.get(pod_id, 0) >> quarter & 1:
                raise RuleViolation(
                    rule="STT-5",
                    field="pod_id",
                    found=f"{pod_id.hex()} in both markets in period {quarter}",
                    allowed="one operator",
                )
        energies = tuple(_pod_energy(pod_id, quarter, baselines, readings) for pod_id in pods)
        deals.setdefault(outcome.commitment, []).append(
            Period(quarter, energy_wh(power_kw), available_kw, energies)
        )
    return deals


def in_availability_window(product: Product, day: DeliveryDay, quarter: int) -> bool:
    """Whether a quarter-hour starts in the product's months, weekdays and daily window, by the local clock
    (PRD-1).
    """
    if not product.months >> day.date.month - 1 & 1 or not product.weekdays >> day.date.weekday() & 1:
        return False
    start = day.local_clock(quarter)
    return product.from_minute <= start.hour * 60 + start.minute < product.until_minute


def _pod_energy(
    pod_id: bytes, quarter: int, baselines: Mapping[bytes, Sequence[int]], readings: Readings
) -> PodEnergy:
    filed = baselines.get(pod_id)
    reading = readings.get((pod_id, quarter), NO_READING)
    reason = NO_BASELINE if filed is None else reading.reason
    return PodEnergy(pod_id, filed[quarter] if filed is not None else None, reading.metered_wh, reason)


def _terms_of(product: Product, deal: DealTerms) -> Terms:
    return Terms(
        method=product.method,
        availability_price_milli_eur_per_mwh=deal.availability_price_milli_eur_per_mwh,
        use_price_milli_eur_per_mwh=deal.use_price_milli_eur_per_mwh,
        tolerance_ppm=product.tolerance_ppm,
        penalty_numerator=product.penalty_numerator,
        penalty_denominator=product.penalty_denominator,
    )


def _deal_document(
    perimeter: int, commitment: bytes, deal: DealTerms, periods: Sequence[Period], result: SettlementResult
) -> dict[str, Any]:
    return {
        "perimeter": perimeter,
        "commitment": commitment.hex(),
        "terms": deal.as_payload(),
        "lines": [_line_document(period, line) for period, line in zip(periods, result.lines, strict=True)],
        "availability_neur": result.availability_neur,
        "use_neur": result.use_neur,
        "penalty_neur": f"{result.penalty_neur.numerator}/{result.penalty_neur.denominator}",
        "unsettled_periods": result.unsettled_periods,
    }


def _line_document(period: Period, line: Line) -> dict[str, Any]:
    return {
        "quarter": period.quarter,
        "requested_wh": period.requested_wh,
        "available_kw": period.available_kw,
        "delivered_wh": line.delivered_wh,
        "under_delivered_wh": line.under_delivered_wh,
        "availability_neur": line.availability_neur,
        "use_neur": line.use_neur,
        "penalty_neur": f"{line.penalty_neur.numerator}/{line.penalty_neur.denominator}",
        "unsettled": line.unsettled,
        "pods": [
            {
                "pod_id": pod.pod_id.hex(),
                "baseline_wh": pod.baseline_wh,
                "metered_wh": pod.metered_wh,
                "reason": pod.reason,
            }
            for pod in period.pods
        ],
    }
