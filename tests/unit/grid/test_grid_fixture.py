"""The committed SimBench fixture against pandapower's stored answers, and the conversion traps (GRD-1)."""

from __future__ import annotations

import csv
import gzip
import json
from datetime import date

import numpy as np
import pytest

from registry.grid.network import parse_network
from registry.grid.pods import net_injection, placement_faults
from registry.grid.powerflow import PowerFlow
from tests.unit.grid.grid_house import FIXTURE, FIXTURE_DAY, Floats, simbench

ORACLE = json.loads((FIXTURE / "oracle.json").read_text())
QUARTERS = np.array([sample["quarter"] for sample in ORACLE["samples"]])


def worst_voltage_error(u_pu: Floats) -> float:
    index = simbench().network.node_index
    return max(
        float(abs(u_pu[row, index[name]] - value))
        for row, sample in enumerate(ORACLE["samples"])
        for name, value in sample["u_pu"].items()
    )


@pytest.mark.rule("GRD-1")
def test_voltages_and_loadings_agree_with_pandapower() -> None:
    house = simbench()
    solution = house.flow.solve(house.forecast.p_w.T[QUARTERS], house.forecast.q_var.T[QUARTERS])
    assert worst_voltage_error(solution.u_pu) < 1e-6
    for row, sample in enumerate(ORACLE["samples"]):
        for name, loading in sample["loading"].items():
            assert solution.loading[row, house.network.branch_names.index(name)] == pytest.approx(
                loading, abs=1e-6
            )


@pytest.mark.rule("GRD-1")
def test_default_short_circuit_power_would_cost_far_more() -> None:
    house = simbench()
    document = json.loads((FIXTURE / "grid.json").read_text())
    document["data"]["source"][0]["sk"] = 1e10
    solution = PowerFlow(parse_network(json.dumps(document))).solve(
        house.forecast.p_w.T[QUARTERS], house.forecast.q_var.T[QUARTERS]
    )
    assert worst_voltage_error(solution.u_pu) > 1e-4


@pytest.mark.rule("GRD-1")
def test_storage_with_the_other_sign_would_be_seen() -> None:
    house = simbench()
    p_w = house.forecast.p_w.copy()
    storage = [
        house.network.element_index[e.name]
        for p in house.pods
        for e in p.elements
        if e.technology == "storage"
    ]
    assert len(storage) == 53
    p_w[storage] *= -1.0
    solution = house.flow.solve(p_w.T[QUARTERS], house.forecast.q_var.T[QUARTERS])
    assert worst_voltage_error(solution.u_pu) > 1e-4


def test_a_thursday_in_whole_watt_hours() -> None:
    assert FIXTURE_DAY.weekday() == date(2026, 6, 18).weekday() == 3
    with gzip.open(FIXTURE / "profiles.csv.gz", "rt") as file:
        rows = list(csv.reader(file))[1:]
    assert all(int(cell) % 4 == 0 for row in rows for cell in row[3:])


def test_pod_seeds() -> None:
    house = simbench()
    assert len(house.pods) >= 60
    assert placement_faults(house.network, house.pods) == []
    behind = [element.name for pod in house.pods for element in pod.elements]
    assert sorted(behind) == sorted(house.network.element_names)
    feeder = {key: name for name, keys in house.perimeters.items() for key in keys}
    seeds = json.loads((FIXTURE / "pods.json").read_text())["pods"]
    assert {seed["key"]: seed["feeder"] for seed in seeds} == feeder


def test_meters_see_what_the_grid_carries() -> None:
    house = simbench()
    seen = net_injection(house.network, house.pods, house.forecast.p_w)
    assert seen.shape == (108, 96)
    total = (house.forecast.p_w * house.network.element_sign[:, None]).sum(axis=0)
    assert seen.sum(axis=0).tolist() == total.tolist()


def test_small_and_attributed() -> None:
    assert sum(path.stat().st_size for path in FIXTURE.iterdir()) < 500_000
    licence = (FIXTURE / "LICENCE.md").read_text()
    for needed in ("Open Database Licence", "Database Contents Licence", "SimBench"):
        assert needed in licence
