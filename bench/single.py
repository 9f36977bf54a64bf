"""``intake.single``: one statement per request by HTTP, against what the server makes of empty requests and
the cores of raw verifications: 1 / (1 / empty + 1 / raw).

The API runs as ``flexledger serve`` runs it, with every middleware, over an access node with the fleet as its
directory, in a process of its own; so does the fleet, on connections that are kept. The empty route stands in
the same application.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import socket
import tempfile
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from time import perf_counter
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.responses import Response
from starlette.routing import Route

from api.app import create_app
from api.fronts import Fronts
from api.server import Server
from bench.corpus import PERIOD_S, START, make_fleet
from bench.directory import BenchDirectory
from bench.raw import RawRate
from bench.results import Result
from registry.bootstrap import SystemClock, open_node
from registry.config import Settings
from registry.log import AccessNode, LogSettings
from registry.log.metrics import PrometheusMeter
from registry.ports import DeviceKey

RAW_EACH = 4_000
EMPTY, STATEMENTS = "/bench/empty", "/v1/statements"


@dataclass(frozen=True, slots=True)
class SingleSizes:
    """How much is measured.

    Attributes:
        devices: devices, each sending one statement.
        connections: requests under way at once, each on a connection of its own.
        verifiers: worker processes of the access node; 0 judges in the server's own.
        fronts: processes that take statements on a port of their own; 0 measures the API's port.
    """

    devices: int = 16_000
    connections: int = 256
    verifiers: int = 0
    fronts: int = 2


def measure_single(sizes: SingleSizes, folder: Path | None = None) -> Result:
    """One line; both references are measured before and after. Raises RuntimeError for an answer that is
    not 201, and if the log does not have each statement once.
    """
    fleet = make_fleet(sizes.devices, 1)
    statements = [member.statements[0] for member in fleet.members]
    cores = os.cpu_count() or 1
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(dir=folder) as place, RawRate(fleet.members, cores, RAW_EACH) as raw:
        pipe, child = context.Pipe()
        keys = [member.key for member in fleet.members]
        server = context.Process(target=_serve, args=(child, Path(place), keys, sizes))
        server.start()
        child.close()
        port = pipe.recv()
        empty = [b""] * sizes.devices
        _rate(port, EMPTY, empty[: sizes.connections], 204, sizes.connections)  # everything is loaded then
        empty_before, raw_before = _rate(port, EMPTY, empty, 204, sizes.connections), raw.measure()
        value = _rate(port, STATEMENTS, statements, 201, sizes.connections)
        raw_after, empty_after = raw.measure(), _rate(port, EMPTY, empty, 204, sizes.connections)
        pipe.send(None)
        size = pipe.recv()
        server.join()
    if size != sizes.devices:
        raise RuntimeError(f"log: found {size} entries, expected {sizes.devices}")
    means = (empty_before + empty_after) / 2, (raw_before + raw_after) / 2
    return Result(
        name="intake.single",
        value=value,
        unit="statements/s",
        reference="1/(1/empty + 1/raw), both before and after",
        reference_value=1 / sum(1 / mean for mean in means),
        sizes={
            "statements": sizes.devices,
            "connections": sizes.connections,
            "verifiers": sizes.verifiers,
            "fronts": sizes.fronts,
            "cores": cores,
            "empty_before": round(empty_before),
            "empty_after": round(empty_after),
            "raw_before": round(raw_before),
            "raw_after": round(raw_after),
            "load_1min": round(os.getloadavg()[0], 2),
        },
        seconds=sizes.devices / value,
    )


# ------------------------------------------------------------------------------------------ the server's side


def _serve(pipe: Connection, folder: Path, keys: list[DeviceKey], sizes: SingleSizes) -> None:
    directory = BenchDirectory(keys, START + PERIOD_S)
    log = AccessNode(
        folder / "log",
        directory,
        directory,
        directory,
        Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        LogSettings("bench.example/log", verifiers=sizes.verifiers),
        PrometheusMeter(CollectorRegistry()),
    )
    log.learn_keys()
    with open_node(Settings(state=folder / "node"), SystemClock()) as node, log:
        node.log = log
        node.settings = node.settings.model_copy(update={"verifiers": sizes.verifiers})
        app = create_app(node, caretaker=False)
        _add_empty(app)
        listener, door = (socket.create_server(("127.0.0.1", 0), backlog=1024) for _ in range(2))
        server = Server(app, app.state.streams.close)
        with Fronts(log, door, sizes.fronts, BenchDirectory((), START + PERIOD_S), _add_empty):
            pipe.send((door if sizes.fronts else listener).getsockname()[1])
            with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
                runner.run(_until_told(server, listener, pipe))
        pipe.send(log.checkpoint().size)


async def _until_told(server: Server, listener: socket.socket, pipe: Connection) -> None:
    told = asyncio.get_running_loop().run_in_executor(None, pipe.recv)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    await asyncio.wait({serving, asyncio.ensure_future(told)}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving


def _add_empty(app: FastAPI) -> None:
    app.router.routes.insert(0, Route(EMPTY, _empty, methods=["POST"]))


async def _empty(_: Any) -> Response:
    return Response(status_code=204)


# ------------------------------------------------------------------------------------------- the fleet's side


def _rate(port: int, path: str, bodies: list[bytes], status: int, connections: int) -> float:
    """Requests a second. Raises RuntimeError for another status than the one expected."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        pool.apply(abs, (0,))  # the process is there
        return pool.apply(_send_all, (port, path, bodies, status, connections))


def _send_all(port: int, path: str, bodies: list[bytes], status: int, connections: int) -> float:
    return asyncio.run(_send(port, path, bodies, status, connections))


async def _send(port: int, path: str, bodies: list[bytes], status: int, connections: int) -> float:
    doors = await asyncio.gather(
        *(asyncio.open_connection("127.0.0.1", port) for _ in range(min(connections, len(bodies))))
    )
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/cose\r\nContent-Length: "
    requests = iter([f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies])
    began = perf_counter()
    await asyncio.gather(*(_talk(reader, writer, requests, b"%d" % status) for reader, writer in doors))
    seconds = perf_counter() - began
    for _, writer in doors:
        writer.close()
    return len(bodies) / seconds


async def _talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, requests: Any, status: bytes
) -> None:
    for request in requests:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        found = head.split(b" ", 2)[1]
        if found != status:
            raise RuntimeError(f"answer: found status {found.decode()}, expected {status.decode()}")
        _, _, length = head.lower().partition(b"content-length: ")
        if length:
            await reader.readexactly(int(length.partition(b"\r\n")[0]))
