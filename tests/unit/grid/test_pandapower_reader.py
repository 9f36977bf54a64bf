"""pandapower nets read without pandapower: what its own power flow says about each feature (GRD-1)."""

from __future__ import annotations

import copy
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from registry.grid.faults import GridInvalid
from registry.grid.network import Network, parse_network
from registry.grid.pandapower_grid import pandapower_document
from tests.unit.grid.grid_answers import loadings, transformer_loadings, voltages

VECTORS = Path(__file__).parent / "pandapower_nets.json.gz"
CASES: dict[str, Any] = json.loads(gzip.decompress(VECTORS.read_bytes()))["cases"]


def net(case: str) -> dict[str, Any]:
    """A copy of a net that may be changed."""
    return copy.deepcopy(CASES[case]["net"])


def rows(document: dict[str, Any], table: str) -> Any:
    """A table of a net as ``{"columns", "index", "data"}``."""
    return json.loads(document["_object"][table]["_object"])


def put(document: dict[str, Any], table: str, frame: Any) -> None:
    document["_object"][table]["_object"] = json.dumps(frame)


def set_cell(document: dict[str, Any], table: str, row: int, column: str, value: Any) -> None:
    frame = rows(document, table)
    if column not in frame["columns"]:
        frame["columns"].append(column)
        for cells in frame["data"]:
            cells.append(None)
    frame["data"][row][frame["columns"].index(column)] = value
    put(document, table, frame)


def read(document: dict[str, Any]) -> Network:
    return parse_network(json.dumps(document))


def faults(document: dict[str, Any]) -> set[tuple[str, str]]:
    with pytest.raises(GridInvalid) as caught:
        read(document)
    assert caught.value.rule == "GRD-1"
    return {(fault.where, fault.code) for fault in caught.value.faults}


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("case", CASES)
def test_each_feature_acts_as_in_pandapower(case: str) -> None:
    network, answers = read(CASES[case]["net"]), CASES[case]
    found = voltages(network)
    for bus, expected in answers["u_pu"].items():
        assert found[network.node_index[bus]] == pytest.approx(expected, abs=2e-9), bus
    table = rows(answers["net"], "trafo")
    rated_v = tuple(
        np.array([1e3 * cells[table["columns"].index(column)] for cells in table["data"]])
        for column in ("vn_hv_kv", "vn_lv_kv")
    )
    found_loadings = loadings(network) | transformer_loadings(network, rated_v=rated_v)
    for name, expected in (answers["loading"] | answers["transformer_loading"]).items():
        assert found_loadings.get(name, 0.0) == pytest.approx(expected, rel=1e-5, abs=2e-9), name


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("case", CASES)
def test_the_document_of_a_net_reads_the_same(case: str) -> None:
    """The power-grid-model reader on what the pandapower reader made of the net."""
    document, found = pandapower_document(CASES[case]["net"])
    assert found == []
    again = parse_network(json.dumps(document))
    np.testing.assert_array_equal(voltages(again), voltages(read(CASES[case]["net"])))


@pytest.mark.rule("GRD-1")
def test_the_features_are_not_the_same_grid() -> None:
    """Every case differs from the plain net by far more than what counts as equal."""
    plain = CASES["base"]["u_pu"]
    no_difference = {"base", "tap without a type", "even clock"}
    for case in CASES.keys() - no_difference - {"bus switches"}:
        assert max(abs(CASES[case]["u_pu"][bus] - value) for bus, value in plain.items()) > 1e-7, case
    for case in no_difference:
        assert CASES[case]["u_pu"] == plain, case


@pytest.mark.rule("GRD-1")
def test_a_tap_acts_in_files_older_than_its_type() -> None:
    """Before pandapower 3 there was no column ``tap_changer_type``."""
    document = net("tap, upper side")
    frame = rows(document, "trafo")
    at = frame["columns"].index("tap_changer_type")
    for cells in (frame["columns"], *frame["data"]):
        del cells[at]
    put(document, "trafo", frame)
    np.testing.assert_array_equal(voltages(read(document)), voltages(read(net("tap, upper side"))))


@pytest.mark.rule("GRD-1")
def test_missing_and_repeated_names_get_the_index() -> None:
    document = net("base")
    set_cell(document, "bus", 1, "name", None)
    set_cell(document, "line", 1, "name", "A")
    set_cell(document, "sgen", 0, "name", "load")
    network = read(document)
    assert network.node_names == ("hv", "bus 1", "middle", "end")
    assert network.branch_names == ("A (line 0)", "A (line 1)", "T")
    assert network.element_names == ("load (load 0)", "load (sgen 0)")


@pytest.mark.rule("GRD-1")
def test_joined_buses_share_a_node_and_the_narrowest_band() -> None:
    document = net("bus switches")
    for bus, low, high in ((3, 0.92, 1.08), (4, 0.95, 1.1), (5, None, 1.05)):
        set_cell(document, "bus", bus, "min_vm_pu", low)
        set_cell(document, "bus", bus, "max_vm_pu", high)
    network = read(document)
    assert network.node_names == ("hv", "mv", "middle", "end")
    assert {name: network.node_names[at] for name, at in network.aliases.items()} == {
        "section 1": "end",
        "section 2": "end",
    }
    assert (network.u_min[3], network.u_max[3]) == (0.95, 1.05)
    assert network.node_index["section 2"] == network.node_index["end"] == 3


UNSUPPORTED: dict[str, tuple[str, int, dict[str, Any], tuple[str, str]]] = {
    "generator that holds a voltage": (
        "elements",
        0,
        {"gen": {"slack": False, "in_service": True}},
        ("gen off too (index 0)", "unsupported_component"),
    ),
    "phase shifting tap": (
        "tap, upper side",
        0,
        {"trafo": {"tap_step_degree": 5.0}},
        ("trafo T (index 0), tap_pos", "unsupported_component"),
    ),
    "ideal phase shifter": (
        "tap, upper side",
        0,
        {"trafo": {"tap_changer_type": "Ideal"}},
        ("trafo T (index 0), tap_pos", "unsupported_component"),
    ),
    "tap table": (
        "base",
        0,
        {"trafo": {"tap_dependency_table": True}},
        ("trafo T (index 0), tap_dependency_table", "unsupported_component"),
    ),
    "second tap changer": (
        "tap, upper side",
        0,
        {"trafo": {"tap2_pos": 1, "tap2_neutral": 0, "tap2_side": "hv", "tap2_changer_type": "Ratio"}},
        ("trafo T (index 0), tap2_pos", "unsupported_component"),
    ),
    "odd phase shift": (
        "base",
        0,
        {"trafo": {"shift_degree": 20.0}},
        ("trafo T (index 0), shift_degree", "unsupported_component"),
    ),
    "mixed load": (
        "base",
        0,
        {"load": {"const_z_p_percent": 40.0}},
        ("load load (index 0)", "unsupported_component"),
    ),
    "shunt table": (
        "shunts",
        1,
        {"shunt": {"step_dependency_table": True}},
        ("shunt reactor (index 1), step_dependency_table", "unsupported_component"),
    ),
    "switch with impedance": (
        "bus switches",
        0,
        {"switch": {"z_ohm": 0.1}},
        ("switch with index 0", "unsupported_component"),
    ),
}


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("name", UNSUPPORTED)
def test_what_cannot_be_represented_is_named(name: str) -> None:
    case, row, changes, expected = UNSUPPORTED[name]
    document = net(case)
    for table, cells in changes.items():
        for column, value in cells.items():
            set_cell(document, table, row, column, value)
    assert expected in faults(document)


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("table", ["trafo3w", "xward", "ward", "impedance", "dcline", "motor", "controller"])
def test_elements_of_other_kinds_are_named_while_in_service(table: str) -> None:
    document = net("base")
    frame = {"columns": ["name", "in_service"], "index": [4], "data": [["other", True]]}
    document["_object"][table] = {"_class": "DataFrame", "orient": "split", "_object": json.dumps(frame)}
    assert faults(document) == {(table, "unsupported_component")}
    frame["data"] = [["other", False]]
    put(document, table, frame)
    assert read(document).node_names == read(net("base")).node_names


@pytest.mark.rule("GRD-1")
def test_what_is_out_of_service_may_be_unsupported() -> None:
    transformers = net("open transformer")
    set_cell(transformers, "trafo", 2, "shift_degree", 20.0)
    assert "T3" in read(transformers).branch_names
    loads = net("elements")
    set_cell(loads, "load", 2, "const_i_p_percent", 30.0)
    assert "off" in read(loads).element_names


BROKEN: dict[str, tuple[str, int, str, Any, tuple[str, str]]] = {
    "unknown bus": ("line", 1, "to_bus", 77, ("line B (index 1), to_bus", "unknown_node")),
    "load at an unknown bus": ("load", 0, "bus", None, ("load load (index 0), bus", "unknown_node")),
    "no rating": ("line", 0, "max_i_ka", None, ("line A (index 0), max_i_ka", "missing_rating")),
    "no rated power": ("trafo", 0, "sn_mva", 0.0, ("transformer T, sn", "missing_rating")),
    "no resistance": ("line", 0, "r_ohm_per_km", "?", ("line A (index 0), r_ohm_per_km", "missing_value")),
    "no power": ("load", 0, "p_mw", None, ("load load (index 0), p_mw", "missing_value")),
    "no length": ("line", 0, "length_km", 0.0, ("line A", "zero_impedance")),
    "no short-circuit voltage": ("trafo", 0, "vk_percent", 0.0, ("transformer T, uk", "zero_impedance")),
    "no voltage": ("bus", 2, "vn_kv", None, ("bus middle (index 2), vn_kv", "missing_value")),
    "no parallel": ("line", 0, "parallel", 0, ("line A (index 0), parallel", "bad_value")),
    "derated to nothing": ("trafo", 0, "df", 0.0, ("trafo T (index 0), df", "bad_value")),
    "leak without capacitance": (
        "line", 0, "c_nf_per_km", 0.0, ("line A (index 0), g_us_per_km", "unsupported_component")
    ),
    "island": ("line", 1, "in_service", False, ("node end", "island_without_source")),
    "source off": ("ext_grid", 0, "in_service", False, ("source", "nothing_there")),
    "band upside down": ("bus", 1, "min_vm_pu", 1.2, ("node mv", "bad_band")),
}  # fmt: skip


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_found(name: str) -> None:
    table, row, column, value, expected = BROKEN[name]
    document = net("line conductance")
    set_cell(document, table, row, column, value)
    assert expected in faults(document)


@pytest.mark.rule("GRD-1")
def test_all_faults_of_a_file_are_listed_together() -> None:
    """What is wrong does not hide what else is wrong, and what hangs behind a bad row is no island."""
    document = net("line conductance")
    together = ("unknown bus", "no rating", "no rated power", "no power", "band upside down")
    for name in together:
        table, row, column, value, _ = BROKEN[name]
        set_cell(document, table, row, column, value)
    assert faults(document) == {BROKEN[name][-1] for name in together}


@pytest.mark.rule("GRD-1")
def test_switches_that_belong_nowhere_are_named() -> None:
    document = net("open line")
    set_cell(document, "switch", 0, "bus", 0)
    set_cell(document, "switch", 1, "element", 99)
    set_cell(document, "switch", 2, "et", "x")
    assert faults(document) >= {
        ("switch with index 0", "unknown_end"),
        ("switch with index 1", "unknown_end"),
        ("switch with index 2, et", "unknown_switch"),
    }


@pytest.mark.rule("GRD-1")
def test_buses_of_two_voltages_behind_one_switch() -> None:
    document = net("bus switches")
    set_cell(document, "bus", 4, "vn_kv", 0.4)
    assert ("bus end (index 3)", "joined_voltages") in faults(document)


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"bus": {"_class": "DataFrame", "_object": "{"}}, ("bus", "unreadable_table")),
        ({"bus": {"_class": "DataFrame", "_object": '{"columns": []}'}}, ("bus", "unreadable_table")),
        ({"f_hz": 0}, ("f_hz", "bad_value")),
        ({"user_pf_options": {"trafo_model": "x"}}, ("user_pf_options, trafo_model", "bad_value")),
    ],
)
def test_a_file_that_is_not_what_pandapower_writes(change: dict[str, Any], expected: tuple[str, str]) -> None:
    document = net("base")
    document["_object"] |= change
    assert expected in faults(document)


@pytest.mark.rule("GRD-1")
def test_a_net_without_content() -> None:
    assert ("_object", "no_tables") in faults({"_class": "pandapowerNet", "_object": 3})
