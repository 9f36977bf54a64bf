"""Submits readings from several threads until it is killed, and tells what was answered: ``python -m
tests.integration.intake_child FOLDER VERIFIERS``.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Lock, Thread

from registry.log import AccessNode
from registry.ports import Accepted
from tests.unit.log.log_house import Device, House

DEVICES = 16
THREADS = 3
SLOTS = 3000  # within the acceptance window
AGAIN = 20
"""Readings before the end of the log that each thread repeats."""


def house_in(folder: Path, verifiers: int = 0) -> House:
    house = House(folder, verifiers=verifiers)
    house.clock.seconds += SLOTS * 900
    for number in range(DEVICES * THREADS):
        house.device(str(number))
    return house


def readings(thread: int, first: int) -> Iterator[bytes]:
    """What the devices of a thread send, in order, from its reading number ``first`` on."""
    for number in range(first, SLOTS * DEVICES):
        slot, device = divmod(number, DEVICES)
        yield Device(str(thread * DEVICES + device)).reading(slot, slot + 1)


def main(folder: Path, verifiers: int) -> None:
    """Go on a little before where the log ends, so that some readings come twice."""
    telling = Lock()
    with house_in(folder, verifiers).open() as node:
        tell(telling, [f"workers {' '.join(map(str, node.verifier_pids))}"])
        first = max(0, node.checkpoint().size // THREADS - AGAIN * THREADS)
        threads = [Thread(target=work, args=(node, thread, first, telling)) for thread in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def work(node: AccessNode, thread: int, first: int, telling: Lock) -> None:
    """Submit batch after batch; what was answered is told before the next one."""
    sent = readings(thread, first)
    for size in itertools.cycle(range(1, 8)):
        batch = list(itertools.islice(sent, size))
        lines = []
        for statement, answer in zip(batch, node.submit(batch), strict=True):
            assert isinstance(answer, Accepted), answer
            lines.append(f"{answer.index} {statement.hex()} {answer.receipt.hex()}")
        head = node.checkpoint()
        tell(telling, [*lines, f"head {head.size} {head.root.hex()}"])


def tell(telling: Lock, lines: list[str]) -> None:
    with telling:
        print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
