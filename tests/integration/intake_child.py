"""Submits readings until it is killed, and tells what was answered: ``python -m
tests.integration.intake_child FOLDER``.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

from registry.ports import Accepted
from tests.unit.log.log_house import Device, House

DEVICES = 16
SLOTS = 3000  # within the acceptance window


def house_in(folder: Path) -> House:
    house = House(folder)
    house.clock.seconds += SLOTS * 900
    for number in range(DEVICES):
        house.device(str(number))
    return house


def readings(start: int) -> Iterator[bytes]:
    """The devices' readings in the order in which they are sent, from the number ``start`` on."""
    for number in range(start, SLOTS * DEVICES):
        slot, device = divmod(number, DEVICES)
        yield Device(str(device)).reading(slot, slot + 1)


def main(folder: Path) -> None:
    """Go on a little before where the log ends, so that some readings come twice."""
    with house_in(folder).open() as node:
        work = readings(max(0, node.checkpoint().size - 20))
        for size in itertools.cycle(range(1, 8)):
            batch = list(itertools.islice(work, size))
            for statement, answer in zip(batch, node.submit(batch), strict=True):
                assert isinstance(answer, Accepted), answer
                print(answer.index, statement.hex(), answer.receipt.hex())
            head = node.checkpoint()
            print("head", head.size, head.root.hex(), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
