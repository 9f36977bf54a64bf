"""Ways around a settlement that parties might try: late declarations, no declarations, two products, both
markets by default (SES-3, STT-1, STT-5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import RuleViolation
from registry.domain.sessions import Market
from registry.domain.settlement_case import (
    Outcome,
    build_statement,
    declaration_completed,
    held_quarters,
    in_availability_window,
    serving_pods,
)
from tests.unit.domain.test_settlement_case import (
    DAY,
    DEAL_1,
    DEAL_2,
    PRICES,
    A,
    B,
    C,
    case,
    perimeter,
    product,
    readings,
)

OTHER_PRODUCT = 2
HOUR = 0b1111


def power(powers_kw: Mapping[int, int]) -> tuple[int, ...]:
    return tuple(powers_kw.get(hour, 0) for hour in range(DAY.hours))


@pytest.mark.rule("SES-3")
def test_a_later_declaration_does_not_free_hours_that_were_definitive() -> None:
    """The BSP says nothing for session 1 and completes session 2: hour 2 stays with the whole aggregate."""
    outcomes = (Outcome(1, 1, power({2: 10, 18: 10}), DEAL_1), Outcome(2, 1, power({2: 10, 18: 10}), DEAL_2))
    late = perimeter(outcomes=outcomes, completed_sessions=frozenset({2}), declared={A: HOUR << 72})
    assert serving_pods(late, DAY, 2, 8, 10) == (A, B)
    assert serving_pods(late, DAY, 18, 72, 10) == (A,)


@pytest.mark.rule("SES-3")
@pytest.mark.parametrize(("date_", "first_open"), [("2026-03-29", 3), ("2026-06-18", 4), ("2026-10-25", 5)])
def test_what_a_declaration_speaks_for_follows_the_local_clock(date_: str, first_open: int) -> None:
    day = DeliveryDay(date.fromisoformat(date_))
    outcomes = (Outcome(1, 1, (10,) * day.hours, DEAL_1),)
    said = [declaration_completed(outcomes, {2}, day, hour) for hour in range(day.hours)]
    assert said == [hour >= first_open for hour in range(day.hours)]


@pytest.mark.rule("SES-3", "STT-1")
def test_who_declares_nothing_has_delivered_nothing() -> None:
    """A complete declaration of no POD, or of one quarter-hour of four, is under-delivery, with penalty."""
    nobody = perimeter(declared={})
    document = build_statement(case(nobody), {DEAL_1: PRICES}, {}, {})
    lines = document["deals"][0]["lines"]
    assert [(line["delivered_wh"], line["under_delivered_wh"]) for line in lines] == [(0, 2_500)] * 4
    assert document["unsettled_periods"] == 0
    # 4 x 2,250 Wh beyond tolerance at 11/7 of 200 EUR/MWh
    assert document["total_cent"] == -283
    one_quarter = perimeter(declared={A: 1 << 72})
    document = build_statement(case(one_quarter), {DEAL_1: PRICES}, {A: [0] * 96}, readings(2_500, A))
    assert [line["delivered_wh"] for line in document["deals"][0]["lines"]] == [2_500, 0, 0, 0]


@pytest.mark.rule("STT-5")
def test_an_hour_is_paid_under_the_product_that_planned_it_last() -> None:
    """Session 1 buys hours 2 and 18 under product 1, session 2 takes hour 18 over under product 2."""
    outcomes = (
        Outcome(1, 1, power({2: 10, 18: 10}), DEAL_1),
        Outcome(2, OTHER_PRODUCT, power({2: 10, 18: 10}), DEAL_2),
    )
    declared = {A: HOUR << 8 | HOUR << 72}
    both = perimeter(outcomes=outcomes, completed_sessions=frozenset({1, 2}), declared=declared)
    assert case(both).deal_commitments() == {DEAL_1}
    first = build_statement(case(both), {DEAL_1: PRICES}, {A: [0] * 96}, readings(2_500, A))
    quarters = [line["quarter"] for deal in first["deals"] for line in deal["lines"]]
    assert quarters == [8, 9, 10, 11]
    assert product().product == 1 != OTHER_PRODUCT


@pytest.mark.rule("SES-3", "STT-5")
def test_a_shared_pod_serves_one_market_when_nobody_declares() -> None:
    """Local power stands since LFP 1, global since MSD 1: the local aggregate has the shared POD."""
    local = (Outcome(1, 1, power({18: 10}), DEAL_1),)
    global_ = (Outcome(1, 1, power({18: 5}), DEAL_2),)
    assert held_quarters(Market.MSD, global_, local, (), DAY) == HOUR << 72
    assert held_quarters(Market.LFP, local, global_, (), DAY) == 0
    open_case = perimeter(outcomes=global_, completed_sessions=frozenset(), held={A: HOUR << 72}, declared={})
    assert serving_pods(open_case, DAY, 18, 72, 5) == (B,)
    # what was declared here before the other market's default stays here
    declared = perimeter(
        outcomes=global_, completed_sessions=frozenset(), held={A: HOUR << 72}, declared={A: HOUR << 72}
    )
    assert serving_pods(declared, DAY, 18, 72, 5) == (A, B)
    assert serving_pods(open_case, DAY, 18, 72, -5) == (C,)


@pytest.mark.rule("SES-3", "STT-5")
@pytest.mark.parametrize("local_since", [1, 2, 3])
@pytest.mark.parametrize("global_since", [1, 2, 3])
def test_never_both_and_never_neither_market_holds_by_default(local_since: int, global_since: int) -> None:
    local = (Outcome(local_since, 1, power({18: 10}), DEAL_1),)
    global_ = (Outcome(global_since, 1, power({18: 5}), DEAL_2),)
    of_global = held_quarters(Market.MSD, global_, local, (), DAY)
    of_local = held_quarters(Market.LFP, local, global_, (), DAY)
    assert sorted((of_global, of_local)) == [0, HOUR << 72]
    assert (of_global != 0) == (local_since <= global_since)
    assert held_quarters(Market.MSD, global_, local, (local_since,), DAY) == 0


@pytest.mark.rule("SES-3")
def test_power_that_turns_has_to_be_declared_for_again() -> None:
    """From 10 kW up to 5 kW down: what was declared for up says nothing about down."""
    outcomes = (Outcome(1, 1, power({18: 10}), DEAL_1), Outcome(2, 1, power({18: -5}), DEAL_2))
    turned = perimeter(outcomes=outcomes, completed_sessions=frozenset({1}))
    assert serving_pods(turned, DAY, 18, 72, -5) == (A, C)


@pytest.mark.rule("STT-1")
def test_each_deal_names_its_perimeter() -> None:
    document = build_statement(case(perimeter()), {DEAL_1: PRICES}, {A: [0] * 96}, readings(2_500, A))
    assert [deal["perimeter"] for deal in document["deals"]] == [5]


@pytest.mark.rule("PRD-1")
def test_the_window_of_a_product_has_its_months_and_its_clock() -> None:
    """June alone, 18:00 to 22:00 by the local clock, which on a day of 23 hours comes four quarters early."""
    june = replace(product(), months=1 << 5, weekdays=0x7F)
    assert [q for q in range(96) if in_availability_window(june, DAY, q)] == list(range(72, 88))
    assert not any(in_availability_window(june, DeliveryDay(date(2026, 7, 1)), q) for q in range(96))
    spring = DeliveryDay(date(2026, 3, 29))
    march = replace(june, months=1 << 2)
    assert [q for q in range(92) if in_availability_window(march, spring, q)] == list(range(68, 84))


@pytest.mark.rule("BAS-1")
@pytest.mark.parametrize("length", [92, 95, 97, 100])
def test_a_baseline_of_another_day_length_is_never_settled_on(length: int) -> None:
    with pytest.raises(RuleViolation, match="BAS-1"):
        build_statement(case(perimeter()), {DEAL_1: PRICES}, {A: [0] * length}, readings(2_500, A))
