"""Delivery days, quarter-hours and hours of the market (TIM-1).

The only module that converts between instants and market time. A delivery day is the local day of
Europe/Rome; it has 96 quarter-hours, 92 and 100 on the days the clock changes. Periods are counted from the
local midnight in elapsed time, so that the doubled hour of October has two numbers and the skipped hour of
March none. Intervals are half-open: a period contains its start. Instants are aware datetimes; on the wire
and on the chain they are whole Unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from registry.domain.errors import InputInvalid

ROME = ZoneInfo("Europe/Rome")
QUARTER = timedelta(minutes=15)
QUARTER_S = 900
HOUR_S = 3600
QUARTERS_PER_HOUR = 4
SESSIONS = 6
"""Session pairs of a delivery day (SES-1)."""
HOURS_PER_BLOCK = 4
MAX_HOURS = 25
MAX_QUARTERS = MAX_HOURS * QUARTERS_PER_HOUR

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_MAX_DAY_NUMBER = 0xFFFF


@dataclass(frozen=True, order=True, slots=True)
class DeliveryDay:
    """One local day of Europe/Rome (TIM-1)."""

    date: date

    @classmethod
    def from_number(cls, number: int) -> DeliveryDay:
        """The day that is `number` days after 1970-01-01.

        Raises:
            InputInvalid: TIM-1, the number is outside 0..65535.
        """
        if not 0 <= number <= _MAX_DAY_NUMBER:
            raise InputInvalid(
                rule="TIM-1",
                field="day",
                found=number,
                allowed=f"0 to {_MAX_DAY_NUMBER} days after 1970-01-01",
            )
        return cls(date.fromordinal(_EPOCH_ORDINAL + number))

    @classmethod
    def of(cls, instant: datetime) -> DeliveryDay:
        """The delivery day that contains an instant.

        Raises:
            InputInvalid: TIM-1, the instant has no time zone.
        """
        return cls(_aware(instant).astimezone(ROME).date())

    @property
    def number(self) -> int:
        """Days from 1970-01-01 to the local date."""
        return self.date.toordinal() - _EPOCH_ORDINAL

    @property
    def starts_at(self) -> datetime:
        """Local midnight, in UTC."""
        return datetime.combine(self.date, time(), ROME).astimezone(UTC)

    @property
    def ends_at(self) -> datetime:
        """The next local midnight, in UTC; no part of the day."""
        return self.plus(1).starts_at

    @property
    def quarters(self) -> int:
        """Quarter-hours of the day: 92, 96 or 100."""
        return (self.ends_at - self.starts_at) // QUARTER

    @property
    def hours(self) -> int:
        """Hours of the day: 23, 24 or 25."""
        return self.quarters // QUARTERS_PER_HOUR

    def plus(self, days: int) -> DeliveryDay:
        """The day so many days later."""
        return DeliveryDay(self.date + timedelta(days=days))

    def quarter_start(self, quarter: int) -> datetime:
        """Start of a quarter-hour in UTC; `quarter` counts elapsed quarter-hours from the local midnight.

        Raises:
            InputInvalid: TIM-1, the day has no such quarter-hour.
        """
        if not 0 <= quarter < self.quarters:
            raise InputInvalid(
                rule="TIM-1",
                field="quarter",
                found=quarter,
                allowed=f"0 to {self.quarters - 1} on {self.date}",
            )
        return self.starts_at + quarter * QUARTER

    def local_clock(self, quarter: int) -> time:
        """What the clock in Rome shows when a quarter-hour starts.

        Raises:
            InputInvalid: TIM-1, the day has no such quarter-hour.
        """
        return self.quarter_start(quarter).astimezone(ROME).time()

    def hour_start(self, hour: int) -> datetime:
        """Start of an hour in UTC; `hour` counts elapsed hours from the local midnight.

        Raises:
            InputInvalid: TIM-1, the day has no such hour.
        """
        if not 0 <= hour < self.hours:
            raise InputInvalid(
                rule="TIM-1", field="hour", found=hour, allowed=f"0 to {self.hours - 1} on {self.date}"
            )
        return self.starts_at + timedelta(hours=hour)

    def hour_of_quarter(self, quarter: int) -> int:
        """The hour that contains a quarter-hour of this day.

        Raises:
            InputInvalid: TIM-1, the day has no such quarter-hour.
        """
        self.quarter_start(quarter)
        return hour_of_quarter(quarter)

    def first_hour(self, session: int) -> int:
        """First hour that a session pair plans.

        0 for pair 1, else the one that starts at 4(k-1) o'clock by the local clock (SES-1).

        Raises:
            InputInvalid: SES-1, there are pairs 1 to 6.
        """
        if not 1 <= session <= SESSIONS:
            raise InputInvalid(rule="SES-1", field="session", found=session, allowed=f"1 to {SESSIONS}")
        return first_hour(self.hours, session)

    def local_instant(self, hour: int, minute: int = 0) -> datetime:
        """The first instant at which the clock in Rome shows `hour`:`minute` on this day, in UTC."""
        return datetime.combine(self.date, time(hour, minute), ROME).astimezone(UTC)


def quarter_of(instant: datetime) -> tuple[DeliveryDay, int]:
    """The delivery day and the index of the quarter-hour that contain an instant (TIM-1).

    Raises:
        InputInvalid: TIM-1, the instant has no time zone.
    """
    day = DeliveryDay.of(instant)
    return day, (instant - day.starts_at) // QUARTER


def hour_of_quarter(quarter: int) -> int:
    """Hour of the day, in elapsed hours, that contains a quarter-hour."""
    return quarter // QUARTERS_PER_HOUR


def first_hour(hours: int, session: int) -> int:
    """First hour of the block of session pair `session` in a day of `hours` hours.

    The first block takes the clock change (SES-1).
    """
    return 0 if session <= 1 else HOURS_PER_BLOCK * (session - 1) + hours - 24


def unix(instant: datetime) -> int:
    """Whole Unix seconds of an instant.

    Raises:
        InputInvalid: TIM-1, the instant has no time zone.
    """
    return int(_aware(instant).timestamp())


def from_unix(seconds: int) -> datetime:
    """The instant of a Unix time, in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise InputInvalid(
            rule="TIM-1",
            field="instant",
            found=instant.isoformat(),
            allowed="a date and time with its time zone",
        )
    return instant
