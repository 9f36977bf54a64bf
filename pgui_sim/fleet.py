"""Many devices: made into shards, run shard by shard in few processes, counted (PGU-2)."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Final

from pgui_sim.crew import Crew
from pgui_sim.fleet_file import FleetFile
from pgui_sim.orders import Offline, Orders, Progress, Summary
from pgui_sim.shard_run import ShardRunner
from pgui_sim.state import ShardState, StateUnusable

__all__ = ["Offline", "Orders", "Progress", "Summary", "fleet_size", "make_fleet", "run_fleet", "shards"]

SHARD_DEVICES: Final = 5_000
KEYS_FILE: Final = "keys.json"


def make_fleet(folder: Path, fleet: FleetFile, progress: Progress) -> None:
    """Make the devices of ``fleet`` in ``folder`` and write their public keys to ``keys.json``.

    Raises :class:`StateUnusable` if there is a fleet already: its keys may be bound.
    """
    if folder.exists() and shards(folder):
        raise StateUnusable(f"{folder} holds a fleet already; remove it, or choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    public = []
    for first in range(0, len(fleet.pods), SHARD_DEVICES):
        pods = fleet.pods[first : first + SHARD_DEVICES]
        path = folder / shard_name(first // SHARD_DEVICES)
        keys = ShardState.create(path, fleet.start, fleet.setpoint_keys, pods)
        for pod, key in zip(pods, keys, strict=True):
            x, y = key.point[1:33], key.point[33:]
            public.append(
                {"pod_id": pod.pod_id.hex(), "key_x": x.hex(), "key_y": y.hex(), "key_id": key.kid.hex()}
            )
        progress("made", len(pods))
    (folder / KEYS_FILE).write_text(json.dumps(public, indent=1) + "\n", encoding="utf-8")


def fleet_size(folder: Path) -> int:
    """Number of devices. Raises :class:`StateUnusable` if there is no fleet."""
    return sum(len(indices) for indices in _indices(folder).values())


def run_fleet(folder: Path, orders: Orders, processes: int, progress: Progress) -> Summary:
    """Run every device up to ``orders.until``; several shards share ``processes`` processes.

    Raises :class:`StateUnusable`, ValueError for an order to a device that the fleet has not,
    :class:`~pgui_sim.meter.ProfileEnded`, :class:`~pgui_sim.faults.FaultImpossible`; what was kept before
    stays kept.
    """
    indices = _indices(folder)
    known = {index for each in indices.values() for index in each}
    strangers = ({*orders.faults} | {each.pod_index for each in orders.offline}) - known
    if strangers:
        raise ValueError(
            f"pod_index: found {min(strangers)}, allowed one of the fleet's {len(known)} devices"
        )
    paths = list(indices)
    total = Summary()
    processes = min(processes, len(paths))
    with Crew(partial(ShardRunner, orders), processes) as crew:
        for summary, _ in crew.do(portions(paths, processes, orders.until), progress):
            total.add(summary)
    return total


def portions(paths: list[Path], processes: int, until: int) -> list[tuple[list[Path], int]]:
    """The tasks of the processes that share ``paths``."""
    return [(paths[number::processes], until) for number in range(processes)]


def shards(folder: Path) -> list[Path]:
    """The databases of a fleet, in the order of its devices."""
    return sorted(folder.glob("shard-*.sqlite"))


def shard_name(number: int) -> str:
    """File name of a shard."""
    return f"shard-{number:04d}.sqlite"


def _indices(folder: Path) -> dict[Path, list[int]]:
    found = {}
    for path in shards(folder):
        state = ShardState(path)
        found[path] = state.pod_indices()
        state.close()
    if not found:
        raise StateUnusable(f"{folder} holds no fleet; make one first")
    return found
