"""Forecast files: every bad cell named by row and column (GRD-1, TIM-1)."""

from __future__ import annotations

from pathlib import Path

import pytest

from registry.grid.faults import GridInvalid
from registry.grid.forecast import load_forecast
from registry.grid.network import Network, parse_network
from tests.unit.grid.grid_house import DAY, Line, document


def network() -> Network:
    import json

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
