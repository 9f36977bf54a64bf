"""Grid files: what is read, and every fault listed at once (GRD-1)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from registry.grid.codes import FIXTURES
from registry.grid.faults import GridInvalid
from registry.grid.network import load_network, parse_network
from registry.grid.perimeters import feeders
from tests.unit.grid.grid_answers import voltages
from tests.unit.grid.grid_house import FIXTURE, Line, document, simbench

LINES = [Line("PS", "A", 1000.0), Line("A", "B", 500.0)]


def good() -> dict[str, Any]:
    return document(LINES, {"load": "B"}, {"pv": "B"})


def codes(broken: dict[str, Any]) -> set[str]:
    with pytest.raises(GridInvalid) as caught:
        parse_network(json.dumps(broken))
    assert caught.value.rule == "GRD-1"
    return {fault.code for fault in caught.value.faults}


@pytest.mark.rule("GRD-1")
def test_reads_a_good_grid() -> None:
    network = parse_network(json.dumps(good()))
    assert network.node_names == ("PS", "A", "B")
    assert network.branch_names == ("PS-A", "A-B")
    assert network.element_names == ("load", "pv")
    assert network.element_sign.tolist() == [-1.0, 1.0]


def change(kind: str, row: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    def apply(data: dict[str, Any]) -> None:
        for key, value in values.items():
            data[kind][row].pop(key) if value is None else data[kind][row].update({key: value})

    return apply


FAULTS: dict[str, tuple[str, Callable[[dict[str, Any]], None]]] = {
    "unknown bus": ("unknown_node", change("line", 1, to_node=77)),
    "missing rating": ("missing_rating", change("line", 0, i_n=None)),
    "rating of zero": ("missing_rating", change("line", 0, i_n=0.0)),
    "zero impedance": ("zero_impedance", change("line", 0, r1=0.0, x1=0.0)),
    "island": ("island_without_source", change("line", 1, from_status=0)),
    "source off": ("island_without_source", change("source", 0, status=0)),
    "default short-circuit power": ("missing_short_circuit_power", change("source", 0, sk=None)),
    "band upside down": ("bad_band", change("node", 1, u_min=1.1, u_max=0.9)),
    "no name": ("missing_name", change("node", 1, name=None)),
    "same name": ("repeated_name", change("node", 1, name="B")),
    "same id": ("repeated_id", change("node", 1, id=3)),
    "not a number": ("missing_value", change("line", 0, r1="much")),
    "status out of range": ("bad_value", change("sym_load", 0, status=7)),
    "unsupported": ("unsupported_component", lambda data: data.update(three_winding_transformer=[{"id": 9}])),
    "line between two voltages": ("two_voltages", change("node", 2, u_rated=400.0)),
    "rating that is none": ("bad_value", change("sym_load", 0, rated_w=-5)),
    "aliases that are none": ("bad_value", change("node", 1, aliases=[4])),
    "no source": ("nothing_there", lambda data: data.update(source=[])),
}


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found(name: str) -> None:
    code, break_it = FAULTS[name]
    broken = good()
    break_it(broken["data"])
    assert code in codes(broken)


@pytest.mark.rule("GRD-1")
def test_all_faults_are_listed_before_anything_is_computed() -> None:
    broken = good()
    for name in (
        "missing rating",
        "zero impedance",
        "default short-circuit power",
        "band upside down",
        "island",
    ):
        FAULTS[name][1](broken["data"])
    expected = {
        "missing_rating",
        "zero_impedance",
        "missing_short_circuit_power",
        "bad_band",
        "island_without_source",
    }
    assert expected <= codes(broken)


@pytest.mark.rule("GRD-1")
def test_a_fault_names_the_element() -> None:
    broken = good()
    FAULTS["missing rating"][1](broken["data"])
    with pytest.raises(GridInvalid, match="line PS-A, i_n"):
        parse_network(json.dumps(broken))


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("text", ["{", "[]", '{"data": 3}', '{"type": "update", "data": {}}'])
def test_another_kind_of_document(text: str) -> None:
    with pytest.raises(GridInvalid):
        parse_network(text)


@pytest.mark.rule("GRD-1")
def test_vector_group_is_in_the_fixture() -> None:
    """SimBench leaves ``vector_group`` empty: windings and clock come from the phase shift, as YNd5 says."""
    rows = json.loads((FIXTURE / "grid.json").read_text())["data"]["transformer"]
    assert {(row["winding_from"], row["winding_to"], row["clock"]) for row in rows} == {(1, 2, 5)}


@pytest.mark.rule("DTL-1")
def test_feeders_end_at_open_switches() -> None:
    network = load_network(FIXTURE / "grid.json")
    found = feeders(network)
    assert len(found) == 1 + 8
    assert found[0].name == "MV1.101 busbar1.1"
    nodes = [node for perimeter in found for node in perimeter.nodes]
    assert len(nodes) == len(set(nodes))
    medium = {i for i, name in enumerate(network.node_names) if name.startswith("MV")}
    assert set(nodes) == medium
    assert not network.branch_closed.all()


@pytest.mark.rule("DTL-1")
def test_closing_a_ring_makes_one_feeder_of_two() -> None:
    text = (FIXTURE / "grid.json").read_text()
    closed = json.loads(text)
    loop = next(row for row in closed["data"]["line"] if row["name"] == "MV1.101 loop_line 1")
    loop["from_status"] = loop["to_status"] = 1
    assert len(feeders(parse_network(json.dumps(closed)))) == len(feeders(simbench().network)) - 1


@pytest.mark.rule("GRD-1")
def test_a_missing_value_does_not_hide_other_faults() -> None:
    """What hangs behind the line that cannot be judged is not called an island for it."""
    broken = good()
    for name in ("not a number", "default short-circuit power", "band upside down", "status out of range"):
        FAULTS[name][1](broken["data"])
    broken["data"]["line"][1]["i_n"] = -1.0
    assert codes(broken) == {
        "missing_value",
        "missing_short_circuit_power",
        "bad_band",
        "bad_value",
        "missing_rating",
    }


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize(
    ("rows", "code"),
    [("none", "no_rows"), ([3], "no_row"), ([{"id": 50, "node": 2, "status": 1, "g1": 0}], "missing_value")],
)
def test_rows_that_are_none(rows: Any, code: str) -> None:
    broken = good()
    broken["data"]["shunt"] = rows
    assert code in codes(broken)


@pytest.mark.rule("GRD-1")
def test_a_shunt_takes_part() -> None:
    document = good()
    document["data"]["shunt"] = [{"id": 50, "node": 3, "status": 1, "g1": 0.0, "b1": -0.05}]
    network = parse_network(json.dumps(document))
    assert voltages(network)[2] < voltages(parse_network(json.dumps(good())))[2] - 1e-4


@pytest.mark.rule("GRD-1")
def test_an_alias_is_another_name_of_a_node() -> None:
    document = good()
    document["data"]["node"][2]["aliases"] = ["B2", "B3"]
    assert parse_network(json.dumps(document)).node_index["B3"] == 2
    document["data"]["node"][1]["aliases"] = ["B2", "PS"]
    with pytest.raises(GridInvalid) as caught:
        parse_network(json.dumps(document))
    assert {fault.where for fault in caught.value.faults} == {"node B2", "node PS"}


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("code", sorted(FIXTURES))
def test_a_simbench_code_stands_for_its_fixture(code: str) -> None:
    assert len(load_network(code).node_names) > 90


@pytest.mark.rule("GRD-1")
def test_a_code_without_a_fixture_says_how_to_make_one() -> None:
    with pytest.raises(GridInvalid, match=r"python -m tools\.make_grid_fixture 1-LV-urban6--2-no_sw"):
        load_network("1-LV-urban6--2-no_sw")
    with pytest.raises(GridInvalid, match="a grid file, or a SimBench code"):
        load_network(Path("no/such/grid.json"))


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("grid.json.gz", b"not gzip", id="not gzip"),
        pytest.param("grid.json.gz", gzip.compress(b"{}", mtime=0)[:-9], id="gzip cut short"),
        pytest.param("grid.json", b"\xff\xfe", id="not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(GridInvalid, match="unreadable_file"):
        load_network(tmp_path / name)
