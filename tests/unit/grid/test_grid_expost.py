"""Ex-post: what activations did to limits, judged against the same day without them (CIRED 2019)."""

from __future__ import annotations

import numpy as np
import pytest

from registry.grid.expost import ExPost, Observed, Verdict, expost
from registry.grid.faults import GridInvalid
from registry.grid.pods import net_injection_w
from registry.grid.powerflow import PowerFlow
from registry.grid.state import ExpectedState, expected_state
from registry.grid.violations import Limits
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
    return Observed(metered, baseline, served)


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
    expected = net_injection_w(state.network, state.pods, state.p_w).astype(np.float64)
    idle = np.zeros(expected.shape, dtype=np.bool_)
    untouched = expost(state, base.flow, base.limits(), Observed(expected, expected, idle))
    assert {finding.verdict for finding in untouched.findings} == {Verdict.UNTOUCHED}
    curtailed: Floats = expected.copy()
    served = idle.copy()
    for name in ("MV1.101 Line 37", "MV1.101 Line 75"):
        members = list(state.partition.members[state.partition.names.index(name)])
        served[members, 44:68] = True
        curtailed[members, 44:68] -= np.maximum(expected[members, 44:68], 0.0) / 2.0
    cured = expost(state, base.flow, base.limits(), Observed(curtailed, expected, served))
    assert {finding.verdict for finding in cured.findings} == {Verdict.CURED}
    assert cured.count(Verdict.CURED) == untouched.count(Verdict.UNTOUCHED) > 0


def test_readings_of_another_day_length_are_refused() -> None:
    observed = watch(0.0)
    with pytest.raises(GridInvalid, match="served"):
        run(house(1.0), Observed(observed.metered_w, observed.baseline_w, observed.served[:, :92]))
