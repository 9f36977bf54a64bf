"""Bids: Natale's Table 2, files of bids and prices, and what is refused (GRD-2)."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from registry.domain.quantities import Direction
from registry.grid.bids import (
    Bid,
    Prices,
    bids_by_cell,
    load_bids,
    load_prices,
    merit_order,
    rational_bids,
    without_end_users,
)
from registry.grid.faults import GridInvalid
from registry.grid.forecast import Forecast
from registry.grid.pods import GridPod, PodElement
from registry.grid.results import LocalActivation
from registry.grid.state import ExpectedState, expected_state, with_activations
from tests.unit.grid.grid_house import DAY, Line, flat_day, grid, simbench

UP, DOWN = Direction.UP, Direction.DOWN
PRICES = Prices((60_000,) * 24, (50_000,) * 24, (80_000,) * 24)


def mixed() -> ExpectedState:
    """One POD with every kind of element behind it, another with a load."""
    kinds = {"pv": 100.0, "wind": 200.0, "biomass": 300.0, "hydro": 50.0, "storage": 0.0}
    network = grid(
        [Line("PS", "A", 9_000.0)],
        loads={"load": "A", "shop": "A"},
        generators=dict.fromkeys(kinds, "A"),
    )
    elements = tuple(
        PodElement(name, name, 1_000_000)  # type: ignore[arg-type]
        for name in ("load", *kinds)
    )
    pods = (
        GridPod("all", "A", elements, 9_000, 9_000),
        GridPod("shop", "A", (PodElement("shop", "load", 1_000_000),), 9_000, 9_000),
    )
    day = flat_day(network, {**kinds, "load": 400.0, "shop": 80.0})
    return expected_state(network, pods, {"P": ["all", "shop"]}, day)


@pytest.mark.rule("GRD-2")
def test_every_kind_bids_as_in_table_2() -> None:
    """PV 100, wind 200, biomass 300, hydro 50, load 400 and 80 kW; storage of 1 MW."""
    bids = [bid for bid in rational_bids(mixed(), PRICES) if bid.hour == 7]
    found = {(bid.bidder, bid.direction, bid.price_milli_eur_per_mwh): bid.power_w for bid in bids}
    assert found == {
        # a tenth of PV and wind at twice the selling price; a fifth of biomass and hydro at the fuel's
        ("all", UP, 100_000): 30_000,
        ("all", UP, 80_000): 70_000,
        # a twentieth of load, and the storage, at 1.1 times the purchase price
        ("all", UP, 66_000): 20_000 + 1_000_000,
        ("shop", UP, 66_000): 4_000,
        # all of PV and wind for nothing; the rest at 0.9 times the purchase price
        ("all", DOWN, 0): 300_000,
        ("all", DOWN, 54_000): 70_000 + 20_000 + 1_000_000,
        ("shop", DOWN, 54_000): 4_000,
    }


@pytest.mark.rule("GRD-2")
def test_the_weakest_quarter_hour_counts() -> None:
    state = mixed()
    p_w = state.p_w.copy()
    p_w[state.network.element_index["shop"], 4 * 7 + 1] = 20_000.0
    day = Forecast(DAY, p_w, state.q_var)
    weaker = expected_state(state.network, state.pods, {"P": ["all", "shop"]}, day)
    bids = [bid for bid in rational_bids(weaker, PRICES) if bid.bidder == "shop" and bid.direction is UP]
    power = {bid.hour: bid.power_w for bid in bids}
    assert power[7] == 1_000 and set(power.values()) == {1_000, 4_000}


@pytest.mark.rule("GRD-2")
def test_an_element_offers_what_it_can_hold_all_hour_whatever_its_neighbours_could() -> None:
    """Sun but no load in one quarter-hour, load but no sun in the next: neither lasts for an hour."""
    state = mixed()
    pods = (GridPod("both", "A", state.pods[0].elements[:2], 900, 900), state.pods[1])
    p_w = np.zeros_like(state.p_w)
    p_w[state.network.element_index["pv"]] = 100_000.0
    p_w[state.network.element_index["load"]] = 400_000.0
    p_w[state.network.element_index["load"], 28] = p_w[state.network.element_index["pv"], 29] = 0.0
    day = Forecast(DAY, p_w, state.q_var)
    both = expected_state(state.network, pods, {"P": ["both", "shop"]}, day)
    offered = {bid.hour for bid in rational_bids(both, PRICES) if bid.bidder == "both"}
    assert offered == set(range(24)) - {7}


@pytest.mark.rule("GRD-2")
def test_nobody_offers_beyond_grant_and_plan() -> None:
    """Granted 100 kW of which the DSO takes 60: 40 are left, the cheapest first."""
    state = mixed()
    pods = (GridPod("all", "A", state.pods[0].elements, 100, 100), state.pods[1])
    day = flat_day(state.network, {"pv": 100.0, "biomass": 300.0})
    granted = expected_state(state.network, pods, {"P": ["all"], "Q": ["shop"]}, day)
    planned = with_activations(granted, [LocalActivation("P", 3, UP, 60)])
    bids = [bid for bid in rational_bids(planned, PRICES) if bid.bidder == "all" and bid.direction is UP]
    assert sum(bid.power_w for bid in bids if bid.hour == 3) == 40_000
    assert {bid.price_milli_eur_per_mwh for bid in bids if bid.hour == 3} == {66_000}
    assert sum(bid.power_w for bid in bids if bid.hour == 4) == 100_000


@pytest.mark.rule("GRD-2")
def test_the_fixture_bids_what_its_state_leaves() -> None:
    state = simbench().state
    bids = rational_bids(state, PRICES)
    bids_by_cell(state, bids)
    sums = np.zeros((2, len(state.pods), 24))
    index = {pod.key: number for number, pod in enumerate(state.pods)}
    for bid in bids:
        sums[bid.direction, index[bid.bidder], bid.hour] += bid.power_w
    for way in (UP, DOWN):
        most = state.range_kw[way].reshape(len(state.pods), 24, 4).min(axis=2)
        assert (sums[way] <= 1000.0 * most + 1.0).all() and sums[way].sum() > 0


@pytest.mark.rule("GRD-2")
def test_case_a_has_no_end_users() -> None:
    kept = without_end_users(mixed().pods)
    assert [pod.key for pod in kept] == ["all"]
    assert [element.name for element in kept[0].elements] == ["pv", "wind", "biomass", "hydro", "storage"]


@pytest.mark.rule("GRD-2")
def test_merit_order_up_and_down() -> None:
    bids = [
        Bid(pod, 0, way, 1, price)
        for way in (UP, DOWN)
        for pod, price in (("b", 5), ("a", 5), ("c", 3), ("d", 9))
    ]
    assert [bid.bidder for bid in merit_order(bids[:4])] == ["c", "a", "b", "d"]
    assert [bid.bidder for bid in merit_order(bids[4:])] == ["d", "a", "b", "c"]


@pytest.mark.rule("GRD-2")
@pytest.mark.parametrize(
    ("bid", "code"),
    [
        (Bid("ghost", 0, UP, 1, 1), "unknown_pod"),
        (Bid("shop", 24, UP, 1, 1), "unknown_hour"),
        (Bid("shop", -1, UP, 1, 1), "unknown_hour"),
        (Bid("shop", 0, UP, 0, 1), "bad_power"),
        (Bid("shop", 0, UP, 4_001, 1), "beyond_range"),
    ],
)
def test_a_bid_that_the_lights_do_not_cover_is_refused(bid: Bid, code: str) -> None:
    bids_by_cell(mixed(), [Bid("shop", 0, UP, 4_000, 1)])
    with pytest.raises(GridInvalid) as refused:
        bids_by_cell(mixed(), [bid])
    assert [fault.code for fault in refused.value.faults] == [code] and refused.value.rule == "GRD-2"


@pytest.mark.rule("GRD-2")
def test_two_bids_of_one_pod_are_added_up() -> None:
    with pytest.raises(GridInvalid, match="4001 W"):
        bids_by_cell(mixed(), [Bid("shop", 0, UP, 4_000, 1), Bid("shop", 0, UP, 1, 2)])


@pytest.mark.rule("GRD-2")
def test_prices_of_another_day_length_are_refused() -> None:
    with pytest.raises(GridInvalid, match="23"):
        rational_bids(mixed(), Prices((1,) * 23, (1,) * 23, (1,) * 23))


def write_prices(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["hour,purchase,selling,fuel", *rows]) + "\n", encoding="utf-8")
    return path


def test_prices_are_read_in_milli_euro(tmp_path: Path) -> None:
    path = write_prices(tmp_path / "p.csv", [f"{hour},60.5,{hour},-1.2345" for hour in range(25)])
    prices = load_prices(path, 25)
    assert prices.purchase == (60_500,) * 25 and prices.selling[24] == 24_000 and prices.fuel[0] == -1_234


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (["0,1,2,3"], "bad_length"),
        (["0,1,2,3", "2,1,2,3"], "bad_row"),
        (["0,1,2,3", "1,1,2"], "bad_row"),
        (["0,1,2,3", "1,1,x,3"], "not_a_price"),
        (["0,1,2,3", "1,1,nan,3"], "not_a_price"),
        (["0,1,2,3", "1,1,1e9,3"], "not_a_price"),
    ],
)
def test_bad_prices_are_named(tmp_path: Path, rows: list[str], code: str) -> None:
    with pytest.raises(GridInvalid) as refused:
        load_prices(write_prices(tmp_path / "p.csv", rows), 2)
    assert code in {fault.code for fault in refused.value.faults}


@pytest.mark.parametrize("text", ["", "hour,price\n0,1\n"])
def test_a_price_file_needs_its_header(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.csv").write_text(text, encoding="utf-8")
    with pytest.raises(GridInvalid, match="row 1"):
        load_prices(tmp_path / "p.csv", 24)


GOOD = {"pod": "a", "hour": 3, "direction": "down", "power_w": 5_000, "price_milli_eur_per_mwh": -7}


def test_bids_are_read(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text(json.dumps({"bids": [GOOD]}), encoding="utf-8")
    assert load_bids(tmp_path / "b.json") == (Bid("a", 3, DOWN, 5_000, -7),)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"bids": 7}',
        json.dumps({"bids": [7]}),
        json.dumps({"bids": [{**GOOD, "direction": "left"}]}),
        json.dumps({"bids": [{**GOOD, "hour": "3"}]}),
        json.dumps({"bids": [{**GOOD, "power_w": 1.5}]}),
        json.dumps({"bids": [{**GOOD, "power_w": True}]}),
        json.dumps({"bids": [{k: v for k, v in GOOD.items() if k != "pod"}]}),
    ],
)
def test_bad_bids_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "b.json").write_text(content, encoding="utf-8")
    with pytest.raises(GridInvalid):
        load_bids(tmp_path / "b.json")
