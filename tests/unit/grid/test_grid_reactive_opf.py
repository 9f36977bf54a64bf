"""The linearised OPF on reactive power held against AC power flow and an independent solver (GRD-1).

The traps of linearisation: false reds at Q = 0, two kinds of red, and that more controls never hurt.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog, minimize_scalar

from registry.grid import reactive_opf
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_opf import Verdict, cure
from registry.grid.reactive_program import linear_support
from registry.grid.sensitivity import response
from registry.grid.state import expected_state
from registry.grid.violations import TOLERANCE, Limits
from tests.unit.grid.grid_house import Floats, Line, flat_day, grid, pod
from tests.unit.grid.reactive_house import feeder, line_to_a_plant, point_of, providers_of
from tools.ac_optimum import least_excess

SEEDS = st.integers(0, 2**32 - 1)


def voltage_at_a(support_var: float, ohm: float, power_kw: float, provider_kw: int) -> float:
    network, state = line_to_a_plant(ohm, power_kw, provider_kw, (0.5, 1.5))
    providers = providers_of(state, ["store"])
    point = point_of(state, Limits(network), providers)
    applied = providers.applied(point.q_var, np.array([[support_var]]))
    return float(PowerFlow(network, threads=1).solve(point.p_w, applied).u_pu[0, -1])


def linear_voltage_at_a(support_var: float, ohm: float, power_kw: float, provider_kw: int) -> float:
    """What sensitivities at Q = 0 expect."""
    network, state = line_to_a_plant(ohm, power_kw, provider_kw, (0.5, 1.5))
    providers = providers_of(state, ["store"])
    point = point_of(state, Limits(network), providers)
    flow = PowerFlow(network, threads=1)
    found = response(flow, point.p_w, point.q_var, providers.carrier, reactive=True)
    return float(found.u_pu[0, -1] + found.voltage[0, -1, 0] * support_var / 1000.0)


@pytest.mark.rule("GRD-1")
def test_what_sensitivities_at_zero_call_red_is_orange() -> None:
    """Absorbing lowers the voltage more and more: at Q = 0 the program finds no setpoints, AC finds some."""
    case = (25.0, 4_000.0, 2_500)
    true, linear = voltage_at_a(-2.5e6, *case), linear_voltage_at_a(-2.5e6, *case)
    assert 1.0 < true < linear - 0.002
    network, state = line_to_a_plant(*case, (0.5, (true + linear) / 2.0))
    providers, limits, flow = providers_of(state, ["store"]), Limits(network), PowerFlow(network, threads=1)
    point = point_of(state, limits, providers)
    around = response(flow, point.p_w, point.q_var, providers.carrier, reactive=True)
    room = limits.bounds[: limits.nodes] - around.u_pu[0]
    box = (point.low[0] / 1000.0, point.high[0] / 1000.0)
    _, slack = linear_support(around.voltage[0], room, np.zeros(1), box)
    assert slack > 0.0005, "a program without AC would say red"
    found = cure(point, providers, flow, limits)
    assert found.verdict[0] == Verdict.CURED
    solved = flow.solve(point.p_w, providers.applied(point.q_var, found.support_var))
    assert limits.within(solved).all()


@pytest.mark.rule("GRD-1")
def test_what_ac_refuses_once_is_linearised_again() -> None:
    """Raising the voltage helps less and less: the first setpoints fall short, new sensitivities find more.

    And the two reds are different answers: one round ends in a failed AC check, too small a provider in an
    infeasible program.
    """
    case = (25.0, -2_500.0, 3_000)
    wanted = voltage_at_a(2.4e6, *case)
    network, state = line_to_a_plant(*case, (wanted, 1.5))
    providers, limits, flow = providers_of(state, ["store"]), Limits(network), PowerFlow(network, threads=1)
    point = point_of(state, limits, providers)
    once = cure(point, providers, flow, limits, rounds=1)
    again = cure(point, providers, flow, limits)
    assert (once.verdict[0], again.verdict[0]) == (Verdict.AC_FAILED, Verdict.CURED)
    assert again.support_var[0, 0] == pytest.approx(2.4e6, rel=1e-3), "least cost: no more than needed"
    network, state = line_to_a_plant(25.0, -2_500.0, 1_500, (wanted, 1.5))
    small, limits = providers_of(state, ["store"]), Limits(network)
    found = cure(point_of(state, limits, small), small, PowerFlow(network, threads=1), limits)
    assert found.verdict[0] == Verdict.LP_INFEASIBLE


@pytest.mark.rule("GRD-1")
@settings(max_examples=40, deadline=None)
@given(seed=SEEDS)
def test_least_support_is_the_least(seed: int) -> None:
    """Against the same program written the textbook way, with one variable for each absolute value."""
    random = np.random.default_rng(seed)
    count, rows = int(random.integers(1, 6)), int(random.integers(1, 9))
    effect = random.normal(0.0, 1e-5, (rows, count))
    room = random.uniform(-0.01, 0.02, rows)
    start = random.uniform(-200.0, 200.0, count)
    low, high = start - random.uniform(0.0, 800.0, count), start + random.uniform(0.0, 800.0, count)
    found, slack = linear_support(effect, room, start, (low, high))
    eye = np.eye(count)
    size = linprog(
        np.concatenate([np.zeros(count), np.ones(count)]),
        A_ub=np.vstack(
            [
                np.hstack([1e3 * effect, np.zeros((rows, count))]),
                np.hstack([eye, -eye]),
                np.hstack([-eye, -eye]),
            ]
        ),
        b_ub=np.concatenate([1e3 * (room + effect @ start), np.zeros(2 * count)]),
        bounds=[*zip(low, high, strict=True), *[(0.0, None)] * count],
    )
    assert (found >= low - 1e-6).all() and (found <= high + 1e-6).all()
    if size.status == 2:
        assert slack > 0.0
        return
    assert slack == pytest.approx(0.0, abs=1e-9)
    assert (effect @ (found - start) <= room + 1e-8).all()
    assert np.abs(found).sum() == pytest.approx(size.fun, rel=1e-5, abs=0.1)


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("power_kw", [2_000.0, -2_000.0], ids=["too high", "too low"])
def test_one_provider_gives_what_the_ac_optimum_gives(power_kw: float) -> None:
    network, state = line_to_a_plant(20.0, power_kw, 4_000, (0.93, 1.07))
    providers, limits, flow = providers_of(state, ["store"]), Limits(network), PowerFlow(network, threads=1)
    point = point_of(state, limits, providers)

    def needed(support_var: float) -> float:
        applied = providers.applied(point.q_var, np.array([[support_var]]))
        values = limits.values(flow.solve(point.p_w, applied))[0]
        return abs(support_var) + 1e12 * max(float((values - limits.bounds).max()), 0.0)

    best = minimize_scalar(needed, bounds=(-4e6, 4e6), method="bounded", options={"xatol": 10.0})
    found = cure(point, providers, flow, limits)
    assert found.verdict[0] == Verdict.CURED
    assert abs(found.support_var[0, 0]) == pytest.approx(abs(best.x), rel=0.002)
    assert np.sign(found.support_var[0, 0]) == np.sign(-power_kw)


@pytest.mark.rule("GRD-1")
@settings(max_examples=8, deadline=None)
@given(seed=SEEDS)
def test_more_controls_never_give_more_red_nor_cost_more(seed: int) -> None:
    """And orange holds all limits by AC within the providers' room, red is red for another solver."""
    random = np.random.default_rng(seed)
    state = feeder(random)
    limits, flow = Limits(state.network), PowerFlow(state.network, threads=1)
    able = providers_of(state)
    keys = [state.pods[i].key for i in able.pods]
    many = [key for key in keys if random.random() < 0.8]
    few = [key for key in many if random.random() < 0.5]
    verdicts: list[int] = []
    cost: list[Floats] = []
    for chosen in (few, many):
        providers = providers_of(state, chosen)
        if not chosen:
            verdicts.append(Verdict.NO_PROVIDERS)
            cost.append(np.zeros(0))
            continue
        point = point_of(state, limits, providers)
        if limits.within(flow.solve(point.p_w, point.q_var)).all():
            return
        found = cure(point, providers, flow, limits)
        verdicts.append(int(found.verdict[0]))
        cost.append(np.abs(found.support_var[0]))
        if found.verdict[0] == Verdict.CURED:
            solved = flow.solve(point.p_w, providers.applied(point.q_var, found.support_var))
            assert (limits.values(solved) <= limits.bounds + 2 * TOLERANCE).all()
            assert (found.support_var >= point.low - 1.0).all()
            assert (found.support_var <= point.high + 1.0).all()
        else:
            assert least_excess(point, 0, providers, flow, limits) > -0.02, "at most 2e-5 p.u. to spare"
    if verdicts[0] == Verdict.CURED:
        assert verdicts[1] == Verdict.CURED
        assert cost[1].sum() <= 1.01 * cost[0].sum() + 1000.0


@pytest.mark.rule("GRD-1")
def test_reactive_power_that_circulates_relieves_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is reactive on the line that a plant overloads by 0.3 %. Two storages behind it, on two lines
    alike, that exchange reactive power with each other raise losses and voltage, and less current is left.
    To a linear program both are worth the same, so it has no reason to let one give and the other take.
    """
    lines = [Line("PS", "A", 3_000.0), Line("A", "B", 90_000.0, 6.0), Line("A", "C", 90_000.0, 6.0)]
    network = grid(lines, {}, {"pv": "A", "one": "B", "other": "C"}, (0.9, 1.1))
    pods = [
        pod("pv", "A", "pv", 9_000),
        pod("one", "B", "storage", 4_000),
        pod("other", "C", "storage", 4_000),
    ]
    power = {"pv": 3_010.0}
    state = expected_state(network, pods, {"P": ["pv", "one", "other"]}, flat_day(network, power))
    providers, limits = providers_of(state, ["one", "other"]), Limits(network)
    flow, point = PowerFlow(network, threads=1), point_of(state, limits, providers)
    assert not limits.within(flow.solve(point.p_w, point.q_var)).any()
    found = cure(point, providers, flow, limits)
    assert found.verdict[0] == Verdict.CURED
    assert np.sign(found.support_var[0]).prod() < 0.0
    assert limits.within(flow.solve(point.p_w, providers.applied(point.q_var, found.support_var))).all()

    def nowhere_else(_mutual: Floats, _over: object, around: Floats, *_: Floats) -> Floats:
        return around[None]

    monkeypatch.setattr(reactive_opf, "circulations", nowhere_else)
    assert cure(point, providers, flow, limits).verdict[0] == Verdict.LP_INFEASIBLE
