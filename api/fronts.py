"""Fronts of the intake: processes that take statements by HTTP and judge them, on a port of their own.

One statement per request costs more for HTTP than for its signature. Fronts spread both over the machine's
cores, and keep them away from the routes that people wait for; the node's process is left with what only it
can do, the commit. All fronts listen on one socket.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from fastapi import FastAPI

from api import problems
from api.gathering import Gatherer
from api.limits import LimitedBodies
from api.schemas.documents import Liveness
from api.server import GRACE_S, Server
from api.statements import StatementDoor
from registry.log.fronts import Front, FrontSettings, LogLost
from registry.log.node import AccessNode
from registry.ports import Clock

RESTART_S = 1.0
"""Pause before a front that ended is opened again."""
Extend = Callable[[StatementDoor], None]
_log = logging.getLogger(__name__)


class Fronts:
    """Opens fronts onto an access node and opens them anew when they end, until it is closed."""

    def __init__(
        self,
        log: AccessNode,
        listener: socket.socket,
        count: int,
        clock: Clock,
        extend: Extend | None = None,
    ) -> None:
        """``clock`` is the node's; ``extend`` adds to what fronts answer. Both travel to the
        fronts: they must be picklable.
        """
        self._clock = clock
        self._log = log
        self._listener = listener
        self._extend = extend
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._processes: dict[int, multiprocessing.process.BaseProcess] = {}
        self._threads = [
            threading.Thread(target=self._keep_open, args=(number,), name=f"front {number}", daemon=True)
            for number in range(count)
        ]

    @property
    def pids(self) -> list[int]:
        """Process ids of the fronts that are open."""
        with self._lock:
            return [process.pid or 0 for process in self._processes.values()]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let the fronts answer what they have, and end them."""
        self._closing.set()
        with self._lock:
            processes = list(self._processes.values())
        for process in processes:
            process.terminate()
        for thread in self._threads:
            thread.join()

    def _keep_open(self, number: int) -> None:
        context = multiprocessing.get_context("spawn")
        while not self._closing.is_set():
            pipe, child = context.Pipe()
            life, childs_life = context.Pipe()
            settings = self._log.fronts.settings()
            arguments = (child, childs_life, self._listener, settings, self._clock, self._extend)
            process = context.Process(target=_run, args=arguments, daemon=True)
            process.start()
            child.close()
            childs_life.close()
            with self._lock:
                self._processes[number] = process
            if self._closing.is_set():
                process.terminate()
            self._log.fronts.serve(pipe)
            pipe.close()
            life.close()
            process.join(2 * GRACE_S)
            if process.exitcode is None:
                process.kill()
                process.join()
            with self._lock:
                del self._processes[number]
            if not self._closing.is_set():
                _log.warning("front %s ended with status %s and is opened again", number, process.exitcode)
                self._closing.wait(RESTART_S)


def create_front(front: Front) -> StatementDoor:
    """What one front answers: statements, and whether it is alive."""
    gatherer = Gatherer(front.submit, lanes=1)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await gatherer.drain()

    app = FastAPI(lifespan=lifespan, openapi_url=None, redirect_slashes=False)
    problems.install(app)
    app.add_middleware(LimitedBodies)
    app.add_api_route("/health/live", _live)
    return StatementDoor(app, gatherer)


async def _live() -> Liveness:
    return Liveness(status="alive")


def _run(
    pipe: Connection,
    life: Connection,
    listener: socket.socket,
    settings: FrontSettings,
    clock: Clock,
    extend: Extend | None,
) -> None:
    """A front's life: serve until told to end, or until the node's process is gone."""
    threading.Thread(target=_end_with, args=(life,), name="life of the node", daemon=True).start()
    front = Front(pipe, settings, clock)
    with suppress(LogLost):  # the server would find the same, and say so
        front.learn_keys()
    door = create_front(front)
    if extend is not None:
        extend(door)
    # The server ends in order and then passes the signal on.
    with suppress(KeyboardInterrupt):
        Server(door).run(sockets=[listener])


def _end_with(life: Connection) -> None:
    """End this process, which holds the port, when the other end of the pipe is closed: also by a kill -9."""
    with suppress(EOFError, OSError):
        life.recv()
    os.kill(os.getpid(), signal.SIGTERM)
