"""Requests of a fleet by HTTP, from a process of their own, on connections that are kept."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter, process_time


@dataclass(frozen=True, slots=True)
class Requests:
    """What is sent.

    Attributes:
        path: of the route.
        media_type: of the bodies.
        bodies: one per request.
        status: that each answer must have.
        refused: bytes that no answer may contain, or none.
    """

    path: str
    media_type: str
    bodies: list[bytes]
    status: int
    refused: bytes = b""


@dataclass(frozen=True, slots=True)
class Sent:
    """How it went: requests a second, and the seconds of a processor that sending them took."""

    rate: float
    processor_s: float


def send_all(port: int, requests: Requests, connections: int) -> Sent:
    """Send requests, ``connections`` under way at once. Raises RuntimeError for another answer than the one
    expected.
    """
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        pool.apply(abs, (0,))  # the process is there
        return pool.apply(_send_all, (port, requests, connections))


def _send_all(port: int, requests: Requests, connections: int) -> Sent:
    return asyncio.run(_send(port, requests, connections))


async def _send(port: int, requests: Requests, connections: int) -> Sent:
    count = min(connections, len(requests.bodies))
    doors = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(count)))
    head = (
        f"POST {requests.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {requests.media_type}\r\n"
        "Content-Length: "
    )
    messages = iter([f"{head}{len(body)}\r\n\r\n".encode() + body for body in requests.bodies])
    began, spent = perf_counter(), process_time()
    await asyncio.gather(*(_talk(reader, writer, messages, requests) for reader, writer in doors))
    seconds, spent = perf_counter() - began, process_time() - spent
    for _, writer in doors:
        writer.close()
    return Sent(len(requests.bodies) / seconds, spent)


async def _talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, messages: Iterator[bytes], requests: Requests
) -> None:
    expected = b"%d" % requests.status
    for message in messages:
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        found = head.split(b" ", 2)[1]
        if found != expected:
            raise RuntimeError(f"answer: found status {found.decode()}, expected {requests.status}")
        _, _, length = head.lower().partition(b"content-length: ")
        body = await reader.readexactly(int(length.partition(b"\r\n")[0])) if length else b""
        if requests.refused and requests.refused in body:
            raise RuntimeError(f"answer: found {requests.refused.decode()}, expected none")
