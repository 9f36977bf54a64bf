"""Price-quantity curves and their totals (GRD-2; Natale Table 4)."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.quantities import GREEN_LIGHT, RED_LIGHT, CellLight, Colour, Direction
from registry.grid.bids import Bid, Prices, bids_by_cell, merit_order, rational_bids
from registry.grid.curves import Curve, ReactiveSupport, SideTotals, curves_of, totals
from registry.grid.lights import day_lights
from registry.grid.results import ReactiveSetpoint
from tests.unit.grid.grid_house import simbench
from tests.unit.grid.lights_house import flat_lights
from tests.unit.grid.test_grid_bids import mixed

UP, DOWN = Direction.UP, Direction.DOWN
PRICES = Prices((60_000,) * 24, (50_000,) * 24, (80_000,) * 24)

bids = st.lists(
    st.builds(
        Bid,
        st.sampled_from(["a", "b", "c"]),
        st.just(0),
        st.just(UP),
        st.integers(1, 10**8),
        st.integers(-(10**6), 10**6),
    ),
    max_size=12,
)


@pytest.mark.rule("GRD-2")
@given(bids, st.none() | st.integers(0, 200_000))
def test_feasible_is_the_cheapest_part_up_to_the_capability(
    offers: list[Bid], capability_kw: int | None
) -> None:
    """Against one watt after the other, cheapest first, written as a sum over price levels."""
    curve = Curve("P", 0, UP, merit_order(offers), capability_kw)
    most = curve.potential_w if capability_kw is None else min(curve.potential_w, 1000 * capability_kw)
    assert curve.potential_w == sum(bid.power_w for bid in offers)
    assert curve.feasible_w == most
    left, cost = most, 0
    for price in sorted({bid.price_milli_eur_per_mwh for bid in offers}):
        taken = min(left, sum(bid.power_w for bid in offers if bid.price_milli_eur_per_mwh == price))
        left, cost = left - taken, cost + taken * price
    assert curve.cost_neur == cost


@pytest.mark.rule("GRD-2")
def test_green_lets_all_through_yellow_its_capability_red_nothing() -> None:
    state = mixed()
    offers = rational_bids(state, PRICES)
    yellow = CellLight(Colour.YELLOW, 50)
    found = {}
    for name, light in (("green", GREEN_LIGHT), ("yellow", yellow), ("red", RED_LIGHT)):
        curves = curves_of([flat_lights("P", light, RED_LIGHT)], bids_by_cell(state, offers))
        found[name] = next(curve for curve in curves if curve.hour == 5 and curve.direction is UP)
    assert found["green"].feasible_w == found["green"].potential_w > 50_000
    assert found["yellow"].feasible_w == 50_000 and found["yellow"].potential_w == found["green"].potential_w
    assert found["red"].feasible_w == 0 and found["red"].cost_neur == 0


@pytest.mark.rule("GRD-2")
def test_reactive_support_is_shared_by_what_is_gained_and_adds_to_the_unit_cost() -> None:
    """80 kvarh for 80 milli-euro in hour 5: up gains 30 kW by it, down 10."""
    state = mixed()
    up, down = (CellLight(Colour.YELLOW, kw, reactive=True) for kw in (50, 20))
    setpoints = tuple(ReactiveSetpoint("any", 20 + quarter, -80_000) for quarter in range(4))
    bids = rational_bids(state, PRICES)
    day = flat_lights("P", up, down, (20, 10), 80, setpoints)
    by_cell = {(curve.hour, curve.direction): curve for curve in curves_of([day], bids_by_cell(state, bids))}
    assert by_cell[5, UP].support == ReactiveSupport(60_000, 60_000_000)
    assert by_cell[5, DOWN].support == ReactiveSupport(20_000, 20_000_000)
    assert by_cell[6, UP].support == ReactiveSupport(0, 60_000_000)
    # Where no more is offered than the grid takes anyway, nobody needs the support.
    plenty = CellLight(Colour.YELLOW, 10_000, reactive=True)
    enough = flat_lights("P", plenty, RED_LIGHT, (9_000, 0), 80, setpoints)
    assert {curve.support for curve in curves_of([enough], bids_by_cell(state, bids))} == {ReactiveSupport()}
    sums = totals([(1, [by_cell[5, UP]])])[UP]
    assert sums.reactive_varh == 60_000
    # 50 kWh at 66 EUR/MWh are 3.30 EUR; 0.06 EUR more are 1.20 EUR/MWh.
    assert (sums.cost_neur, sums.unit_milli_eur_per_mwh) == (3_300_000_000, 66_000)
    assert sums.unit_with_support_milli_eur_per_mwh == 67_200


@pytest.mark.rule("GRD-2")
def test_curves_of_the_fixture_keep_to_its_lights() -> None:
    house = simbench()
    state = house.state
    day = day_lights(state, house.flow, house.limits())
    found = curves_of(day, bids_by_cell(state, rational_bids(state, PRICES)))
    assert len(found) == len(day) * 2 * 24
    light_of = {each.perimeter: each for each in day}
    colours = set()
    for curve in found:
        light = light_of[curve.perimeter].side(curve.direction)[curve.hour]
        colours.add(light.colour)
        if light.colour is Colour.GREEN:
            assert curve.feasible_w == curve.potential_w
        else:
            assert curve.feasible_w == min(curve.potential_w, 1000 * light.limit_kw)
        prices = [step["price_milli_eur_per_mwh"] for step in curve.as_document()["steps"]]
        assert prices == sorted(prices, reverse=curve.direction is DOWN)
    assert colours == set(Colour)
    sums = totals([(1, found)])
    assert 0 < sums[UP].feasible_wh < sums[UP].potential_wh


@pytest.mark.rule("GRD-2")
def test_a_year_of_typical_days_is_the_sum_of_its_days() -> None:
    curve = Curve("P", 0, UP, (Bid("a", 0, UP, 1_500, 7_000),), 1)
    cheap = Curve("P", 0, UP, (Bid("a", 0, UP, 800, 3_000),), None)
    weighted = totals([(300, [curve]), (65, [cheap])])
    whole = totals([*[(1, [curve])] * 300, *[(1, [cheap])] * 65])
    assert weighted == whole
    assert weighted[UP].potential_wh == 300 * 1_500 + 65 * 800
    assert weighted[UP].feasible_wh == 300 * 1_000 + 65 * 800
    assert weighted[UP].cost_neur == 300 * 1_000 * 7_000 + 65 * 800 * 3_000
    assert weighted[UP].lost_part == pytest.approx(float(1 - Fraction(352_000, 502_000)))
    assert weighted[DOWN] == SideTotals()


@pytest.mark.rule("GRD-2")
def test_nothing_offered_has_no_unit_cost() -> None:
    empty = SideTotals()
    assert empty.lost_part is None
    assert empty.unit_milli_eur_per_mwh is None and empty.unit_with_support_milli_eur_per_mwh is None
