"""From requested energy and certified readings to the euro (STT-1..5).

Units: energy in Wh, power in kW (250 Wh per settlement period and kW), prices in milli-euro per MWh. One Wh
at one
milli-euro per MWh is one nano-euro, so every amount but the penalty is a whole number of nano-euro; the
penalty's ratio
(11/7 by default) makes it a fraction, kept exact. Rounding happens once, per statement total, to the cent,
half to even.

Signs: up is more injection or less withdrawal and positive; readings and baselines are net injection
(export less import).

Source: SPEC 8 (STT), D4.1 §3.4 and §6.4; TDX-ASSIST settlement (aFRR metered, mFRR requested).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from registry.domain.errors import RuleViolation
from registry.domain.products import SettlementMethod
from registry.domain.quantities import WH_PER_KW_QUARTER

PPM = 1_000_000
NANO_EUR_PER_CENT = 10_000_000


@dataclass(frozen=True, slots=True)
class Terms:
    """The commercial terms of one deal; on the ledger only as a salted commitment (PRIV-3)."""

    method: SettlementMethod
    availability_price_milli_eur_per_mwh: int
    use_price_milli_eur_per_mwh: int
    tolerance_ppm: int
    penalty_numerator: int
    penalty_denominator: int

    def __post_init__(self) -> None:
        """Refuse terms that no product can have.

        Raises:
            RuleViolation: STT-2, a negative price or penalty, a zero denominator, a tolerance outside 0 ..
            1,000,000.
        """
        for name in (
            "availability_price_milli_eur_per_mwh",
            "use_price_milli_eur_per_mwh",
            "penalty_numerator",
        ):
            if getattr(self, name) < 0:
                raise RuleViolation(rule="STT-2", field=name, found=getattr(self, name), allowed="0 or more")
        if self.penalty_denominator < 1:
            raise RuleViolation(
                rule="STT-2", field="penalty_denominator", found=self.penalty_denominator, allowed="1 or more"
            )
        if not 0 <= self.tolerance_ppm <= PPM:
            raise RuleViolation(
                rule="STT-2", field="tolerance_ppm", found=self.tolerance_ppm, allowed=f"0 .. {PPM}"
            )


@dataclass(frozen=True, slots=True)
class PodEnergy:
    """What one serving POD did in a period, Wh net injection; ``None`` where it is not vouched for, then
    with a reason.
    """

    pod_id: bytes
    baseline_wh: int | None
    metered_wh: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """One settlement period of an aggregate: what was requested (signed Wh), what stood by (kW), who
    served.
    """

    quarter: int
    requested_wh: int
    available_kw: int
    pods: tuple[PodEnergy, ...]


@dataclass(frozen=True, slots=True)
class Line:
    """The settled (or unsettled, with its reason) period. Energies are magnitudes in the requested
    direction, Wh.
    """

    quarter: int
    requested_wh: int
    delivered_wh: int | None
    under_delivered_wh: int | None
    availability_neur: int
    use_neur: int
    penalty_neur: Fraction
    unsettled: str = ""


@dataclass(frozen=True, slots=True)
class SettlementResult:
    """Lines and exact sums of one deal, in nano-euro."""

    lines: tuple[Line, ...]
    availability_neur: int
    use_neur: int
    penalty_neur: Fraction
    unsettled_periods: int

    @property
    def payment_neur(self) -> Fraction:
        """What the BSP is owed (negative: owes), exact."""
        return self.availability_neur + self.use_neur - self.penalty_neur


def total_cent(results: Iterable[SettlementResult]) -> int:
    """Total of a statement over its deals: the one place where an amount is rounded, to the cent, half to
    even (STT-2).
    """
    return round(sum((result.payment_neur for result in results), Fraction(0)) / NANO_EUR_PER_CENT)


def settle(terms: Terms, periods: Sequence[Period]) -> SettlementResult:
    """Settle the periods of one aggregate under one deal (STT-1, STT-2, STT-3).

    Raises:
        RuleViolation: STT-2, a period twice or out of order, or a negative capacity.
    """
    quarters = [period.quarter for period in periods]
    if quarters != sorted(set(quarters)):
        raise RuleViolation(
            rule="STT-2", field="periods", found=quarters, allowed="each period once, in order"
        )
    lines = tuple(settle_period(terms, period) for period in periods)
    return SettlementResult(
        lines=lines,
        availability_neur=sum(line.availability_neur for line in lines),
        use_neur=sum(line.use_neur for line in lines),
        penalty_neur=sum((line.penalty_neur for line in lines), Fraction(0)),
        unsettled_periods=sum(1 for line in lines if line.unsettled),
    )


def settle_period(terms: Terms, period: Period) -> Line:
    """One line: delivered energy, under-delivery and the three amounts (STT-1, STT-2), or the reason there
    is none (STT-3).
    """
    if period.available_kw < 0:
        raise RuleViolation(
            rule="STT-2", field="available_kw", found=period.available_kw, allowed="0 or more"
        )
    requested = abs(period.requested_wh)
    reason = unsettled_reason(terms.method, period)
    if reason:
        return Line(period.quarter, requested, None, None, 0, 0, Fraction(0), reason)
    delivered = requested if terms.method is SettlementMethod.REQUESTED else delivered_wh(period)
    under = requested - delivered
    beyond = max(Fraction(0), under - Fraction(requested * terms.tolerance_ppm, PPM))
    return Line(
        quarter=period.quarter,
        requested_wh=requested,
        delivered_wh=delivered,
        under_delivered_wh=under,
        availability_neur=period.available_kw
        * WH_PER_KW_QUARTER
        * terms.availability_price_milli_eur_per_mwh,
        use_neur=delivered * terms.use_price_milli_eur_per_mwh,
        penalty_neur=beyond
        * terms.use_price_milli_eur_per_mwh
        * Fraction(terms.penalty_numerator, terms.penalty_denominator),
    )


def delivered_wh(period: Period) -> int:
    """Metered delivery in the requested direction, within 0 .. requested (STT-1).

    All serving PODs need a baseline and a certified reading: ask `unsettled_reason` first.
    """
    direction = 1 if period.requested_wh >= 0 else -1
    change = sum((pod.metered_wh or 0) - (pod.baseline_wh or 0) for pod in period.pods)
    return min(max(direction * change, 0), abs(period.requested_wh))


def unsettled_reason(method: SettlementMethod, period: Period) -> str:
    """Why a period cannot be settled, empty if it can (STT-3).

    A metered period with a request needs a baseline and a certified reading of every serving POD; what is
    missing never
    counts as zero. A period without a request has nothing to measure; by `requested` nothing depends on the
    meter. Where no POD serves, no reading is missing: all of the request is under-delivered, so that nobody
    escapes a penalty by declaring nothing (SES-3).
    """
    if method is SettlementMethod.REQUESTED or period.requested_wh == 0:
        return ""
    for pod in period.pods:
        if pod.baseline_wh is None or pod.metered_wh is None:
            missing = "baseline" if pod.baseline_wh is None else "certified reading"
            return f"POD {pod.pod_id.hex()[:16]}: {pod.reason or 'no ' + missing}"
    return ""


def require_single_service(
    local: Mapping[bytes, Iterable[int]], global_: Mapping[bytes, Iterable[int]]
) -> None:
    """No POD serves both operators in one period, so that nothing is paid twice (STT-5).

    Args:
        local: per POD the periods it serves the DSO.
        global_: per POD the periods it serves the TSO.

    Raises:
        RuleViolation: STT-5, naming the POD and the periods.
    """
    for pod_id in sorted(local.keys() & global_.keys()):
        both = sorted(set(local[pod_id]) & set(global_[pod_id]))
        if both:
            raise RuleViolation(
                rule="STT-5",
                field="pod_id",
                found=f"{pod_id.hex()} in both markets in periods {both}",
                allowed="one operator per POD and period",
            )
