"""Meter, plant and clock of the simulated device (PGU-1)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgui_sim.clock import DriftingClock
from pgui_sim.ems import PPM, Ems
from pgui_sim.meter import Meter, Profile, ProfileEnded, Registers
from pgui_sim.statement import PERIOD_S, Clock, Outcome

START = 1_793_181_600
watts = st.integers(0, 50_000)


@given(
    up=watts,
    down=watts,
    delay=st.integers(0, PERIOD_S),
    ramp=st.integers(0, 500),
    follow=st.integers(0, PPM),
    requested=st.integers(-60_000, 60_000),
    level=st.integers(-50_000, 50_000),
)
@pytest.mark.rule("PGU-1")
def test_response_is_the_integral_of_delay_ramp_and_hold(
    up: int, down: int, delay: int, ramp: int, follow: int, requested: int, level: int
) -> None:
    response = Ems(up, down, delay, ramp, follow).respond(requested, level)
    bounded = max(-down, min(up, requested))
    aim = abs(bounded) * follow // PPM * (1 if bounded >= 0 else -1)
    # reference: exact area, second by second of a straight line in fractions
    left = PERIOD_S - delay
    moving = Fraction(abs(aim - level), ramp) if ramp else Fraction(0)
    if moving <= left:
        end = Fraction(aim)
        area = moving * Fraction(level + aim, 2) + (left - moving) * aim
    else:
        end = Fraction(level) + (ramp * left if aim > level else -ramp * left)
        area = left * (level + end) / 2
    exact = level * delay + area
    assert abs(response.change_ws - exact) <= 1
    assert response.level_w == end


@pytest.mark.rule("PGU-1")
def test_plant_goes_back_to_its_baseline_when_nothing_is_asked() -> None:
    plant = Ems(3000, 3000, delay_s=60, ramp_w_per_s=10)
    first = plant.respond(3000, 0)
    assert first.level_w == 3000
    assert first.mean_w == (3000 * 300 // 2 + 3000 * 540) // PERIOD_S
    back = plant.respond(None, first.level_w)
    assert back.level_w == 0
    assert back.change_ws == 3000 * 300 // 2


def test_outcome_is_judged_against_the_tolerance() -> None:
    plant = Ems(10_000, 10_000)
    assert plant.outcome(-5000, -4500) is Outcome.EXECUTED
    assert plant.outcome(-5000, -4499) is Outcome.PARTLY
    assert plant.outcome(0, 0) is Outcome.EXECUTED


@given(
    powers=st.lists(st.tuples(watts, watts), min_size=1, max_size=30),
    changes=st.lists(st.integers(-40_000 * PERIOD_S, 40_000 * PERIOD_S), min_size=30, max_size=30),
    noise=st.integers(0, 100_000),
)
def test_meter_loses_no_energy_and_never_shows_less_than_zero(
    powers: list[tuple[int, int]], changes: list[int], noise: int
) -> None:
    profile = Profile(START, tuple(i for i, _ in powers), tuple(e for _, e in powers))
    meter, plain = Meter(profile, noise, "seed"), Meter(profile)
    registers, net_wh, net_ws = Registers(), 0, 0
    for slot, change in zip(range(len(powers)), changes, strict=False):
        at = START + slot * PERIOD_S
        imported, exported, *_, registers = meter.read(at, change, registers)
        assert imported >= 0 and exported >= 0
        net_wh += exported - imported
        withdrawn, injected, _ = profile.at(at)
        net_ws += (injected - withdrawn) * PERIOD_S + change
    shown = net_wh * 3600 + registers.export_ws - registers.import_ws
    if noise == 0:
        assert shown == net_ws
    bound = sum((i + e) * PERIOD_S for i, e in powers) * noise // PPM + 2 * len(powers)
    assert abs(shown - net_ws) <= bound
    assert meter.read(START, 0, Registers()) == meter.read(START, 0, Registers())
    assert Meter(profile, 0, "a").read(START, 0, Registers()) == plain.read(START, 0, Registers())


def test_up_first_saves_withdrawal_and_down_first_holds_injection() -> None:
    meter = Meter(Profile(START, (4000,), (1000,)))
    assert meter.read(START, 0, Registers())[:2] == (1000, 250)
    assert meter.read(START, 5000 * PERIOD_S, Registers())[:2] == (0, 500)
    assert meter.read(START, -3000 * PERIOD_S, Registers())[:2] == (1500, 0)


@pytest.mark.parametrize("at", [START - PERIOD_S, START + PERIOD_S])
def test_profile_says_what_it_covers(at: int) -> None:
    with pytest.raises(ProfileEnded, match=f"{START} .. {START + PERIOD_S}"):
        Meter(Profile(START, (1,), (1,))).read(at, 0, Registers())


@pytest.mark.rule("PGU-1")
def test_clock_drifts_out_of_trust_and_is_set_right() -> None:
    clock = DriftingClock(drift_ppm=-100, set_at=START)
    assert clock.flags(START + 50_000) == Clock.SYNCHRONISED
    late = START + 50_010
    assert clock.flags(late) == Clock(0)
    right = clock.set_right(late)
    assert right.flags(late) == Clock.SYNCHRONISED | Clock.ADJUSTED
    assert right.next_period().flags(late) == Clock.SYNCHRONISED
