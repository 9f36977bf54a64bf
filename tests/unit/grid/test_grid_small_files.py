"""Files of perimeters, planned activations and typical days: what is read and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.domain.quantities import Direction
from registry.grid.activations import load_activations
from registry.grid.faults import GridInvalid
from registry.grid.perimeters import feeders, load_perimeters, perimeters_text
from registry.grid.results import LocalActivation
from registry.grid.typical_days import load_typical_days
from tests.unit.grid.grid_house import simbench


def write(folder: Path, content: object) -> Path:
    path = folder / "file.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.rule("DTL-1")
def test_perimeters_written_are_read_again(tmp_path: Path) -> None:
    network = simbench().network
    areas = feeders(network)
    assert load_perimeters(write(tmp_path, perimeters_text(network, areas)), network) == areas


PLAN = {"perimeter": "P", "hour": 3, "direction": "up", "power_kw": 7}


@pytest.mark.rule("DTL-3")
def test_activations_are_read_with_and_without_placement(tmp_path: Path) -> None:
    content = {"activations": [PLAN, {**PLAN, "direction": "down", "pods": {"a": 5, "b": 2}}]}
    assert load_activations(write(tmp_path, content)) == (
        LocalActivation("P", 3, Direction.UP, 7),
        LocalActivation("P", 3, Direction.DOWN, 7, (("a", 5), ("b", 2))),
    )


@pytest.mark.rule("DTL-3")
@pytest.mark.parametrize(
    "content",
    [
        "",
        {"activations": None},
        {"activations": [None]},
        {"activations": [{k: v for k, v in PLAN.items() if k != "hour"}]},
        {"activations": [{**PLAN, "direction": 1}]},
        {"activations": [{**PLAN, "hour": "3"}]},
        {"activations": [{**PLAN, "power_kw": 1.5}]},
        {"activations": [{**PLAN, "pods": ["a"]}]},
        {"activations": [{**PLAN, "pods": {"a": 1.5}}]},
    ],
)
def test_bad_activations_are_named(tmp_path: Path, content: object) -> None:
    with pytest.raises(GridInvalid) as refused:
        load_activations(write(tmp_path, content))
    assert refused.value.rule == "DTL-3"


def days(folder: Path, *rows: str, header: str = "day,forecast,prices,days") -> Path:
    (folder / "f.csv").touch()
    path = folder / "days.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


@pytest.mark.rule("GRD-2")
def test_typical_days_stand_for_a_year(tmp_path: Path) -> None:
    read = load_typical_days(days(tmp_path, "2026-01-14,f.csv,f.csv,300", "2026-07-15,f.csv,f.csv,65"))
    assert [day.days for day in read] == [300, 65]
    assert read[0].forecast == tmp_path / "f.csv"


@pytest.mark.rule("GRD-2")
@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("2026-01-14,f.csv,f.csv,364", "no_year"),
        ("2026-01-14,f.csv,f.csv", "bad_length"),
        ("14.1.2026,f.csv,f.csv,365", "bad_day"),
        ("2026-01-14,f.csv,f.csv,x", "bad_count"),
        ("2026-01-14,f.csv,f.csv,0", "bad_count"),
        ("2026-01-14,f.csv,f.csv,367", "bad_count"),
        ("2026-01-14,g.csv,f.csv,365", "no_file"),
        ("2026-01-14,f.csv,g.csv,365", "no_file"),
    ],
)
def test_bad_typical_days_are_named(tmp_path: Path, row: str, code: str) -> None:
    with pytest.raises(GridInvalid) as refused:
        load_typical_days(days(tmp_path, row))
    assert [fault.code for fault in refused.value.faults] == [code]


def test_typical_days_need_their_header(tmp_path: Path) -> None:
    with pytest.raises(GridInvalid, match="row 1"):
        load_typical_days(days(tmp_path, header="day,forecast"))
