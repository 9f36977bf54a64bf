"""Gates of a delivery day: template, order, windows (SES-1, SES-3, SES-4)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.calendar import ROME, SESSIONS, DeliveryDay, from_unix, unix
from registry.domain.identifiers import text_of_bytes32
from registry.domain.refusals import Refusal
from registry.domain.sessions import DaySchedule, Market, ScheduleTemplate, block_of_hour, check_schedule

DAYS = [DeliveryDay(date(2020, 1, 1) + timedelta(days=n)) for n in range(16 * 365)]
JULY_26 = DeliveryDay(date(2023, 7, 26))
SCHEDULE = ScheduleTemplate().schedule(JULY_26)
LONG_AGO = 0


def local(instant: int) -> str:
    return from_unix(instant).astimezone(ROME).strftime("%d %H:%M")


@pytest.mark.rule("SES-1")
def test_the_template_gives_the_published_times() -> None:
    assert [local(gate) for gate in SCHEDULE.msd_gates] == [
        "25 17:00",
        "26 02:15",
        "26 06:15",
        "26 10:15",
        "26 14:15",
        "26 18:15",
    ]
    assert [local(gate) for gate in SCHEDULE.lfp_gates] == [
        "25 16:00",
        "26 01:15",
        "26 05:15",
        "26 09:15",
        "26 13:15",
        "26 17:15",
    ]
    assert (local(SCHEDULE.opens_at), local(SCHEDULE.baseline_gate)) == ("25 12:00", "25 12:00")
    assert local(SCHEDULE.last_declaration) == "26 19:15"


@pytest.mark.rule("SES-1", "TIM-1")
def test_the_template_fits_every_day_of_sixteen_years_in_a_row() -> None:
    previous: DaySchedule | None = None
    for day in DAYS:
        schedule = ScheduleTemplate().schedule(day)
        check_schedule(schedule, previous, LONG_AGO)
        assert schedule.hours == day.hours
        assert schedule.ends_at == unix(day.ends_at)
        previous = schedule


@pytest.mark.rule("SES-4")
@given(st.sampled_from(DAYS), st.integers(-3 * 86_400, 2 * 86_400))
def test_at_most_one_session_is_open_and_they_follow_one_another(day: DeliveryDay, offset: int) -> None:
    schedule = ScheduleTemplate().schedule(day)
    now = schedule.starts_at + offset
    open_ones = []
    for session in range(1, SESSIONS + 1):
        for market in Market:
            try:
                schedule.require_open(market, session, now)
            except Refusal as refusal:
                early = refusal.name == "SessionNotOpen"
                assert early == (now < schedule.window(market, session)[0])
            else:
                open_ones.append((market, session))
    assert open_ones == ([found] if (found := schedule.open_session(now)) else [])
    assert bool(open_ones) == (schedule.opens_at <= now < schedule.msd_gates[-1])


@pytest.mark.rule("SES-1")
def test_in_each_pair_the_lfp_closes_before_the_msd_opens() -> None:
    for session in range(1, SESSIONS + 1):
        assert SCHEDULE.window(Market.LFP, session)[1] == SCHEDULE.window(Market.MSD, session)[0]
        if session > 1:
            assert SCHEDULE.window(Market.LFP, session)[0] == SCHEDULE.window(Market.MSD, session - 1)[1]


@pytest.mark.rule("SES-4")
def test_the_second_of_the_gate_is_late() -> None:
    opens_at, gate = SCHEDULE.window(Market.MSD, 2)
    SCHEDULE.require_open(Market.MSD, 2, opens_at)
    SCHEDULE.require_open(Market.MSD, 2, gate - 1)
    with pytest.raises(Refusal, match="SES-4: msd 2") as late:
        SCHEDULE.require_open(Market.MSD, 2, gate)
    assert late.value.name == "GateClosed"
    with pytest.raises(Refusal) as early:
        SCHEDULE.require_open(Market.MSD, 2, opens_at - 1)
    assert early.value.name == "SessionNotOpen"


@pytest.mark.rule("SES-3", "SES-4")
def test_declarations_are_due_at_the_next_gate() -> None:
    for session in range(1, SESSIONS + 1):
        assert SCHEDULE.declaration_due(Market.LFP, session) == SCHEDULE.msd_gates[session - 1]
    for session in range(1, SESSIONS):
        assert SCHEDULE.declaration_due(Market.MSD, session) == SCHEDULE.lfp_gates[session]
    assert SCHEDULE.declaration_due(Market.MSD, 6) == SCHEDULE.msd_gates[5] + 3600


@pytest.mark.rule("SES-1")
@pytest.mark.parametrize("session", [0, 7])
def test_there_are_six_pairs(session: int) -> None:
    for ask in (SCHEDULE.first_hour, SCHEDULE.first_preliminary_hour):
        with pytest.raises(Refusal, match="SES-1: session"):
            ask(session)
    with pytest.raises(Refusal, match="SES-1: session"):
        SCHEDULE.window(Market.LFP, session)
    with pytest.raises(Refusal, match="SES-1: session"):
        SCHEDULE.declaration_due(Market.LFP, session)


@pytest.mark.rule("SES-1")
@pytest.mark.parametrize("hours", [23, 24, 25])
def test_each_hour_is_definitive_in_one_session(hours: int) -> None:
    schedule = replace(SCHEDULE, quarters=hours * 4)
    for session in range(1, SESSIONS + 1):
        block = range(schedule.first_hour(session), schedule.first_preliminary_hour(session))
        assert len(block) == (hours - 20 if session == 1 else 4)
        assert {block_of_hour(hours, hour) for hour in block} == {session}
    assert schedule.first_preliminary_hour(SESSIONS) == hours


def moved(name: str, place: int, by: int) -> DaySchedule:
    gates = list(getattr(SCHEDULE, name))
    gates[place] += by
    return replace(SCHEDULE, **{name: tuple(gates)})


@pytest.mark.rule("SES-1")
@pytest.mark.parametrize(
    ("schedule", "field"),
    [
        (replace(SCHEDULE, quarters=95), "quarters"),
        (replace(SCHEDULE, starts_at=SCHEDULE.starts_at - 86_400), "startsAt"),
        (replace(SCHEDULE, starts_at=SCHEDULE.starts_at + 86_400), "startsAt"),
        (replace(SCHEDULE, baseline_gate=SCHEDULE.starts_at + 1), "baselineGate"),
        (replace(SCHEDULE, opens_at=0), "opensAt"),
        (moved("lfp_gates", 0, -14_400), "lfpGates[0]"),
        (moved("lfp_gates", 3, -14_400), "lfpGates[3]"),
        (moved("msd_gates", 2, -3_600), "msdGates[2]"),
        (moved("msd_gates", 5, 6_301), "msdGates[5]"),
        (replace(SCHEDULE, last_declaration=SCHEDULE.msd_gates[-1]), "lastDeclaration"),
    ],
)
def test_times_out_of_order_are_named(schedule: DaySchedule, field: str) -> None:
    with pytest.raises(Refusal, match="SES-1") as refusal:
        check_schedule(schedule, None, LONG_AGO)
    assert refusal.value.name == "ScheduleInvalid"
    assert text_of_bytes32(refusal.value.values["field"]) == field  # type: ignore[arg-type]


@pytest.mark.rule("SES-1")
def test_days_come_in_order_and_before_they_open() -> None:
    following = ScheduleTemplate().schedule(JULY_26.plus(1))
    check_schedule(following, SCHEDULE, LONG_AGO)
    with pytest.raises(Refusal, match="day of day"):
        check_schedule(SCHEDULE, SCHEDULE, LONG_AGO)
    with pytest.raises(Refusal, match="opensAt"):
        check_schedule(SCHEDULE, None, SCHEDULE.opens_at)
    with pytest.raises(Refusal, match="opensAt"):
        check_schedule(replace(following, opens_at=SCHEDULE.opens_at), SCHEDULE, LONG_AGO)
    with pytest.raises(Refusal, match="startsAt"):
        check_schedule(replace(following, starts_at=following.starts_at - 900), SCHEDULE, LONG_AGO)
