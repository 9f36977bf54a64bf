"""Settlement arithmetic against hand-computed cases and properties (STT-1..3, STT-5)."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.errors import RuleViolation
from registry.domain.settlement import (
    Period,
    PodEnergy,
    SettlementMethod,
    Terms,
    require_single_service,
    settle,
    settle_period,
    total_cent,
)

POD_A, POD_B = bytes([1]) * 32, bytes([2]) * 32


def terms(method: SettlementMethod = SettlementMethod.METERED, tolerance_ppm: int = 100_000) -> Terms:
    """EDGE-like terms: 3.43 EUR/MWh availability, 200 EUR/MWh use, penalty 11/7."""
    return Terms(method, 3_430, 200_000, tolerance_ppm, 11, 7)


def period(requested_wh: int, *pods: PodEnergy, quarter: int = 0, available_kw: int = 0) -> Period:
    return Period(quarter, requested_wh, available_kw, pods)


@pytest.mark.rule("STT-1")
@pytest.mark.parametrize(
    ("requested", "metered", "delivered", "under"),
    [
        (1000, 700, 700, 300),
        (1000, 1400, 1000, 0),
        (1000, -50, 0, 1000),
        (-1000, -600, 600, 400),
        (-1000, 600, 0, 1000),
    ],
)
def test_delivery_is_signed_by_direction_and_held_within_the_request(
    requested: int, metered: int, delivered: int, under: int
) -> None:
    line = settle_period(terms(), period(requested, PodEnergy(POD_A, 0, metered)))
    assert (line.delivered_wh, line.under_delivered_wh) == (delivered, under)


@pytest.mark.rule("STT-1")
def test_requested_method_pays_the_request_without_a_meter() -> None:
    line = settle_period(
        terms(SettlementMethod.REQUESTED), period(1000, PodEnergy(POD_A, None, None, "offline"))
    )
    assert (line.delivered_wh, line.under_delivered_wh, line.unsettled) == (1000, 0, "")


@pytest.mark.rule("STT-2")
def test_amounts_of_a_worked_period() -> None:
    line = settle_period(terms(), period(1000, PodEnergy(POD_A, 500, 1200), available_kw=4))
    assert line.availability_neur == 4 * 250 * 3_430
    assert line.use_neur == 700 * 200_000
    assert line.penalty_neur == (300 - 100) * 200_000 * Fraction(11, 7)


@pytest.mark.rule("STT-2")
@pytest.mark.parametrize(("wh", "cents"), [(25, 0), (75, 2), (125, 2), (175, 4)])
def test_total_rounds_once_half_to_even(wh: int, cents: int) -> None:
    """200 EUR/MWh: 25 Wh are half a cent, 75 Wh one and a half."""
    result = settle(terms(), [period(wh, PodEnergy(POD_A, 0, wh))])
    assert result.use_neur == wh * 200_000
    assert total_cent([result]) == cents


@pytest.mark.rule("STT-2")
def test_rounding_is_of_the_total_and_not_of_lines() -> None:
    periods = [period(20, PodEnergy(POD_A, 0, 20), quarter=q) for q in range(96)]
    assert total_cent([settle(terms(), periods)]) == round(Fraction(96 * 20 * 200_000, 10_000_000)) == 38
    assert total_cent([settle(terms(), periods[:48]), settle(terms(), periods[48:])]) == 38


@pytest.mark.rule("STT-3")
@pytest.mark.parametrize(
    "pod", [PodEnergy(POD_B, None, 10), PodEnergy(POD_B, 10, None, "conflicting statements")]
)
def test_what_is_missing_is_unsettled_and_never_zero(pod: PodEnergy) -> None:
    result = settle(terms(), [period(1000, PodEnergy(POD_A, 0, 1000), pod, available_kw=10)])
    assert result.unsettled_periods == 1
    assert result.lines[0].delivered_wh is None
    assert POD_B.hex()[:16] in result.lines[0].unsettled
    assert total_cent([result]) == 0


@pytest.mark.rule("STT-1", "STT-3")
def test_a_request_nobody_served_is_under_delivered() -> None:
    """No reading is missing where nobody serves: declaring nothing is no way around the penalty (SES-3)."""
    line = settle_period(terms(), period(1000))
    assert (line.unsettled, line.delivered_wh, line.under_delivered_wh) == ("", 0, 1000)
    assert line.penalty_neur > 0


@pytest.mark.rule("STT-2")
@pytest.mark.parametrize("quarters", [(1, 1), (2, 1)])
def test_periods_come_once_and_in_order(quarters: tuple[int, int]) -> None:
    with pytest.raises(RuleViolation, match="STT-2: periods"):
        settle(terms(), [period(0, quarter=q) for q in quarters])


@pytest.mark.rule("STT-2")
@pytest.mark.parametrize(
    "fields",
    [
        (-1, 0, 0, 1, 1),
        (0, -1, 0, 1, 1),
        (0, 0, -1, 1, 1),
        (0, 0, 1_000_001, 1, 1),
        (0, 0, 0, -1, 1),
        (0, 0, 0, 1, 0),
    ],
)
def test_impossible_terms_are_refused(fields: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(RuleViolation, match="STT-2"):
        Terms(SettlementMethod.METERED, *fields)


@pytest.mark.rule("STT-5")
def test_a_pod_serves_one_operator_per_period() -> None:
    require_single_service({POD_A: [1, 2]}, {POD_A: [3], POD_B: [1]})
    with pytest.raises(RuleViolation, match=r"STT-5.*\[2\]"):
        require_single_service({POD_A: [1, 2]}, {POD_A: [2, 3]})


energies = st.integers(-10_000_000, 10_000_000)


@pytest.mark.rule("STT-1")
@given(requested=energies, pods=st.lists(st.tuples(energies, energies), min_size=1, max_size=5))
def test_delivered_and_under_delivered_add_up_to_the_request(
    requested: int, pods: list[tuple[int, int]]
) -> None:
    line = settle_period(terms(), period(requested, *(PodEnergy(POD_A, b, m) for b, m in pods)))
    assert line.delivered_wh is not None and line.under_delivered_wh is not None
    assert line.delivered_wh >= 0 and line.under_delivered_wh >= 0
    assert line.delivered_wh + line.under_delivered_wh == abs(requested)


@pytest.mark.rule("STT-2")
@given(
    requested=st.integers(1, 10_000_000),
    short=st.integers(0, 10_000_000),
    tolerance=st.integers(0, 1_000_000),
)
def test_within_tolerance_nothing_is_due_and_beyond_it_the_penalty_grows(
    requested: int, short: int, tolerance: int
) -> None:
    delivered = max(requested - short, 0)
    line = settle_period(terms(tolerance_ppm=tolerance), period(requested, PodEnergy(POD_A, 0, delivered)))
    within = (requested - delivered) * 1_000_000 <= requested * tolerance
    assert (line.penalty_neur == 0) == within
