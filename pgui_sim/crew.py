"""A few processes that do a fleet's work (PGU-2). They end when the process that started them is gone,
however it went.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from pgui_sim.orders import Progress

Task = TypeVar("Task", contravariant=True)
Result = TypeVar("Result", covariant=True)
_LAST_WORDS_S: Final = 5


class Work(AbstractContextManager[Any], Protocol[Task, Result]):
    """What each process does: opened once, then called with one task after the other."""

    def __call__(self, task: Task, progress: Progress) -> Result:
        """Do one task."""


class WorkerLost(Exception):
    """A process of the crew ended unasked; the message says how. What it kept stays kept."""


class Crew(Generic[Task, Result]):
    """``processes`` processes that do the same kind of work; a single one works in this process."""

    def __init__(self, make_work: Callable[[], Work[Task, Result]], processes: int) -> None:
        """``make_work`` is called in each process, and must be importable there."""
        self._make_work = make_work
        self._count = processes
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self._count == 1:
            self._alone = self._open.enter_context(self._make_work())
            return self
        context = get_context("spawn")
        self._workers = []
        for _ in range(self._count):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, self._make_work), daemon=True)
            process.start()
            there.close()
            self._workers.append((process, here))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        if self._count == 1:
            return
        for process, connection in self._workers:
            connection.close()
            if kind is not None:
                process.terminate()
        for process, _ in self._workers:
            process.join(_LAST_WORDS_S)

    def do(self, tasks: Sequence[Task], progress: Progress) -> list[Result]:
        """Do up to ``processes`` tasks at once; results come in the order of the tasks.

        Raises what a task raised, and :class:`WorkerLost`.
        """
        if self._count == 1:
            return [self._alone(task, progress) for task in tasks]
        results: dict[int, Result] = {}
        for number, task in enumerate(tasks):
            self._hand_over(number, task)
        while len(results) < len(tasks):
            busy = {
                connection: number
                for number, (_, connection) in enumerate(self._workers[: len(tasks)])
                if number not in results
            }
            ready = wait(list(busy))
            for connection in (each for each in busy if each in ready):
                kind, content = self._hear(busy[connection])
                if kind == "progress":
                    progress(*content)
                elif kind == "failed":
                    raise content
                else:
                    results[busy[connection]] = content
        return [results[number] for number in range(len(tasks))]

    def _hand_over(self, number: int, task: Task) -> None:
        try:
            self._workers[number][1].send(task)
        except (BrokenPipeError, ConnectionResetError):
            raise self._lost(number) from None

    def _hear(self, number: int) -> tuple[str, Any]:
        try:
            kind, content = self._workers[number][1].recv()
        except (EOFError, ConnectionResetError):
            raise self._lost(number) from None
        return kind, content

    def _lost(self, number: int) -> WorkerLost:
        process = self._workers[number][0]
        process.join(_LAST_WORDS_S)
        return WorkerLost(f"a process of the fleet ended with status {process.exitcode}; run again to go on")


def _serve(connection: Connection, make_work: Callable[[], Work[Any, Any]]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process in front decides
    try:
        with make_work() as work:
            while True:
                task = connection.recv()
                try:
                    result = work(task, lambda what, more: connection.send(("progress", (what, more))))
                except (BrokenPipeError, ConnectionResetError):
                    raise
                except Exception as error:
                    connection.send(("failed", error))
                else:
                    connection.send(("done", result))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
