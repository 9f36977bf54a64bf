"""POD files: what is wrong with each entry (POD-2, GRD-1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from registry.grid.faults import GridInvalid
from registry.grid.network import load_network
from registry.grid.pods import load_pods, placement_faults
from tests.unit.grid.grid_house import FIXTURE, pod

GOOD: dict[str, Any] = {
    "key": "a",
    "node": "N",
    "elements": [{"name": "a", "technology": "pv", "rated_w": 5000}],
    "up_kw": 1,
    "down_kw": 5,
}


def codes(folder: Path, rows: list[Any]) -> set[str]:
    path = folder / "pods.json"
    path.write_text(json.dumps({"pods": rows}))
    with pytest.raises(GridInvalid) as caught:
        load_pods(path)
    return {fault.code for fault in caught.value.faults}


@pytest.mark.rule("POD-2")
def test_every_bad_entry_is_named(tmp_path: Path) -> None:
    bad = [
        {**GOOD, "key": "b", "elements": [{"name": "b", "technology": "fusion", "rated_w": 1}]},
        {**GOOD, "key": "c", "elements": []},
        {**GOOD, "key": "d", "up_kw": -1},
        {**GOOD, "key": "e", "node": "N", "up_kw": "much"},
        7,
        GOOD,
    ]
    expected = {"unknown_technology", "no_elements", "negative_power", "bad_pod", "repeated_pod"}
    assert codes(tmp_path, [GOOD, *bad]) == expected


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"pods": 3}', b"\xff\xfe"])
def test_another_kind_of_file(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "pods.json").write_bytes(content)
    with pytest.raises(GridInvalid, match="not_a_pod_file"):
        load_pods(tmp_path / "pods.json")
    with pytest.raises(GridInvalid, match="not_a_pod_file"):
        load_pods(tmp_path / "nowhere.json")


@pytest.mark.rule("GRD-1")
def test_an_alias_of_a_node_is_a_place_for_a_pod() -> None:
    """Buses that closed switches join are one node; PODs may be mapped to any of them."""
    network = load_network(FIXTURE / "grid.json")
    at_busbar = next(
        name
        for name, index in network.element_index.items()
        if network.node_names[network.element_node[index]] == "MV1.101 busbar1.1"
    )
    assert placement_faults(network, [pod(at_busbar, "MV1.101 busbar1.2", "load", 10)]) == []
    faults = placement_faults(network, [pod(at_busbar, "no such bus", "load", 10)])
    assert [fault.code for fault in faults] == ["unknown_node"]
