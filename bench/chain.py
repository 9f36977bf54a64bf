"""``ledger.*``: a city's PODs registered on a chain with blocks of 30 million gas, then a delivery day of six
session pairs, with a mirror that follows.

The chain is anvil with a block every so often; the sender is the register's own, with the parties' keys side
by side where none waits for what another one records; the mirror is a process of its own. What the chain's
blocks could hold is the reference: the sender is as good as it keeps them full, the mirror as it is level
with the newest one.
"""

from __future__ import annotations

import math
import resource
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bench.day import Day, Phase, admissions, registrations
from bench.following import Followed, Follower
from bench.results import Result
from bench.servers import Anvil
from registry.domain.calendar import DeliveryDay, from_unix
from registry.domain.commands import AdmitParties, ScheduleDays
from registry.domain.sessions import ScheduleTemplate
from registry.ledger import LocalSigner
from registry.ledger.ledger import ChainLedger
from registry.ledger.opening import deploy_rpc, open_rpc
from registry.ledger.rpc import Connection
from registry.services.register_file import BATCH

BLOCK_GAS: Final = 30_000_000
EVENTS_PER_S: Final = 1_000
"""The mirror is to be level with the chain at so many events a second."""
_ROOT = Path(__file__).resolve().parent.parent
_AHEAD_DAYS = 3
_PROGRESS_S = 10
"""Seconds between two words about a long phase."""
_STATES = 16
"""Past states that the chain keeps: a call on the newest one may come a few blocks late."""


@dataclass(frozen=True, slots=True)
class LedgerSizes:
    """How much is recorded.

    Attributes:
        pods: registered, in transactions as ``flexledger pods register`` makes them.
        perimeters: with lights in every session.
        selected: PODs with a static light that serve, half of them each market.
        block_s: seconds from block to block.
    """

    pods: int = 580_000
    perimeters: int = 600
    selected: int = 20_000
    block_s: float = 1


@dataclass(slots=True)
class _Sent:
    """What a stream of commands took; ``blocks``: made meanwhile, empty ones too; ``processor_s``: of the
    sender, which other programs disturb less.
    """

    seconds: float = 0.0
    gas: int = 0
    transactions: int = 0
    blocks: int = 0
    processor_s: float = 0.0

    @property
    def least_blocks(self) -> int:
        """Blocks that would hold as much gas."""
        return math.ceil(self.gas / BLOCK_GAS)

    def add(self, other: _Sent) -> None:
        self.seconds += other.seconds
        self.gas += other.gas
        self.transactions += other.transactions
        self.blocks += other.blocks
        self.processor_s += other.processor_s


def measure_ledger(
    sizes: LedgerSizes | None = None, say: Callable[[str], None] = lambda text: None
) -> Iterator[Result]:
    """The lines of the registration, then those of the day.

    Raises:
        MissingProgram: no anvil.
        RuntimeError: the ledger refused a command.
    """
    sizes = sizes or LedgerSizes()
    with tempfile.TemporaryDirectory(prefix="flexledger-bench-") as place:
        options = ("--gas-limit", str(BLOCK_GAS), "--block-base-fee-per-gas", "0")
        with Anvil.start(_ROOT, *options, states=_STATES) as anvil:
            bench = _Bench(anvil, Path(place), sizes, say)
            with (
                Follower(anvil.url, bench.deployment, Path(place)) as follower,
                Heartbeat(anvil.url, sizes.block_s),
            ):
                follower.report()
                yield from bench.register(follower)
                yield from bench.trade(follower)


class Heartbeat:
    """Makes blocks until the ``with`` block ends: one every so often, or as soon as the one before is there.
    (Anvil's own interval takes the same transactions twice when a block takes longer than that.)
    """

    def __init__(self, url: str, block_s: float) -> None:
        self._connection = Connection.to(url)
        self._block_s = block_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._beat)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _beat(self) -> None:
        due = time.monotonic()
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due = time.monotonic() + self._block_s
            self._connection.request("evm_mine")


class _Bench:
    """A founded consortium on a chain."""

    def __init__(self, anvil: Anvil, folder: Path, sizes: LedgerSizes, say: Callable[[str], None]) -> None:
        self._anvil, self._folder, self._sizes, self._say = anvil, folder, sizes, say
        self._connection = Connection.to(anvil.url)
        self.deployment = folder / "deployment.json"
        self._keys: dict[int, LocalSigner] = {}
        admin = LocalSigner.create()
        deploy_rpc(anvil.url, admin, self.deployment)
        self._ledger: ChainLedger = open_rpc(anvil.url, self.deployment)
        admitted = admissions(self._key)
        self._ledger.send(AdmitParties(admitted), admin)
        self._pods = [sha256(b"pod %d" % number).digest() for number in range(sizes.pods)]
        self._connection.request("evm_setAutomine", False)

    def register(self, follower: Follower) -> Iterator[Result]:
        """Every POD."""
        self._say(f"{self._sizes.pods} PODs")
        before = follower.report()
        done = self._send(Phase(3, registrations(self._pods, BATCH), "registrations"))
        followed = follower.report()
        if followed.events != self._sizes.pods:
            raise RuntimeError(f"mirror: found {followed.events} events, expected {self._sizes.pods}")
        per_pod = done.gas / self._sizes.pods
        limit = done.blocks * BLOCK_GAS / per_pod / done.seconds
        shown: dict[str, int | float] = {
            "pods": self._sizes.pods,
            "pods_per_transaction": BATCH,
            "gas_per_pod": round(per_pod),
            "block_s": self._sizes.block_s,
        }
        yield Result(
            "ledger.register",
            self._sizes.pods / done.seconds,
            "PODs/s",
            "what the blocks made meanwhile could hold",
            limit,
            shown,
            done.seconds,
        )
        yield from self._common("ledger.register", done, followed)
        yield Result(
            "ledger.memory",
            followed.memory_mb,
            "MB",
            "the mirror's process before the first POD",
            before.memory_mb,
            {"pods": self._sizes.pods, "chain_mb": self._chain_mb(), "sender_mb": round(_own_mb())},
            done.seconds,
        )

    def trade(self, follower: Follower) -> Iterator[Result]:
        """A delivery day: lights, selections and declarations of six session pairs."""
        now = from_unix(self._ledger.head().time)
        delivery = DeliveryDay((now + timedelta(days=_AHEAD_DAYS)).date())
        schedule = ScheduleTemplate().schedule(delivery)
        self._send(Phase(1, [ScheduleDays(1, (schedule,))]))
        day = Day(schedule, self._pods[: self._sizes.selected], self._sizes.perimeters)
        self._say(f"{self._sizes.perimeters} perimeters, {self._sizes.selected} PODs with a static light")
        for phase in day.ground():
            self._send(phase)
        follower.report()
        done = _Sent()
        for stage in day.sessions():
            self._say(", ".join(phase.name for phase in stage.phases))
            self._turn(stage.opens_at)
            done.add(self._send_together(stage.phases))
        followed = follower.report()
        yield Result(
            "ledger.day",
            done.seconds,
            "s",
            "the gas of all in full blocks, at the rate in which blocks were made",
            done.least_blocks * done.seconds / done.blocks,
            {
                "session_pairs": 6,
                "perimeters": self._sizes.perimeters,
                "pods_selected": self._sizes.selected,
                "transactions": done.transactions,
                "gas": done.gas,
                "block_s": self._sizes.block_s,
            },
            done.seconds,
        )
        yield from self._common("ledger.day", done, followed)

    def _common(self, name: str, done: _Sent, followed: Followed) -> Iterator[Result]:
        """Blocks, the mirror's lag and the mirror's speed."""
        yield Result(
            f"{name}.blocks",
            done.blocks,
            "blocks",
            "the gas of all, in full blocks",
            done.least_blocks,
            {
                "transactions": done.transactions,
                "gas": done.gas,
                "block_gas": BLOCK_GAS,
                "processor_us_per_transaction": round(done.processor_s / done.transactions * 1e6),
            },
            done.seconds,
        )
        yield Result(
            f"{name}.mirror_lag",
            followed.lag_p99,
            "blocks",
            "one block; the value is the 99th percentile",
            1,
            {
                "p50": followed.lag_p50,
                "p99": followed.lag_p99,
                "max": followed.lag_max,
                "events": followed.events,
                "events_per_s": round(followed.events / done.seconds),
            },
            done.seconds,
        )
        yield Result(
            f"{name}.mirror",
            followed.events / followed.busy_s,
            "events/s",
            "what it must be level with, while it works",
            EVENTS_PER_S,
            {
                "events": followed.events,
                "busy_s": round(followed.busy_s, 1),
                "processor_us_per_event": round(followed.processor_s / followed.events * 1e6),
            },
            followed.busy_s,
        )

    def _send_together(self, phases: Sequence[Phase]) -> _Sent:
        """Each phase by a thread. One that fails leaves the others to the end of their chain."""
        began, pool = time.perf_counter(), ThreadPoolExecutor(len(phases))
        try:
            parts = list(pool.map(self._send, phases))
        finally:
            pool.shutdown(wait=False)
        return _Sent(
            seconds=time.perf_counter() - began,
            gas=sum(part.gas for part in parts),
            transactions=sum(part.transactions for part in parts),
            blocks=max(part.blocks for part in parts),
            processor_s=sum(part.processor_s for part in parts),
        )

    def _send(self, phase: Phase) -> _Sent:
        done = _Sent()
        sender = self._ledger.sender(self._key(phase.party), self._folder / "sending")
        began, worked, first = time.perf_counter(), time.thread_time(), self._ledger.head().number
        last, shown = first, began
        try:
            for sent in sender.send(phase.commands):
                if (now := time.perf_counter()) - shown >= _PROGRESS_S:
                    shown = now
                    self._say(
                        f"{phase.name}: {done.transactions} transactions in {last - first} blocks"
                        f" after {now - began:.0f} s; chain {self._chain_mb()} MB, sender {_own_mb():.0f} MB"
                    )
                if sent.refusal is not None:
                    raise RuntimeError(f"{phase.name}: found {sent.refusal}, expected a recorded command")
                done.gas += sent.gas_used
                done.transactions += 1
                last = max(last, sent.block_number)
        finally:
            sender.close()
        done.seconds, done.blocks = time.perf_counter() - began, last - first
        done.processor_s = time.thread_time() - worked
        return done

    def _turn(self, instant: int) -> None:
        """The chain's time goes on to an instant, if it is not beyond it."""
        if self._ledger.head().time < instant:
            self._connection.request("evm_setNextBlockTimestamp", instant)
            self._connection.request("evm_mine")

    def _key(self, party: int) -> LocalSigner:
        return self._keys.setdefault(party, LocalSigner(sha256(b"party %d" % party).digest()))

    def _chain_mb(self) -> int:
        """Resident memory of the chain's node."""
        status = Path(f"/proc/{self._anvil.process.pid}/status").read_text(encoding="ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) // 1024


def _own_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
