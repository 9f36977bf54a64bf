"""The local activations that the expected state calls for (GRD-1, DTL-2, DTL-3)."""

from __future__ import annotations

import numpy as np
import pytest

from registry.domain.quantities import Colour, Direction
from registry.grid.forecast import Forecast
from registry.grid.lights import day_lights
from registry.grid.planning import planned_needs
from registry.grid.powerflow import PowerFlow
from registry.grid.results import LocalActivation
from registry.grid.state import expected_state, with_activations
from registry.grid.violations import Limits
from tests.unit.grid.grid_house import DAY, figure_12, flat_day, simbench

PERIMETERS = {"P1": ["a_1", "b_1"], "P2": ["a_2", "b_2"]}


@pytest.mark.rule("GRD-1")
def test_no_need_where_all_limits_hold() -> None:
    network, pods, forecast = figure_12()
    state = expected_state(network, pods, PERIMETERS, forecast)
    assert planned_needs(state, PowerFlow(network, threads=1), Limits(network)) == ()


@pytest.mark.rule("GRD-1")
def test_the_excess_is_asked_of_the_perimeter_behind_the_bottleneck() -> None:
    network, pods, forecast = figure_12()
    p_w = forecast.p_w.copy()
    p_w[network.element_index["used_1"], 33] = 450_000.0
    state = expected_state(network, pods, PERIMETERS, Forecast(DAY, p_w, forecast.q_var))
    (need,) = planned_needs(state, PowerFlow(network, threads=1), Limits(network))
    assert (need.perimeter, need.hour, need.direction, need.cures) == ("P1", 8, Direction.UP, True)
    assert 150 <= need.power_kw <= 156
    assert need.binding.startswith("line MV-SS_1 above 100% of its rating (150")


@pytest.mark.rule("GRD-1")
def test_what_cannot_be_cured_says_so() -> None:
    network, pods, _ = figure_12()
    state = expected_state(network, pods, PERIMETERS, flat_day(network, {"used_1": 1500.0}))
    needs = planned_needs(state, PowerFlow(network, threads=1), Limits(network))
    assert len(needs) == 24
    assert {(need.perimeter, need.power_kw, need.cures) for need in needs} == {("P1", 800, False)}


@pytest.mark.rule("DTL-2")
def test_a_perimeter_is_never_asked_against_its_own_activation() -> None:
    network, pods, _ = figure_12()
    forecast = flat_day(network, {"used_1": 350.0})
    state = expected_state(
        network, pods, PERIMETERS, forecast, [LocalActivation("P1", 0, Direction.DOWN, 20)]
    )
    needs = planned_needs(state, PowerFlow(network, threads=1), Limits(network))
    assert all(not (need.perimeter == "P1" and need.hour == 0) for need in needs)
    assert sum(need.perimeter == "P1" and need.cures for need in needs) == 23


@pytest.mark.rule("DTL-3")
def test_the_fixture_day_is_cured_and_its_lights_follow() -> None:
    house = simbench()
    needs = planned_needs(house.state, house.flow, house.limits(reserve_pu=0.001))
    assert needs and all(need.cures and need.direction is Direction.DOWN for need in needs)
    cured = with_activations(house.state, [need.as_activation() for need in needs])
    quarters = np.arange(96)
    solution = house.flow.solve(*cured.scenarios(quarters, np.zeros((96, len(house.pods)))))
    assert house.limits(reserve_pu=0.001).within(solution).all()
    lights = {day.perimeter: day for day in day_lights(cured, house.flow, house.limits())}
    for need in needs:
        assert lights[need.perimeter].up[need.hour].colour is Colour.RED
        assert lights[need.perimeter].up_binding[need.hour].startswith("local activation")
        assert lights[need.perimeter].down[need.hour].colour is not Colour.RED
    others = [day for name, day in lights.items() if name not in {need.perimeter for need in needs}]
    assert all(light.colour is Colour.GREEN for day in others for light in day.up)
