"""What the demo's parties know of their pools (members, granted power, what the other market has), and
their orders.
"""

from __future__ import annotations

from collections.abc import Sequence

from registry.cli.demo.book import MarketBook
from registry.cli.demo.registering import DemoPod, working_pods
from registry.cli.demo.scenario import BALANCING, BSPS, CONGESTION, GLOBAL, LOCAL
from registry.cli.demo.stage import Stage
from registry.domain.quantities import Direction
from registry.services.select_flexibility import Order


def members_in(stage: Stage, aggregate: int, perimeter: int) -> list[DemoPod]:
    """The PODs of an aggregate in a perimeter, the largest first."""
    inside = set(stage.facts["members"][aggregate])
    found = [pod for pod in working_pods(stage) if pod.pod_id in inside and pod.perimeter == perimeter]
    return sorted(found, key=lambda pod: (-pod.grid.down_kw, pod.pod_id))


def pool_kw(stage: Stage, aggregate: int, perimeter: int, way: Direction) -> int:
    """Granted power of an aggregate's PODs in a perimeter."""
    return sum(granted_kw(pod, way) for pod in members_in(stage, aggregate, perimeter))


def granted_kw(pod: DemoPod, way: Direction) -> int:
    """A POD's granted power."""
    return pod.grid.up_kw if way is Direction.UP else pod.grid.down_kw


def global_order(aggregate: int, perimeter: int, kw: Sequence[int], rests_on: bytes) -> Order:
    """An order of the TSO: the first BSP's twin was tested by the DSO, the others' by the TSO itself."""
    if aggregate == GLOBAL[BSPS[0]]:
        return Order(aggregate, perimeter, tuple(kw), (CONGESTION, BALANCING), LOCAL[BSPS[0]], rests_on)
    return Order(aggregate, perimeter, tuple(kw), (BALANCING,), aggregate, rests_on)


def local_order(aggregate: int, perimeter: int, kw: Sequence[int], rests_on: bytes) -> Order:
    """An order of the DSO."""
    return Order(aggregate, perimeter, tuple(kw), (CONGESTION,), aggregate, rests_on)


def free_kw(
    stage: Stage, aggregate: int, perimeter: int, hour: int, way: Direction, other: MarketBook
) -> int:
    """Power of an aggregate's PODs that the other market has not taken in an hour."""
    return sum(
        granted_kw(pod, way)
        for pod in members_in(stage, aggregate, perimeter)
        if not other.serves(pod.pod_id, hour)
    )
