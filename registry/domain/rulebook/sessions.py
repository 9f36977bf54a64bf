"""The ledger's delivery days in memory (SES-1, SES-4; contracts/src/MarketSessions.sol)."""

from __future__ import annotations

from registry.domain.commands import ScheduleDays
from registry.domain.events import DayScheduled, Event
from registry.domain.participants import PartyKind
from registry.domain.refusals import Refusal
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.state import Call, Journal, Table
from registry.domain.sessions import DAY_S, DaySchedule, check_schedule


class SessionsBook:
    """Scheduled days in their order."""

    def __init__(self, journal: Journal, participants: ParticipantsBook) -> None:
        self._participants = participants
        self._schedules: Table[int, DaySchedule | None] = Table(journal, None)

    def execute(self, command: ScheduleDays, call: Call) -> list[Event]:
        """Schedule days (SES-1).

        Raises:
            Refusal: ACT-1, SES-1.
        """
        self._participants.require(PartyKind.TSO, command.tso, call)
        return [self._schedule(command.tso, schedule, call.now) for schedule in command.schedules]

    def schedule_of(self, day: int) -> DaySchedule:
        """The gates of a day.

        Raises:
            Refusal: SES-1 DayNotScheduled.
        """
        found = self._schedules[day]
        if found is None:
            raise Refusal("DayNotScheduled", day=day)
        return found

    def first_unfrozen_day(self, now: int) -> int:
        """The first delivery day whose LFP 1 has not opened: from here changes take effect (AGG-2, DTL-1)."""
        scheduled = [self.schedule_of(day) for day in self._schedules]
        if not scheduled:
            return now // DAY_S
        return next(
            (schedule.day for schedule in scheduled if schedule.opens_at > now), scheduled[-1].day + 1
        )

    def _schedule(self, tso: int, schedule: DaySchedule, now: int) -> Event:
        days = list(self._schedules)
        check_schedule(schedule, self.schedule_of(days[-1]) if days else None, now)
        self._schedules[schedule.day] = schedule
        return DayScheduled(
            day=schedule.day,
            tso=tso,
            starts_at=schedule.starts_at,
            quarters=schedule.quarters,
            baseline_gate=schedule.baseline_gate,
            opens_at=schedule.opens_at,
            lfp_gates=schedule.lfp_gates,
            msd_gates=schedule.msd_gates,
            last_declaration=schedule.last_declaration,
        )
