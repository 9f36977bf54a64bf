"""One process's part of a run: shard after shard, over connections that stay open (PGU-1, PGU-2)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pgui_sim.device import Device
from pgui_sim.memory import resident_kib
from pgui_sim.orders import Orders, Progress, Summary
from pgui_sim.queue import Queue, Queued
from pgui_sim.setpoint import PlatformKeys
from pgui_sim.state import ShardState
from pgui_sim.stored import StoredDevice
from pgui_sim.uplink import Unreachable, Uplink, UplinkRefused
from pgui_sim.window import in_order


class ShardRunner:
    """Runs shards by the same orders; to be used as a context."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._open = ExitStack()
        self._uplink: Uplink | None = None

    def __enter__(self) -> Self:
        pace = self._orders.pace
        self._pool = self._open.enter_context(ThreadPoolExecutor(max(pace.uploads, pace.fetches)))
        if self._orders.server is not None:
            uplink = Uplink(self._orders.server, attempts=pace.attempts)
            self._uplink = self._open.enter_context(uplink)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def __call__(self, task: tuple[list[Path], int], progress: Progress) -> tuple[Summary, int]:
        """Run the shards of ``task`` to its time (Unix seconds). Returns what was done, and the resident
        memory of this process, KiB.

        1. Each connected device compares its clock and, if it asks for them, fetches its setpoints.
        2. Each lives to that time; state and signed statements are kept in one transaction, before anything
           is sent.
        3. What is queued and not offline is sent; answers are taken in.
        """
        paths, until = task
        total = Summary()
        for path in paths:
            with closing(ShardState(path)) as state:
                run = _ShardRun(state, self._uplink, self._pool, self._orders, until, progress)
                run.certify()
                run.send()
                total.add(run.summary)
        return total, resident_kib()


class _ShardRun:
    def __init__(
        self,
        state: ShardState,
        uplink: Uplink | None,
        pool: ThreadPoolExecutor,
        orders: Orders,
        until: int,
        progress: Progress,
    ) -> None:
        self.summary = Summary()
        self._state = state
        self._uplink = uplink
        self._pool = pool
        self._orders = orders
        self._until = until
        self._progress = progress
        self._platforms = PlatformKeys(state.setpoint_keys)
        self._node_time = self._ask_time()

    def certify(self) -> None:
        """Steps 1 and 2."""
        last = -1
        while stored := self._state.devices(last, self._orders.pace.commit):
            devices = [(each, Device(each)) for each in stored]
            self._connect(devices)
            for each, device in devices:
                device.run(self._until, self._orders.faults.get(each.pod_index, []))
            with self._state.transaction():
                self._state.keep([(each, device.statements) for each, device in devices])
            for each, device in devices:
                self.summary.signed += sum(fault is None for _, fault in device.statements)
                self.summary.executions += device.answered
                self.summary.setpoints += device.taken
                for reason in device.rejected:
                    self.summary.problem(f"device {each.pod_index}: setpoint dropped: {reason}")
            self._progress("certified", len(devices))
            last = stored[-1].pod_index

    def send(self) -> None:
        """Step 3."""
        queue = Queue(self._state)
        if self._uplink is not None:
            self._send(queue, self._uplink)
        self.summary.queued = queue.waiting()

    def _send(self, queue: Queue, uplink: Uplink) -> None:
        offline = sorted({each.pod_index for each in self._orders.offline if each.covers(self._until)})

        def submit(batch: list[Queued]) -> list[dict[str, Any]]:
            return uplink.submit([queued.statement for queued in batch])

        batches = queue.batches(self._orders.pace.batch, offline)
        for batch, future in in_order(self._pool, submit, batches, self._orders.pace.uploads):
            try:
                answers = future.result()
            except (Unreachable, UplinkRefused) as error:
                # Others may be under way still: their statements stay queued, and are sent again.
                self.summary.problem(str(error))
                return
            queue.answered(list(zip(batch, answers, strict=True)))
            for queued, answer in zip(batch, answers, strict=True):
                self.summary.answered(queued.pod_index, queued.fault, answer)
            self._progress("answered", len(batch))

    def _connect(self, devices: list[tuple[StoredDevice, Device]]) -> None:
        """Step 1."""
        if self._uplink is None or self._node_time is None:
            return
        uplink, node_time = self._uplink, self._node_time
        connected = [
            (each, device)
            for each, device in devices
            if self._orders.connected(each.pod_index, each.state.next_period)
        ]
        for _, device in connected:
            device.set_clock()

        def fetch(asking: tuple[StoredDevice, Device]) -> list[bytes]:
            each, device = asking
            return uplink.setpoints(each.pod_id, device.key, device.state.last_sequence, node_time)

        for (_, device), future in in_order(
            self._pool, fetch, self._asking(connected), self._orders.pace.fetches
        ):
            try:
                found = future.result()
            except (Unreachable, UplinkRefused) as error:
                self.summary.problem(str(error))
                if isinstance(error, Unreachable):
                    self._node_time = None  # the others need not try in this run
                continue
            for setpoint in found:
                device.take(setpoint, self._platforms)

    def _asking(self, connected: list[tuple[StoredDevice, Device]]) -> Iterator[tuple[StoredDevice, Device]]:
        """Those that ask for setpoints, for as long as there is an answer."""
        for each, device in connected if self._platforms else ():
            if each.asks and self._node_time is not None:
                yield each, device

    def _ask_time(self) -> int | None:
        if self._uplink is None:
            return None
        try:
            return self._uplink.time()
        except (Unreachable, UplinkRefused) as error:
            self.summary.problem(str(error))
            return None
