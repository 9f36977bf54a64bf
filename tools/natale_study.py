"""Natale et al. 2022, Table 3, on a public grid: shares of green, orange and red operating points per feeder.

    python -m tools.natale_study [--steps 10] [--feeder "MV1.101 Line 75"] [--beyond 2.0]

Their network is not public. This takes the committed SimBench rural grid and day three times: as it is; with
the PV of one feeder gathered at its far end, as much of it as the feeder just hosts in its expected state;
and with ``--beyond`` times its PV there. Case A lets the generators move, case B the loads too (Natale,
Table 2). Storage takes no part, as in the source. What differs is said in ``docs/studies/natale.md``. Writes
Markdown to standard output.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

from registry.domain.quantities import Colour, Direction
from registry.grid.forecast import Forecast, load_forecast
from registry.grid.lights import day_lights
from registry.grid.network import Network, load_network
from registry.grid.operating_points import OperatingPoints, operating_points, shares
from registry.grid.perimeters import assign_by_node, feeders
from registry.grid.pods import GridPod, PodElement, declared_kw, load_pods
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_opf import Verdict
from registry.grid.reactive_providers import SupportTerms
from registry.grid.state import ExpectedState, expected_state
from registry.grid.violations import Limits

DATA: Final = Path(__file__).resolve().parents[1] / "data" / "simbench_rural"
DAY: Final = date(2016, 6, 9)
PURCHASE_MILLI_EUR_PER_MWH: Final = 50_000
"""About the middle of the source's 24.60 to 74.83 EUR/MWh, in every hour."""
GATHERED_AT: Final = 4
"""PODs at the end of the feeder that get its PV."""
GENERATORS: Final = ("pv", "wind", "biomass", "hydro")


@dataclass(frozen=True)
class Scene:
    """A grid with its plants and its expected day."""

    title: str
    pods: tuple[GridPod, ...]
    forecast: Forecast


def as_it_is(network: Network) -> Scene:
    """The fixture, all its plants where SimBench has them."""
    forecast = load_forecast(DATA / "profiles.csv.gz", network, day=DAY, quarters=96)
    return Scene("as it is", load_pods(DATA / "pods.json"), forecast)


def gathered(network: Network, scene: Scene, keys: Iterable[str], factor: float) -> Scene:
    """The PV of a feeder's PODs at the last of them, times ``factor``; the others lose theirs."""
    with_pv = [
        pod for pod in scene.pods if pod.key in set(keys) and any(e.technology == "pv" for e in pod.elements)
    ]
    last = {pod.key for pod in with_pv[-GATHERED_AT:]}
    total = sum(e.rated_w for pod in with_pv for e in pod.elements if e.technology == "pv")
    kept = sum(e.rated_w for pod in with_pv if pod.key in last for e in pod.elements if e.technology == "pv")
    p_w = scene.forecast.p_w.copy()
    pods = []
    for pod in scene.pods:
        scale = 1.0 if pod not in with_pv else factor * total / kept if pod.key in last else 0.0
        for element in pod.elements:
            if element.technology == "pv":
                p_w[network.element_index[element.name]] *= scale
        pods.append(_scaled(pod, scale))
    return Scene(
        f"PV of the feeder at its end, {factor:.2f} times",
        tuple(pods),
        Forecast(DAY, p_w, scene.forecast.q_var),
    )


def _scaled(pod: GridPod, scale: float) -> GridPod:
    elements = tuple(
        replace(e, rated_w=int(e.rated_w * scale)) if e.technology == "pv" else e for e in pod.elements
    )
    return _declaring(pod, elements)


def _declaring(pod: GridPod, elements: tuple[PodElement, ...]) -> GridPod:
    up_kw, down_kw = (declared_kw(elements, way) for way in Direction)
    return replace(pod, elements=elements, up_kw=up_kw, down_kw=down_kw)


def hosted(network: Network, scene: Scene, keys: Iterable[str], flow: PowerFlow, limits: Limits) -> float:
    """The largest factor, to a hundredth, at which the expected day keeps the upper limits of the feeder."""
    wanted = set(keys)
    nodes = [network.node_index[pod.node] for pod in scene.pods if pod.key in wanted]
    low, high = 0.0, 8.0
    while high - low > 0.01:
        middle = (low + high) / 2.0
        tried = gathered(network, scene, wanted, middle).forecast
        solution = flow.solve(tried.p_w.T, tried.q_var.T)
        fits = bool((solution.u_pu[:, nodes] <= limits.bounds[nodes]).all())
        low, high = (middle, high) if fits else (low, middle)
    return low


def participants(pods: Iterable[GridPod], *, loads: bool) -> list[GridPod]:
    """The PODs of case A (generators) or B (loads too) with the elements that take part."""
    kinds = (*GENERATORS, "load") if loads else GENERATORS
    parts = [_declaring(pod, tuple(e for e in pod.elements if e.technology in kinds)) for pod in pods]
    return [pod for pod in parts if sum(e.rated_w for e in pod.elements)]


def state_of(network: Network, scene: Scene, *, loads: bool) -> ExpectedState:
    """The expected state of a case, perimeters being feeders."""
    pods = participants(scene.pods, loads=loads)
    return expected_state(network, pods, assign_by_node(network, pods, feeders(network)), scene.forecast)


def percent(points: OperatingPoints, state: ExpectedState) -> dict[str, tuple[float, float, float]]:
    """Green, orange and red per perimeter with PODs."""
    return {each.perimeter: each.percent() for each in shares(state, points) if each.points}


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=10, help="points per direction and quarter-hour")
    parser.add_argument("--feeder", default="MV1.101 Line 75", help="the feeder whose PV is gathered")
    parser.add_argument("--beyond", type=float, default=2.0, help="times the feeder's PV in the last table")
    asked = parser.parse_args()
    network = load_network(DATA / "grid.json")
    flow, limits = PowerFlow(network), Limits(network)
    terms = SupportTerms((PURCHASE_MILLI_EUR_PER_MWH,) * 24)
    base = as_it_is(network)
    keys = assign_by_node(network, base.pods, feeders(network))[asked.feeder]
    factor = hosted(network, base, keys, flow, limits)
    scenes = [base, *(gathered(network, base, keys, each) for each in (factor, asked.beyond))]
    for scene in scenes:
        rows, notes = {}, []
        for case, loads in (("A", False), ("B", True)):
            started = time.process_time()
            state = state_of(network, scene, loads=loads)
            points = operating_points(state, flow, limits, terms, steps=asked.steps)
            seconds = time.process_time() - started
            rows[case] = percent(points, state)
            notes.append(_note(case, points, seconds))
            if scene is not base:
                notes.append(_lights(case, state, flow, limits, terms, asked.feeder))
        print(f"\n{scene.title}\n\n| feeder | A green | A orange | A red | B green | B orange | B red |")
        print("|---|---|---|---|---|---|---|")
        for name, values in rows["B"].items():
            cells = [*rows["A"].get(name, (0.0, 0.0, 0.0)), *values]
            print(f"| {name} | " + " | ".join(f"{value:.1f}" for value in cells) + " |")
        print("\n" + "\n".join(f"* {note}" for note in notes))


def _note(case: str, points: OperatingPoints, seconds: float) -> str:
    orange, red = points.orange, points.red
    upward, expected = points.delta_kw > 0.0, points.delta_kw == 0.0
    cost = points.cost_milli_eur[orange].mean() if orange.any() else 0.0
    verdicts = points.verdict[red].tolist()
    because = ", ".join(f"{verdicts.count(v)} {v.name.lower()}" for v in Verdict if v in verdicts)
    return (
        f"case {case}: {len(points.quarter)} points, {seconds:.1f} s of processor time; {int(orange.sum())} "
        f"orange, {int((orange & upward).sum())} of them upward, at most "
        f"{points.provided_kvar[orange].max(initial=0.0):.0f} kvar and on average {cost:.0f} milli-euro a "
        f"quarter-hour; {int(red.sum())} red ({because}), {int((red & upward).sum())} of them upward; "
        f"{int((~points.green & expected).sum())} of {int(expected.sum())} expected states not green"
    )


def _lights(
    case: str, state: ExpectedState, flow: PowerFlow, limits: Limits, terms: SupportTerms, feeder: str
) -> str:
    """The robust lights of the feeder beside its points: those hold for any placement."""
    (day,) = [d for d in day_lights(state, flow, limits, terms=terms) if d.perimeter == feeder]
    cells = [light for way in Direction for light in day.side(way)]
    count = {colour: sum(c.colour is colour and not c.reactive for c in cells) for colour in Colour}
    reactive = sum(c.reactive for c in cells)
    return (
        f"case {case}, robust lights of {feeder}, 48 cells: {count[Colour.GREEN]} green, "
        f"{count[Colour.YELLOW]} yellow, {reactive} orange, {count[Colour.RED]} red; extra cost of the day "
        f"{sum(day.extra_milli_eur)} milli-euro"
    )


if __name__ == "__main__":
    main()
