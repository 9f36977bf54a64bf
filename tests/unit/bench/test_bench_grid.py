"""`flexledger bench grid` says what it measured, checks itself, and is held against something."""

from __future__ import annotations

import stat
import sys
import tracemalloc
from pathlib import Path

import pytest

from bench.grid import GridSizes, _solve_blocks, measure_days, measure_powerflow
from bench.grid_city import measure_session
from bench.grid_days import URBAN, CountingFlow, GridDay
from registry.grid.lights import day_lights
from registry.grid.violations import Limits

ROOT = Path(__file__).resolve().parents[3]
SMALL = GridSizes(points=60, peer_points=20)

STAND_IN = """#!{python}
import sys
sys.path.insert(0, {root!r})
import numpy as np
from bench.grid import _bus_names
from bench.grid_days import GridDay
from registry.grid.powerflow import PowerFlow
points, day = np.load(sys.argv[4]), GridDay.load("1-MV-semiurb--1-sw")
assert sys.argv[1:3] == ["-m", "bench.pandapower_peer"]
found = PowerFlow(day.network, threads=1).solve(points["p_w"], points["q_var"]).u_pu + {off}
buses = [day.network.node_index[name] for name in _bus_names(day.code)]
np.savez(sys.argv[5], u_pu=found[:, buses], plain_s=2.0, recycled_s=1.0, numba=0)
"""


def stand_in(folder: Path, off: float) -> Path:
    """A program in pandapower's place that answers with the engine's voltages, off by ``off``."""
    program = folder / "python"
    program.write_text(STAND_IN.format(python=sys.executable, root=str(ROOT), off=off))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program


@pytest.mark.rule("GRD-1")
def test_power_flows_against_the_peer_on_the_same_points(tmp_path: Path) -> None:
    result = measure_powerflow(SMALL, stand_in(tmp_path, 1e-7))
    assert (result.name, result.reference_value) == ("grid.powerflow", 10.0)
    assert result.sizes["peer_recycled"] == 20.0
    assert result.sizes["voltage_difference_pu"] == pytest.approx(1e-7, rel=1e-3)
    assert result.value > 0


@pytest.mark.rule("GRD-1")
def test_other_voltages_are_no_result(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"voltages: found a difference of .*, expected 1e-06 at most"):
        measure_powerflow(SMALL, stand_in(tmp_path, 2e-6))


def test_a_peer_without_pandapower_says_so(tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho ModuleNotFoundError: pandapower >&2\nexit 1\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(RuntimeError, match="ended with status 1: ModuleNotFoundError: pandapower"):
        measure_powerflow(SMALL, broken)


def test_a_day_of_every_grid_is_timed_and_its_power_flows_counted() -> None:
    green, full = measure_days(lambda _: None, ("1-MV-rural--1-sw", "1-MV-comm--1-sw"), rounds=1)
    assert (green.name, green.reference_value) == ("grid.green_day", 0.5)
    assert (full.name, full.reference_value) == ("grid.full_day", 10.0)
    for result in (green, full):
        times = [result.sizes[f"{kind}_s"] for kind in ("rural", "comm")]
        assert result.value == pytest.approx(max(times), abs=1e-3)
        assert result.sizes["power_flows"] > 24 * result.sizes["perimeters"]


def test_a_city_is_whole_grids_with_days_of_their_own() -> None:
    result = measure_session(1, lambda _: None)
    assert (result.name, result.sizes["grids_replicated"], result.sizes["feeders"]) == (
        "grid.city_session",
        1,
        11,
    )
    cells = sum(result.sizes[f"cells_{colour}"] for colour in ("green", "yellow", "red"))
    assert cells == 12 * 24 * 2
    assert 0 < result.sizes["peak_mb_per_process_halfway"] <= result.sizes["peak_mb_per_process"]
    first, second = (GridDay.load(URBAN[0]).copy(number) for number in (1, 2))
    assert (first.forecast.p_w != second.forecast.p_w).any()


def test_counting_changes_no_light() -> None:
    day = GridDay.load("1-MV-rural--1-sw")
    flow, limits = CountingFlow(day.network, threads=1), Limits(day.network)
    lights = day_lights(day.state(), flow, limits)
    assert flow.count > 96
    assert len(lights) == len(day.perimeters)


@pytest.mark.rule("GRD-1")
def test_memory_does_not_grow_with_the_points() -> None:
    """Blocks are made, solved and dropped: eight of them have the peak of two."""

    def peak(blocks: int) -> int:
        tracemalloc.start()
        _solve_blocks("1-MV-semiurb--1-sw", blocks * 256, 256)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)  # everything is loaded then
    assert peak(8) < 1.1 * peak(2)
