"""Perimeters: feeders, secondary substations, files of any part, and the check of a partition (DTL-1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry.grid.faults import GridInvalid
from registry.grid.network import Network, parse_network
from registry.grid.perimeters import (
    Perimeter,
    assign_by_node,
    feeders,
    load_perimeters,
    partition,
    secondary_substations,
)
from tests.unit.grid.grid_house import Line, document, grid, pod, simbench
from tests.unit.grid.test_grid_accuracy import GRIDS, network


def with_low_voltage() -> Network:
    """110 kV at PS, a transformer to the busbar B, a line to S1, one on to S2; below them L1, L1b and L2, L2b
    at 400 V.
    """
    lines = [
        Line(start, end, 1000.0) for start, end in (("B", "S1"), ("S1", "S2"), ("L1", "L1b"), ("L2", "L2b"))
    ]
    whole = document(lines, {"load": "L1b"}, {"pv": "L2"})
    nodes = whole["data"]["node"]
    number = {row["name"]: row["id"] for row in nodes}
    volts = {
        name: 400.0 if name.startswith("L") else 110_000.0 if name == "PS" else 20_000.0 for name in number
    }
    for row in nodes:
        row["u_rated"] = volts[row["name"]]
    whole["data"]["transformer"] = [
        transformer(300 + i, f"T{i}", number[upper], number[lower], volts[upper], volts[lower])
        for i, (upper, lower) in enumerate((("PS", "B"), ("S1", "L1"), ("S2", "L2")))
    ]
    return parse_network(json.dumps(whole))


def transformer(number: int, name: str, upper: int, lower: int, u1: float, u2: float) -> dict[str, Any]:
    ratings = {"sn": 1e6, "uk": 0.06, "pk": 1e4, "i0": 0.0, "p0": 0.0}
    taps = {"tap_side": 0, "tap_pos": 0, "tap_min": 0, "tap_max": 0, "tap_size": 0.0}
    ends = {"from_node": upper, "to_node": lower, "from_status": 1, "to_status": 1, "u1": u1, "u2": u2}
    windings = {"winding_from": 1, "winding_to": 1, "clock": 0}
    return {"id": number, "name": name, **ends, **ratings, **windings, **taps}


def named(network: Network, perimeters: tuple[Perimeter, ...]) -> dict[str, set[str]]:
    return {each.name: {network.node_names[node] for node in each.nodes} for each in perimeters}


@pytest.mark.rule("DTL-1")
def test_a_feeder_includes_the_low_voltage_below() -> None:
    net = with_low_voltage()
    assert named(net, feeders(net)) == {"B": {"B"}, "B-S1": {"S1", "S2", "L1", "L1b", "L2", "L2b"}}


@pytest.mark.rule("DTL-1")
def test_a_secondary_substation_is_a_node_with_what_hangs_below() -> None:
    net = with_low_voltage()
    expected = {"B": {"B"}, "S1": {"S1", "L1", "L1b"}, "S2": {"S2", "L2", "L2b"}}
    assert named(net, secondary_substations(net)) == expected


@pytest.mark.rule("DTL-1")
def test_a_grid_fed_at_medium_voltage() -> None:
    net = grid([Line("PS", "A", 1000.0), Line("PS", "C", 1000.0)], {"load": "A"}, {"pv": "C"})
    assert named(net, feeders(net)) == {"PS": {"PS"}, "PS-A": {"A"}, "PS-C": {"C"}}


@pytest.mark.rule("DTL-1")
@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("parts", [feeders, secondary_substations])
def test_every_medium_voltage_node_is_in_one_perimeter(name: str, parts: Any) -> None:
    net = network(name)
    nodes = [node for perimeter in parts(net) for node in perimeter.nodes]
    rated = net.input["node"]["u_rated"]
    assert sorted(nodes) == [i for i, volts in enumerate(rated) if volts < 100_000.0]
    assert len(parts(net)) == len({perimeter.name for perimeter in parts(net)}) > 2


@pytest.mark.rule("DTL-1")
def test_perimeters_from_a_file(tmp_path: Path) -> None:
    net = with_low_voltage()
    path = tmp_path / "perimeters.csv"
    path.write_text("node,perimeter\nS1,west\nS2,east\nL1,west\n")
    assert named(net, load_perimeters(path, net)) == {"west": {"S1", "L1"}, "east": {"S2"}}


@pytest.mark.rule("DTL-1")
def test_every_fault_of_a_perimeter_file(tmp_path: Path) -> None:
    path = tmp_path / "perimeters.csv"
    path.write_text("node,perimeter\nS1,west\nS9,east\nS2, \nS1,east\nS2\n")
    with pytest.raises(GridInvalid) as caught:
        load_perimeters(path, with_low_voltage())
    assert caught.value.rule == "DTL-1"
    assert {(fault.where, fault.code) for fault in caught.value.faults} == {
        ("row 3, node", "unknown_node"),
        ("row 4, perimeter", "missing_name"),
        ("row 5, node", "repeated_node"),
        ("row 6", "bad_length"),
    }


@pytest.mark.rule("DTL-1")
@pytest.mark.parametrize("content", [b"", b"node;perimeter\n", b"\xff\xfe"])
def test_a_file_of_another_kind(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "perimeters.csv"
    path.write_bytes(content)
    with pytest.raises(GridInvalid, match=r"bad_header|unreadable_file"):
        load_perimeters(path, with_low_voltage())


@pytest.mark.rule("DTL-1")
def test_a_pod_at_a_node_that_the_file_leaves_out_is_named(tmp_path: Path) -> None:
    net = with_low_voltage()
    path = tmp_path / "perimeters.csv"
    path.write_text("node,perimeter\nL1b,west\n")
    pods = (pod("load", "L1b", "load", 10), pod("pv", "L2", "pv", 10))
    with pytest.raises(GridInvalid, match="POD pv: found in 0 perimeters, allowed in exactly one"):
        partition(pods, assign_by_node(net, pods, load_perimeters(path, net)))


@pytest.mark.rule("DTL-1")
def test_the_fixture_by_secondary_substations() -> None:
    house = simbench()
    split = partition(
        house.pods, assign_by_node(house.network, house.pods, secondary_substations(house.network))
    )
    assert sum(len(members) for members in split.members) == len(house.pods)
    assert len(split.names) == 96
