"""Agreements, bids and the merit order (SES-5): properties, and each violation with both values."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.domain.calendar import DeliveryDay
from registry.domain.deals import Basis, DealTerms, Form
from registry.domain.enums import Market
from registry.domain.errors import InputInvalid, RuleViolation
from registry.domain.identifiers import aggregate_id, perimeter_id, product_id
from registry.domain.merit import (
    Slice,
    StandingBid,
    able_kw,
    in_force,
    merit_order,
    passed_over,
    risen_kw,
    slice_of,
    take,
)
from registry.domain.procurement import Agreement, Bid, Taken, agreement_violations, bid_violations
from registry.domain.quantities import Direction
from registry.domain.settlement_case import PerimeterCase

pytestmark = pytest.mark.rule("SES-5")
DAY = DeliveryDay(date(2026, 6, 18))
PRODUCT, AGGREGATE, PERIMETER = product_id(11, 1), aggregate_id(21, 1), perimeter_id(11, 1)
ID, OTHER = b"\1" * 32, b"\2" * 32


def hours(powers: dict[int, int]) -> tuple[int, ...]:
    return tuple(powers.get(hour, 0) for hour in range(24))


BID = Bid(PRODUCT, AGGREGATE, PERIMETER, DAY.number, Market.LFP, 2, hours({9: 30, 20: -10}), 120_000)
AGREEMENT = Agreement(
    PRODUCT, AGGREGATE, PERIMETER, Direction.DOWN, DAY.number, DAY.number + 90, 50, 3_430, 200_000
)
TAKEN = Taken(PRODUCT, AGGREGATE, PERIMETER, DAY.number, Market.LFP, 2, hours({9: 25, 20: -10}))
DOWNWARD = replace(TAKEN, kw=hours({20: -50}))

SLICES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=5).map(
    lambda rows: [Slice(bytes([n]) * 32, (n // 2, 0), price, kw) for n, (kw, price) in enumerate(rows)]
)


def cost(slices: list[Slice], taken: dict[bytes, int]) -> int:
    return sum(one.price_milli_eur_per_mwh * taken.get(one.commitment, 0) for one in slices)


@given(SLICES, st.integers(-2, 20), st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_merit_order_is_the_cheapest_cover_in_any_order_of_bids(
    slices: list[Slice], need: int, dice: Any
) -> None:
    taken = take(slices, need)
    covered = min(max(need, 0), sum(one.kw for one in slices))
    assert sum(taken.values()) == covered
    assert all(0 < taken[one.commitment] <= one.kw for one in slices if one.commitment in taken)
    ways = itertools.product(*(range(one.kw + 1) for one in slices))
    best = min(
        sum(kw * one.price_milli_eur_per_mwh for kw, one in zip(way, slices, strict=True))
        for way in ways
        if sum(way) == covered
    )
    assert cost(slices, taken) == best
    assert passed_over(slices, taken, taken, "") == []
    shuffled = list(slices)
    dice.shuffle(shuffled)
    assert (take(shuffled, need), merit_order(shuffled)) == (taken, merit_order(slices))


@given(SLICES, st.data())
@settings(max_examples=150, deadline=None)
def test_a_bid_is_passed_over_exactly_where_another_way_were_cheaper(slices: list[Slice], data: Any) -> None:
    taken = {one.commitment: data.draw(st.integers(0, one.kw)) for one in slices}
    cheapest = cost(slices, take(slices, sum(taken.values())))
    risen = {name for name, kw in taken.items() if kw}
    found = passed_over(slices, taken, risen, "hour 9 up")
    assert bool(found) == (cost(slices, taken) > cheapest)
    assert passed_over(slices, taken, set(), "") == [], "nothing was bought anew"
    assert all(one.rule == "SES-5" and one.field == "merit hour 9 up" for one in found)


def test_of_equal_prices_the_one_recorded_first_is_taken() -> None:
    later, first = Slice(ID, (7, 1), 5, 10), Slice(OTHER, (7, 0), 5, 10)
    assert take([later, first], 10) == {OTHER: 10}
    assert merit_order([Slice(OTHER, (7, 0), 5, 1), Slice(ID, (7, 0), 5, 1)])[0].commitment == ID


def test_what_was_passed_over_is_named_with_both_prices() -> None:
    cheap, dear = Slice(ID, (1, 0), 100, 10), Slice(OTHER, (2, 0), 150, 10)
    (found,) = passed_over([dear, cheap], {ID: 4, OTHER: 6}, {OTHER}, "hour 9 up")
    assert "4 kW of 10 at 100" in str(found.found) and "at 150" in str(found.allowed)
    assert passed_over([dear, cheap], {ID: 4, OTHER: 6}, {ID}, "") == []
    assert passed_over([dear, cheap], {ID: 10, OTHER: 1}, {OTHER}, "") == []


def test_what_rose_is_what_is_bought_anew() -> None:
    now, before = hours({8: 5, 9: 30, 10: -7, 11: -4}), hours({8: 9, 9: 10, 10: 20, 11: -3})
    up = [risen_kw(now, before, hour, Direction.UP) for hour in range(8, 12)]
    down = [risen_kw(now, before, hour, Direction.DOWN) for hour in range(8, 12)]
    assert (up, down) == ([0, 20, 0, 0], [0, 0, 7, 1])


def test_a_later_bid_for_an_open_session_replaces_the_earlier_one() -> None:
    first = StandingBid(replace(BID, session=1), ID, (5, 0))
    again = StandingBid(replace(BID, session=1), OTHER, (6, 0))
    third = StandingBid(replace(BID, session=3), b"\3" * 32, (4, 0))
    bids = [third, again, first]
    assert [in_force(bids, session)[again.place] for session in (1, 2, 3, 6)] == [again, again, third, third]
    assert in_force([third], 2) == {}


def test_a_slice_is_what_the_pods_can_still_give() -> None:
    standing = StandingBid(BID, ID, (5, 0))
    kw = {
        (hour, way, able): slice_of(standing, hour, way, able).kw
        for hour in (9, 20)
        for way in Direction
        for able in (99, 7)
    }
    assert [kw[9, Direction.UP, 99], kw[9, Direction.UP, 7], kw[9, Direction.DOWN, 99]] == [30, 7, 0]
    assert [kw[20, Direction.DOWN, 99], kw[20, Direction.UP, 99]] == [10, 0]


def test_able_is_what_the_other_market_has_not() -> None:
    pods = [bytes([number]) * 32 for number in range(4)]
    members = {pod: (10 + number, 1) for number, pod in enumerate(pods)}
    declared, held = {pods[0]: 1 << 36}, {pods[1]: 0b1111 << 36}
    case = PerimeterCase(PERIMETER, (), frozenset(), {}, declared, held, members)
    assert (able_kw(case, 9, Direction.UP), able_kw(case, 9, Direction.DOWN)) == (12 + 13, 2)
    assert able_kw(case, 10, Direction.UP) == 46


def test_a_deal_on_the_terms_of_its_bid_breaks_nothing() -> None:
    assert bid_violations(TAKEN, BID.terms(ID), BID, ID) == []
    later = replace(TAKEN, session=3, kw=hours({0: 99, 9: 30}))
    assert bid_violations(later, BID.terms(ID), BID, ID) == [], (
        "hours before the session's first are not its own"
    )


@pytest.mark.parametrize(
    ("changed", "terms", "field", "found", "allowed"),
    [
        ({"kw": hours({9: 31})}, {}, "kw of hour 9", "+31", "0 to +30"),
        ({"kw": hours({9: -1})}, {}, "kw of hour 9", "-1", "0 to +30"),
        ({"kw": hours({21: 1})}, {}, "kw of hour 21", "+1", "0 to +0"),
        ({}, {"use_price_milli_eur_per_mwh": 120_001}, "use_price_milli_eur_per_mwh", 120_001, 120_000),
        ({}, {"available_kw": 5}, "available_kw", 5, 0),
        ({}, {"availability_price_milli_eur_per_mwh": 5}, "availability_price_milli_eur_per_mwh", 5, 0),
        ({"perimeter": PERIMETER + 1}, {}, "perimeter", PERIMETER + 1, PERIMETER),
        ({"aggregate": AGGREGATE + 1}, {}, "aggregate", AGGREGATE + 1, AGGREGATE),
        ({"product": PRODUCT + 1}, {}, "product", PRODUCT + 1, PRODUCT),
        ({"market": Market.MSD}, {}, "market", Market.MSD, Market.LFP),
        ({"day": DAY.number + 1}, {}, "day", DAY.number + 1, DAY.number),
        ({"session": 1}, {}, "session", 1, "2 or later, as the bid says"),
    ],
)
def test_what_a_deal_breaks_of_its_bid(
    changed: dict[str, Any], terms: dict[str, Any], field: str, found: object, allowed: object
) -> None:
    (broken,) = bid_violations(replace(TAKEN, **changed), replace(BID.terms(ID), **terms), BID, ID)
    assert (broken.rule, broken.field, broken.found, broken.allowed) == ("SES-5", field, found, allowed)


@pytest.mark.parametrize(
    ("changed", "terms", "field", "found", "allowed"),
    [
        ({"kw": hours({20: -51})}, {}, "kw of hour 20", "-51", "0 to -50"),
        ({"kw": hours({20: 1})}, {}, "kw of hour 20", "+1", "0 to -50"),
        ({}, {"available_kw": 51}, "available_kw", 51, 50),
        ({}, {"availability_price_milli_eur_per_mwh": 0}, "availability_price_milli_eur_per_mwh", 0, 3_430),
        ({}, {"use_price_milli_eur_per_mwh": 1}, "use_price_milli_eur_per_mwh", 1, 200_000),
        ({"perimeter": PERIMETER + 1}, {}, "perimeter", PERIMETER + 1, PERIMETER),
        ({"market": Market.MSD}, {}, "market", "msd", "lfp: agreements are for local services"),
    ],
)
def test_what_a_deal_breaks_of_its_agreement(
    changed: dict[str, Any], terms: dict[str, Any], field: str, found: object, allowed: object
) -> None:
    deal = replace(AGREEMENT.terms(ID), **terms)
    (broken,) = agreement_violations(replace(DOWNWARD, **changed), deal, AGREEMENT, ID)
    assert (broken.rule, broken.field, broken.found, broken.allowed) == ("SES-5", field, found, allowed)


def test_an_agreement_holds_for_its_days() -> None:
    for day, well in ((-1, False), (0, True), (89, True), (90, False)):
        taken = replace(DOWNWARD, day=DAY.number + day)
        assert (agreement_violations(taken, AGREEMENT.terms(ID), AGREEMENT, ID) == []) == well


def test_a_deal_that_names_another_basis_is_found() -> None:
    other = replace(BID.terms(ID), basis=Basis(Form.AGREEMENT, ID))
    (broken,) = bid_violations(TAKEN, other, BID, ID)
    assert broken.field == "basis"


@pytest.mark.parametrize("one", [BID, AGREEMENT])
def test_payloads_read_back_and_nothing_else_is_read(one: Bid | Agreement) -> None:
    payload, kind = one.as_payload(), type(one)
    assert kind.from_payload(payload) == one
    for name in payload:
        for wrong in (None, "x", -1, 1.5, True, [], {}):
            with pytest.raises(InputInvalid, match="SES-5"):
                kind.from_payload({**payload, name: wrong})
        with pytest.raises(InputInvalid, match="SES-5"):
            kind.from_payload({key: value for key, value in payload.items() if key != name})
    with pytest.raises(InputInvalid, match="SES-5"):
        kind.from_payload({**payload, "extra": 1})


def test_a_bid_has_a_power_for_every_hour() -> None:
    for kw in ([0] * 23, [0] * 25, [0] * 23 + [1 << 17], [0] * 23 + [None]):
        with pytest.raises(InputInvalid, match="SES-5: kw"):
            Bid.from_payload({**BID.as_payload(), "kw": kw})


@pytest.mark.rule("STT-2")
def test_deals_are_read_with_and_without_a_basis() -> None:
    old = DealTerms(1, 2, 3)
    assert set(old.as_payload()) == {"kind", *(name for name in DealTerms.__slots__ if name != "basis")}
    for terms in (old, BID.terms(ID), AGREEMENT.terms(OTHER)):
        assert DealTerms.from_payload(terms.as_payload()) == terms
    payload = BID.terms(ID).as_payload()
    for change in (
        {"form": "gift"},
        {"form": []},
        {"rests_on": "00"},
        {"rests_on": "AB" * 32},
        {"rests_on": 5},
    ):
        with pytest.raises(RuleViolation, match="SES-5"):
            DealTerms.from_payload({**payload, **change})
    for gone in ("form", "rests_on", "available_kw"):
        with pytest.raises(RuleViolation, match="STT-2"):
            DealTerms.from_payload({key: value for key, value in payload.items() if key != gone})
