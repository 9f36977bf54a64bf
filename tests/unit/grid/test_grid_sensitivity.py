"""Sensitivities are derivatives of the power flow that verifies the lights; loads of a node count as one
(GRD-1).
"""

from __future__ import annotations

import json
import math

import numpy as np
import numpy.typing as npt
import pytest

from registry.domain.quantities import Colour
from registry.grid.lights import day_lights
from registry.grid.network import Network, parse_network
from registry.grid.powerflow import PowerFlow
from registry.grid.sensitivity import response
from tests.unit.grid.grid_answers import solved
from tests.unit.grid.grid_house import Line, document, grid, simbench
from tools.grid_strains import Strain, strained_day

Floats = npt.NDArray[np.float64]
Complexes = npt.NDArray[np.complex128]

LINES = [
    Line("MV", "A", 2_000.0, 2.0),
    Line("A", "B", 1_000.0, 3.0),
    Line("B", "C", 1_000.0, 1.0),
    Line("C", "MV", 1_500.0, 2.5),
    Line("C", "D", 800.0, 4.0),
]
NOISE = 1e-9
"""p.u.: what Newton-Raphson gets down to beside a link."""
KINDS = {"power": 0, "impedance": 1, "current": 2, "off": 0}


def everything() -> Network:
    """A ring behind a transformer with a tap, a link, a shunt, a line open at one end, and elements of every
    kind, several of them at one node.
    """
    text = document(LINES, dict.fromkeys(KINDS, "B"), {"pv": "B", "wind": "D", "still": "C"})
    data = text["data"]
    number = {row["name"]: row["id"] for row in data["node"]}
    for row in data["sym_load"]:
        row |= {"type": KINDS[row["name"]], "status": int(row["name"] != "off")}
    for row in data["line"]:
        row |= {"c1": 4e-7, "x1": 0.7 * row["r1"]}
    data["line"][3]["to_status"] = 0  # the ring is open, its end still charged
    data["node"].append({"id": 90, "name": "HV", "u_rated": 110_000.0, "u_min": 0.9, "u_max": 1.1})
    data["source"][0] |= {"node": 90, "sk": 5e8, "u_ref": 1.02}
    ends = {"from_status": 1, "to_status": 1}
    data["transformer"] = [
        {"id": 91, "name": "T", "from_node": 90, "to_node": number["PS"], "u1": 110e3, "u2": 21e3, "sn": 4e6}
        | {"uk": 0.12, "pk": 20e3, "i0": 0.002, "p0": 3e3, "winding_from": 1, "winding_to": 2, "clock": 5}
        | {"tap_side": 0, "tap_pos": 2, "tap_min": -9, "tap_max": 9, "tap_nom": 0, "tap_size": 1650.0, **ends}
    ]
    data["link"] = [{"id": 92, "name": "L", "from_node": number["PS"], "to_node": number["MV"], **ends}]
    data["shunt"] = [{"id": 93, "node": number["C"], "status": 1, "g1": 1e-5, "b1": 4e-4}]
    return parse_network(json.dumps(text), name="everything")


def a_state(network: Network) -> tuple[Floats, Floats]:
    """Some hundred kW and kvar at each element, W and var."""
    random = np.random.default_rng(3)
    count = len(network.element_names)
    return random.uniform(1e5, 4e5, count), random.uniform(0.0, 2e5, count)


@pytest.mark.rule("GRD-1")
def test_elements_of_a_node_count_as_they_do_one_by_one() -> None:
    network = everything()
    powers = a_state(network)
    found = PowerFlow(network, threads=1).solve(powers[0][None], powers[1][None])
    output = solved(network, powers, NOISE)
    assert found.u_pu[0] == pytest.approx(output["node"]["u_pu"], abs=1e-8)
    expected = np.concatenate([output["line"]["loading"], [0.0], output["transformer"]["loading"]])
    assert found.loading[0] == pytest.approx(expected, abs=1e-7)


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("reactive", [False, True])
def test_sensitivities_are_derivatives_of_the_power_flow(*, reactive: bool) -> None:
    network = everything()
    powers, step = a_state(network), 3e4
    carriers = np.arange(len(network.element_names))
    flow = PowerFlow(network, threads=1)
    found = response(flow, powers[0][None], powers[1][None], carriers, reactive=reactive)
    assert found.converged.tolist() == [True]
    end = np.abs(phasors(network, powers)).argmax(axis=0)
    kilo = 2.0 * step / 1000.0
    for column, carrier in enumerate(carriers):
        u, z = [], []
        for sign in (1.0, -1.0):
            moved = [each.copy() for each in powers]
            moved[int(reactive)][carrier] += sign * step * network.element_sign[carrier]
            u.append(solved(network, (moved[0], moved[1]), NOISE)["node"]["u_pu"])
            z.append(phasors(network, (moved[0], moved[1])))
        voltage, turn = (u[0] - u[1]) / kilo, (z[0] - z[1])[end, np.arange(len(end))] / kilo
        assert found.voltage[0, :, column] == pytest.approx(voltage, rel=1e-3, abs=1e-9)
        assert found.turn[0, :, column] == pytest.approx(turn, rel=1e-3, abs=2e-8)


def phasors(network: Network, powers: tuple[Floats, Floats]) -> Complexes:
    """Of each branch at both ends, from the from end to the to end, ``[end, branch]``, by the engine's own
    output.
    """
    output = solved(network, powers, NOISE)
    volts = output["node"]["u"] * np.exp(1j * output["node"]["u_angle"])
    ends = []
    for sign, end, node in ((1.0, "from", network.branch_from), (-1.0, "to", network.branch_to)):
        lines, rest = output["line"], output["transformer"]
        power = lines[f"p_{end}"] + 1j * lines[f"q_{end}"]
        current = np.conj(power / volts[node[: len(power)]]) / math.sqrt(3.0)
        apparent = rest[f"p_{end}"] + 1j * rest[f"q_{end}"]
        rated = network.input["line"]["i_n"], network.input["transformer"]["sn"]
        ends.append(sign * np.concatenate([current / rated[0], [0.0], apparent / rated[1]]))
    return np.stack(ends)


@pytest.mark.rule("GRD-1")
def test_a_point_without_a_power_flow_has_no_sensitivities() -> None:
    house = simbench()
    p_w, q_var = house.forecast.p_w.T[40:42].copy(), house.forecast.q_var.T[40:42]
    p_w[1] *= -500.0
    found = response(house.flow, p_w, q_var, house.state.carrier, reactive=False)
    assert found.converged.tolist() == [True, False]
    assert np.isfinite(found.voltage[0]).all() and np.isfinite(found.turn[0]).all()
    assert np.isnan(found.voltage[1]).all() and np.isnan(found.turn[1]).all()


@pytest.mark.rule("GRD-1")
def test_where_one_method_does_not_settle_the_other_is_asked() -> None:
    """A load near the most that a line carries: iterated currents creep, Newton-Raphson gets there."""
    network = grid([Line("PS", "A", 90_000.0, 20.0)], {"load": "A"}, {})
    ohm, volts = 20.0, 20_000.0
    most = volts**2 / (2.0 * ohm * (1.0 + math.sqrt(2.0)))  # of a load without kvar behind ohm + j ohm
    p_w = np.array([[0.5], [0.98], [1.02]]) * most
    flow = PowerFlow(network, threads=1)
    found = flow.solve(p_w, np.zeros_like(p_w))
    assert found.converged.tolist() == [True, True, False]
    # u^4 + u^2 (2 r p - 1) + 2 (r p)^2 = 0 in p.u.
    drop = ohm * p_w[:2, 0] / volts**2
    square = (1.0 - 2.0 * drop + np.sqrt((1.0 - 2.0 * drop) ** 2 - 8.0 * drop**2)) / 2.0
    assert found.u_pu[:2, 1] == pytest.approx(np.sqrt(square), abs=1e-6)


@pytest.mark.rule("GRD-1")
def test_a_pod_that_touches_a_limit_by_rounding_only_does_not_bar_its_perimeter() -> None:
    """One transformer of CIGRE MV is overloaded in the evening; the other end of the perimeter of its busbar
    hangs on the other transformer, with an effect of 1e-16.
    """
    day = strained_day("cigre_mv", Strain(ranges=3.0, loading=0.7))
    lights = day_lights(day.state, PowerFlow(day.state.network, threads=1), day.limits)
    (busbar,) = (each for each in lights if each.perimeter == "Bus 1")
    for hour in (17, 18, 19, 20, 21):
        assert busbar.up_binding[hour].startswith("expected state: transformer Trafo 0-1")
        assert busbar.up[hour].colour is Colour.YELLOW
        assert busbar.down[hour].colour is Colour.RED
