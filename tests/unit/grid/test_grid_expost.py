"""Ex-post: what activations did to limits, judged against the same day without them, and whose doing it was
(CIRED 2019).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.grid import expost_shares
from registry.grid.expost import Observed, expost
from registry.grid.expost_findings import ExPost, Finding, Share, Verdict
from registry.grid.faults import GridInvalid
from registry.grid.pods import net_injection
from registry.grid.powerflow import PowerFlow
from registry.grid.state import ExpectedState, expected_state
from registry.grid.violations import Limits, LimitSettings
from tests.unit.grid.grid_house import Floats, Line, flat_day, grid, pod, simbench

HOUR = 13
Q = slice(4 * HOUR, 4 * HOUR + 4)


def house(background_kw: float) -> ExpectedState:
    """A line for 300 kW, ``background_kw`` of sun behind it, and two storages that are expected idle."""
    network = grid([Line("PS", "A", 300.0)], loads={}, generators={"sun": "A", "s1": "A", "s2": "A"})
    pods = (pod("s1", "A", "storage", 500), pod("s2", "A", "storage", 500))
    return expected_state(network, pods, {"P": ["s1", "s2"]}, flat_day(network, {"sun": background_kw}))


def watch(moved_kw: float, idle_kw: float = 0.0) -> Observed:
    """Both metered at ``idle_kw``, their baseline, but the first moves in one hour, in which it serves."""
    metered = np.full((2, 96), 1000.0 * idle_kw)
    baseline = metered.copy()
    metered[0, Q] += 1000.0 * moved_kw
    served = np.zeros((2, 96), dtype=np.bool_)
    served[0, Q] = True
    return Observed(metered, np.zeros((2, 96)), baseline, served)


def run(state: ExpectedState, observed: Observed) -> ExPost:
    return expost(state, PowerFlow(state.network, threads=1), Limits(state.network), observed)


@pytest.mark.parametrize(
    ("sun_kw", "moved_kw", "verdict"),
    [
        (250.0, 100.0, Verdict.CAUSED),
        (350.0, -100.0, Verdict.CURED),
        (350.0, 50.0, Verdict.WORSENED),
        (400.0, -50.0, Verdict.EASED),
        (350.0, 0.0, Verdict.UNTOUCHED),
    ],
)
def test_every_verdict(sun_kw: float, moved_kw: float, verdict: Verdict) -> None:
    found = run(house(sun_kw), watch(moved_kw))
    (finding,) = [each for each in found.findings if each.hour == HOUR]
    assert (finding.verdict, finding.quarters) == (verdict, tuple(range(52, 56)))
    assert finding.limit == "line PS-A above 100% of its rating" and not finding.uncertain
    assert finding.with_value == pytest.approx((sun_kw + moved_kw) / 300.0, abs=2e-3)
    assert finding.without_value == pytest.approx(sun_kw / 300.0, abs=2e-3)
    assert found.count(verdict) >= 4
    elsewhere = {each.verdict for each in found.findings if each.hour != HOUR}
    assert elsewhere <= {Verdict.UNTOUCHED} and bool(elsewhere) == (sun_kw > 300.0)
    assert found.served_quarters == 4


def test_within_limits_there_is_nothing_to_say() -> None:
    found = run(house(100.0), watch(100.0))
    assert found.findings == () and not found.missing_readings and not found.missing_baselines


def test_a_move_that_nobody_asked_for_is_nobodys_doing() -> None:
    """The reading is far from the baseline, but the POD served nobody: the violation is in both runs."""
    observed = watch(200.0)
    observed.served[:] = False
    found = run(house(250.0), observed)
    assert {finding.verdict for finding in found.findings} == {Verdict.UNTOUCHED}
    assert {finding.hour for finding in found.findings} == {HOUR}


def test_readings_take_the_place_of_the_forecast() -> None:
    """Both were expected idle; the meters say 100 kW each all day: 450 kW on the line."""
    found = run(house(250.0), watch(0.0, idle_kw=100.0))
    assert len(found.findings) == 24
    assert found.findings[0].with_value == pytest.approx(450 / 300, abs=2e-3)


def test_missing_readings_stand_at_the_forecast_and_are_counted() -> None:
    observed = watch(100.0)
    observed.metered_w[1, 10:13] = np.nan
    found = run(house(250.0), observed)
    assert found.missing_readings == {"s2": 3}
    assert not any(finding.uncertain for finding in found.findings)
    observed.metered_w[0, 53] = np.nan
    found = run(house(250.0), observed)
    assert found.missing_readings == {"s1": 1, "s2": 3}
    (finding,) = found.findings
    assert finding.verdict is Verdict.CAUSED and finding.quarters == (52, 54, 55)


def test_who_served_without_reading_or_baseline_leaves_a_doubt() -> None:
    observed = watch(100.0)
    observed.served[1, Q] = True
    observed.baseline_w[1, Q] = np.nan
    found = run(house(250.0), observed)
    (finding,) = found.findings
    assert finding.verdict is Verdict.CAUSED and finding.uncertain
    assert found.missing_baselines == {"s2": 4}


def test_what_does_not_converge_is_unknown_never_fine() -> None:
    network = grid(
        [Line("PS", "A", 300.0, ohm=60.0)], loads={}, generators={"sun": "A", "s1": "A", "s2": "A"}
    )
    pods = (pod("s1", "A", "storage", 90_000), pod("s2", "A", "storage", 90_000))
    state = expected_state(network, pods, {"P": ["s1", "s2"]}, flat_day(network, {}))
    found = run(state, watch(-90_000.0))
    unknown = [finding for finding in found.findings if finding.verdict is Verdict.UNKNOWN]
    assert [finding.quarters for finding in unknown] == [(52, 53, 54, 55)]
    assert unknown[0].with_value is None and unknown[0].limit == "power flow does not converge"
    assert found.as_document()["counts"]["unknown"] == 4


def test_the_fixture_as_forecast_is_untouched_and_a_cure_is_seen() -> None:
    """Readings as the forecast says: its noon violations are untouched. Half of the strained feeders' sun
    curtailed by activation: cured.
    """
    base = simbench()
    state = base.state
    expected, reactive = (
        net_injection(state.network, state.pods, values).astype(np.float64)
        for values in (state.p_w, state.q_var)
    )
    idle = np.zeros(expected.shape, dtype=np.bool_)
    untouched = expost(state, base.flow, base.limits(), Observed(expected, reactive, expected, idle))
    assert {finding.verdict for finding in untouched.findings} == {Verdict.UNTOUCHED}
    curtailed: Floats = expected.copy()
    served = idle.copy()
    for name in ("MV1.101 Line 37", "MV1.101 Line 75"):
        members = list(state.partition.members[state.partition.names.index(name)])
        served[members, 44:68] = True
        curtailed[members, 44:68] -= np.maximum(expected[members, 44:68], 0.0) / 2.0
    cured = expost(state, base.flow, base.limits(), Observed(curtailed, reactive, expected, served))
    assert {finding.verdict for finding in cured.findings} == {Verdict.CURED}
    assert cured.count(Verdict.CURED) == untouched.count(Verdict.UNTOUCHED) > 0


def test_readings_of_another_day_length_are_refused() -> None:
    observed = watch(0.0)
    with pytest.raises(GridInvalid, match="served"):
        run(house(1.0), replace(observed, served=observed.served[:, :92]))


NORTH, SOUTH = "north", "south"


def two_feeders(
    north_kw: float, south_kw: float, trunk_kw: float = 9_000.0, own_kw: float = 300.0
) -> ExpectedState:
    """Two perimeters, each behind a line of its own below a common one, with sun and an idle storage each."""
    network = grid(
        [Line("PS", "M", trunk_kw), Line("M", "A", own_kw), Line("M", "B", own_kw)],
        loads={},
        generators={"sun_a": "A", "sun_b": "B", "s_a": "A", "s_b": "B"},
    )
    pods = (pod("s_a", "A", "storage", 500), pod("s_b", "B", "storage", 500))
    power = {"sun_a": north_kw, "sun_b": south_kw}
    return expected_state(network, pods, {NORTH: ["s_a"], SOUTH: ["s_b"]}, flat_day(network, power))


def moved(north_kw: float, south_kw: float) -> Observed:
    """Both serve in one hour from a baseline of zero."""
    metered = np.zeros((2, 96))
    metered[:, Q] = [[1000.0 * north_kw], [1000.0 * south_kw]]
    served = np.zeros((2, 96), dtype=np.bool_)
    served[:, Q] = True
    return Observed(metered, np.zeros((2, 96)), np.zeros((2, 96)), served)


def of_hour(found: ExPost, verdict: Verdict) -> Finding:
    (finding,) = [each for each in found.findings if each.hour == HOUR and each.verdict is verdict]
    return finding


def share(finding: Finding, perimeter: str) -> Share:
    (mine,) = [each for each in finding.shares if each.perimeter == perimeter]
    return mine


def test_one_perimeter_causes_and_another_cures() -> None:
    found = run(two_feeders(250.0, 350.0), moved(100.0, -100.0))
    caused, cured = of_hour(found, Verdict.CAUSED), of_hour(found, Verdict.CURED)
    assert caused.limit == "line M-A above 100% of its rating"
    assert cured.limit == "line M-B above 100% of its rating"
    assert caused.responsible == [share(caused, NORTH)] and cured.responsible == [share(cured, SOUTH)]
    for finding, name, sign in ((caused, NORTH, 1), (cured, SOUTH, -1)):
        mine = share(finding, name)
        assert mine.changes == pytest.approx([sign * 100 / 300] * 4, abs=2e-3)
        assert mine.responsible == mine.decisive == finding.quarters
        assert sum(each.changes[0] or 0.0 for each in finding.shares) == pytest.approx(sign / 3, abs=2e-3)
    assert share(caused, SOUTH).changes == pytest.approx([0.0] * 4, abs=1e-3)
    assert share(caused, SOUTH).responsible == ()
    assert found.responsible() == {NORTH: {Verdict.CAUSED: 4}, SOUTH: {Verdict.CURED: 4}}
    document = found.as_document()
    assert document["responsible"] == {NORTH: {"caused": 4}, SOUTH: {"cured": 4}}
    (row,) = [row for row in document["findings"] if row["verdict"] == "caused"]
    assert [each["perimeter"] for each in row["shares"]] == [NORTH, SOUTH]
    assert row["shares"][0]["decisive"] == [52, 53, 54, 55] and row["shares"][1]["responsible"] == []


@pytest.mark.parametrize(
    ("sun_kw", "north_kw", "south_kw", "verdict", "responsible", "decisive"),
    [
        (240.0, 15.0, 12.0, Verdict.CAUSED, {NORTH, SOUTH}, {NORTH, SOUTH}),
        (200.0, 150.0, 30.0, Verdict.CAUSED, {NORTH, SOUTH}, {NORTH}),
        (230.0, 50.0, 50.0, Verdict.CAUSED, {NORTH, SOUTH}, set()),
        (240.0, 150.0, -60.0, Verdict.CAUSED, {NORTH}, {NORTH}),
        (280.0, 100.0, -50.0, Verdict.WORSENED, {NORTH}, set()),
        (260.0, 30.0, -80.0, Verdict.CURED, {SOUTH}, {SOUTH}),
        (270.0, -90.0, -60.0, Verdict.CURED, {NORTH, SOUTH}, set()),
        (290.0, -45.0, -50.0, Verdict.CURED, {NORTH, SOUTH}, {NORTH, SOUTH}),
        (290.0, -20.0, -5.0, Verdict.EASED, {NORTH, SOUTH}, set()),
        (290.0, -20.0, -1.0, Verdict.EASED, {NORTH}, set()),
    ],
)
def test_who_is_responsible_on_a_common_line(
    sun_kw: float,
    north_kw: float,
    south_kw: float,
    verdict: Verdict,
    responsible: set[str],
    decisive: set[str],
) -> None:
    """A line for 500 kW that both are behind: who moved against the verdict is not responsible for it, who
    moved a tenth of the other is; decisive is who could have turned it alone.
    """
    state = two_feeders(sun_kw, sun_kw, trunk_kw=500.0, own_kw=9_000.0)
    finding = of_hour(run(state, moved(north_kw, south_kw)), verdict)
    assert {each.perimeter for each in finding.responsible} == responsible
    assert {each.perimeter for each in finding.shares if each.decisive} == decisive
    for name, kw in ((NORTH, north_kw), (SOUTH, south_kw)):
        assert share(finding, name).changes == pytest.approx([kw / 500.0] * 4, abs=2e-3)


def test_what_cancels_out_is_untouched_and_still_told() -> None:
    found = run(two_feeders(290.0, 290.0, 500.0, 9_000.0), moved(50.0, -50.0))
    untouched = of_hour(found, Verdict.UNTOUCHED)
    assert untouched.responsible == []
    assert share(untouched, NORTH).changes == pytest.approx([0.1] * 4, abs=2e-3)
    assert share(untouched, SOUTH).changes == pytest.approx([-0.1] * 4, abs=2e-3)


def test_each_quarter_hour_has_its_own() -> None:
    """North serves in the first two quarter-hours, south in the others; the limit is the same."""
    observed = moved(120.0, 150.0)
    for row, idle in ((0, slice(54, 56)), (1, slice(52, 54))):
        observed.metered_w[row, idle], observed.served[row, idle] = 0.0, False
    found = run(two_feeders(200.0, 200.0, 500.0, 9_000.0), observed)
    finding = of_hour(found, Verdict.CAUSED)
    assert finding.quarters == (52, 53, 54, 55)
    assert share(finding, NORTH).responsible == (52, 53)
    assert share(finding, NORTH).changes == pytest.approx([0.24, 0.24, 0.0, 0.0], abs=2e-3)
    assert share(finding, SOUTH).responsible == share(finding, SOUTH).decisive == (54, 55)
    assert share(finding, SOUTH).most == pytest.approx(0.3, abs=2e-3)


def test_a_lower_voltage_is_a_change_downward() -> None:
    """Both draw 4 MW over a long line: 18.9 kV of 20 are left, which the band of 0.95 does not allow."""
    lines = [Line("PS", "M", 90_000.0, 3.0), Line("M", "A", 90_000.0), Line("M", "B", 90_000.0)]
    network = grid(lines, {}, {"s_a": "A", "s_b": "B"}, (0.95, 1.05))
    pods = (pod("s_a", "A", "storage", 9_000), pod("s_b", "B", "storage", 9_000))
    state = expected_state(network, pods, {NORTH: ["s_a"], SOUTH: ["s_b"]}, flat_day(network, {}))
    found = run(state, moved(-4_000.0, -4_000.0))
    (finding,) = [each for each in found.findings if each.limit.startswith("node M below")]
    assert finding.with_value is not None and finding.without_value is not None
    assert {each.perimeter for each in finding.responsible} == {NORTH, SOUTH}
    parts = [share(finding, name).changes[0] for name in (NORTH, SOUTH)]
    assert parts[0] == pytest.approx(parts[1]) and parts[0] is not None and parts[0] < -0.02
    assert 2 * parts[0] == pytest.approx(finding.with_value - finding.without_value, abs=1e-9)


def test_who_served_without_a_reading_is_named_as_unknown() -> None:
    observed = moved(100.0, 100.0)
    observed.metered_w[1, Q] = np.nan
    finding = of_hour(run(two_feeders(250.0, 250.0), observed), Verdict.CAUSED)
    assert finding.uncertain and share(finding, SOUTH).uncertain and not share(finding, NORTH).uncertain
    assert share(finding, SOUTH).changes == (0.0,) * 4
    assert [each.perimeter for each in finding.responsible] == [NORTH]


def test_a_share_whose_power_flow_fails_is_unknown() -> None:
    """Together they balance; either alone is far more than the line can carry."""
    network = grid(
        [Line("PS", "M", 300.0, ohm=60.0), Line("M", "A", 90_000.0), Line("M", "B", 90_000.0)],
        loads={},
        generators={"sun": "M", "s_a": "A", "s_b": "B"},
    )
    pods = (pod("s_a", "A", "storage", 90_000), pod("s_b", "B", "storage", 90_000))
    state = expected_state(network, pods, {NORTH: ["s_a"], SOUTH: ["s_b"]}, flat_day(network, {"sun": 100.0}))
    found = run(state, moved(-80_000.0, 80_250.0))
    (finding,) = [each for each in found.findings if each.limit.startswith("line PS-M")]
    assert finding.verdict is Verdict.CAUSED
    for name in (NORTH, SOUTH):
        assert share(finding, name).changes == (None,) * 4 and share(finding, name).most is None
        assert share(finding, name).responsible == share(finding, name).decisive == ()


@given(
    kw=st.lists(st.floats(-60.0, 60.0), min_size=4, max_size=4),
    expected=st.lists(st.floats(-200.0, 500.0), min_size=4, max_size=4),
)
def test_shares_of_small_activations_sum_to_the_whole(kw: list[float], expected: list[float]) -> None:
    """Four perimeters one behind the other on a long feeder whose lowest and highest voltage count always.

    The mean of the first in and the last out leaves no part of second order over.
    """
    names = ["A", "B", "C", "D"]
    lines = [Line(a, b, 9_000.0, 4.0) for a, b in zip(["PS", *names], names, strict=False)]
    network = grid(lines, {}, {f"s_{name}": name for name in names}, (1.0001, 1.0002))
    pods = tuple(pod(f"s_{name}", name, "storage", 1_000) for name in names)
    groups = {name: [f"s_{name}"] for name in names}
    power = {f"s_{name}": value for name, value in zip(names, expected, strict=True)}
    state = expected_state(network, pods, groups, flat_day(network, power, quarters=4))
    baseline = np.repeat(1000.0 * np.array(expected)[:, None], 4, axis=1)
    metered = baseline + 1000.0 * np.array(kw)[:, None]
    served = np.ones((4, 4), dtype=np.bool_)
    found = run(state, Observed(metered, np.zeros((4, 4)), baseline, served))
    assert found.findings
    for finding in found.findings:
        assert finding.with_value is not None and finding.without_value is not None
        whole = finding.with_value - finding.without_value
        parts = [each.changes[0] for each in finding.shares]
        assert sum(part for part in parts if part is not None) == pytest.approx(whole, abs=2e-7)


def test_reactive_power_is_the_meters() -> None:
    """300 kW of sun are at the limit of the line; 200 kvar that the meter saw are beyond it."""
    observed = watch(0.0)
    state = house(290.0)
    assert run(state, observed).findings == ()
    for kvar in (200.0, -200.0):
        observed.metered_var[1, Q] = 1000.0 * kvar
        (finding,) = run(state, observed).findings
        assert (finding.verdict, finding.hour) == (Verdict.UNTOUCHED, HOUR)
        assert finding.with_value == pytest.approx(np.hypot(290.0, 200.0) / 300.0, abs=2e-3)
    observed.metered_w[1, Q] = np.nan
    observed.metered_var[1, Q] = np.nan
    assert run(state, observed).findings == ()


def test_the_sign_of_reactive_power_is_that_of_injection() -> None:
    """2 Mvar injected at the end of a long line raise its voltage, drawn lower it."""
    network = grid([Line("PS", "A", 90_000.0, 10.0)], {"town": "A"}, {"s1": "A"}, (0.97, 1.03))
    for element, technology in (("s1", "storage"), ("town", "load")):
        pods = (pod(element, "A", technology, 500),)
        state = expected_state(network, pods, {"P": [element]}, flat_day(network, {}))
        for mvar, words in ((2.0, "node A above"), (-2.0, "node A below")):
            flat = np.zeros((1, 96))
            observed = Observed(flat, flat + 1e6 * mvar, flat, np.zeros((1, 96), dtype=np.bool_))
            assert all(words in finding.limit for finding in run(state, observed).findings)
            assert run(state, observed).findings


def test_shares_do_not_depend_on_how_many_are_solved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All PODs of the fixture move at random, on lines of a tenth of their rating."""
    base = simbench()
    state, limits = base.state, Limits(base.network, LimitSettings(loading=0.1))
    expected, reactive = (
        net_injection(state.network, state.pods, values).astype(np.float64)
        for values in (state.p_w, state.q_var)
    )
    moves = np.random.default_rng(5).uniform(-50e3, 50e3, expected.shape)
    served = np.ones(expected.shape, dtype=np.bool_)
    observed = Observed(expected + moves, reactive, expected, served)
    whole = expost(state, base.flow, limits, observed)
    monkeypatch.setattr(expost_shares, "_CHUNK", 100)
    parts = expost(state, base.flow, limits, observed)
    assert len(whole.findings) > 50 and whole.responsible() == parts.responsible()
    for one, other in zip(whole.findings, parts.findings, strict=True):
        for mine, theirs in zip(one.shares, other.shares, strict=True):
            assert mine.changes == pytest.approx(theirs.changes, abs=1e-9)
