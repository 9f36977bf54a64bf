"""Whatever stands in a grid file: it is read, or refused with all its faults, and nothing else happens
(GRD-1).
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.grid.faults import GridInvalid
from registry.grid.network import parse_network
from registry.grid.powerflow import PowerFlow
from tests.unit.grid.grid_answers import file_powers
from tests.unit.grid.grid_house import Line, document
from tests.unit.grid.test_pandapower_reader import CASES, net, rows, set_cell

JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1, 2, 3, 77, 0.5, 1e300, -1e300, float("nan"), float("inf"), "", "hv", "B", "x"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.just("a"), st.integers(), max_size=1),
)
TABLES = ("bus", "line", "trafo", "ext_grid", "load", "sgen", "switch", "shunt", "storage", "gen")
QUICK = settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.too_slow])


def read_or_refused(text: str) -> None:
    """A network that has one voltage for each node, or faults that say where, what and what else."""
    try:
        network = parse_network(text)
    except GridInvalid as refused:
        assert refused.faults
        assert all(fault.where and fault.allowed for fault in refused.faults)
        return
    p_w, q_var = file_powers(network)
    solution = PowerFlow(network, threads=1).solve(p_w[None, :], q_var[None, :])
    assert solution.u_pu.shape == (1, len(network.node_names))
    assert np.isfinite(solution.u_pu).all() or not solution.converged.any()


@pytest.mark.rule("GRD-1")
@QUICK
@given(data=st.data())
def test_any_cells_of_a_pandapower_net(data: st.DataObject) -> None:
    changed = net(data.draw(st.sampled_from(sorted(CASES))))
    for _ in range(data.draw(st.integers(1, 3))):
        table = data.draw(st.sampled_from([name for name in TABLES if rows(changed, name)["index"]]))
        frame = rows(changed, table)
        row = data.draw(st.integers(0, len(frame["index"]) - 1))
        set_cell(changed, table, row, data.draw(st.sampled_from(frame["columns"])), data.draw(JUNK))
    read_or_refused(json.dumps(changed))


@pytest.mark.rule("GRD-1")
@QUICK
@given(data=st.data())
def test_any_values_of_a_power_grid_model_document(data: st.DataObject) -> None:
    changed: Any = document([Line("PS", "A", 1000.0), Line("A", "B", 500.0)], {"load": "B"}, {"pv": "A"})
    for _ in range(data.draw(st.integers(1, 3))):
        row = data.draw(st.sampled_from([row for kind in changed["data"].values() for row in kind]))
        row[data.draw(st.sampled_from([*row, "aliases", "rated_w", "tan1", "sk"]))] = data.draw(JUNK)
    read_or_refused(json.dumps(changed))


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("rated", [1.0, 1e-150])
@pytest.mark.parametrize("value", [1e300, -1e300, 1e200, 1e-300])
@pytest.mark.parametrize("column", ["sn_mva", "vk_percent", "vkr_percent", "i0_percent", "pfe_kw", "df"])
def test_transformers_beyond_all_measure(column: str, value: float, rated: float) -> None:
    """Squares and quotients of such numbers are beyond what a float holds."""
    changed = net("base")
    set_cell(changed, "trafo", 0, "sn_mva", rated)
    set_cell(changed, "trafo", 0, column, value)
    read_or_refused(json.dumps(changed))


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("value", [1e300, -1e300, 1e200, 1e-300])
@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("load", "q_mvar"),
        ("sgen", "p_mw"),
        ("sgen", "q_mvar"),
        ("sgen", "scaling"),
        ("storage", "q_mvar"),
        ("shunt", "vn_kv"),
        ("shunt", "q_mvar"),
        ("shunt", "step"),
    ],
)
def test_powers_beyond_all_measure(table: str, column: str, value: float) -> None:
    """The engine would end the whole batch over what the file itself says of powers."""
    changed = net("shunts" if table == "shunt" else "elements")
    set_cell(changed, table, 0, column, value)
    read_or_refused(json.dumps(changed))
