"""Many devices: made into shards, run shard by shard in few processes, counted (PGU-2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from pgui_sim.device import Device
from pgui_sim.faults import Fault
from pgui_sim.fleet_file import FleetFile
from pgui_sim.queue import Queue
from pgui_sim.setpoint import PlatformKeys
from pgui_sim.state import ShardState, StateUnusable
from pgui_sim.uplink import BATCH, Unreachable, Uplink, UplinkRefused

SHARD_DEVICES: Final = 5_000
_DEVICES_PER_COMMIT: Final = 50
KEYS_FILE: Final = "keys.json"

Progress = Callable[[str, int], None]
"""Told what was done (``certified`` devices, ``answered`` statements) and how many more of it."""


@dataclass(frozen=True, slots=True)
class Offline:
    """A device has no connection in [start, end), Unix seconds."""

    pod_index: int
    start: int
    end: int

    def covers(self, at: int) -> bool:
        """Whether there is no connection at ``at``."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Orders:
    """What a run is asked to do. ``until`` in Unix seconds; faults by device."""

    server: str
    until: int
    faults: dict[int, list[Fault]] = field(default_factory=dict)
    offline: tuple[Offline, ...] = ()

    def connected(self, pod_index: int, at: int) -> bool:
        """Whether a device has a connection at ``at``."""
        return not any(each.pod_index == pod_index and each.covers(at) for each in self.offline)


@dataclass(slots=True)
class Summary:
    """What a run did. ``signed``: genuine statements; ``queued``: what still waits for an answer;
    ``problems``: in words.
    """

    signed: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)
    executions: int = 0
    setpoints: int = 0
    queued: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, other: Summary) -> None:
        """Count another run's figures in."""
        self.signed += other.signed
        self.accepted += other.accepted
        self.duplicates += other.duplicates
        self.refused += other.refused
        self.executions += other.executions
        self.setpoints += other.setpoints
        self.queued += other.queued
        self.problems += other.problems


# ---------------------------------------------------------------------------------------------------- make


def make_fleet(folder: Path, fleet: FleetFile, progress: Progress) -> None:
    """Make the devices of ``fleet`` in ``folder`` and write their public keys to ``keys.json``.

    Raises :class:`StateUnusable` if there is a fleet already: its keys may be bound.
    """
    if folder.exists() and any(_shards(folder)):
        raise StateUnusable(f"{folder} holds a fleet already; remove it, or choose another folder")
    folder.mkdir(parents=True, exist_ok=True)
    public = []
    for first in range(0, len(fleet.pods), SHARD_DEVICES):
        pods = fleet.pods[first : first + SHARD_DEVICES]
        path = folder / f"shard-{first // SHARD_DEVICES:04d}.sqlite"
        keys = ShardState.create(path, fleet.start, fleet.setpoint_keys, pods)
        for pod, key in zip(pods, keys, strict=True):
            x, y = key.point[1:33], key.point[33:]
            public.append(
                {"pod_id": pod.pod_id.hex(), "key_x": x.hex(), "key_y": y.hex(), "key_id": key.kid.hex()}
            )
        progress("made", len(pods))
    (folder / KEYS_FILE).write_text(json.dumps(public, indent=1) + "\n", encoding="utf-8")


# ----------------------------------------------------------------------------------------------------- run


def fleet_size(folder: Path) -> int:
    """Number of devices. Raises :class:`StateUnusable` if there is no fleet."""
    return sum(len(indices) for indices in _indices(folder).values())


def run_fleet(folder: Path, orders: Orders, processes: int, progress: Progress) -> Summary:
    """Run every device up to ``orders.until``; several shards share ``processes`` processes.

    Raises :class:`StateUnusable`, ValueError for an order to a device that the fleet has not,
    :class:`~pgui_sim.meter.ProfileEnded`, :class:`~pgui_sim.faults.FaultImpossible`; what was kept before
    stays kept.
    """
    shards = _indices(folder)
    known = {index for indices in shards.values() for index in indices}
    strangers = ({*orders.faults} | {each.pod_index for each in orders.offline}) - known
    if strangers:
        raise ValueError(
            f"pod_index: found {min(strangers)}, allowed one of the fleet's {len(known)} devices"
        )
    total = Summary()
    if len(shards) == 1 or processes == 1:
        for path in shards:
            total.add(run_shard(path, orders, progress))
        return total
    with ProcessPoolExecutor(min(processes, len(shards)), mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(run_shard, path, orders): len(indices) for path, indices in shards.items()}
        for future in as_completed(futures):
            summary = future.result()
            total.add(summary)
            progress("certified", futures[future])
            progress("answered", summary.accepted + summary.duplicates + len(summary.refused))
    return total


def run_shard(path: Path, orders: Orders, progress: Progress = lambda what, more: None) -> Summary:
    """Run the devices of one shard.

    1. Each connected device compares its clock and fetches its setpoints.
    2. Each lives to ``orders.until``; state and signed statements are kept in one transaction, before
       anything is sent.
    3. What is queued and not offline is sent; answers are kept.
    """
    state = ShardState(path)
    summary = Summary()
    try:
        with Uplink(orders.server) as uplink:
            run = _ShardRun(state, uplink, orders, summary, progress)
            run.certify()
            run.send()
        summary.queued = Queue(state).waiting()
    finally:
        state.close()
    return summary


class _ShardRun:
    def __init__(
        self, state: ShardState, uplink: Uplink, orders: Orders, summary: Summary, progress: Progress
    ) -> None:
        self._state = state
        self._uplink = uplink
        self._orders = orders
        self._summary = summary
        self._progress = progress
        self._platforms = PlatformKeys(state.setpoint_keys)
        self._indices = state.pod_indices()
        self._node_time = self._ask_time()

    def certify(self) -> None:
        """Steps 1 and 2."""
        for first in range(0, len(self._indices), _DEVICES_PER_COMMIT):
            chunk = self._indices[first : first + _DEVICES_PER_COMMIT]
            devices = [(index, self._certify_one(index)) for index in chunk]
            with self._state.transaction():
                for index, device in devices:
                    self._state.keep(index, device.state, device.statements)
            for _, device in devices:
                self._summary.signed += sum(fault is None for _, fault in device.statements)
                self._summary.executions += device.answered
                self._summary.setpoints += device.taken
            self._progress("certified", len(chunk))

    def send(self) -> None:
        """Step 3."""
        queue = Queue(self._state)
        offline = [index for index in self._indices if not self._orders.connected(index, self._orders.until)]
        last = 0
        while batch := queue.batch(last, BATCH, offline):
            try:
                answers = self._uplink.submit([queued.statement for queued in batch])
            except (Unreachable, UplinkRefused) as error:
                self._summary.problems.append(str(error))
                return
            pairs = list(zip(batch, answers, strict=True))
            queue.answered(pairs)
            for queued, answer in pairs:
                self._count(queued.pod_index, queued.fault, answer)
            self._progress("answered", len(batch))
            last = batch[-1].id

    def _certify_one(self, index: int) -> Device:
        stored = self._state.device(index)
        device = Device(stored)
        if self._node_time is not None and self._orders.connected(index, stored.state.next_period):
            device.set_clock()
            if self._platforms:
                self._fetch(device, stored.pod_id, self._node_time)
        device.run(self._orders.until, self._orders.faults.get(index, []))
        self._summary.problems += [
            f"device {index}: setpoint dropped: {reason}" for reason in device.rejected
        ]
        return device

    def _fetch(self, device: Device, pod_id: bytes, node_time: int) -> None:
        try:
            found = self._uplink.setpoints(pod_id, device.key, device.state.last_sequence, node_time)
        except (Unreachable, UplinkRefused) as error:
            self._summary.problems.append(str(error))
            if isinstance(error, Unreachable):
                self._node_time = None  # the others need not try in this run
            return
        for setpoint in found:
            device.take(setpoint, self._platforms)

    def _ask_time(self) -> int | None:
        try:
            return self._uplink.time()
        except (Unreachable, UplinkRefused) as error:
            self._summary.problems.append(str(error))
            return None

    def _count(self, pod_index: int, fault: str | None, answer: dict[str, Any]) -> None:
        match answer["status"]:
            case "accepted":
                self._summary.accepted += 1
            case "duplicate":
                self._summary.duplicates += 1
            case _:
                reason = {name: answer.get(name) for name in ("rule", "field", "found", "allowed")}
                self._summary.refused.append({**reason, "device": pod_index, "fault": fault})


def _shards(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.glob("shard-*.sqlite"))


def _indices(folder: Path) -> dict[Path, list[int]]:
    shards = {}
    for path in _shards(folder):
        state = ShardState(path)
        shards[path] = state.pod_indices()
        state.close()
    if not shards:
        raise StateUnusable(f"{folder} holds no fleet; make one first")
    return shards
