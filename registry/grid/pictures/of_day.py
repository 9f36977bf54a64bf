"""What the pictures show of a computed day, as the plain data that they are drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from registry.domain.quantities import CellLight, Direction
from registry.grid.curves import W_PER_KW, Curve
from registry.grid.forecast import QUARTERS_PER_HOUR
from registry.grid.network import Network
from registry.grid.operating_points import OperatingPoints
from registry.grid.pictures.cloud import CloudPoint, PointColour
from registry.grid.pictures.curves import DrawnCurve
from registry.grid.pictures.layout import Position, tree_layout
from registry.grid.pictures.profile import ProfileBand
from registry.grid.pictures.schematic import DrawnBranch, DrawnNode
from registry.grid.pods import net_injection
from registry.grid.powerflow import Solution
from registry.grid.results import DIRECTIONS, PerimeterDayLights
from registry.grid.state import ExpectedState

Floats = npt.NDArray[np.float64]


def topology_layout(network: Network) -> tuple[Position, ...]:
    """Every node's place in a tree from the sources."""
    ids = {int(number): place for place, number in enumerate(network.input["node"]["id"])}
    roots = list(dict.fromkeys(ids[int(node)] for node in network.input["source"]["node"]))
    closed = np.flatnonzero(network.branch_closed)
    ends = [(int(network.branch_from[i]), int(network.branch_to[i])) for i in closed]
    return tree_layout(len(network.node_names), ends, roots)


def hour_loading(solution: Solution, hour: int) -> Floats:
    """The highest loading of each branch in an hour of a solved day, NaN where nothing converged."""
    rows = solution.loading[QUARTERS_PER_HOUR * hour : QUARTERS_PER_HOUR * (hour + 1)]
    highest = np.where(np.isfinite(rows), rows, -np.inf).max(axis=0)
    return np.where(np.isfinite(highest), highest, np.nan)


def drawn_grid(
    state: ExpectedState,
    lights: Sequence[PerimeterDayLights],
    loading: Floats,
    hour: int,
    direction: Direction,
    positions: Sequence[Position],
) -> tuple[list[DrawnNode], list[DrawnBranch]]:
    """Nodes with the light of their PODs' perimeter, named where the first POD of each is; branches with
    ``loading``, one value per branch.

    A node whose PODs are in several perimeters shows the strictest of their lights.
    """
    network = state.network
    light_of = {day.perimeter: day.side(direction)[hour] for day in lights}
    at: dict[int, CellLight] = {}
    labels: dict[int, str] = {}
    for name, members in zip(state.partition.names, state.partition.members, strict=True):
        nodes = [network.node_index[state.pods[pod].node] for pod in members]
        for node in nodes:
            at[node] = min(at.get(node, light_of[name]), light_of[name], key=lambda light: light.limit_kw)
        if nodes:
            labels[min(nodes, key=lambda node: positions[node][0])] = name
    drawn = [DrawnNode(place, at.get(node), labels.get(node, "")) for node, place in enumerate(positions)]
    branches = [
        DrawnBranch(
            name,
            int(network.branch_from[i]),
            int(network.branch_to[i]),
            None if kind == "link" or not np.isfinite(loading[i]) else float(loading[i]),
            bool(network.branch_closed[i]),
        )
        for i, (name, kind) in enumerate(zip(network.branch_names, network.branch_kinds, strict=True))
    ]
    return drawn, branches


def profile_band(state: ExpectedState, day: PerimeterDayLights, label: str) -> ProfileBand:
    """The band of one perimeter; an hour's value is the mean of its quarter-hours."""
    members = list(state.partition.members[state.partition.names.index(day.perimeter)])

    def hourly(values: Floats) -> tuple[float, ...]:
        means = values.reshape(state.hours, QUARTERS_PER_HOUR).mean(axis=1)
        return tuple(float(value) for value in means)

    pods = [state.pods[member] for member in members]
    expected = net_injection(state.network, pods, state.p_w).sum(axis=0) / W_PER_KW
    potential = {way: hourly(state.range_kw[way][members].sum(axis=0)) for way in DIRECTIONS}
    feasible = {
        way: tuple(
            min(light.limit_kw, most) for light, most in zip(day.side(way), potential[way], strict=True)
        )
        for way in DIRECTIONS
    }
    return ProfileBand(
        label,
        hourly(expected),
        potential[Direction.UP],
        potential[Direction.DOWN],
        feasible[Direction.UP],
        feasible[Direction.DOWN],
    )


def cloud_points(points: OperatingPoints) -> list[CloudPoint]:
    """The points as they are drawn, those of a quarter-hour at their hour."""
    columns = zip(
        points.quarter // QUARTERS_PER_HOUR,
        points.delta_kw,
        points.support_kvar,
        points.green,
        points.orange,
        strict=True,
    )
    return [
        CloudPoint(int(hour), float(p_kw), float(q_kvar), _colour(bool(green), bool(orange)))
        for hour, p_kw, q_kvar, green, orange in columns
    ]


def _colour(green: bool, orange: bool) -> PointColour:
    if green:
        return PointColour.GREEN
    return PointColour.ORANGE if orange else PointColour.RED


def drawn_curves(curves: Mapping[Direction, Curve]) -> list[DrawnCurve]:
    """Up and down of one perimeter and hour, kW and EUR/MWh; bids of one price make one step."""
    drawn = []
    for way in DIRECTIONS:
        steps: dict[float, float] = {}
        for bid in curves[way].bids:
            price = bid.price_milli_eur_per_mwh / 1000
            steps[price] = steps.get(price, 0.0) + bid.power_w / W_PER_KW
        text = f"{way.name.lower()}: {curves[way].potential_w / W_PER_KW:.0f} kW offered"
        drawn.append(
            DrawnCurve(
                text, tuple((kw, price) for price, kw in steps.items()), curves[way].feasible_w / W_PER_KW
            )
        )
    return drawn
