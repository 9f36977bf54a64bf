"""The scenes of the Natale study: what is gathered, and who takes part."""

from __future__ import annotations

import numpy as np
import pytest

from registry.grid.network import load_network
from registry.grid.perimeters import assign_by_node, feeders
from tools.natale_study import DATA, GATHERED_AT, Scene, as_it_is, gathered, participants

FEEDER = "MV1.101 Line 75"
NETWORK = load_network(DATA / "grid.json")
BASE = as_it_is(NETWORK)
KEYS = assign_by_node(NETWORK, BASE.pods, feeders(NETWORK))[FEEDER]


def pv_rows(scene: Scene, *, inside: bool) -> list[int]:
    return [
        NETWORK.element_index[element.name]
        for pod in scene.pods
        if (pod.key in KEYS) == inside
        for element in pod.elements
        if element.technology == "pv"
    ]


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_gathering_moves_the_feeders_pv_to_its_end_and_nothing_else(factor: float) -> None:
    scene = gathered(NETWORK, BASE, KEYS, factor)
    rated = [
        sum(e.rated_w for pod in each.pods if pod.key in KEYS for e in pod.elements if e.technology == "pv")
        for each in (BASE, scene)
    ]
    assert rated[1] == pytest.approx(factor * rated[0], abs=GATHERED_AT)
    inside = pv_rows(scene, inside=True)
    alive = [row for row in inside if scene.forecast.p_w[row].any()]
    assert len(alive) == GATHERED_AT
    others = np.setdiff1d(np.arange(len(NETWORK.element_names)), inside)
    assert (scene.forecast.p_w[others] == BASE.forecast.p_w[others]).all()
    untouched = {pod.key: pod for pod in BASE.pods if pod.key not in KEYS}
    assert all(untouched[pod.key] == pod for pod in scene.pods if pod.key in untouched)


def test_case_a_has_generators_only_and_case_b_the_loads_too_and_neither_storage() -> None:
    kinds = [
        {element.technology for pod in participants(BASE.pods, loads=loads) for element in pod.elements}
        for loads in (False, True)
    ]
    assert kinds[0] == {"pv", "wind", "biomass", "hydro"}
    assert kinds[1] == kinds[0] | {"load"}
    small = {pod.key: pod for pod in participants(BASE.pods, loads=False)}
    large = {pod.key: pod for pod in participants(BASE.pods, loads=True)}
    assert set(small) < set(large)
    assert all(
        pod.up_kw <= large[key].up_kw and pod.down_kw <= large[key].down_kw for key, pod in small.items()
    )
