"""Pictures: what is drawn, of what colour, with which labels; files are PNG or SVG and repeatable."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from registry.domain.errors import InputInvalid
from registry.domain.quantities import GREEN_LIGHT, RED_LIGHT, CellLight, Colour, Direction
from registry.grid.bids import Bid
from registry.grid.curves import Curve
from registry.grid.lights import day_lights
from registry.grid.operating_points import operating_points
from registry.grid.pictures import palette
from registry.grid.pictures.cloud import CloudPoint, PointColour, cloud
from registry.grid.pictures.curves import DrawnCurve, price_quantity
from registry.grid.pictures.heat_map import HeatRow, heat_map, rows_of
from registry.grid.pictures.layout import file_coordinates, tree_layout
from registry.grid.pictures.of_day import (
    cloud_points,
    drawn_curves,
    drawn_grid,
    hour_loading,
    profile_band,
    topology_layout,
)
from registry.grid.pictures.profile import ProfileBand, profile
from registry.grid.pictures.save import save
from registry.grid.pictures.schematic import DrawnBranch, DrawnNode, schematic
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_providers import no_support
from registry.grid.results import PerimeterDayLights
from registry.grid.state import expected_state
from registry.grid.violations import Limits
from tests.unit.grid.grid_house import FIXTURE, Line, flat_day, grid, pod, simbench
from tests.unit.grid.lights_house import flat_lights

UP, DOWN = Direction.UP, Direction.DOWN
YELLOW = CellLight(Colour.YELLOW, 1234)
REACTIVE = CellLight(Colour.YELLOW, 77, reactive=True)
LOOKS = (palette.GREEN, palette.YELLOW, palette.REACTIVE, palette.RED)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def fills(figure: Figure) -> Counter[str]:
    patches = [patch for axes in figure.axes for patch in axes.patches if isinstance(patch, Rectangle)]
    return Counter(to_hex(patch.get_facecolor()) for patch in patches)


@cache
def fixture_lights() -> tuple[PerimeterDayLights, ...]:
    house = simbench()
    return day_lights(house.state, house.flow, house.limits())


# ------------------------------------------------------------------------------------------------- palette


def test_every_light_has_a_look_of_its_own_by_colour_letter_marker_and_most_by_hatch() -> None:
    assert len({look.fill for look in LOOKS}) == len({look.letter for look in LOOKS}) == 4
    assert len({look.marker for look in LOOKS}) == 4
    assert palette.RED.hatch and palette.REACTIVE.hatch and palette.RED.hatch != palette.REACTIVE.hatch
    found = [palette.look_of(light) for light in (GREEN_LIGHT, YELLOW, REACTIVE, RED_LIGHT)]
    assert found == list(LOOKS) and palette.look_of(None) is palette.NO_LIGHT


# ------------------------------------------------------------------------------------------------ heat map


def test_a_heat_map_has_one_cell_per_light_with_its_colour_letter_and_capability() -> None:
    figure = heat_map(
        "day", [HeatRow("P up", (GREEN_LIGHT, YELLOW, RED_LIGHT)), HeatRow("P down", (REACTIVE,) * 3)]
    )
    assert fills(figure) == {
        palette.GREEN.fill: 1,
        palette.YELLOW.fill: 1,
        palette.RED.fill: 1,
        palette.REACTIVE.fill: 3,
    }
    assert texts(figure) == ["G", "Y 1234", "R", "Q 77", "Q 77", "Q 77"]
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["P up", "P down"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2"]
    assert axes.get_title(loc="left") == "day"
    assert len(figure.legends[0].get_patches()) == 4
    hatched = [patch for patch in axes.patches if patch.get_hatch()]
    assert len(hatched) == 4


def test_the_heat_map_of_the_fixture_shows_its_lights() -> None:
    days = fixture_lights()
    figure = heat_map("fixture", rows_of(days))
    cells = [light for day in days for way in (UP, DOWN) for light in day.side(way)]
    expected = Counter(palette.look_of(light).fill for light in cells)
    assert fills(figure) == expected and len(expected) == 3
    assert len(texts(figure)) == len(cells) == 2 * 24 * len(days)


# ----------------------------------------------------------------------------------------------- schematic


def test_a_schematic_colours_nodes_by_light_and_branches_by_loading() -> None:
    nodes = [
        DrawnNode((0.0, 0.0), None),
        DrawnNode((1.0, 0.0), GREEN_LIGHT, "north"),
        DrawnNode((2.0, 0.0), RED_LIGHT),
        DrawnNode((2.0, -1.0), RED_LIGHT),
    ]
    branches = [
        DrawnBranch("a", 0, 1, 0.5, True),
        DrawnBranch("b", 1, 2, 1.2, True),
        DrawnBranch("c", 1, 3, None, True),
        DrawnBranch("d", 2, 3, None, False),
    ]
    figure = schematic("grid", nodes, branches)
    axes = figure.axes[0]
    dots = [each for each in axes.collections if isinstance(each, PathCollection)]
    counted = {to_hex(each.get_facecolor()[0]): len(each.get_offsets()) for each in dots}
    assert counted == {palette.NO_LIGHT.fill: 1, palette.GREEN.fill: 1, palette.RED.fill: 2}
    opened, closed = [each for each in axes.collections if isinstance(each, LineCollection)]
    assert len(opened.get_segments()) == 1 and len(closed.get_segments()) == 3
    colours = [to_hex(colour) for colour in closed.get_colors()]
    assert colours[1] == palette.RED.fill and colours[2] == palette.GREY and len(set(colours)) == 3
    assert sorted(texts(figure)) == ["b 120%", "north"]
    labels = {text.get_text() for text in figure.legends[0].get_texts()}
    assert labels == {"no POD", palette.GREEN.name, palette.RED.name, "overloaded", "open"}


def test_a_darker_branch_is_more_loaded() -> None:
    nodes = [DrawnNode((float(i), 0.0), None) for i in range(5)]
    branches = [
        DrawnBranch(str(i), i, i + 1, loading, True) for i, loading in enumerate((0.0, 0.3, 0.6, 1.0))
    ]
    closed = [c for c in schematic("", nodes, branches).axes[0].collections if isinstance(c, LineCollection)][
        1
    ]
    brightness = [float(sum(colour[:3])) for colour in closed.get_colors()]
    assert brightness == sorted(brightness, reverse=True) and len(set(brightness)) == 4
    widths = list(closed.get_linewidths())
    assert widths == sorted(widths) and len(set(widths)) == 4


def test_the_fixture_is_drawn_whole() -> None:
    house = simbench()
    state, hour = house.state, 12
    idle = np.zeros((96, len(state.pods)))
    solution = house.flow.solve(*state.scenarios(np.arange(96), idle))
    loading = hour_loading(solution, hour)
    assert loading == pytest.approx(solution.loading[48:52].max(axis=0))
    places = topology_layout(state.network)
    assert len(set(places)) == len(state.network.node_names)
    nodes, branches = drawn_grid(state, fixture_lights(), loading, hour, UP, places)
    assert len(nodes) == len(state.network.node_names) and len(branches) == len(state.network.branch_names)
    assert sum(not branch.closed for branch in branches) == int((~state.network.branch_closed).sum())
    by_name = {day.perimeter: day.up[hour] for day in fixture_lights()}
    assert {node.label for node in nodes if node.label} == set(by_name)
    for node in nodes:
        if node.label:
            assert node.light == by_name[node.label]
    assert schematic("fixture", nodes, branches).axes


def test_a_node_of_two_perimeters_shows_the_stricter_light() -> None:
    network = grid([Line("PS", "A", 900.0)], loads={}, generators={"a": "A", "b": "A"})
    pods = (pod("a", "A", "storage", 9), pod("b", "A", "storage", 9))
    state = expected_state(network, pods, {"P": ["a"], "Q": ["b"]}, flat_day(network, {}))
    lights = [flat_lights("P", GREEN_LIGHT, RED_LIGHT), flat_lights("Q", YELLOW, YELLOW)]
    at = network.node_index["A"]
    for way, strict in ((UP, YELLOW), (DOWN, RED_LIGHT)):
        nodes, _ = drawn_grid(state, lights, np.array([0.1]), 3, way, topology_layout(network))
        assert nodes[at].light == strict


def test_an_hour_that_did_not_converge_has_no_loading() -> None:
    house = simbench()
    p_w = house.forecast.p_w.T[:4].copy()
    p_w[:] *= 1e6
    solution = house.flow.solve(p_w, house.forecast.q_var.T[:4])
    assert not solution.converged.any()
    assert np.isnan(hour_loading(solution, 0)).all()


# -------------------------------------------------------------------------------------------------- layout


def test_a_tree_runs_from_its_root_with_parents_amid_their_children() -> None:
    places = tree_layout(6, [(0, 1), (1, 2), (1, 3), (3, 4)], [0])
    assert [x for x, _ in places[:5]] == [0.0, 1.0, 2.0, 2.0, 3.0]
    assert places[1][1] == (places[2][1] + places[3][1]) / 2.0
    assert places[3][1] == places[4][1] != places[2][1]
    assert places[5][0] < 0.0, "what no root reaches stands on the left"


def test_a_mesh_and_a_long_chain_are_laid_out() -> None:
    ring = tree_layout(4, [(0, 1), (1, 2), (2, 3), (3, 0)], [0])
    assert len(set(ring)) == 4
    chain = tree_layout(5_000, [(i, i + 1) for i in range(4_999)], [0])
    assert chain[-1] == (4_999.0, chain[0][1])


def test_coordinates_of_the_file_are_taken_if_every_node_has_them(tmp_path: Path) -> None:
    rows = [{"name": "A", "x": 1.5, "y": 2}, {"name": "B", "x": -1, "y": 0}]
    path = tmp_path / "grid.json"
    path.write_text(json.dumps({"data": {"node": rows}}), encoding="utf-8")
    assert file_coordinates(path, ["B", "A"]) == ((-1.0, 0.0), (1.5, 2.0))
    for bad in (None, "1", float("nan")):
        path.write_text(json.dumps({"data": {"node": [rows[0], {**rows[1], "y": bad}]}}), encoding="utf-8")
        assert file_coordinates(path, ["B", "A"]) is None
    assert file_coordinates(FIXTURE / "grid.json", simbench().network.node_names) is None


# --------------------------------------------------------------------------------------- cloud and profile


def test_a_cloud_has_every_point_in_its_colour_and_says_the_parts() -> None:
    points = [CloudPoint(hour, 10.0 * hour, 0.0, PointColour.GREEN) for hour in range(6)]
    points += [CloudPoint(7, -5.0, 0.0, PointColour.RED)] * 3 + [CloudPoint(8, 5.0, 0.0, PointColour.ORANGE)]
    figure = cloud("day", points)
    (axes,) = figure.axes
    dots = [each for each in axes.collections if isinstance(each, PathCollection)]
    counted = {to_hex(each.get_facecolor()[0]): len(each.get_offsets()) for each in dots}
    assert counted == {palette.GREEN.fill: 6, palette.REACTIVE.fill: 1, palette.RED.fill: 3}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "feasible: 60.0%",
        "feasible with reactive support: 10.0%",
        "unfeasible: 30.0%",
    ]


def test_reactive_power_gets_a_panel_of_its_own() -> None:
    figure = cloud("day", [CloudPoint(1, 2.0, 3.0, PointColour.ORANGE)])
    assert len(figure.axes) == 2
    (dots,) = [each for each in figure.axes[1].collections if isinstance(each, PathCollection)]
    assert dots.get_offsets().tolist() == [[3.0, 2.0]]
    assert cloud("empty", []).axes


def test_operating_points_turn_where_the_line_is_full() -> None:
    """260 kW flow over a line for 300 kW; a storage of 100 kW: up a quarter fits, down all."""
    network = grid([Line("PS", "A", 300.0)], loads={}, generators={"pv": "A", "store": "A"})
    state = expected_state(
        network, [pod("store", "A", "storage", 100)], {"P": ["store"]}, flat_day(network, {"pv": 260.0})
    )
    flow = PowerFlow(network, threads=1)
    points = operating_points(state, flow, Limits(network), no_support(state), perimeters=["P"], steps=4)
    drawn = cloud_points(points)
    assert len(drawn) == 96 * 9
    at_noon = {round(point.delta_p_kw): point.colour for point in drawn if point.hour == 12}
    green = {0, 25, -25, -50, -75, -100}
    assert at_noon == {
        kw: PointColour.GREEN if kw in green else PointColour.RED for kw in range(-100, 101, 25)
    }
    assert not len(operating_points(state, flow, Limits(network), no_support(state), perimeters=[]).quarter)


def test_a_profile_band_is_expected_potential_and_feasible() -> None:
    house = simbench()
    (day,) = [each for each in fixture_lights() if each.perimeter == "MV1.101 Line 37"]
    band = profile_band(house.state, day, "Thursday")
    assert len(band.expected_kw) == 24 and band.label == "Thursday"
    for feasible, potential in (
        (band.feasible_up_kw, band.potential_up_kw),
        (band.feasible_down_kw, band.potential_down_kw),
    ):
        assert all(0 <= f <= p for f, p in zip(feasible, potential, strict=True))
    assert band.feasible_up_kw[13] == 0.0 < band.potential_up_kw[13]
    assert band.feasible_up_kw[3] == band.potential_up_kw[3]
    figure = profile("two days", [band, band])
    assert len(figure.axes) == 2
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "feasible",
        "offered, not feasible",
        "expected",
    ]


def test_a_flat_profile_draws_its_expected_line() -> None:
    flat = ProfileBand("d", (5.0,) * 23, *[(1.0,) * 23] * 4)
    (axes,) = profile("short day", [flat]).axes
    (line, _) = axes.lines
    assert set(line.get_ydata()) == {5.0} and len(line.get_xdata()) == 46  # type: ignore[arg-type]


# -------------------------------------------------------------------------------------------------- curves


def test_a_curve_has_a_step_per_price_and_its_feasible_part() -> None:
    bids = tuple(
        Bid(p, 3, UP, kw * 1000, price)
        for p, kw, price in (("a", 5, 60_000), ("b", 5, 60_000), ("c", 4, 80_000))
    )
    curves = {UP: Curve("P", 3, UP, bids, 12), DOWN: Curve("P", 3, DOWN, (), 0)}
    drawn = drawn_curves(curves)
    assert drawn == [
        DrawnCurve("up: 14 kW offered", ((10.0, 60.0), (4.0, 80.0)), 12.0),
        DrawnCurve("down: 0 kW offered", (), 0.0),
    ]
    figure = price_quantity("P", drawn)
    up, down = figure.axes
    steps = [line for line in up.lines if line.get_linestyle() == "-"]
    assert [list(line.get_ydata()) for line in steps] == [[60.0, 60.0], [80.0, 80.0]]  # type: ignore[arg-type]
    colours = [to_hex(area.get_facecolor()[0]) for area in up.collections]
    assert colours == [palette.GREEN.fill, palette.GREEN.fill, palette.RED.fill]
    assert texts(figure) == ["feasible 12 kW", "feasible 0 kW"] and not down.collections


def test_a_negative_price_is_in_the_picture() -> None:
    (axes,) = price_quantity("P", [DrawnCurve("down", ((10.0, -30.0),), 10.0)]).axes
    assert axes.get_ylim()[0] <= -30.0 < axes.get_ylim()[1]


# --------------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(("suffix", "magic"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".SVG", b"<?xml")])
def test_files_are_what_they_say_and_the_same_again(tmp_path: Path, suffix: str, magic: bytes) -> None:
    row = HeatRow("perimeter P", (GREEN_LIGHT, YELLOW))
    first, second = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    save(heat_map("lights", [row]), first)
    save(heat_map("lights", [row]), second)
    assert first.read_bytes().startswith(magic) and first.read_bytes() == second.read_bytes()
    if suffix == ".svg":
        assert b"perimeter P" in first.read_bytes() and b"Y 1234" in first.read_bytes()


@pytest.mark.parametrize("name", ["a.pdf", "png", "a"])
def test_other_files_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputInvalid, match="a name that ends in"):
        save(heat_map("lights", [HeatRow("P", (GREEN_LIGHT,))]), tmp_path / name)
    assert list(tmp_path.iterdir()) == []
