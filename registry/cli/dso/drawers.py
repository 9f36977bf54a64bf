"""What `flexledger dso draw` can draw; the only commands' module that loads the drawing library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from registry.cli.dso.curves import day_curves, offered_by_pods, require_one_source
from registry.cli.dso.draw import Kind, Wanted
from registry.cli.dso.inputs import support_terms
from registry.cli.dso.showing import working
from registry.grid.codes import grid_file
from registry.grid.operating_points import operating_points
from registry.grid.pictures.cloud import cloud
from registry.grid.pictures.curves import price_quantity
from registry.grid.pictures.heat_map import heat_map, rows_of
from registry.grid.pictures.layout import file_coordinates
from registry.grid.pictures.of_day import (
    cloud_points,
    drawn_curves,
    drawn_grid,
    hour_loading,
    profile_band,
    topology_layout,
)
from registry.grid.pictures.profile import profile
from registry.grid.pictures.save import save
from registry.grid.pictures.schematic import schematic
from registry.grid.reactive_providers import no_support


def draw_into(picture: Path, kind: Kind, wanted: Wanted) -> None:
    """Draw and write.

    Raises:
        InputInvalid: GRD-2 for what a kind needs and was not given.
        OSError: the file cannot be written.
    """
    save(_DRAWERS[kind](wanted), picture)


def _grid(wanted: Wanted) -> Figure:
    files, state = wanted.files, wanted.state
    quarters = np.arange(state.quarters)
    solution = files.flow.solve(*state.scenarios(quarters, np.zeros((state.quarters, len(state.pods)))))
    places = file_coordinates(grid_file(wanted.grid), files.network.node_names)
    nodes, branches = drawn_grid(
        state,
        wanted.lights(),
        hour_loading(solution, wanted.hour),
        wanted.hour,
        wanted.direction,
        topology_layout(files.network) if places is None else places,
    )
    title = f"{wanted.title}, hour {wanted.hour}, {wanted.direction.name.lower()}"
    return schematic(title, nodes, branches, true_scale=places is not None)


def _lights(wanted: Wanted) -> Figure:
    rows = [day for day in wanted.lights() if wanted.perimeter in (None, day.perimeter)]
    return heat_map(wanted.title, rows_of(rows))


def _cloud(wanted: Wanted) -> Figure:
    name = wanted.one()
    with working("operating points"):
        terms = support_terms(wanted.support, wanted.day) or no_support(wanted.state)
        points = operating_points(
            wanted.state, wanted.files.flow, wanted.files.limits, terms, perimeters=[name]
        )
    return cloud(wanted.title, cloud_points(points))


def _profile(wanted: Wanted) -> Figure:
    name = wanted.one()
    (day,) = [each for each in wanted.lights() if each.perimeter == name]
    return profile(wanted.title, [profile_band(wanted.state, day, wanted.day.date.isoformat())])


def _curve(wanted: Wanted) -> Figure:
    name = wanted.one()
    require_one_source(prices=wanted.prices)
    offered = offered_by_pods(wanted.state, wanted.day, wanted.prices, None)
    curves = day_curves(wanted.files, wanted.state, wanted.day, offered, wanted.support)
    mine = {c.direction: c for c in curves if c.perimeter == name and c.hour == wanted.hour}
    return price_quantity(f"{wanted.title}, hour {wanted.hour}", drawn_curves(mine))


_DRAWERS: dict[Kind, Callable[[Wanted], Figure]] = {
    Kind.GRID: _grid,
    Kind.LIGHTS: _lights,
    Kind.CLOUD: _cloud,
    Kind.PROFILE: _profile,
    Kind.CURVE: _curve,
}
