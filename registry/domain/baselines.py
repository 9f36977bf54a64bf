"""Baselines: what a POD would have done (BAS-1).

Every method works on certified readings and integers, so that an auditor gets the same watt-hours. Energies
are net
injection of a POD in one settlement period (export less import), in Wh, signed. The method is an attribute
of the
product's terms; ``NOMINATED`` is the rule of this ledger: the BSP files the baseline before the gate.

Source: D4.1 §3.4 (settlement phase), SPEC 8; the averages follow the customer-baseline practice named there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from enum import Enum
from fractions import Fraction

from registry.domain.errors import RuleViolation

PERIODS_PER_HOUR = 4
AVERAGE_DAYS = 10
HIGH_DAYS = 5
ADJUSTMENT_FROM_HOURS = 4
ADJUSTMENT_UNTIL_HOURS = 1
ADJUSTMENT_FLOOR = Fraction(8, 10)
ADJUSTMENT_CEILING = Fraction(12, 10)


class BaselineMethod(Enum):
    """How the baseline of a product is found (BAS-1)."""

    NOMINATED = "nominated"
    AVERAGE = "average"
    HIGH_5_OF_10 = "high_5_of_10"
    METER_BEFORE_AFTER = "meter_before_after"

    @property
    def easy_to_game(self) -> bool:
        """Whether the provider can move the baseline by moving its own meter just before the event."""
        return self is BaselineMethod.METER_BEFORE_AFTER


def require_filing_open(gate: int, now: int) -> None:
    """Refuse a filing at or after the gate (BAS-1).

    Args:
        gate: Unix seconds of the baseline gate of the delivery day.
        now: Unix seconds of the filing.

    Raises:
        RuleViolation: BAS-1, the gate has closed.
    """
    if now >= gate:
        raise RuleViolation(
            rule="BAS-1", field="filed_at", found=now, allowed=f"before {gate}", hint="the gate has closed"
        )


def is_working_day(day: date, holidays: frozenset[date] = frozenset()) -> bool:
    """Whether a day counts as a working day for choosing days of the same type (BAS-1)."""
    return day.weekday() < 5 and day not in holidays


def reference_days(
    day: date,
    recorded: frozenset[date],
    event_days: frozenset[date],
    holidays: frozenset[date] = frozenset(),
    count: int = AVERAGE_DAYS,
) -> tuple[date, ...]:
    """The last ``count`` recorded days of the same type before ``day``, event days left out, latest first
    (BAS-1).

    Raises:
        RuleViolation: BAS-1, fewer such days are recorded.
    """
    kind = is_working_day(day, holidays)
    found = sorted(
        (d for d in recorded if d < day and d not in event_days and is_working_day(d, holidays) == kind),
        reverse=True,
    )[:count]
    if len(found) < count:
        raise RuleViolation(
            rule="BAS-1",
            field="reference_days",
            found=len(found),
            allowed=f"{count} days of the same type before {day}",
        )
    return tuple(found)


def average(
    day: date,
    event_quarter: int,
    history: Mapping[date, Sequence[int]],
    today: Sequence[int],
    event_days: frozenset[date] = frozenset(),
    holidays: frozenset[date] = frozenset(),
) -> tuple[int, ...]:
    """Mean of the last ten days of the same type per period, times the day-of adjustment (BAS-1).

    Args:
        day: delivery day.
        event_quarter: index of the period in which the event starts.
        history: per earlier day its readings, Wh per period; each as long as the delivery day.
        today: readings of the delivery day before the event, at least up to ``event_quarter - 4``.
        event_days: days left out.
        holidays: days that count as non-working.

    Returns:
        Wh per period of the delivery day, rounded half to even.

    Raises:
        RuleViolation: BAS-1, too few reference days, unequal lengths, or no reading for the adjustment.
    """
    days = reference_days(day, frozenset(history), event_days, holidays)
    means = _means([history[d] for d in days])
    factor = _adjustment(means, today, event_quarter)
    return tuple(round(value * factor) for value in means)


def high_5_of_10(
    day: date,
    event_quarters: range,
    history: Mapping[date, Sequence[int]],
    event_days: frozenset[date] = frozenset(),
    holidays: frozenset[date] = frozenset(),
) -> tuple[int, ...]:
    """Mean of the five of the last ten days of the same type with the largest withdrawal in the event's
    periods (BAS-1).

    Withdrawal is negative net injection; ties go to the later day.

    Raises:
        RuleViolation: BAS-1, too few reference days or unequal lengths.
    """
    days = reference_days(day, frozenset(history), event_days, holidays)
    ranked = sorted(days, key=lambda d: (sum(history[d][q] for q in event_quarters), -d.toordinal()))
    return tuple(round(value) for value in _means([history[d] for d in ranked[:HIGH_DAYS]]))


def meter_before_after(before_wh: int, after_wh: int, periods: int) -> tuple[int, ...]:
    """Straight line between the last period before and the first period after an event (BAS-1, easy to game).

    Args:
        before_wh: reading of the period just before the event.
        after_wh: reading of the period just after it.
        periods: number of periods of the event, at least one.
    """
    step = Fraction(after_wh - before_wh, periods + 1)
    return tuple(round(before_wh + step * (i + 1)) for i in range(periods))


def _means(rows: Sequence[Sequence[int]]) -> list[Fraction]:
    lengths = {len(row) for row in rows}
    if len(lengths) != 1:
        raise RuleViolation(
            rule="BAS-1", field="history", found=f"days of {sorted(lengths)} periods", allowed="equal lengths"
        )
    return [Fraction(sum(column), len(rows)) for column in zip(*rows, strict=True)]


def _adjustment(means: Sequence[Fraction], today: Sequence[int], event_quarter: int) -> Fraction:
    start = event_quarter - ADJUSTMENT_FROM_HOURS * PERIODS_PER_HOUR
    end = event_quarter - ADJUSTMENT_UNTIL_HOURS * PERIODS_PER_HOUR
    if start < 0 or len(today) < end:
        raise RuleViolation(
            rule="BAS-1",
            field="today",
            found=f"{len(today)} periods before an event at period {event_quarter}",
            allowed="readings from four hours to one hour before the event, on the same day",
        )
    expected = sum(means[start:end], Fraction(0))
    if expected == 0:
        return Fraction(1)
    return min(max(Fraction(sum(today[start:end])) / expected, ADJUSTMENT_FLOOR), ADJUSTMENT_CEILING)
