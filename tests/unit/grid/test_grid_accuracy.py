"""Six grids against pandapower's stored answers: voltages and loadings, by both readers (GRD-1)."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import numpy as np
import pytest

from registry.grid.forecast import load_forecast
from registry.grid.network import Network, load_network
from registry.grid.pods import load_pods, placement_faults
from registry.grid.powerflow import PowerFlow
from tests.unit.grid.grid_answers import Powers, file_powers, loadings, transformer_loadings, voltages
from tests.unit.grid.grid_house import FIXTURE, FIXTURE_DAY

DATA = FIXTURE.parent
GRIDS = (
    "simbench_rural", "simbench_semiurb", "simbench_urban", "simbench_comm", "cigre_mv", "mv_oberrhein",
)  # fmt: skip
VOLTAGE_PU = 1e-6
LOADING = 1e-3
"""The accuracies asked for: p.u., and part of the loading."""


@cache
def network(grid: str) -> Network:
    return load_network(DATA / grid / "net.json.gz")


@cache
def samples(grid: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((DATA / grid / "oracle.json").read_text())["samples"]
    return found


def powers(grid: str, sample: dict[str, Any]) -> Powers:
    """The operating point: a quarter-hour of the day's profiles, or factors on the powers of the file."""
    net = network(grid)
    if "quarter" in sample:
        day = load_forecast(DATA / grid / "profiles.csv.gz", net, day=FIXTURE_DAY, quarters=96)
        return day.p_w[:, sample["quarter"]], day.q_var[:, sample["quarter"]]
    factors = np.where(net.element_sign < 0, sample["load"], sample["generation"])
    p_w, q_var = file_powers(net)
    return p_w * factors, q_var * factors


POINTS = [(grid, number) for grid in GRIDS for number in range(5)]


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize(("grid", "number"), POINTS)
def test_voltages_and_loadings_are_pandapowers(grid: str, number: int) -> None:
    net, sample = network(grid), samples(grid)[number]
    at = powers(grid, sample)
    found = voltages(net, at)
    for bus, expected in sample["u_pu"].items():
        assert found[net.node_index[bus]] == pytest.approx(expected, rel=0, abs=VOLTAGE_PU), bus
    of_all = loadings(net, at) | transformer_loadings(net, at, rated(grid))
    for name, expected in (sample["loading"] | sample["transformer_loading"]).items():
        assert of_all[name] == pytest.approx(expected, rel=LOADING, abs=1e-8), name


def rated(grid: str) -> tuple[Any, Any]:
    rows = network(grid).input["transformer"]
    return rows["u1"], rows["u2"]


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("grid", GRIDS)
def test_batches_give_what_single_power_flows_give(grid: str) -> None:
    """What the platform computes with: all points in one call, loading of lines by the engine's own word."""
    net = network(grid)
    points = [powers(grid, sample) for sample in samples(grid)]
    solution = PowerFlow(net, threads=1).solve(
        np.stack([p for p, _ in points]), np.stack([q for _, q in points])
    )
    assert solution.converged.all()
    for row, sample in enumerate(samples(grid)):
        found = np.array([solution.u_pu[row, net.node_index[bus]] for bus in sample["u_pu"]])
        np.testing.assert_allclose(found, list(sample["u_pu"].values()), rtol=0, atol=VOLTAGE_PU)
        lines = [net.branch_names.index(name) for name in sample["loading"]]
        expected = list(sample["loading"].values())
        np.testing.assert_allclose(solution.loading[row, lines], expected, rtol=LOADING, atol=1e-6)


@pytest.mark.rule("GRD-1")
def test_the_points_are_worth_comparing() -> None:
    """Points that differ, on grids whose voltages vary and whose lines carry something."""
    for grid in GRIDS:
        assert len(samples(grid)) == 5
        u_pu = np.array([list(sample["u_pu"].values()) for sample in samples(grid)])
        assert (u_pu.max(axis=1) - u_pu.min(axis=1)).min() > 0.002, grid
        assert min(max(sample["loading"].values()) for sample in samples(grid)) > 0.05, grid
        assert len(np.unique(u_pu.round(7), axis=0)) == 5, grid


@pytest.mark.rule("GRD-1")
def test_both_readers_give_the_same_rural_grid() -> None:
    """``grid.json`` and ``net.json.gz`` are the same grid in the two formats."""
    document = load_network(FIXTURE / "grid.json")
    net = network("simbench_rural")
    assert document.node_names == net.node_names
    assert document.branch_names == net.branch_names
    assert document.element_names == net.element_names
    for sample in samples("simbench_rural"):
        at = powers("simbench_rural", sample)
        np.testing.assert_allclose(voltages(document, at), voltages(net, at), rtol=0, atol=1e-12)


@pytest.mark.rule("GRD-1", "POD-2")
@pytest.mark.parametrize("grid", GRIDS)
def test_every_element_is_behind_one_pod(grid: str) -> None:
    pods = load_pods(DATA / grid / "pods.json")
    assert placement_faults(network(grid), pods) == []
    behind = [element.name for pod in pods for element in pod.elements]
    assert sorted(behind) == sorted(network(grid).element_names)


@pytest.mark.parametrize("grid", GRIDS)
def test_small_and_attributed(grid: str) -> None:
    assert sum(path.stat().st_size for path in (DATA / grid).iterdir()) < 200_000
    licence = (DATA / grid / "LICENCE.md").read_text()
    needed = (
        ("Open Database Licence", "SimBench")
        if grid.startswith("simbench")
        else ("BSD 3-Clause", "pandapower")
    )
    assert all(word in licence for word in needed)
    assert "requirements-fixtures.lock" in (DATA / grid / "README.md").read_text()
