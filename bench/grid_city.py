"""`grid.city_session`: the lights of every feeder of a city for one session, one process per core."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Final

from bench.grid_days import URBAN, CountingFlow, GridDay, bare_rate, machine, peak_mb
from bench.results import Result
from registry.grid.lights import day_lights
from registry.grid.violations import Limits

FEEDERS: Final = 600
"""Feeders of a city of Rome's size."""


def measure_session(least: int, say: Callable[[str], None]) -> Result:
    """One line for ``least`` feeders; whole grids are added until there are as many.

    The city is made of copies of SimBench's urban, commercial and semi-urban grids, each with a day of its
    own (every element's power times 0.8 to 1.2).
    """
    feeders = {code: GridDay.load(code).feeders for code in URBAN}
    tasks: list[tuple[str, int]] = []
    total = 0
    while total < least:
        code = URBAN[len(tasks) % len(URBAN)]
        tasks.append((code, len(tasks)))
        total += feeders[code]
    say(f"grid.city_session: {total} feeders in {len(tasks)} grids")
    cores = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    with context.Pool(cores, initializer=_load_city) as pool:
        rates = pool.map(_rate_of, [URBAN[i % len(URBAN)] for i in range(cores)], chunksize=1)
        began = perf_counter()
        done = list(pool.imap_unordered(_session, tasks, chunksize=1))
        seconds = perf_counter() - began
        rates_after = pool.map(_rate_of, [URBAN[i % len(URBAN)] for i in range(cores)], chunksize=1)
    flows = sum(each.flows for each in done)
    rate = (sum(rates) + sum(rates_after)) / 2
    early = [each.peak_mb for each in done[: (len(done) + 1) // 2]]
    colours = {colour: sum(each.colours[colour] for each in done) for colour in done[0].colours}
    return Result(
        name="grid.city_session",
        value=seconds,
        unit="s",
        reference="the power flows in it by the bare engine on all cores, same run",
        reference_value=flows / rate,
        sizes={
            "feeders": total,
            "grids_replicated": len(tasks),
            "of_simbench_grids": len(URBAN),
            "pods": sum(each.pods for each in done),
            "power_flows": flows,
            "bare_power_flows_per_s": round(rate),
            "processor_s": round(sum(each.processor_s for each in done), 1),
            "peak_mb_per_process": round(max(each.peak_mb for each in done)),
            "peak_mb_per_process_halfway": round(max(early)),
            **{f"cells_{colour}": count for colour, count in colours.items()},
            **machine(),
        },
        seconds=seconds,
    )


# ---------------------------------------------------------------------------------------- the processes


@dataclass(frozen=True, slots=True)
class _Done:
    pods: int
    flows: int
    processor_s: float
    peak_mb: float
    colours: dict[str, int]


_COLOURS: Final = ("green", "yellow", "red")
_CITY: dict[str, GridDay] = {}


def _load_city() -> None:
    _CITY.update({code: GridDay.load(code) for code in URBAN})


def _rate_of(code: str) -> float:
    return bare_rate(_CITY[code], threads=1)


def _session(task: tuple[str, int]) -> _Done:
    code, number = task
    day = _CITY[code].copy(number)
    flow = CountingFlow(day.network, threads=1)
    began = process_time()
    lights = day_lights(day.state(), flow, Limits(day.network))
    cells = [cell for perimeter in lights for cell in (*perimeter.up, *perimeter.down)]
    return _Done(
        len(day.pods),
        flow.count,
        process_time() - began,
        peak_mb(),
        {colour: sum(cell.colour.name.lower() == colour for cell in cells) for colour in _COLOURS},
    )
