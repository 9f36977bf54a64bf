"""Forecast files: every bad cell named by row and column (GRD-1, TIM-1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from registry.grid.faults import GridInvalid
from registry.grid.forecast import Forecast, load_forecast
from registry.grid.network import Network, parse_network
from registry.grid.pods import GridPod, PodElement
from tests.unit.grid.grid_house import DAY, Line, document


def network() -> Network:
    grid = document([Line("PS", "A", 1000.0)], {"load": "A"}, {"pv": "A"})
    for row in (*grid["data"]["sym_load"], *grid["data"]["sym_gen"]):
        row["rated_w"] = 1000
    return parse_network(json.dumps(grid))


def write(folder: Path, rows: list[list[str]], quarters: int = 96) -> Path:
    path = folder / "forecast.csv"
    header = ["day", "element", "quantity", *(f"q{i}" for i in range(quarters))]
    path.write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    return path


def row(element: str, quantity: str = "p_w", value: str = "500", quarters: int = 96) -> list[str]:
    return [DAY.isoformat(), element, quantity, *[value] * quarters]


@pytest.mark.rule("TIM-1")
@pytest.mark.parametrize(("quarters", "hours"), [(92, 23), (96, 24), (100, 25)])
def test_reads_days_of_every_length(tmp_path: Path, quarters: int, hours: int) -> None:
    rows = [
        row("load", quarters=quarters),
        row("pv", quarters=quarters),
        row("load", "q_var", "-7", quarters),
    ]
    forecast = load_forecast(write(tmp_path, rows, quarters), network(), day=DAY, quarters=quarters)
    assert (forecast.quarters, forecast.hours) == (quarters, hours)
    assert forecast.p_w[:, 0].tolist() == [500.0, 500.0]
    assert forecast.q_var[:, -1].tolist() == [-7.0, 0.0]


@pytest.mark.rule("TIM-1")
def test_a_day_of_94_quarters_is_none(tmp_path: Path) -> None:
    with pytest.raises(GridInvalid, match="92, 96 or 100"):
        load_forecast(write(tmp_path, [], 94), network(), day=DAY, quarters=94)


@pytest.mark.rule("GRD-1")
def test_every_bad_cell_is_named(tmp_path: Path) -> None:
    load = row("load")
    load[3 + 17], load[3 + 18], load[3 + 19] = "", "nan", "1501"
    rows = [
        load,
        row("ghost"),
        row("load"),
        row("pv", "p_mw"),
        ["2026-06-19", *row("load", "q_var")[1:]],
        row("pv")[:-1],
    ]
    with pytest.raises(GridInvalid) as caught:
        load_forecast(write(tmp_path, rows), network(), day=DAY, quarters=96)
    found = {(fault.where, fault.code) for fault in caught.value.faults}
    assert found == {
        ("row 2, column q17", "not_a_number"),
        ("row 2, column q18", "not_a_number"),
        ("row 2, column q19", "absurd_value"),
        ("row 3, element", "unknown_element"),
        ("row 4, element", "repeated_row"),
        ("row 5, quantity", "unknown_quantity"),
        ("row 6, day", "wrong_day"),
        ("row 7", "bad_length"),
        ("element pv", "no_forecast"),
    }


@pytest.mark.rule("GRD-1")
def test_another_header_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GridInvalid, match=r"q0\.\.q91"):
        load_forecast(write(tmp_path, [], 96), network(), day=DAY, quarters=92)


def rated_network() -> Network:
    """Two loads, a generator and a storage at A, a generator without a rating at PS."""
    grid = document(
        [Line("PS", "A", 1000.0)],
        {"small": "A", "large": "A"},
        {"pv": "A", "battery": "A", "free": "PS"},
    )
    rated = {"small": 1000, "large": 3000, "pv": 2000, "battery": 500}
    for element in (*grid["data"]["sym_load"], *grid["data"]["sym_gen"]):
        if element["name"] in rated:
            element["rated_w"] = rated[element["name"]]
    return parse_network(json.dumps(grid))


PODS = (
    GridPod(
        "house",
        "A",
        (
            PodElement("small", "load", 1000),
            PodElement("pv", "pv", 2000),
            PodElement("battery", "storage", 500),
        ),
        0,
        0,
    ),
    GridPod("works", "A", (PodElement("large", "load", 3000),), 0, 0),
    GridPod("plant", "PS", (PodElement("free", "hydro", 9000),), 0, 0),
)


def subject_rows(subject: str, *rows: tuple[str, str, str]) -> str:
    header = ["day", subject, "quantity", *(f"q{i}" for i in range(96))]
    lines = [[DAY.isoformat(), name, quantity, *[value] * 96] for name, quantity, value in rows]
    return "\n".join(",".join(row) for row in [header, *lines]) + "\n"


def load_text(folder: Path, text: str, pods: tuple[GridPod, ...] = PODS) -> Forecast:
    path = folder / "forecast.csv"
    path.write_text(text)
    return load_forecast(path, rated_network(), day=DAY, quarters=96, pods=pods)


NODE_ROWS = (
    ("A", "load_w", "2000"),
    ("A", "load_var", "-400"),
    ("A", "generation_w", "900"),
    ("PS", "generation_w", "70"),
)


@pytest.mark.rule("GRD-1")
def test_a_forecast_per_node_is_shared_by_rating(tmp_path: Path) -> None:
    forecast = load_text(tmp_path, subject_rows("node", *NODE_ROWS))
    assert forecast.p_w[:, 7].tolist() == [500.0, 1500.0, 900.0, 0.0, 70.0]
    assert forecast.q_var[:, 7].tolist() == [-100.0, -300.0, 0.0, 0.0, 0.0]


@pytest.mark.rule("GRD-1")
def test_without_pods_a_storage_is_a_generator_like_another(tmp_path: Path) -> None:
    forecast = load_text(tmp_path, subject_rows("node", *NODE_ROWS), pods=())
    assert forecast.p_w[:, 0].tolist() == [500.0, 1500.0, 720.0, 180.0, 70.0]


@pytest.mark.rule("GRD-1")
def test_a_forecast_per_pod(tmp_path: Path) -> None:
    rows = [
        ("house", "load_w", "600"),
        ("house", "generation_w", "1500"),
        ("works", "load_w", "2500"),
        ("works", "load_var", "100"),
        ("plant", "generation_w", "8000"),
    ]
    forecast = load_text(tmp_path, subject_rows("pod", *rows))
    assert forecast.p_w[:, 95].tolist() == [600.0, 2500.0, 1500.0, 0.0, 8000.0]
    assert forecast.q_var[:, 95].tolist() == [0.0, 100.0, 0.0, 0.0, 0.0]


@pytest.mark.rule("GRD-1")
def test_every_fault_of_a_forecast_per_pod(tmp_path: Path) -> None:
    rows = [
        ("house", "load_w", "1501"),
        ("works", "load_w", "2500"),
        ("works", "generation_w", "1"),
        ("ghost", "load_w", "1"),
        ("plant", "generation_w", "1e9"),
        ("plant", "generation_w", "1"),
        ("plant", "p_w", "1"),
    ]
    with pytest.raises(GridInvalid) as caught:
        load_text(tmp_path, subject_rows("pod", *rows))
    found = {(fault.where.split(",")[0], fault.code) for fault in caught.value.faults}
    assert found == {
        ("row 2", "absurd_value"),
        ("row 4", "nothing_there"),
        ("row 5", "unknown_pod"),
        ("row 7", "repeated_row"),
        ("row 8", "unknown_quantity"),
        ("pod house", "no_forecast"),
    }


@pytest.mark.rule("GRD-1")
def test_an_element_behind_no_pod_has_no_forecast(tmp_path: Path) -> None:
    rows = [("house", "load_w", "1"), ("house", "generation_w", "1"), ("works", "load_w", "1")]
    with pytest.raises(GridInvalid, match="element free: found behind no POD"):
        load_text(tmp_path, subject_rows("pod", *rows), pods=PODS[:2])


@pytest.mark.rule("GRD-1")
def test_parquet_reads_as_csv(tmp_path: Path) -> None:
    columns: dict[str, Any] = {
        "day": [DAY, DAY],
        "element": ["load", "pv"],
        "quantity": ["p_w", "p_w"],
        **{f"q{i}": [float(i), 500.0] for i in range(96)},
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "forecast.parquet")
    forecast = load_forecast(tmp_path / "forecast.parquet", network(), day=DAY, quarters=96)
    rows = [row("load"), row("pv")]
    rows[0][3:] = [str(i) for i in range(96)]
    expected = load_forecast(write(tmp_path, rows), network(), day=DAY, quarters=96)
    np.testing.assert_array_equal(forecast.p_w, expected.p_w)


@pytest.mark.rule("GRD-1")
def test_bad_cells_of_parquet_are_named_by_row_and_column(tmp_path: Path) -> None:
    columns: dict[str, Any] = {
        "day": [DAY.isoformat(), "2026-06-19"],
        "element": ["load", "pv"],
        "quantity": ["p_w", "p_w"],
        **{f"q{i}": [None if i == 5 else 1.0, 2000.0 if i == 9 else 1.0] for i in range(96)},
    }
    pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "forecast.parquet")
    with pytest.raises(GridInvalid) as caught:
        load_forecast(tmp_path / "forecast.parquet", network(), day=DAY, quarters=96)
    assert {(fault.where, fault.code) for fault in caught.value.faults} == {
        ("row 1, column q5", "not_a_number"),
        ("row 2, day", "wrong_day"),
        ("row 2, column q9", "absurd_value"),
    }


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"PAR1 and no more", b"\x1f\x8b broken", b'a,"b\n'])
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "forecast").write_bytes(content)
    with pytest.raises(GridInvalid, match=r"unreadable_file|bad_header"):
        load_forecast(tmp_path / "forecast", network(), day=DAY, quarters=96)
    with pytest.raises(GridInvalid, match="unreadable_file"):
        load_forecast(tmp_path / "nowhere", network(), day=DAY, quarters=96)
