"""A selection split over PODs: exact, in proportion, never beyond what is granted (SET-1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.services.issue_setpoints import W_PER_KW, split

PODS = [bytes([number]) * 32 for number in range(8)]
granted = st.dictionaries(st.sampled_from(PODS), st.integers(0, 131_071), max_size=8)


@pytest.mark.rule("SET-1")
@given(power_kw=st.integers(-131_071, 131_071), granted_kw=granted)
def test_the_sum_is_what_was_selected_as_far_as_the_pods_reach(
    power_kw: int, granted_kw: dict[bytes, int]
) -> None:
    shares = split(power_kw * W_PER_KW, granted_kw)
    reach_w = sum(granted_kw.values()) * W_PER_KW
    sign = -1 if power_kw < 0 else 1
    assert sum(shares.values()) == sign * min(abs(power_kw) * W_PER_KW, reach_w)
    for pod_id, watts in shares.items():
        assert 0 <= sign * watts <= granted_kw[pod_id] * W_PER_KW


@pytest.mark.rule("SET-1")
def test_shares_are_in_proportion_and_odd_watts_go_by_id() -> None:
    assert split(100, {PODS[0]: 1, PODS[1]: 3}) == {PODS[0]: 25, PODS[1]: 75}
    assert split(-10, {PODS[2]: 1, PODS[0]: 1, PODS[1]: 1}) == {PODS[0]: -4, PODS[1]: -3, PODS[2]: -3}
    assert split(10, {PODS[0]: 0}) == {} and split(10, {}) == {}
