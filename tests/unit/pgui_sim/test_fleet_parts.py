"""What a large fleet is built from: reactive energy, real profiles, processes, work under way, figures."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pgui_sim.bench import bench
from pgui_sim.city import derived_pod_id, pod_like
from pgui_sim.crew import Crew, WorkerLost
from pgui_sim.fleet import Orders, run_fleet
from pgui_sim.fleet_file import FleetFileInvalid, read_fleet_file
from pgui_sim.meter import Meter, Profile, Registers
from pgui_sim.orders import Progress, Summary
from pgui_sim.profiles import DATA, ProfilesUnusable, peak_w, read_profiles
from pgui_sim.statement import PERIOD_S
from pgui_sim.window import in_order
from tests.unit.pgui_sim.access_node_stub import AccessNodeStub
from tests.unit.pgui_sim.fleets import START, fleet_content, new_fleet, pod


@given(
    q_var=st.lists(st.integers(-90_000, 90_000), min_size=1, max_size=20),
    scale=st.integers(0, 2_000_000),
    change=st.integers(-5_000_000, 5_000_000),
)
@pytest.mark.rule("MEA-1", "PGU-1")
def test_reactive_energy_is_that_of_the_profile(q_var: list[int], scale: int, change: int) -> None:
    """Import where the profile draws, export where it gives; nothing is lost between quarter-hours."""
    nothing = (0,) * len(q_var)
    meter = Meter(Profile(START, nothing, nothing, tuple(q_var)), scale_ppm=scale)
    registers, drawn, given_ = Registers(), 0, 0
    for slot in range(len(q_var)):
        *_, import_varh, export_varh, registers = meter.read(START + slot * PERIOD_S, change, registers)
        assert import_varh >= 0 and export_varh >= 0
        drawn, given_ = drawn + import_varh, given_ + export_varh
    for shown, rest, sign in (
        (drawn, registers.reactive_import_vars, 1),
        (given_, registers.reactive_export_vars, -1),
    ):
        exact = sum(Fraction(max(sign * var, 0) * scale * PERIOD_S, 1_000_000) for var in q_var)
        assert abs(shown * 3600 + rest - exact) <= PERIOD_S * len(q_var)


@pytest.mark.rule("MEA-1", "PGU-1")
def test_readings_carry_reactive_energy_from_a_fleet_file(tmp_path: Path) -> None:
    profile = {"import_w": [4000] * 3, "export_w": [0] * 3, "q_var": [800, -402, 0]}
    state = new_fleet(tmp_path, pod(0, profile=profile))
    with AccessNodeStub() as node:
        run_fleet(state, Orders(node.url, START + 3 * PERIOD_S), 1, lambda what, more: None)
        found = [(payload[8], payload[9]) for payload in node.payloads()]
    assert found == [(200, 0), (0, 100), (0, 0)]


@pytest.mark.parametrize("q_var", [[1], [0.5, 1], [2**31, 0]])
def test_a_wrong_q_var_is_told(tmp_path: Path, q_var: list[float]) -> None:
    profile = {"import_w": [1, 1], "export_w": [1, 1], "q_var": q_var}
    file = tmp_path / "pods.json"
    file.write_text(json.dumps(fleet_content([pod(0, profile=profile)])))
    with pytest.raises(FleetFileInvalid, match="q_var"):
        read_fleet_file(file)


@pytest.mark.rule("PGU-1")
def test_profiles_are_those_of_the_real_day() -> None:
    """Summed over all PODs, they are the fixture's rows, loads less everything else."""
    profiles = read_profiles()
    pods = json.loads((DATA / "pods.json").read_text())["pods"]
    loads = {e["name"] for each in pods for e in each["elements"] if e["technology"] == "load"}
    names = {e["name"] for each in pods for e in each["elements"]}
    with gzip.open(DATA / "profiles.csv.gz", "rt") as file:
        table = [row for row in csv.DictReader(file) if row["element"] in names]
    for quarter in (0, 49, 95):
        net = {"p_w": 0, "q_var": 0}
        for row in table:
            net[row["quantity"]] += int(row[f"q{quarter}"]) * (1 if row["element"] in loads else -1)
        powers = [profile.at(quarter * PERIOD_S) for profile in profiles]
        assert sum(each.import_w - each.export_w for each in powers) == net["p_w"]
        assert sum(each.q_var for each in powers) == net["q_var"] != 0
        assert powers == [profile.at((quarter + 960) * PERIOD_S) for profile in profiles]
    assert len({id(profile) for profile in profiles}) < 50


def test_a_folder_without_profiles_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfilesUnusable, match=r"profiles\.csv\.gz"):
        read_profiles(tmp_path)


@given(st.integers(0, 600_000))
@pytest.mark.rule("PGU-2")
def test_a_device_of_a_city_is_a_small_connection(index: int) -> None:
    profiles = read_profiles_once()
    profile = profiles[index % len(profiles)]
    made = pod_like(index, derived_pod_id(index), profile, peak_w(profile), False)
    meter = Meter(profile, 0, "", made.scale_ppm, made.shift_quarters)
    shown = [meter.read(START + slot * PERIOD_S, 0, Registers()) for slot in range(96)]
    peak_wh = max(max(each.import_wh, each.export_wh) for each in shown)
    assert 330 <= peak_wh <= 1500
    assert made == pod_like(index, derived_pod_id(index), profile, peak_w(profile), False)


_once: list[list[Profile]] = []


def read_profiles_once() -> list[Profile]:
    if not _once:
        _once.append(read_profiles())
    return _once[0]


@given(count=st.integers(0, 30), width=st.integers(1, 6))
def test_work_comes_back_in_order_and_no_more_than_the_width_is_taken_ahead(count: int, width: int) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(count):
            taken += 1
            yield number

    back = []
    with ThreadPoolExecutor(3) as pool:
        for number, future in in_order(pool, lambda value: value * value, items(), width):
            assert taken - len(back) <= width
            back.append((number, future.result()))
    assert back == [(number, number * number) for number in range(count)]


class Squares:
    """Work for a crew, which can be told to fail or to die."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    def __call__(self, task: int, progress: Progress) -> int:
        if task == 13:
            raise ValueError("13 is not squared")
        if task == 14:
            os._exit(3)
        progress("squared", 1)
        return task * task


@pytest.mark.rule("PGU-2")
def test_a_crew_works_at_once_and_passes_on_what_goes_wrong() -> None:
    told: list[tuple[str, int]] = []
    with Crew[int, int](Squares, 2) as crew:
        assert crew.do([3, 4], lambda what, more: told.append((what, more))) == [9, 16]
        assert crew.do([5], lambda what, more: None) == [25]
        with pytest.raises(ValueError, match="13 is not squared"):
            crew.do([1, 13], lambda what, more: None)
    assert told == [("squared", 1)] * 2
    with Crew[int, int](Squares, 2) as crew:
        with pytest.raises(WorkerLost, match="status 3"):
            crew.do([14, 2], lambda what, more: None)
        with pytest.raises(WorkerLost, match="run again"):
            crew.do([1], lambda what, more: None)


def test_a_summary_counts_every_refusal_but_keeps_only_the_first() -> None:
    summary = Summary()
    refused: dict[str, Any] = {"status": "refused", "rule": "MEA-2", "field": "kid"}
    for _ in range(1_200):
        summary.answered(7, None, refused)
        summary.problem("no way")
    summary.add(summary)
    assert (len(summary.refused), summary.refusals["MEA-2 kid"]) == (1_000, 2_400)
    assert len(summary.problems) == 1_000


@pytest.mark.rule("PGU-2")
def test_the_benchmark_measures_its_reference_in_the_same_run() -> None:
    figures = {figure["name"]: figure for figure in bench(1)}
    assert set(figures) == {"pgui.sign", "pgui.certify"}
    for figure in figures.values():
        assert figure["value"] > 0 and 0 < figure["ratio"] < 1.5
        assert figure["ratio"] == pytest.approx(figure["value"] / figure["reference_value"], abs=0.01)
        assert {"unit", "reference", "sizes", "seconds", "commit"} <= set(figure)
