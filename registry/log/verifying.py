"""Verification of signatures, the costly part of the intake: in this process, or in worker processes (MEA-2).

Workers only compute. What is accepted is decided and made durable in the access node's own process, so a
worker that is killed loses nothing: its part is given to a fresh one.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Final, Protocol

from registry.domain.errors import RuleViolation
from registry.evidence.es256 import is_signed_by
from registry.log.keys import PublicKeys
from registry.ports import OperationalError

Signed = tuple[bytes, bytes, bytes]
"""Public key (65 bytes), signature (64 bytes, ranges checked) and the bytes it covers."""

_PART_MIN: Final = 32
_ATTEMPTS: Final = 3
_END_S: Final = 10.0


class VerifierLost(OperationalError):
    """Worker processes end again and again on the same signatures."""


class Verifier(Protocol):
    """Says of each signature whether it is by its key."""

    @property
    def pids(self) -> list[int]:
        """Process ids of workers, if there are any."""
        ...

    def verify(self, batch: Sequence[Signed]) -> list[bool]:
        """One answer each, in order. Raises :class:`~registry.ports.OperationalError` if there is none."""
        ...

    def close(self) -> None:
        """End what was started."""
        ...


class InProcess:
    """Verifies in the calling thread."""

    def __init__(self, keys_kept: int) -> None:
        self._keys = PublicKeys(keys_kept)

    @property
    def pids(self) -> list[int]:
        """None."""
        return []

    def verify(self, batch: Sequence[Signed]) -> list[bool]:
        """One answer each, in order; ``False`` also for a key that is none."""
        get = self._keys.get
        answers = []
        for point, signature, tbs in batch:
            try:
                answers.append(is_signed_by(get(point), signature, tbs))
            except RuleViolation:
                answers.append(False)
        return answers

    def close(self) -> None:
        """Nothing was started."""


class WorkerPool:
    """Verifies in ``count`` processes; safe to call from many threads."""

    def __init__(self, count: int, keys_kept: int) -> None:
        """``keys_kept`` parsed keys in each worker."""
        self._keys_kept = keys_kept
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

    def verify(self, batch: Sequence[Signed]) -> list[bool]:
        """One answer each, in order.

        1. Take a worker, and what other workers are idle as long as each gets a part worth sending.
        2. Give each its part.
        3. Collect; a part whose worker died goes to a fresh one.

        Raises :class:`VerifierLost` if the fresh ones die too.
        """
        if not batch:
            return []
        # 1. workers
        workers = [self._idle.get()]
        try:
            while len(workers) * _PART_MIN < len(batch):
                workers.append(self._idle.get_nowait())
        except Empty:
            pass
        answers: list[bool] = []
        taken = len(workers)
        try:
            # 2. parts
            size = -(-len(batch) // taken)
            parts = [batch[at : at + size] for at in range(0, len(batch), size)]
            sent = [workers[number].send(part) for number, part in enumerate(parts)]
            # 3. collect
            for number, part in enumerate(parts):
                found = workers[number].receive() if sent[number] else None
                for _ in range(_ATTEMPTS):
                    if found is not None:
                        break
                    workers[number] = self._replace(workers[number])
                    found = workers[number].receive() if workers[number].send(part) else None
                if found is None:
                    raise VerifierLost(
                        found=f"{_ATTEMPTS + 1} worker processes that ended over {len(part)} signatures",
                        expected="an answer",
                        remedy="look for the reason in the system's log (memory?); then send the batch again",
                    )
                answers += found
        except BaseException:
            # An answer that nobody collected would be taken for that of the next batch.
            workers = [self._replace(worker) for worker in workers]
            raise
        finally:
            for worker in workers:
                self._idle.put(worker)
        return answers

    def close(self) -> None:
        """End the workers; none may be at work."""
        with self._lock:
            workers, self._workers = self._workers, set()
        for worker in workers:
            worker.end()

    def _start(self) -> _Worker:
        worker = _Worker(self._keys_kept)
        with self._lock:
            self._workers.add(worker)
        return worker

    def _replace(self, worker: _Worker) -> _Worker:
        with self._lock:
            self._workers.discard(worker)
        worker.kill()
        return self._start()


class _Worker:
    """One process and the pipe to it."""

    def __init__(self, keys_kept: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, child = context.Pipe()
        # A daemon ends with its parent's normal end; after a kill -9 the closed pipe ends it.
        self._process = context.Process(target=_serve, args=(child, keys_kept), daemon=True)
        self._process.start()
        child.close()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def send(self, part: Sequence[Signed]) -> bool:
        try:
            self._pipe.send(part)
        except OSError:
            return False
        return True

    def receive(self) -> list[bool] | None:
        """The answers, ``None`` if the process is gone."""
        try:
            data: bytes = self._pipe.recv_bytes()
        except (EOFError, OSError):
            return None
        return [byte == 1 for byte in data]

    def kill(self) -> None:
        self._process.kill()
        self.end()

    def end(self) -> None:
        self._pipe.close()
        self._process.join(_END_S)
        if self._process.exitcode is None:
            self._process.kill()
            self._process.join()


def _serve(pipe: Connection, keys_kept: int) -> None:
    """A worker's life: answer until the pipe closes."""
    verifier = InProcess(keys_kept)
    try:
        while True:
            pipe.send_bytes(bytes(verifier.verify(pipe.recv())))
    except (EOFError, OSError, KeyboardInterrupt):
        pass
