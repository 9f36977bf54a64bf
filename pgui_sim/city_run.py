"""A fleet of any size at work: made if it is not, then quarter-hour after quarter-hour (PGU-2)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from pgui_sim.city import CityPlan, ShardMaker, export_keys, missing_shards
from pgui_sim.crew import Crew
from pgui_sim.fleet import portions, shards
from pgui_sim.memory import resident_kib
from pgui_sim.orders import CITY_PACE, Orders, Progress, Summary
from pgui_sim.shard_run import ShardRunner
from pgui_sim.state import ShardState
from pgui_sim.statement import PERIOD_S


@dataclass(frozen=True, slots=True)
class QuarterDone:
    """One quarter-hour of a fleet: its end (Unix seconds), how long it took, and the resident memory of every
    process then, KiB, the one in front first.
    """

    until: int
    seconds: float
    resident_kib: list[int]
    summary: Summary


@dataclass(slots=True)
class CityRun:
    """What a run of a fleet did, in all and by quarter-hour."""

    summary: Summary = field(default_factory=Summary)
    quarters: list[QuarterDone] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """What a run prints of it: refusals are counted by rule and field."""
        return {
            **self.summary.figures(),
            "refused": dict(self.summary.refusals),
            "quarters": [
                {
                    "until": quarter.until,
                    "signed": quarter.summary.signed,
                    "accepted": quarter.summary.accepted,
                    "seconds": round(quarter.seconds, 3),
                    "resident_kib": quarter.resident_kib,
                }
                for quarter in self.quarters
            ],
        }


def make_city(folder: Path, plan: CityPlan, processes: int, progress: Progress) -> Path:
    """Make what the fleet of ``plan`` lacks; returns the file of its public keys."""
    missing = missing_shards(folder, plan)
    progress("made", plan.pods - sum(_devices(plan, number) for number in missing))
    if missing:
        processes = min(processes, len(missing))
        with Crew(partial(ShardMaker, folder, plan), processes) as crew:
            crew.do([missing[number::processes] for number in range(processes)], progress)
    return export_keys(folder, plan)


def run_city(
    folder: Path,
    plan: CityPlan,
    quarters: int,
    server: str | None,
    processes: int,
    progress: Progress,
    told: Callable[[QuarterDone], None],
) -> CityRun:
    """Certify the first ``quarters`` quarter-hours of the plan, all devices one after the other, and send
    what is queued.

    What an earlier run did is not done again. ``server``: base URL, or ``None`` to store only. ``told`` hears
    of each quarter-hour when it is over.
    """
    done = CityRun()
    paths = shards(folder)
    processes = min(processes, len(paths))
    orders = Orders(server, plan.start + quarters * PERIOD_S, pace=CITY_PACE)
    with Crew(partial(ShardRunner, orders), processes) as crew:
        for number in range(_quarters_over(paths, plan, quarters), quarters + 1):
            until = plan.start + number * PERIOD_S
            begun = time.perf_counter()
            total, memory = Summary(), [resident_kib()]
            for summary, resident in crew.do(portions(paths, processes, until), progress):
                total.add(summary)
                if processes > 1:
                    memory.append(resident)
            quarter = QuarterDone(until, time.perf_counter() - begun, memory, total)
            done.quarters.append(quarter)
            done.summary.follow(total)
            told(quarter)
    return done


def _quarters_over(paths: list[Path], plan: CityPlan, quarters: int) -> int:
    """The first quarter-hour (from 1) that some device has not certified; at most the last one asked for,
    for what is still queued.
    """
    first = quarters
    for path in paths:
        state = ShardState(path)
        first = min(first, (state.next_period() - plan.start) // PERIOD_S + 1)
        state.close()
    return first


def _devices(plan: CityPlan, shard: int) -> int:
    return min(plan.shard_devices, plan.pods - shard * plan.shard_devices)
