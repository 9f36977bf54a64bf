"""Curves of reactive power, their price, and what a POD has to give (GRD-3, Natale §5)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.grid.faults import GridInvalid
from registry.grid.forecast import Forecast
from registry.grid.pods import GridPod, PodElement, Technology
from registry.grid.reactive_capability import Curve, curve_of, largest_var, support_cost_milli_eur
from registry.grid.reactive_providers import Providers, SupportTerms
from registry.grid.state import ExpectedState, expected_state
from tests.unit.grid.grid_house import DAY, Line, flat_day, grid, pod

PRICES = (50_000,) * 24


@pytest.mark.rule("GRD-3")
@pytest.mark.parametrize(
    ("technology", "rated_w", "curve"),
    [
        ("pv", 399_999, Curve.LIMITED_SEMICIRCLE),
        ("pv", 400_000, Curve.SEMICIRCLE),
        ("storage", 100_000, Curve.LIMITED_SEMICIRCLE),
        ("storage", 2_000_000, Curve.SEMICIRCLE),
        ("wind", 10_000, Curve.RECTANGLE),
        ("wind", 3_000_000, Curve.RECTANGLE),
        ("biomass", 5_000_000, Curve.NONE),
        ("hydro", 5_000_000, Curve.NONE),
        ("load", 5_000_000, Curve.NONE),
    ],
)
def test_curves_by_technology_and_size(technology: Technology, rated_w: int, curve: Curve) -> None:
    assert curve_of(technology, rated_w) is curve


@pytest.mark.rule("GRD-3")
def test_the_figures_of_the_source() -> None:
    """Q up to Sn on the semicircle, 0.436 Sn at cos phi 0.9, 0.312 Sn at cos phi 0.95 (the source rounds)."""
    idle = np.zeros(1)
    assert largest_var("pv", 1_000_000, idle)[0] == 1_000_000
    assert largest_var("pv", 100_000, idle)[0] == pytest.approx(43_600, abs=20)
    assert largest_var("wind", 1_000_000, idle)[0] == pytest.approx(312_000, abs=300)
    assert largest_var("wind", 1_000_000, np.array([1e6]))[0] == pytest.approx(312_000, abs=300)
    assert largest_var("pv", 1_000_000, np.array([1e6, 0.6e6, -0.6e6, 1.2e6])).tolist() == [0, 8e5, 8e5, 0]
    assert largest_var("pv", 100_000, np.array([95_000.0]))[0] == pytest.approx(31_225, abs=1)
    assert largest_var("biomass", 1_000_000, idle)[0] == 0


@pytest.mark.rule("GRD-3")
@given(st.sampled_from(["pv", "storage"]), st.integers(1, 5_000_000), st.floats(-1.5, 1.5))
def test_a_static_generator_stays_within_its_apparent_power(
    technology: Technology, rated_w: int, part: float
) -> None:
    p_w = np.array([part * rated_w])
    q = float(largest_var(technology, rated_w, p_w)[0])
    assert q >= 0.0
    if q > 0.0:
        assert math.hypot(q, float(p_w[0])) <= rated_w * (1.0 + 1e-9)


@pytest.mark.rule("GRD-3")
def test_reactive_energy_costs_five_hundredths_of_the_purchase_price() -> None:
    """Natale Table 4: 29,344 Mvarh for 73.3 thousand euro, 2.5 euro each, is 5 % of 50 EUR/MWh."""
    assert support_cost_milli_eur(29_344e9 / 1e3, 49_960) == pytest.approx(73_300_000, rel=1e-3)
    assert support_cost_milli_eur(1e6, 50_000) == support_cost_milli_eur(-1e6, 50_000) == 2_500
    assert support_cost_milli_eur(1.0, 50_000) == 1, "rounded up"
    assert support_cost_milli_eur(0.0, 50_000) == 0


# ------------------------------------------------------------------------------------- what a POD has to give


def one_pod(elements: tuple[PodElement, ...], power_kw: dict[str, float]) -> ExpectedState:
    loads = {each.name: "A" for each in elements if each.technology == "load"}
    generators = {each.name: "A" for each in elements if each.technology != "load"}
    network = grid([Line("PS", "A", 9000.0)], loads=loads, generators=generators)
    total = sum(each.rated_w for each in elements) // 1000
    only = GridPod("only", "A", elements, total, total)
    return expected_state(network, [only], {"P": ["only"]}, flat_day(network, power_kw))


def providers(state: ExpectedState) -> Providers:
    return SupportTerms(PRICES).providers(state)


@pytest.mark.rule("GRD-3")
def test_room_is_taken_at_the_power_after_the_activation() -> None:
    state = one_pod((PodElement("pv", "pv", 1_000_000),), {"pv": 800.0})
    quarter = np.array([0])
    found = [
        float(providers(state).at_moves(quarter, np.array([[kw]]))[1][0, 0]) for kw in (0.0, 80.0, -200.0)
    ]
    assert found == pytest.approx([600_000, math.sqrt(1e12 - 880_000**2), 800_000])
    low, high = providers(state).any_move(quarter)
    assert high[0, 0] == -low[0, 0] == pytest.approx(found[1]), "the worst of its range, a tenth up"


@pytest.mark.rule("GRD-3")
def test_reactive_power_that_is_given_anyway_counts() -> None:
    state = one_pod((PodElement("w", "wind", 1_000_000),), {"w": 500.0})
    q_var = np.full_like(state.q_var, 250_000.0)
    given_already = expected_state(
        state.network, state.pods, {"P": ["only"]}, Forecast(DAY, state.p_w, q_var)
    )
    low, high = providers(given_already).any_move(np.array([3]))
    assert high[0, 0] == pytest.approx(312_250 - 250_000, abs=1)
    assert low[0, 0] == pytest.approx(-312_250 - 250_000, abs=1)
    beyond = expected_state(state.network, state.pods, {"P": ["only"]}, Forecast(DAY, state.p_w, 2 * q_var))
    assert providers(beyond).any_move(np.array([3]))[1][0, 0] == 0.0, "giving nothing more is always possible"


@pytest.mark.rule("GRD-3")
@settings(max_examples=60, deadline=None)
@given(
    pv=st.integers(0, 900),
    store=st.integers(-300, 300),
    load=st.integers(0, 200),
    move=st.floats(-1.0, 1.0),
    split=st.lists(st.integers(0, 2), min_size=3, max_size=3, unique=True),
)
def test_no_split_within_the_pod_leaves_less(
    pv: int, store: int, load: int, move: float, split: list[int]
) -> None:
    """Whichever element moves first, the curves at the powers reached allow what was promised."""
    elements = (
        PodElement("load", "load", 200_000),
        PodElement("pv", "pv", 900_000),
        PodElement("store", "storage", 300_000),
    )
    power = {"load": float(load), "pv": float(pv), "store": float(store)}
    state = one_pod(elements, power)
    found = providers(state)
    quarter = np.array([0])
    ranges = {"up": [0.05 * load, 0.1 * pv, 300.0 - store], "down": [0.05 * load, float(pv), 300.0 + store]}
    way = "up" if move >= 0.0 else "down"
    wanted = abs(move) * sum(ranges[way])
    left, room = wanted, 0.0
    for number in split:
        moved = min(left, ranges[way][number])
        left -= moved
        element = elements[number]
        sign = (1.0 if way == "up" else -1.0) * (-1.0 if element.technology == "load" else 1.0)
        reached = np.array([1000.0 * (power[element.name] + sign * moved)])
        room += float(largest_var(element.technology, element.rated_w, reached)[0])
    low, high = found.at_moves(quarter, np.array([[wanted if way == "up" else -wanted]]))
    anywhere_low, anywhere_high = found.any_move(quarter)
    assert high[0, 0] <= room + 1e-3
    assert low[0, 0] >= -room - 1e-3
    assert anywhere_low[0, 0] >= low[0, 0] - 1e-3
    assert anywhere_high[0, 0] <= high[0, 0] + 1e-3


@pytest.mark.rule("GRD-3")
def test_terms_that_do_not_fit_are_named() -> None:
    network = grid([Line("PS", "A", 900.0)], loads={"l": "A"}, generators={"w": "A"})
    state = expected_state(
        network,
        [pod("w", "A", "wind", 500), pod("l", "A", "load", 100)],
        {"P": ["w", "l"]},
        flat_day(network, {}),
    )
    assert SupportTerms(PRICES).providers(state).pods.tolist() == [0], "a load gives none"
    assert SupportTerms(PRICES, pods=("l",)).providers(state).pods.tolist() == []
    with pytest.raises(GridInvalid) as caught:
        SupportTerms((*(50_000,) * 22, -1), pods=("w", "ghost")).providers(state)
    assert {(f.code, f.where) for f in caught.value.faults} == {
        ("unknown_pod", "pods"),
        ("bad_price_count", "prices"),
        ("negative_price", "price of hour 22"),
    }
