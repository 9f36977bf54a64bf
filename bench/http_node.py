"""An access node behind HTTP in a process of its own: the API as ``flexledger serve`` runs it, with every
middleware, and fronts where they are asked for; the fleet is its directory.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from prometheus_client import CollectorRegistry
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from api.app import create_app
from api.fronts import Fronts
from api.server import Server
from api.statements import StatementDoor
from bench.directory import BenchDirectory
from bench.processes import children, processor_s
from registry.bootstrap import SystemClock, open_node
from registry.config import Settings
from registry.log import AccessNode, LogSettings
from registry.log.metrics import PrometheusMeter
from registry.ports import DeviceKey

EMPTY = "/bench/empty"
"""A POST route of the same application that answers 204 and does nothing."""


@dataclass(frozen=True, slots=True)
class HttpServed:
    """What the node is made of.

    Attributes:
        folder: where its log and its state are.
        verifiers: worker processes; 0 judges in the server's own.
        fronts: processes that take statements on a port of their own; 0 measures the API's port.
        now: where its clock stands, Unix seconds.
    """

    folder: Path
    verifiers: int
    fronts: int
    now: int


class HttpNode:
    """The served node, until it is closed; it has learned all keys."""

    def __init__(self, served: HttpServed, keys: list[DeviceKey]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, child = context.Pipe()
        self._process = context.Process(target=_serve, args=(child, served, keys))
        self._process.start()
        child.close()
        self.port: int = self._pipe.recv()

    def processor_s(self) -> tuple[float, float]:
        """Seconds of a processor that the node's process took so far, and those that all its fronts took."""
        pid = self._process.pid or 0
        return processor_s(pid), sum(map(processor_s, children(pid)))

    def close(self) -> int:
        """End it; returns how many statements its log has."""
        self._pipe.send(None)
        size: int = self._pipe.recv()
        self._process.join()
        return size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.join()


def _serve(pipe: Connection, served: HttpServed, keys: list[DeviceKey]) -> None:
    directory = BenchDirectory(keys, served.now)
    log = AccessNode(
        served.folder / "log",
        directory,
        directory,
        directory,
        Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        LogSettings("bench.example/log", verifiers=served.verifiers),
        PrometheusMeter(CollectorRegistry()),
    )
    log.learn_keys()
    with open_node(Settings(state=served.folder / "node"), SystemClock()) as node, log:
        node.log = log
        node.settings = node.settings.model_copy(update={"verifiers": served.verifiers})
        app = create_app(node, caretaker=False)
        app.router.routes.insert(0, Route(EMPTY, _answer_empty, methods=["POST"]))
        listener, door = (socket.create_server(("127.0.0.1", 0), backlog=4096) for _ in range(2))
        server = Server(app, app.state.streams.close)
        with Fronts(log, door, served.fronts, BenchDirectory((), served.now), _add_empty):
            pipe.send((door if served.fronts else listener).getsockname()[1])
            with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
                told = runner.run(_until_told(server, listener, pipe))
        if told:
            pipe.send(log.size)


async def _until_told(server: Server, listener: socket.socket, pipe: Connection) -> bool:
    """Serve until something comes by the pipe, or nobody holds its other end."""
    told = asyncio.get_running_loop().run_in_executor(None, _hears, pipe)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    either: set[asyncio.Future[Any]] = {serving, told}
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    return await told


def _hears(pipe: Connection) -> bool:
    try:
        pipe.recv()
    except EOFError:
        return False
    return True


def _add_empty(door: StatementDoor) -> None:
    door.direct[EMPTY] = _empty


async def _empty(scope: Scope, receive: Receive, send: Send) -> None:
    """As little as the server can be asked for, by the same way as statements."""
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def _answer_empty(_: Any) -> Response:
    return Response(status_code=204)
