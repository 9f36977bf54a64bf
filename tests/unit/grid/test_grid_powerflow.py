"""Batches: failures masked, never within limits; merging changes nothing (GRD-1)."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.grid.grid_house import simbench


@pytest.mark.rule("GRD-1")
def test_a_scenario_that_does_not_converge_is_masked_and_spares_the_others() -> None:
    house = simbench()
    p_w, q_var = house.forecast.p_w.T[40:45].copy(), house.forecast.q_var.T[40:45]
    alone = house.flow.solve(p_w[[0, 1, 3, 4]], q_var[[0, 1, 3, 4]])
    p_w[2] *= -500.0
    merged = house.flow.solve(p_w, q_var)
    assert merged.converged.tolist() == [True, True, False, True, True]
    assert np.isnan(merged.u_pu[2]).all() and np.isnan(merged.loading[2]).all()
    np.testing.assert_allclose(merged.u_pu[[0, 1, 3, 4]], alone.u_pu, rtol=0, atol=1e-12)
    assert house.limits().within(merged).tolist() == [True, True, False, True, True]


@pytest.mark.rule("GRD-1")
def test_a_failure_does_not_show_the_result_before_it() -> None:
    """The library leaves old memory in failed rows: the result of the call before would pass for it."""
    house = simbench()
    p_w, q_var = house.forecast.p_w.T[40:41], house.forecast.q_var.T[40:41]
    for _ in range(5):
        assert house.flow.solve(p_w, q_var).converged.all()
        failed = house.flow.solve(p_w * 500.0, q_var)
        assert not failed.converged.any()
        assert np.isnan(failed.u_pu).all()
        assert not house.flow.solve_phasors(p_w * 500.0, q_var).converged.any()


@pytest.mark.rule("GRD-1")
def test_phasors_have_the_magnitude_of_the_loading() -> None:
    house = simbench()
    p_w, q_var = house.forecast.p_w.T[::12], house.forecast.q_var.T[::12]
    plain, phasors = house.flow.solve(p_w, q_var), house.flow.solve_phasors(p_w, q_var)
    np.testing.assert_allclose(np.abs(phasors.loading), plain.loading, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(phasors.u_pu, plain.u_pu, rtol=1e-14)


@pytest.mark.rule("GRD-1")
def test_no_scenarios_is_an_empty_answer() -> None:
    house = simbench()
    elements = len(house.network.element_names)
    solution = house.flow.solve(np.zeros((0, elements)), np.zeros((0, elements)))
    assert solution.u_pu.shape == (0, len(house.network.node_names))
