"""Operating points of whole days, by AC power flow and an independent solver (GRD-1)."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from registry.domain.quantities import Direction
from registry.grid.forecast import Forecast
from registry.grid.operating_points import OperatingPoints, operating_points, shares
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_opf import Points, Verdict
from registry.grid.reactive_providers import SupportTerms
from registry.grid.state import ExpectedState, expected_state
from registry.grid.violations import TOLERANCE, Limits
from tests.unit.grid.grid_house import DAY, Floats, Line, flat_day, grid, pod, simbench
from tests.unit.grid.reactive_house import PRICES
from tools.ac_optimum import least_excess

SUNNY, LONG = "MV1.101 Line 37", "MV1.101 Line 75"
SOME_KEYS = tuple(each.key for each in simbench().pods[::4])


@cache
def sunny_state() -> ExpectedState:
    """The fixture with 1.4 times its generation around noon: reds of both kinds of reach."""
    house = simbench()
    p_w = house.forecast.p_w.copy()
    p_w[house.network.load_count :] *= 1.4
    return expected_state(
        house.network, house.pods, house.perimeters, Forecast(DAY, p_w, house.forecast.q_var)
    )


@cache
def classified(keys: tuple[str, ...] | None, steps: int = 3, placements: int = 1) -> OperatingPoints:
    house = simbench()
    terms = SupportTerms(PRICES, keys)
    return operating_points(
        sunny_state(), house.flow, house.limits(), terms, steps=steps, placements=placements
    )


def solved_values(points: OperatingPoints, chosen: Floats, keys: tuple[str, ...] | None) -> Floats:
    """Values of all limits at some points, their setpoints applied."""
    house, state = simbench(), sunny_state()
    providers = SupportTerms(PRICES, keys).providers(state)
    p_w, q_var = state.scenarios(points.quarter[chosen], points.moves_kw[chosen])
    solution = house.flow.solve(p_w, providers.applied(q_var, points.setpoints_var[chosen]))
    assert solution.converged.all()
    return house.limits().values(solution)


@pytest.mark.rule("GRD-1")
def test_every_step_of_every_perimeter_is_there_once() -> None:
    points, state = classified(SOME_KEYS), sunny_state()
    filled = [list(members) for members in state.partition.members if members]
    steps = sum(int((state.range_kw[way][m].sum(axis=0) > 0).sum()) for m in filled for way in Direction)
    assert len(points.quarter) == len(filled) * state.quarters + 3 * steps
    for number, members in enumerate(state.partition.members):
        mine = (points.perimeter == number) & (points.quarter == 50)
        up, down = (state.range_kw[way][list(members), 50].sum() for way in Direction)
        wanted = [0.0, *(up * k / 3 for k in (1, 2, 3)), *(-down * k / 3 for k in (1, 2, 3))]
        assert sorted(points.delta_kw[mine]) == pytest.approx(sorted(wanted if members else []))
    counted = shares(state, points)
    assert sum(each.points for each in counted) == len(points.quarter)
    for each in counted:
        assert each.green + each.orange + each.red == each.points
        assert sum(count for _, count in each.red_because) == each.red
        assert sum(each.percent()) == pytest.approx(100.0 if each.points else 0.0)


@pytest.mark.rule("GRD-1")
def test_orange_holds_the_limit_that_it_is_about() -> None:
    """Orange with its setpoints, which cost what the terms say; green and red without a var."""
    points = classified(SOME_KEYS)
    assert min(points.green.sum(), points.orange.sum(), points.red.sum()) > 50
    assert not points.setpoints_var[~points.orange].any()
    bounds = simbench().limits().bounds
    values = solved_values(points, np.flatnonzero(points.orange), SOME_KEYS)
    assert (points.limit[points.orange] >= 0).all()
    own = values[np.arange(len(values)), points.limit[points.orange]]
    assert (own <= bounds[points.limit[points.orange]] + 2 * TOLERANCE).all()
    varh = 1000.0 * points.provided_kvar[points.orange] / 4.0
    assert points.cost_milli_eur[points.orange] == pytest.approx(varh / 1e6 * 2_500.0, abs=1.0)
    assert not points.cost_milli_eur[~points.orange].any()


@pytest.mark.rule("GRD-1")
def test_orange_breaks_nothing_that_the_expected_state_keeps() -> None:
    points, state = classified(SOME_KEYS), sunny_state()
    chosen = np.flatnonzero(points.orange)
    base = simbench().flow.solve(
        *state.scenarios(points.quarter[chosen], np.zeros((len(chosen), len(state.pods))))
    )
    limits = simbench().limits()
    kept = limits.values(base) <= limits.bounds
    values = solved_values(points, chosen, SOME_KEYS)
    assert (values <= limits.bounds + 2 * TOLERANCE)[kept].all()


@pytest.mark.rule("GRD-1")
def test_without_providers_green_goes_straight_to_red() -> None:
    none, some = classified(()), classified(SOME_KEYS)
    assert not none.orange.any()
    assert (none.green == some.green).all()
    assert (none.verdict[none.red] == Verdict.NO_PROVIDERS).all()
    only_sunny = tuple(key for key in simbench().perimeters[SUNNY] if key in SOME_KEYS)
    points = classified(only_sunny)
    there = points.perimeter == sunny_state().partition.names.index(SUNNY)
    assert points.orange[there].any() and not points.orange[~there].any()


@pytest.mark.rule("GRD-1")
def test_more_providers_never_give_more_red() -> None:
    none, few, many = classified(()), classified(SOME_KEYS), classified(None)
    assert not (few.red & ~none.red).any()
    assert not (many.red & ~few.red).any()
    assert many.red.sum() < few.red.sum() < none.red.sum()
    both = few.orange & many.orange
    assert (many.cost_milli_eur[both] <= 1.01 * few.cost_milli_eur[both] + 2).all()


@pytest.mark.rule("GRD-1")
def test_reds_are_infeasible_for_an_independent_solver(capsys: pytest.CaptureFixture[str]) -> None:
    """At least 95 % of a sample of reds, by sequential quadratic programming on AC power flow itself."""
    house, state, points = simbench(), sunny_state(), classified(SOME_KEYS)
    everyone = SupportTerms(PRICES, SOME_KEYS).providers(state)
    candidates = np.flatnonzero(np.isin(points.verdict, (Verdict.LP_INFEASIBLE, Verdict.AC_FAILED)))
    excess = solved_values(points, candidates, SOME_KEYS) - house.limits().bounds
    hardest_to_tell = candidates[np.argsort(excess.max(axis=1))]  # the closest to their limits first
    sample = np.concatenate([hardest_to_tell[:12], np.random.default_rng(5).choice(hardest_to_tell[12:], 8)])
    infeasible = 0
    for point in sample:
        providers = everyone.of_perimeters([int(points.perimeter[point])])
        quarter, moves = points.quarter[[point]], points.moves_kw[[point]]
        low, high = providers.at_moves(quarter, moves)
        p_w, q_var = state.scenarios(quarter, moves)
        # only the limits at the perimeter's own nodes: fewer than held, so that the solver has it easier
        allowed = np.full_like(house.limits().bounds, np.inf)
        nodes = house.network.element_node[
            state.carrier[list(state.partition.members[points.perimeter[point]])]
        ]
        for first in (0, len(house.network.node_names)):
            allowed[first + nodes] = house.limits().bounds[first + nodes]
        asked = Points(p_w, q_var, allowed[None, :], low, high, np.zeros(1, dtype=np.int64))
        infeasible += least_excess(asked, 0, providers, house.flow, house.limits()) > 0.0
    with capsys.disabled():
        print(f"\nreds of the linearised OPF that AC finds infeasible too: {infeasible} of {len(sample)}")
    assert infeasible >= 0.95 * len(sample)


@pytest.mark.rule("GRD-1")
def test_random_placements_spread_about_the_even_one() -> None:
    """The same power, other verdicts: where it is injected matters."""
    points = classified((), steps=3, placements=4)
    state = sunny_state()
    sums = np.round(points.delta_kw, 6)
    keyed: dict[tuple[int, int, float], set[bool]] = {}
    for number, quarter, power, green in zip(
        points.perimeter.tolist(), points.quarter.tolist(), sums.tolist(), points.green.tolist(), strict=True
    ):
        keyed.setdefault((number, quarter, power), set()).add(green)
    assert any(len(seen) == 2 for seen in keyed.values())
    up, down = state.range_kw[Direction.UP], state.range_kw[Direction.DOWN]
    assert (points.moves_kw <= up[:, points.quarter].T + 1e-9).all()
    assert (points.moves_kw >= -down[:, points.quarter].T - 1e-9).all()


@pytest.mark.rule("GRD-1")
def test_points_that_do_not_converge_are_masked_and_red() -> None:
    """A load far beyond the line's reach in one quarter-hour: red, whatever stands in the failed rows."""
    network = grid([Line("PS", "A", 9000.0, 5.0)], {"load": "A"}, {"store": "A"})
    forecast = flat_day(network, {"load": 300.0})
    forecast.p_w[network.element_index["load"], 7] = 1e12
    state = expected_state(network, [pod("store", "A", "storage", 500)], {"P": ["store"]}, forecast)
    points = operating_points(
        state, PowerFlow(network, threads=1), Limits(network), SupportTerms(PRICES), steps=2
    )
    there = points.quarter == 7
    assert (points.verdict[there] == Verdict.NOT_CONVERGED).all() and points.red[there].all()
    assert (points.limit[there] == -1).all()
    assert points.green[~there].all()


@pytest.mark.rule("GRD-1")
def test_trouble_elsewhere_is_not_held_against_a_perimeter() -> None:
    """The sunny feeders break their limits at noon by expectation; the others' points stay green."""
    points, state = classified(()), sunny_state()
    noon = (points.quarter >= 48) & (points.quarter < 56)
    for number, name in enumerate(state.partition.names):
        if name not in (SUNNY, LONG) and state.partition.members[number]:
            assert points.green[noon & (points.perimeter == number)].mean() > 0.5, name
    assert points.red[noon & (points.perimeter == state.partition.names.index(SUNNY))].any()


@pytest.mark.rule("GRD-1")
def test_more_of_the_pods_can_only_widen_the_range() -> None:
    """Natale's case B holds case A: loads add to what the generators can move."""
    house = simbench()
    generators = [
        dataclasses.replace(each, elements=tuple(e for e in each.elements if e.technology != "load"))
        for each in house.pods
    ]
    generators = [each for each in generators if each.elements]
    keys = {each.key for each in generators}
    perimeters = {name: [k for k in group if k in keys] for name, group in house.perimeters.items()}
    case_a = expected_state(house.network, generators, perimeters, house.forecast)
    case_b = house.state
    for way in Direction:
        for a, b in zip(case_a.partition.members, case_b.partition.members, strict=True):
            assert (
                case_a.range_kw[way][list(a)].sum(axis=0) <= case_b.range_kw[way][list(b)].sum(axis=0) + 1e-6
            ).all()
