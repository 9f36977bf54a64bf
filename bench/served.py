"""An access node in a process of its own, and a fleet that sends it batches over sockets from another one."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.directory import BenchDirectory
from bench.processes import processor_s, resident
from bench.sending import send
from registry.evidence.receipts import parse_receipt, verify_receipt
from registry.log import AccessNode, LogSettings, check_folder
from registry.log.engines.postgresql import PostgresEngine
from registry.log.judging import Body
from registry.log.node import TREE_FOLDER
from registry.ports import Accepted, DeviceKey

if TYPE_CHECKING:
    from bench.ledger import AnchoredLog

ITEMS_MAX = 5_000
RECEIPTS_CHECKED = 100


@dataclass(frozen=True, slots=True)
class Served:
    """What a node is made of.

    Attributes:
        folder: where its log is.
        log_url: its database; empty is SQLite in the folder.
        verifiers: its worker processes.
        anchored: whether it has a ledger to anchor on.
        learn: whether it reads its devices' keys before anything is measured.
        now: where its clock stands, Unix seconds.
    """

    folder: Path
    log_url: str
    verifiers: int
    anchored: bool
    learn: bool
    now: int


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of batches took.

    Attributes:
        seconds: from the first byte to the last answer.
        anchored_seconds: to the anchor in a block of the ledger; 0 without one.
        accepted: how many statements were.
        memory: resident memory of the node and of each worker afterwards, in bytes.
        processor: seconds of a processor that the node and each worker took until the last answer.
    """

    seconds: float
    anchored_seconds: float
    accepted: int
    memory: tuple[int, ...]
    processor: tuple[float, ...]


class ServedLog:
    """The node's process, seen from outside."""

    def __init__(self, served: Served, keys: Sequence[DeviceKey]) -> None:
        """Start it; returns when it has read the keys of its devices."""
        context = multiprocessing.get_context("spawn")
        self._pipe, child = context.Pipe()
        self._process = context.Process(target=_node, args=(child, served))
        self._process.start()
        child.close()
        self._pipe.send(keys)
        self.learned_s: float = self._answer()
        """Seconds in which the node and its workers read the keys they were to learn."""

    def round(self, batches: Sequence[bytes], clients: int) -> Round:
        """Send batches (CBOR sequences) over ``clients`` connections, the next when the last is answered."""
        self._pipe.send(("round", clients))
        address = self._answer()
        context = multiprocessing.get_context("spawn")
        shares = [batches[number::clients] for number in range(clients)]
        sender = context.Process(target=send, args=(address, shares), daemon=True)
        sender.start()
        found: Round = self._answer()
        sender.join()
        return found

    def check(self, size: int) -> None:
        """Check what was answered: as many entries, receipts that verify, a sound folder. Raises
        RuntimeError.
        """
        self._pipe.send(("check", size))
        self._answer()

    def _answer(self) -> Any:
        answer = self._pipe.recv()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()
        self._process.join()


def _node(pipe: Connection, served: Served) -> None:
    """The node's process: opens it, and does what it is told until the pipe closes."""
    try:
        keys = pipe.recv()
        # Also what needs but one key learned waits for every worker to be there.
        directory = BenchDirectory(keys, served.now, None if served.learn else 1)
        receipt_key = ec.generate_private_key(ec.SECP256R1())
        with AccessNode(
            served.folder / "log",
            directory,
            directory,
            directory,
            Ed25519PrivateKey.generate(),
            receipt_key,
            LogSettings("bench.example/log", verifiers=served.verifiers),
            open_engine=(lambda: PostgresEngine(served.log_url)) if served.log_url else None,
        ) as node:
            anchored = _anchored(served.folder / "chain", node) if served.anchored else None
            began = time.perf_counter()
            node.learn_keys()
            pipe.send(time.perf_counter() - began)
            while True:
                what, number = pipe.recv()
                if what == "round":
                    pipe.send(_serve(node, pipe, number, anchored))
                else:
                    _check(node, served.folder, number, receipt_key.public_key())
                    pipe.send(None)
    except EOFError:
        pass
    except Exception as error:
        pipe.send(error)


def _anchored(folder: Path, node: AccessNode) -> AnchoredLog:
    # A chain takes seconds to import, and most nodes here have none.
    from bench.ledger import AnchoredLog

    return AnchoredLog(folder, node)


def _serve(node: AccessNode, pipe: Connection, clients: int, anchored: AnchoredLog | None) -> Round:
    accepted = [0] * clients
    pids = (os.getpid(), *node.verifier_pids)
    with Listener(family="AF_UNIX") as listener:
        pipe.send(listener.address)
        doors = [listener.accept() for _ in range(clients)]
        threads = [
            Thread(target=_answer, args=(node, door, accepted, number)) for number, door in enumerate(doors)
        ]
        for thread in threads:
            thread.start()
        before, began = tuple(map(processor_s, pids)), time.perf_counter()
        for door in doors:
            door.send_bytes(b"go")
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - began
        spent = tuple(processor_s(pid) - spent for pid, spent in zip(pids, before, strict=True))
        if anchored:
            anchored.anchor()
        whole = time.perf_counter() - began
    memory = tuple(map(resident, pids))
    return Round(seconds, whole if anchored else 0.0, sum(accepted), memory, spent)


def _answer(node: AccessNode, door: Connection, accepted: list[int], number: int) -> None:
    """One connection: batches in, an index per accepted statement out."""
    while body := door.recv_bytes():
        answers = node.submit_sequence(Body(body, ITEMS_MAX)).answers
        taken = [each.index for each in answers if isinstance(each, Accepted) and not each.duplicate]
        accepted[number] += len(taken)
        door.send_bytes(b"".join(index.to_bytes(8, "big") for index in taken))
    door.close()


def _check(node: AccessNode, folder: Path, size: int, public_key: ec.EllipticCurvePublicKey) -> None:
    found = node.checkpoint().size
    if found != size:
        raise RuntimeError(f"log: found {found} entries, expected {size}")
    for index in range(0, size, max(1, size // RECEIPTS_CHECKED)):
        verify_receipt(parse_receipt(node.receipt(index)), node.entry(index), public_key)
    report = check_folder(folder / "log" / TREE_FOLDER, node.note_key)
    if not report.sound:
        raise RuntimeError(f"log folder: {report.findings[0]}")
