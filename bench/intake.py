"""``intake.batch.sqlite``: statements certified end to end in batches, against raw verifications on the same
cores.

Each batch is a CBOR sequence sent over a socket to the access node's process and goes the whole way: split,
checked by MEA-2, verified, placed, committed to the disk, put into the tree with a signed checkpoint,
answered. Receipts are there from then on; the node makes the bytes of one when it is asked for.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Thread

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.corpus import Fleet, make_fleet
from bench.raw import RawRate
from bench.results import Result
from registry.evidence.receipts import parse_receipt, verify_receipt
from registry.log import AccessNode, LogSettings, check_folder
from registry.log.node import TREE_FOLDER
from registry.ports import Accepted

ITEMS_MAX = 5_000
RAW_EACH = 4_000
RECEIPTS_CHECKED = 100


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes:
        devices: devices with a key of their own.
        batch: statements per batch.
        clients: batches under way at once.
        verifiers: worker processes of the access node; 0 verifies in its own.
    """

    devices: int = 60_000
    batch: int = 1_000
    clients: int = 4
    verifiers: int = os.cpu_count() or 1


def measure_intake(sizes: Sizes, folder: Path | None = None) -> list[Result]:
    """One line per quarter-hour: in the first each key is new to the node, in the second it is known.

    1. Sign everything beforehand.
    2. Before and after each quarter-hour measure the raw rate; the reference is the mean of the two.
    3. Afterwards check what was answered: every statement once, receipts that verify, a sound folder.

    ``folder`` is where the log's folder is made (and removed), by default where temporary files go. Raises
    RuntimeError if something was not accepted or does not verify.
    """
    # 1. sign
    quarters = 2
    fleet = make_fleet(sizes.devices, quarters)
    results = []
    cores = os.cpu_count() or 1
    receipt_key = ec.generate_private_key(ec.SECP256R1())
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        RawRate(fleet.members, cores, RAW_EACH) as raw,
        AccessNode(
            Path(place) / "log",
            fleet,
            fleet,
            fleet,
            Ed25519PrivateKey.generate(),
            receipt_key,
            LogSettings("bench.example/log", verifiers=sizes.verifiers),
        ) as node,
    ):
        # 2. raw, intake, raw
        for quarter, name in enumerate(("intake.batch.sqlite.first", "intake.batch.sqlite")):
            before = raw.measure()
            seconds = _send_all(node, fleet, quarter, sizes)
            after = raw.measure()
            figures: dict[str, int | float] = {
                "statements": sizes.devices,
                "keys": sizes.devices,
                "batch": sizes.batch,
                "clients": sizes.clients,
                "verifiers": sizes.verifiers,
                "cores": cores,
                "raw_before": round(before),
                "raw_after": round(after),
                "load_1min": round(os.getloadavg()[0], 2),
            }
            results.append(
                Result(
                    name=name,
                    value=sizes.devices / seconds,
                    unit="statements/s",
                    reference="raw ES256 verifications, distinct keys, all cores, before and after",
                    reference_value=(before + after) / 2,
                    sizes=figures,
                    seconds=seconds,
                )
            )
        # 3. check
        _check(node, Path(place) / "log" / TREE_FOLDER, fleet, receipt_key.public_key())
    return results


def _send_all(node: AccessNode, fleet: Fleet, quarter: int, sizes: Sizes) -> float:
    """Send a quarter-hour by as many clients as told; returns the seconds from first byte to last answer."""
    batches = [b"".join(batch) for batch in fleet.batches(quarter, sizes.batch)]
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(sizes.clients)]
    shares = [batches[number :: sizes.clients] for number in range(sizes.clients)]
    sender = context.Process(target=_send, args=([client for client, _ in pairs], shares), daemon=True)
    sender.start()
    for client, _ in pairs:
        client.close()
    accepted = [0] * sizes.clients
    threads = [
        Thread(target=_serve, args=(node, door, accepted, number)) for number, (_, door) in enumerate(pairs)
    ]
    for _, door in pairs:
        door.recv_bytes()  # the sender is ready
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    sender.join()
    if sum(accepted) != sizes.devices:
        raise RuntimeError(f"accepted: found {sum(accepted)} statements, expected {sizes.devices}")
    return seconds


def _serve(node: AccessNode, door: Connection, accepted: list[int], number: int) -> None:
    """One connection of the access node: batches in, an index per accepted statement out."""
    door.send_bytes(b"go")
    while body := door.recv_bytes():
        answers = node.submit_sequence(body, ITEMS_MAX)
        taken = [each.index for each in answers if isinstance(each, Accepted) and not each.duplicate]
        accepted[number] += len(taken)
        door.send_bytes(b"".join(index.to_bytes(8, "big") for index in taken))
    door.close()


def _send(doors: list[Connection], shares: list[list[bytes]]) -> None:
    """The fleet's side, in a process of its own: the next batch of a connection when the last is answered."""
    for door in doors:
        door.send_bytes(b"ready")
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


def _check(node: AccessNode, tree: Path, fleet: Fleet, public_key: ec.EllipticCurvePublicKey) -> None:
    size = node.checkpoint().size
    if size != len(fleet.members) * fleet.quarters:
        raise RuntimeError(f"log: found {size} entries, expected {len(fleet.members) * fleet.quarters}")
    for index in range(0, size, max(1, size // RECEIPTS_CHECKED)):
        verify_receipt(parse_receipt(node.receipt(index)), node.entry(index), public_key)
    report = check_folder(tree, node.note_key)
    if not report.sound:
        raise RuntimeError(f"log folder: {report.findings[0]}")
