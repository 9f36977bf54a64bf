"""Gas is a budget: what a fact may cost stands in `bench/gas_budget.py`; contracts that spend more fail
here.
"""

from __future__ import annotations

import pytest

from bench.gas import measure_gas
from bench.gas_budget import ALLOWED, BATCH, EXCEPTIONS, SLOTS, allowed
from bench.results import Result


@pytest.fixture(scope="module")
def measured() -> dict[str, Result]:
    return {result.name: result for result in measure_gas((1, BATCH))}


def test_every_kind_of_fact_is_within_its_budget(measured: dict[str, Result]) -> None:
    assert measured.keys() == SLOTS.keys()
    beyond = {name: result.ratio for name, result in measured.items() if result.ratio > allowed(name)}
    assert beyond == {}


def test_no_limit_counts_a_slot_that_is_not_written(measured: dict[str, Result]) -> None:
    """Nothing costs less than its slots, log and calldata; a limit set too high would hide what is spent."""
    assert {name for name, result in measured.items() if result.ratio < 1} == set()


def test_an_exception_is_one_and_says_why(measured: dict[str, Result]) -> None:
    for name, (most, reason) in EXCEPTIONS.items():
        assert measured[name].ratio > ALLOWED, f"{name} is within the budget: take the exception out"
        assert measured[name].ratio > most - 0.05, f"{name}: lower the exception"
        assert len(reason.split()) > 5


def test_each_size_is_told(measured: dict[str, Result]) -> None:
    sizes = measured["gas.pod"].sizes
    assert sizes["gas_1"] > sizes["gas_100"] > sizes["limit_100"]
    assert sizes["slots_fresh"] == 1
