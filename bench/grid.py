"""What lights from the grid cost: power flows against pandapower on the same points, a grid's day, a city's
session.

Absolute times are held against the aims of the issue or against the engine itself, measured in the same run:
``sizes`` says how many power flows a figure contains and how many a second the bare engine makes.
"""

from __future__ import annotations

import gzip
import json
import multiprocessing
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Final

import numpy as np

from bench.grid_days import BLOCK, CountingFlow, Floats, GridDay, bare_rate, machine, peak_mb
from bench.results import Result
from registry.grid.codes import FIXTURES, grid_file
from registry.grid.lights import day_lights
from registry.grid.pandapower_tables import read_tables
from registry.grid.powerflow import PowerFlow
from registry.grid.reactive_providers import SupportTerms
from registry.grid.results import PerimeterDayLights
from registry.grid.state import ExpectedState
from registry.grid.violations import Limits

PURCHASE_MILLI_EUR_PER_MWH = 50_000
"""Only costs depend on it."""
GREEN_AIM_S: Final = 0.5
FULL_AIM_S: Final = 10.0
VOLTAGE_PU: Final = 1e-6
_ROOT: Final = Path(__file__).resolve().parent.parent
_POWERFLOW_GRID: Final = "1-MV-semiurb--1-sw"


@dataclass(frozen=True, slots=True)
class GridSizes:
    """How much is measured.

    Attributes:
        points: power flows of the engine.
        peer_points: how many of them pandapower solves too.
    """

    points: int = 81_920
    peer_points: int = 100


def measure_powerflow(sizes: GridSizes, interpreter: Path) -> Result:
    """Power flows a second on all cores, in blocks made one after the other, against pandapower's ``runpp``
    in ``interpreter`` on the first points of the same list.

    Raises RuntimeError where a voltage differs by more than 1e-6 p.u., a point does not converge or the peer
    fails.
    """
    day = GridDay.load(_POWERFLOW_GRID)
    p_w, q_var = day.points(min(BLOCK, sizes.points), 0)
    p_w, q_var = p_w[: sizes.peer_points], q_var[: sizes.peer_points]
    with multiprocessing.get_context("spawn").Pool(1) as pool:  # its peak memory is its own
        seconds, halfway_mb, last_mb = pool.apply(_solve_blocks, (_POWERFLOW_GRID, sizes.points))
    peer = _peer(interpreter, grid_file(_POWERFLOW_GRID), p_w, q_var)
    own = PowerFlow(day.network).solve(p_w, q_var)
    buses = [day.network.node_index[name] for name in _bus_names(_POWERFLOW_GRID)]
    difference = float(np.abs(own.u_pu[:, buses] - peer["u_pu"]).max())
    if not difference <= VOLTAGE_PU:
        raise RuntimeError(
            f"voltages: found a difference of {difference} p.u., expected {VOLTAGE_PU} at most"
        )
    peer_rate = len(p_w) / float(peer["plain_s"])
    return Result(
        name="grid.powerflow",
        value=sizes.points / seconds,
        unit="power flows/s",
        reference="pandapower runpp on the same points, same run",
        reference_value=peer_rate,
        sizes={
            "points": sizes.points,
            "peer_points": len(p_w),
            "peer_recycled": round(len(p_w) / float(peer["recycled_s"]), 1),
            "peer_numba": int(peer["numba"]),
            "nodes": len(day.network.node_names),
            "voltage_difference_pu": difference,
            "peak_mb_halfway": round(halfway_mb),
            "peak_mb": round(last_mb),
            **machine(),
        },
        seconds=seconds,
    )


def measure_days(
    say: Callable[[str], None], codes: Sequence[str] = tuple(FIXTURES), rounds: int = 3
) -> list[Result]:
    """``grid.green_day`` and ``grid.full_day``: the slowest of the SimBench grids, each in the fastest of
    its rounds, all cores.
    """
    stages = {
        "grid.green_day": (GREEN_AIM_S, day_lights),
        "grid.full_day": (FULL_AIM_S, _supported),
    }
    days = [GridDay.load(code) for code in codes]
    results = []
    for name, (aim_s, stage) in stages.items():
        took: dict[str, tuple[float, float, int]] = {}
        for day in days:
            say(f"{name}: {day.code}")
            took[day.code] = _best_of(rounds, day, stage)
        slowest = max(took, key=lambda code: took[code][0])
        seconds, processor_s, flows = took[slowest]
        at = next(day for day in days if day.code == slowest)
        rate = bare_rate(at)
        results.append(
            Result(
                name=name,
                value=seconds,
                unit="s",
                reference=f"the aim, on {slowest}, the slowest of {len(days)} grids",
                reference_value=aim_s,
                sizes={
                    **{code.split("-")[2] + "_s": round(each[0], 3) for code, each in took.items()},
                    "processor_s": round(processor_s, 3),
                    "power_flows": flows,
                    "bare_power_flows_per_s": round(rate),
                    "bare_s": round(flows / rate, 3),
                    "pods": len(at.pods),
                    "perimeters": len(at.perimeters),
                    **machine(),
                },
                seconds=seconds,
            )
        )
    return results


# --------------------------------------------------------------------------------------------------- one grid


def _supported(state: ExpectedState, flow: PowerFlow, limits: Limits) -> tuple[PerimeterDayLights, ...]:
    """Lights with the reactive support of all plants that are able to give it."""
    return day_lights(state, flow, limits, terms=SupportTerms((PURCHASE_MILLI_EUR_PER_MWH,) * state.hours))


def _best_of(rounds: int, day: GridDay, stage: Callable[..., object]) -> tuple[float, float, int]:
    """Seconds, processor seconds and power flows of the fastest round, from the expected state on, what
    :class:`PowerFlow` learns about a grid once included.
    """
    limits = Limits(day.network)
    found = []
    for _ in range(rounds):
        flow = CountingFlow(day.network, threads=0)
        began, began_processor = perf_counter(), process_time()
        stage(day.state(), flow, limits)
        found.append((perf_counter() - began, process_time() - began_processor, flow.count))
    return min(found)


# ------------------------------------------------------------------------------------------- other processes


def _solve_blocks(code: str, points: int, block: int = BLOCK) -> tuple[float, float, float]:
    """Seconds of all points on all cores, and peak memory in MB after half of them and after all."""
    day = GridDay.load(code)
    flow = PowerFlow(day.network)
    seconds, halfway_mb = 0.0, 0.0
    for number, start in enumerate(range(0, points, block)):
        made = day.points(min(block, points - start), number)
        began = perf_counter()
        solution = flow.solve(*made)
        seconds += perf_counter() - began
        if not solution.converged.all():
            failed = int((~solution.converged).sum())
            raise RuntimeError(f"block {number}: found {failed} points without a result, expected none")
        if start + block <= points / 2 or not halfway_mb:
            halfway_mb = peak_mb()
    return seconds, halfway_mb, peak_mb()


def _peer(interpreter: Path, net: Path, p_w: Floats, q_var: Floats) -> dict[str, Floats]:
    with tempfile.TemporaryDirectory() as folder:
        points, answers = Path(folder) / "points.npz", Path(folder) / "answers.npz"
        np.savez(points, p_w=p_w, q_var=q_var)
        words = [str(interpreter), "-m", "bench.pandapower_peer", str(net), str(points), str(answers)]
        done = subprocess.run(words, cwd=_ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip() or "no word").splitlines()[-1]
            raise RuntimeError(f"pandapower in {interpreter}: ended with status {done.returncode}: {last}")
        with np.load(answers) as found:
            return {name: found[name] for name in found.files}


def _bus_names(code: str) -> list[str]:
    """Names of the buses in the order of the net's table, which is pandapower's."""
    tables, _ = read_tables(json.loads(gzip.decompress(grid_file(code).read_bytes())))
    return [row.cells["name"] for row in tables.of("bus")]
