"""Static lights: what each POD alone can move (POD-2, GRD-2)."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from registry.domain.enums import StaticLight
from registry.domain.quantities import Direction
from registry.grid.powerflow import PowerFlow
from registry.grid.results import StaticLightAdvice
from registry.grid.state import SIGN
from registry.grid.static_light import static_lights
from registry.grid.violations import Limits
from tests.unit.grid.grid_house import figure_12, simbench

RESERVE_PU = 0.001


@cache
def fixture_advice() -> tuple[StaticLightAdvice, ...]:
    house = simbench()
    planning = house.limits(RESERVE_PU)
    return static_lights(
        house.network, house.pods, [house.forecast], house.flow, house.limits(), planning=planning
    )


@pytest.mark.rule("POD-2")
def test_alone_below_the_bottleneck() -> None:
    network, pods, forecast = figure_12()
    advice = static_lights(network, pods, [forecast], PowerFlow(network, threads=1), Limits(network))
    by_pod = {item.pod: item for item in advice}
    assert by_pod["a_1"].light is StaticLight.MODULATED
    assert by_pod["a_1"].down_kw == pytest.approx(100, abs=1) and by_pod["a_1"].up_kw == 400
    assert "line MV-SS_1" in by_pod["a_1"].reason
    assert by_pod["a_2"] == StaticLightAdvice("a_2", StaticLight.CONFIRMED, 400, 400, "", 0)


@pytest.mark.rule("POD-2")
def test_a_pod_that_does_not_fit_is_invalidated_and_keeps_nobody_waiting() -> None:
    network, pods, forecast = figure_12()
    lost = dataclasses.replace(pods[0], node="SS_9")
    doubled = dataclasses.replace(pods[1], key="thief")
    advice = static_lights(
        network, [lost, *pods[1:], doubled], [forecast], PowerFlow(network, threads=1), Limits(network)
    )
    assert [item.light for item in advice] == [
        StaticLight.INVALIDATED,
        StaticLight.INVALIDATED,
        StaticLight.CONFIRMED,
        StaticLight.CONFIRMED,
        StaticLight.INVALIDATED,
    ]
    assert "SS_9" in advice[0].reason and "two PODs" in advice[1].reason
    assert (advice[0].up_kw, advice[0].down_kw) == (0, 0)


@pytest.mark.rule("POD-2")
def test_never_more_than_declared_nor_than_what_stands_there() -> None:
    network, pods, forecast = figure_12()
    boastful = dataclasses.replace(pods[2], up_kw=900)
    modest = dataclasses.replace(pods[3], up_kw=7, down_kw=0)
    advice = static_lights(
        network, [*pods[:2], boastful, modest], [forecast], PowerFlow(network, threads=1), Limits(network)
    )
    assert (advice[2].light, advice[2].up_kw) == (StaticLight.MODULATED, 400)
    assert advice[2].reason == "up 900 to 400 kW: only 400 kW stand behind the POD"
    assert advice[3] == StaticLightAdvice("b_2", StaticLight.CONFIRMED, 7, 0, "", 0)


@pytest.mark.rule("POD-2")
def test_the_worst_of_several_days_counts() -> None:
    network, pods, forecast = figure_12()
    p_w = forecast.p_w.copy()
    p_w[network.element_index["used_1"], 50] = 280_000.0
    busy = dataclasses.replace(forecast, p_w=p_w)
    advice = static_lights(
        network, pods, [forecast, busy, forecast], PowerFlow(network, threads=1), Limits(network)
    )
    assert advice[0].down_kw == pytest.approx(20, abs=1)


@pytest.mark.rule("POD-2")
def test_the_fixture_has_confirmed_and_modulated_pods() -> None:
    lights = [item.light for item in fixture_advice()]
    assert lights.count(StaticLight.CONFIRMED) > 80
    assert lights.count(StaticLight.MODULATED) >= 5


@pytest.mark.rule("POD-2")
def test_granted_powers_hold_in_every_quarter_and_a_little_more_does_not() -> None:
    house = simbench()
    state, limits = house.state, house.limits()
    quarters = np.arange(96)
    expected = limits.values(house.flow.solve(*state.scenarios(quarters, np.zeros((96, len(house.pods))))))
    asked = expected <= house.limits(RESERVE_PU).bounds
    for number, item in enumerate(fixture_advice()):
        if item.light is not StaticLight.MODULATED:
            continue

        def broken(power_kw: float, pod: int = number) -> bool:
            moves = np.zeros((96, len(house.pods)))
            moves[:, pod] = SIGN[Direction.UP] * np.minimum(power_kw, state.range_kw[Direction.UP][pod])
            values = limits.values(house.flow.solve(*state.scenarios(quarters, moves)))
            return bool(((values > limits.bounds + 1e-7) & asked).any())

        assert not broken(item.up_kw)
        assert broken(item.up_kw + 2.0)
