"""A mirror that follows a chain in a process of its own, and says how far behind it was.

Answers one line of JSON on its output for each line on its input, about the time since the line before:
``python -m bench.following URL DEPLOYMENT FOLDER``.
"""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from registry.ledger.ledger import ChainLedger
from registry.ledger.opening import open_rpc
from registry.mirror import SqlMirror
from registry.ports import RecordedBlock

LOOK_S = 0.02
ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Followed:
    """What a follower did in a while.

    Attributes:
        lag_p50, lag_p99, lag_max: blocks behind the chain's head, looked at fifty times a second.
        events, busy_s: events applied, and the seconds that reading and applying them took.
        processor_s: of the processor, which other programs disturb less.
        memory_mb: resident memory at its highest so far.
    """

    lag_p50: int
    lag_p99: int
    lag_max: int
    events: int
    busy_s: float
    processor_s: float
    memory_mb: float


class Follower:
    """A follower's process; ends with the ``with`` block, wherever it is: its mirror is thrown away."""

    def __init__(self, url: str, deployment: Path, folder: Path) -> None:
        words = [sys.executable, "-m", "bench.following", url, str(deployment), str(folder)]
        self._process = subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def report(self) -> Followed:
        """Wait until it is level with the chain; what it did since the last report. Raises RuntimeError if
        it ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("report\n")
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"follower: found its end, status {self._process.wait()}, expected a report")
        return Followed(**json.loads(line))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()


class _Counting:
    """A ledger that counts the events read from it."""

    def __init__(self, ledger: ChainLedger) -> None:
        self._ledger = ledger
        self.events = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def recorded(self, from_block: int, to_block: int) -> list[RecordedBlock]:
        """As the ledger's."""
        blocks = self._ledger.recorded(from_block, to_block)
        self.events += sum(len(block.events) for block in blocks)
        return blocks


class _Watch:
    """Follows until it is told to stop."""

    def __init__(self, url: str, deployment: Path, folder: Path) -> None:
        self._eye = open_rpc(url, deployment)
        self._ledger = _Counting(open_rpc(url, deployment))
        self._mirror = SqlMirror(f"sqlite:///{folder / 'mirror.sqlite'}", self._ledger)
        self._lags: list[int] = []
        self._busy = self._worked = 0.0
        self._position = 0
        self._follow()
        # Nobody waits for them: they end with the process.
        self._threads = [threading.Thread(target=one, daemon=True) for one in (self._look, self._keep_up)]
        for thread in self._threads:
            thread.start()

    def report(self) -> Followed:
        """See :class:`Followed`. Raises RuntimeError if it can't go on."""
        head = self._eye.head().number
        while self._position < head:
            if not all(thread.is_alive() for thread in self._threads):
                raise RuntimeError(f"follower: found its end at block {self._position}, expected {head}")
            time.sleep(LOOK_S)
        lags, self._lags = sorted(self._lags) or [0], []
        events, self._ledger.events = self._ledger.events, 0
        busy, self._busy = self._busy, 0.0
        worked, self._worked = self._worked, 0.0
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return Followed(
            lags[len(lags) // 2], lags[len(lags) * 99 // 100], lags[-1], events, busy, worked, memory
        )

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_S)
            position = self._position
            self._lags.append(max(0, self._eye.head().number - position))

    def _keep_up(self) -> None:
        while True:
            time.sleep(LOOK_S)
            self._follow()

    def _follow(self) -> None:
        began, worked, before = time.perf_counter(), time.thread_time(), self._ledger.events
        position = self._mirror.catch_up()
        self._position = 0 if position is None else position.number
        if self._ledger.events > before:
            self._busy += time.perf_counter() - began
            self._worked += time.thread_time() - worked


def main() -> None:
    """Follow, answer, end with the input."""
    url, deployment, folder = sys.argv[1:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's interrupt is for the benchmark, which ends us
    watch = _Watch(url, Path(deployment), Path(folder))
    for _ in sys.stdin:
        print(json.dumps(asdict(watch.report())), flush=True)


if __name__ == "__main__":
    main()
