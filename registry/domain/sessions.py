"""Delivery days and the gates of their six session pairs (SES-1, SES-4, D4.1 §6.3, Table 9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time, timedelta

from registry.domain.calendar import (
    HOUR_S,
    HOURS_PER_BLOCK,
    QUARTER_S,
    QUARTERS_PER_HOUR,
    SESSIONS,
    DeliveryDay,
    first_hour,
    unix,
)
from registry.domain.enums import Market
from registry.domain.identifiers import bytes32_text
from registry.domain.refusals import Refusal

__all__ = ["DaySchedule", "Market", "ScheduleTemplate", "check_schedule"]

DAY_S = 86_400
DAY_LENGTHS = (92, 96, 100)
FARTHEST_UTC_OFFSET_S = 14 * HOUR_S


@dataclass(frozen=True, slots=True)
class DaySchedule:
    """Times of one delivery day, Unix seconds; `quarters` is 92, 96 or 100.

    LFP k is open from the end of the pair before it (pair 1: `opens_at`) to `lfp_gates[k-1]`, then MSD k to
    `msd_gates[k-1]`. Windows are half-open: the gate's second is late.
    """

    day: int
    starts_at: int
    quarters: int
    baseline_gate: int
    opens_at: int
    lfp_gates: tuple[int, ...]
    msd_gates: tuple[int, ...]
    last_declaration: int

    @property
    def hours(self) -> int:
        """Hours of the day: 23, 24 or 25."""
        return self.quarters // QUARTERS_PER_HOUR

    @property
    def ends_at(self) -> int:
        """End of the last quarter-hour, Unix seconds."""
        return self.starts_at + self.quarters * QUARTER_S

    def first_hour(self, session: int) -> int:
        """First hour that a session may still plan (SES-1).

        Raises:
            Refusal: SES-1 SessionUnknown.
        """
        _check_session(session)
        return first_hour(self.hours, session)

    def first_preliminary_hour(self, session: int) -> int:
        """First hour that a session plans preliminarily only; the day's hours for the last session (SES-1).

        Raises:
            Refusal: SES-1 SessionUnknown.
        """
        _check_session(session)
        return self.first_hour(session + 1) if session < SESSIONS else self.hours

    def window(self, market: Market, session: int) -> tuple[int, int]:
        """Opening and gate of a session (SES-4).

        Raises:
            Refusal: SES-1 SessionUnknown.
        """
        _check_session(session)
        pair = session - 1
        if market is Market.MSD:
            return self.lfp_gates[pair], self.msd_gates[pair]
        return (self.msd_gates[pair - 1] if pair else self.opens_at), self.lfp_gates[pair]

    def require_open(self, market: Market, session: int, now: int) -> None:
        """Refuse unless the window of this session is open (SES-4).

        Raises:
            Refusal: SES-1 SessionUnknown, SES-4 SessionNotOpen or GateClosed.
        """
        opens_at, gate = self.window(market, session)
        if now < opens_at:
            raise Refusal(
                "SessionNotOpen", day=self.day, market=market, session=session, opens_at=opens_at, now_at=now
            )
        if now >= gate:
            raise Refusal("GateClosed", day=self.day, market=market, session=session, gate=gate, now_at=now)

    def open_session(self, now: int) -> tuple[Market, int] | None:
        """The session whose window is open, if any (SES-4)."""
        for session in range(1, SESSIONS + 1):
            for market in Market:
                opens_at, gate = self.window(market, session)
                if opens_at <= now < gate:
                    return market, session
        return None

    def declaration_due(self, market: Market, session: int) -> int:
        """Until when the outcome of a session can be declared.

        The next gate, after MSD 6 `last_declaration` (SES-3, SES-4).

        Raises:
            Refusal: SES-1 SessionUnknown.
        """
        _check_session(session)
        if market is Market.LFP:
            return self.msd_gates[session - 1]
        return self.lfp_gates[session] if session < SESSIONS else self.last_declaration


@dataclass(frozen=True, slots=True)
class ScheduleTemplate:
    """How the TSO sets the gates of a day; the defaults are those of SPEC section 13.

    Local times of the day before delivery, and distances: of an MSD gate before its block of hours, of an LFP
    gate before the MSD gate of its pair, of the last declaration after MSD 6.
    """

    opens: time = time(12, 0)
    baseline_gate: time = time(12, 0)
    first_msd_gate: time = time(17, 0)
    msd_before_block: timedelta = timedelta(hours=1, minutes=45)
    lfp_before_msd: timedelta = timedelta(minutes=60)
    declaration_after_last: timedelta = timedelta(hours=1)

    def schedule(self, day: DeliveryDay) -> DaySchedule:
        """The gates of a day, on the local clock, whatever its length (SES-1, TIM-1)."""
        eve = day.plus(-1)
        msd = [eve.local_instant(self.first_msd_gate.hour, self.first_msd_gate.minute)]
        msd += [
            day.hour_start(day.first_hour(session)) - self.msd_before_block
            for session in range(2, SESSIONS + 1)
        ]
        return DaySchedule(
            day=day.number,
            starts_at=unix(day.starts_at),
            quarters=day.quarters,
            baseline_gate=unix(eve.local_instant(self.baseline_gate.hour, self.baseline_gate.minute)),
            opens_at=unix(eve.local_instant(self.opens.hour, self.opens.minute)),
            lfp_gates=tuple(unix(gate - self.lfp_before_msd) for gate in msd),
            msd_gates=tuple(unix(gate) for gate in msd),
            last_declaration=unix(msd[-1] + self.declaration_after_last),
        )


def check_schedule(schedule: DaySchedule, previous: DaySchedule | None, now: int) -> None:
    """Refuse a schedule whose times are out of order (SES-1).

    1. Days come in order. 2. A day has 92, 96 or 100 quarter-hours. 3. It starts near the midnight of its
    date, not before the day before it has ended. 4. Baselines close before it starts. 5. It opens in the
    future and after the day before it. 6. Every gate stands after the one before it, an MSD gate no later
    than its block of hours starts.

    Raises:
        Refusal: SES-1 ScheduleInvalid, naming the first entry that breaks the order.
    """
    day = schedule.day
    # 1
    last_day = previous.day if previous else 0
    if day <= last_day:
        raise _invalid(day, "day", day, last_day)
    # 2
    if schedule.quarters not in DAY_LENGTHS:
        raise _invalid(day, "quarters", schedule.quarters, 96)
    # 3
    earliest = day * DAY_S - FARTHEST_UTC_OFFSET_S
    latest = day * DAY_S + FARTHEST_UTC_OFFSET_S
    if previous:
        earliest = max(earliest, previous.ends_at)
    if schedule.starts_at < earliest:
        raise _invalid(day, "startsAt", schedule.starts_at, earliest)
    if schedule.starts_at > latest:
        raise _invalid(day, "startsAt", schedule.starts_at, latest)
    # 4
    if schedule.baseline_gate > schedule.starts_at:
        raise _invalid(day, "baselineGate", schedule.baseline_gate, schedule.starts_at)
    # 5
    opens_after = max(now, previous.opens_at) if previous else now
    if schedule.opens_at <= opens_after:
        raise _invalid(day, "opensAt", schedule.opens_at, opens_after)
    # 6
    before = schedule.opens_at
    for pair in range(SESSIONS):
        lfp_gate, msd_gate = schedule.lfp_gates[pair], schedule.msd_gates[pair]
        if lfp_gate <= before:
            raise _invalid(day, f"lfpGates[{pair}]", lfp_gate, before)
        if msd_gate <= lfp_gate:
            raise _invalid(day, f"msdGates[{pair}]", msd_gate, lfp_gate)
        block_start = schedule.starts_at + schedule.first_hour(pair + 1) * HOUR_S
        if msd_gate > block_start:
            raise _invalid(day, f"msdGates[{pair}]", msd_gate, block_start)
        before = msd_gate
    if schedule.last_declaration <= before:
        raise _invalid(day, "lastDeclaration", schedule.last_declaration, before)


def block_of_hour(hours: int, hour: int) -> int:
    """The session pair that plans an hour definitively, in a day of so many hours (SES-1)."""
    return max(1, (hour + 24 - hours) // HOURS_PER_BLOCK + 1)


def _check_session(session: int) -> None:
    if not 1 <= session <= SESSIONS:
        raise Refusal("SessionUnknown", session=session)


def _invalid(day: int, field_name: str, found: int, limit: int) -> Refusal:
    return Refusal("ScheduleInvalid", day=day, field=bytes32_text(field_name), found=found, limit=limit)
