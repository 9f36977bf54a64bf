"""A node that detaches while it takes statements: ``python -m tests.integration.detach_child FOLDER ARCHIVE
STEPS``. It tells so many steps, each with the receipt that it gave, then waits to be killed.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from registry.domain.calendar import DeliveryDay
from registry.log.retention import Step
from registry.ports import Accepted
from tests.unit.log.log_house import START, Device, House

DAY_S, DAYS = 86_400, 4
DEVICES = [Device(str(number)) for number in range(3)]
SLOTS = DAYS * 96
OLD = range(0, SLOTS)


def house_in(folder: Path) -> House:
    """A log whose window has left the first four days."""
    house = House(folder)
    for device in DEVICES:
        house.directory.bind(device)
    house.clock.seconds = START + (DAYS + 40) * DAY_S
    return house


def until() -> DeliveryDay:
    """The first day that stays: the one after the first three nights."""
    return DeliveryDay.from_number(START // DAY_S + 3)


def fresh(slot: int) -> bytes:
    """A statement of the days that the window still holds."""
    return DEVICES[0].reading((DAYS + 20) * 96 + slot, SLOTS + 1 + slot)


def main() -> None:
    folder, archive, steps = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    with house_in(folder).open() as node:

        def tell(step: Step) -> None:
            nonlocal steps
            steps -= 1
            if steps < 0:
                signal.pause()
            slot = node.size - SLOTS * len(DEVICES)
            (answer,) = node.submit([fresh(slot)])
            assert isinstance(answer, Accepted), answer
            sys.stdout.write(f"{answer.index} {answer.receipt.hex()} {step.stage.value}\n")
            sys.stdout.flush()

        node.detach(until(), archive, tell)
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main()
