"""Where statements are judged: in the access node's own process, or in worker processes (MEA-2).

Workers only compute. What is accepted is decided and made durable in the access node's own process, so a
worker that is killed loses nothing: its batch is given to a fresh one.
"""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Lock
from typing import Any, Final, Protocol

from registry.evidence.acceptance import AcceptanceRules
from registry.log.judged import Judged
from registry.log.judging import Gate, Messages
from registry.log.keys import KeyBook, KeyFeed
from registry.ports import DeviceKey, OperationalError

_ATTEMPTS: Final = 4
_END_S: Final = 10.0
_LEARN: Final = 5_000
"""Keys that a worker is told of at once."""


class WorkerLost(OperationalError):
    """Worker processes end again and again over the same batch."""


class Judges(Protocol):
    """Judges batches, by as many processes as it has."""

    @property
    def pids(self) -> list[int]:
        """Process ids of workers, if there are any."""
        ...

    def judge(self, messages: Messages, now: int) -> Judged:
        """See :meth:`registry.log.judging.Gate.judge`. Raises :class:`~registry.ports.OperationalError` if no
        judgement can be had.
        """
        ...

    def learn(self, keys: Iterable[DeviceKey]) -> None:
        """Remember keys before anybody signs by them."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


class InProcess:
    """Judges in the calling thread."""

    def __init__(self, feed: KeyFeed, rules: AcceptanceRules, keys_kept: int) -> None:
        self._feed = feed
        self._edition = feed.edition()
        self._gate = Gate(KeyBook(keys_kept), rules)
        self._lock = Lock()

    @property
    def pids(self) -> list[int]:
        """None."""
        return []

    def judge(self, messages: Messages, now: int) -> Judged:
        """Judge a batch, one at a time: threads would only wait for one another."""
        with self._lock:
            edition = self._feed.edition()
            if edition != self._edition:
                self._gate.book.forget(self._feed.changed(self._edition, edition))
                self._edition = edition
            return self._gate.judge(messages, now, self._feed.keys)

    def learn(self, keys: Iterable[DeviceKey]) -> None:
        """Remember keys."""
        with self._lock:
            self._gate.book.learn(keys)

    def close(self) -> None:
        """Nothing was started."""


class WorkerPool:
    """Judges in ``count`` processes, a batch in one; safe to call from many threads."""

    def __init__(self, count: int, feed: KeyFeed, rules: AcceptanceRules, keys_kept: int) -> None:
        """``keys_kept`` keys are remembered by each worker."""
        self._feed = feed
        self._settings = (rules, keys_kept)
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._workers: set[_Worker] = set()
        self._lock = Lock()
        for _ in range(count):
            self._idle.put(self._start())

    @property
    def pids(self) -> list[int]:
        """The workers' process ids."""
        with self._lock:
            return [worker.pid for worker in self._workers]

    def judge(self, messages: Messages, now: int) -> Judged:
        """Judge a batch in the next idle worker; a batch whose worker died goes to a fresh one.

        Raises :class:`WorkerLost` if the fresh ones die too.
        """
        worker = self._idle.get()
        try:
            edition = self._feed.edition()
            for _ in range(_ATTEMPTS):
                answer = worker.judge(messages, now, edition, self._feed)
                if answer is not None:
                    return answer
                worker = self._replace(worker)
            raise WorkerLost(
                found=f"{_ATTEMPTS} worker processes that ended over one batch",
                expected="an answer",
                remedy="look for the reason in the system's log (memory?); then send the batch again",
            )
        except WorkerLost:
            raise
        except BaseException:
            # An answer that nobody collected would be taken for that of the next batch.
            worker = self._replace(worker)
            raise
        finally:
            self._idle.put(worker)

    def learn(self, keys: Iterable[DeviceKey]) -> None:
        """Tell every worker of these keys, some at a time, so that batches go on in between."""
        iterator = iter(keys)
        while some := list(islice(iterator, _LEARN)):
            with self._lock:
                pids = {worker.pid for worker in self._workers}
            while pids:
                worker = self._idle.get()
                try:
                    if worker.pid in pids and not worker.learn(some):
                        pids.discard(worker.pid)
                        worker = self._replace(worker)
                    pids.discard(worker.pid)
                finally:
                    self._idle.put(worker)

    def close(self) -> None:
        """End the workers; none may be at work."""
        with self._lock:
            workers, self._workers = self._workers, set()
        for worker in workers:
            worker.end()

    def _start(self) -> _Worker:
        worker = _Worker(self._feed.edition(), *self._settings)
        with self._lock:
            self._workers.add(worker)
        return worker

    def _replace(self, worker: _Worker) -> _Worker:
        with self._lock:
            self._workers.discard(worker)
        worker.kill()
        return self._start()


class _Worker:
    """One process, the pipe to it, and the edition of the directory up to which it was told of changes."""

    def __init__(self, edition: int, rules: AcceptanceRules, keys_kept: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._edition = edition
        self._pipe, child = context.Pipe()
        # A daemon ends with its parent's normal end; after a kill -9 the closed pipe ends it.
        self._process = context.Process(target=_serve, args=(child, rules, keys_kept), daemon=True)
        self._process.start()
        child.close()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def judge(self, messages: Messages, now: int, edition: int, feed: KeyFeed) -> Judged | None:
        """The judgement; ``None`` if the process is gone."""
        forgotten: Collection[bytes] | None = ()
        if edition != self._edition:
            forgotten = feed.changed(self._edition, edition)
        try:
            self._pipe.send((messages, now, forgotten))
            self._edition = edition
            while isinstance(answer := self._pipe.recv(), list):
                self._pipe.send(feed.keys(answer))
        except (EOFError, OSError):
            return None
        judged: Judged = answer
        return judged

    def learn(self, keys: Sequence[DeviceKey]) -> bool:
        """Whether the process was there to learn them."""
        try:
            self._pipe.send(keys)
            self._pipe.recv()
        except (EOFError, OSError):
            return False
        return True

    def kill(self) -> None:
        self._process.kill()
        self.end()

    def end(self) -> None:
        self._pipe.close()
        self._process.join(_END_S)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection, rules: AcceptanceRules, keys_kept: int) -> None:
    """A worker's life: answer until the pipe closes."""
    gate = Gate(KeyBook(keys_kept), rules)
    # Judging leaves no cycles behind, and a collection would walk through every key that is remembered.
    gc.disable()

    def ask(key_ids: Sequence[bytes]) -> list[DeviceKey | None]:
        pipe.send(list(key_ids))
        answer: list[DeviceKey | None] = pipe.recv()
        return answer

    try:
        while True:
            request: Any = pipe.recv()
            if isinstance(request, list):
                gate.book.learn(request)
                pipe.send(None)
                continue
            messages, now, forgotten = request
            if forgotten is None or forgotten:
                gate.book.forget(forgotten)
            pipe.send(gate.judge(messages, now, ask))
    except (EOFError, OSError, KeyboardInterrupt):
        pass
