"""Static lights, powers, configurations of aggregates, facts by day (POD-1, POD-2, AGG-2, AGG-3)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.aggregates import Configuration, configuration
from registry.domain.pods import (
    PodCategory,
    Registration,
    StaticLight,
    StaticLightDecision,
    VoltageLevel,
    check_powers,
    check_static_light,
)
from registry.domain.quantities import MAX_KW
from registry.domain.refusals import Refusal
from registry.domain.versioned import Versioned

POD, REASON = b"\1" * 32, b"\2" * 32
REGISTRATION = Registration(POD, 2, PodCategory.MIXED, VoltageLevel.LOW, 10, 5, 60, bytes(32))
kw = st.integers(0, 12)
members = st.frozensets(st.sampled_from([b"a", b"b", b"c", b"d"]))


@pytest.mark.rule("POD-1")
@pytest.mark.parametrize(
    ("up_kw", "down_kw", "fits"),
    [
        (MAX_KW, 0, True),
        (0, 1, True),
        (0, 0, False),
        (MAX_KW + 1, 0, False),
        (1, MAX_KW + 1, False),
        (-1, 5, False),
    ],
)
def test_powers_of_a_registration(up_kw: int, down_kw: int, fits: bool) -> None:
    registration = replace(REGISTRATION, up_kw=up_kw, down_kw=down_kw)
    if fits:
        check_powers(registration)
    else:
        with pytest.raises(Refusal, match="POD-1"):
            check_powers(registration)


@pytest.mark.rule("POD-2")
@given(st.sampled_from(StaticLight), kw, kw, kw, kw)
def test_a_static_light_and_its_powers_agree(
    light: StaticLight, up: int, down: int, max_up: int, max_down: int
) -> None:
    lowered = up <= max_up and down <= max_down and (up, down) != (max_up, max_down) and up + down > 0
    agrees = {
        StaticLight.CONFIRMED: (up, down) == (max_up, max_down),
        StaticLight.MODULATED: lowered,
        StaticLight.INVALIDATED: up == down == 0,
    }.get(light, False)
    decision = StaticLightDecision(POD, light, up, down, 1, REASON)
    if agrees:
        check_static_light(decision, max_up, max_down)
    else:
        with pytest.raises(Refusal) as refusal:
            check_static_light(decision, max_up, max_down)
        assert refusal.value.name == "StaticLightInconsistent"


@pytest.mark.rule("POD-2")
def test_less_than_declared_has_a_reason() -> None:
    check_static_light(StaticLightDecision(POD, StaticLight.CONFIRMED, 10, 5, 1, bytes(32)), 10, 5)
    for light, up in ((StaticLight.MODULATED, 9), (StaticLight.INVALIDATED, 0)):
        with pytest.raises(Refusal, match="POD-2: reason"):
            check_static_light(StaticLightDecision(POD, light, up, 0, 1, bytes(32)), 10, 5)
    assert [light for light in StaticLight if light.grants] == [StaticLight.CONFIRMED, StaticLight.MODULATED]


@pytest.mark.rule("AGG-3", "TOE-2")
@pytest.mark.parametrize(
    ("local", "global_", "expected"),
    [
        ("ab", "ab", Configuration.IDENTICAL),
        ("a", "ab", Configuration.INCLUDED),
        ("abc", "b", Configuration.INCLUDED),
        ("ab", "bc", Configuration.OVERLAPPING),
        ("ab", "cd", Configuration.DISJOINT),
        ("", "", Configuration.DISJOINT),
        ("", "a", Configuration.DISJOINT),
    ],
)
def test_the_rows_of_table_8(local: str, global_: str, expected: Configuration) -> None:
    found = configuration([c.encode() for c in local], [c.encode() for c in global_])
    assert found is expected
    assert found.equivalence_applies == (expected is Configuration.IDENTICAL)
    assert found.needs_same_bsp == (expected is not Configuration.DISJOINT)


@pytest.mark.rule("AGG-3")
@given(members, members)
def test_the_configuration_does_not_depend_on_the_side(
    one: frozenset[bytes], other: frozenset[bytes]
) -> None:
    assert configuration(one, other) is configuration(other, one)


@pytest.mark.rule("AGG-2", "DTL-1")
@given(st.lists(st.tuples(st.integers(0, 3), st.integers()), max_size=12), st.integers(-1, 40))
def test_a_fact_holds_from_its_day_until_the_next(steps: list[tuple[int, int]], asked: int) -> None:
    history: Versioned[int] = Versioned()
    by_day: dict[int, int] = {}
    day = 0
    for gap, value in steps:
        day += gap
        history = history.put(day, value)
        by_day[day] = value
    expected = [value for from_day, value in sorted(by_day.items()) if from_day <= asked]
    assert history.at(asked) == (expected[-1] if expected else None)
    assert len(history.changes) == len(by_day)
    assert history.latest == (by_day[day] if steps else None)
    if steps:
        with pytest.raises(ValueError, match="is past"):
            history.put(day - 1, 0)
