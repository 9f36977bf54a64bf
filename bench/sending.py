"""The fleet's side of the batches: a program of its own, which needs nothing of the node's to start."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from multiprocessing.connection import Client, Connection, wait


def send(address: str, shares: Sequence[Sequence[bytes]]) -> None:
    """Send each share of the batches over a connection of its own, the next batch when the last is answered;
    begins when the node says so.
    """
    doors = [Client(address, family="AF_UNIX") for _ in shares]
    for door in doors:
        door.recv_bytes()
    rest = dict(zip(doors, map(iter, shares), strict=True))
    waiting = [door for door in doors if _send_next(door, rest[door])]
    while waiting:
        ready = wait(waiting)
        for door in [door for door in waiting if door in ready]:
            door.recv_bytes()
            if not _send_next(door, rest[door]):
                waiting.remove(door)


def _send_next(door: Connection, batches: Iterator[bytes]) -> bool:
    """Send the next batch; at the end an empty message, and ``False``."""
    batch = next(batches, b"")
    door.send_bytes(batch)
    return bool(batch)
