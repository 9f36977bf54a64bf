"""Submits readings from several threads until it is killed, and tells what was answered: ``python -m
tests.integration.intake_child FOLDER VERIFIERS``.
"""

from __future__ import annotations

import itertools
import sys
from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock, Thread

from registry.log import AccessNode
from registry.ports import Accepted
from tests.unit.log.log_house import PERIOD_S, START, Device, House

DEVICES = 16
THREADS = 3
SLOTS = 3000  # within the acceptance window


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
    """Go on a little before where each thread stopped, so that some readings come twice."""
    telling = Lock()
    with house_in(folder, verifiers).open() as node:
        tell(telling, [f"workers {' '.join(map(str, node.verifier_pids))}"])
        firsts = [first_of(node, thread) for thread in range(THREADS)]
        threads = [
            Thread(target=work, args=(node, thread, first, telling)) for thread, first in enumerate(firsts)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def first_of(node: AccessNode, thread: int) -> int:
    """The reading of the thread's first device that the log holds last; it and up to a row of others come
    again.
    """
    pod_id = Device(str(thread * DEVICES)).pod_id

    def is_free(slot: int) -> bool:
        at = datetime.fromtimestamp(START + slot * PERIOD_S, UTC)
        return not node.statements(pod_id, at, at + timedelta(seconds=PERIOD_S))

    return max(0, bisect_left(range(SLOTS), True, key=is_free) - 1) * DEVICES


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
