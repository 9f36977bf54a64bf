"""What the steps of a random stream are chosen with."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import TypeVar

from registry.domain import commands as c
from registry.domain.rulebook import Rulebook
from tests.unit.domain.consortium import (
    ADMIN,
    AUDITOR,
    DAY,
    FEEDER_1,
    FEEDER_2,
    FOREIGN_FEEDER,
    GLOBAL,
    GLOBAL_PRODUCT,
    LOCAL,
    LOCAL_PRODUCT,
    NODE,
    OTHER_GLOBAL,
    SCHEDULE,
    TWIN,
    UNTESTED_PRODUCT,
    addresses,
)

AGGREGATES = [LOCAL, GLOBAL, TWIN, OTHER_GLOBAL]
PERIMETERS = [FEEDER_1, FEEDER_1, FEEDER_1, FEEDER_2, FOREIGN_FEEDER]
PRODUCTS = [LOCAL_PRODUCT, GLOBAL_PRODUCT, UNTESTED_PRODUCT, LOCAL_PRODUCT + 1]
DAYS = [DAY.number, DAY.number, DAY.number, DAY.number + 1, DAY.number + 2]
GATES = sorted(
    {SCHEDULE.opens_at, *SCHEDULE.lfp_gates, *SCHEDULE.msd_gates, SCHEDULE.last_declaration, SCHEDULE.ends_at}
)

Step = tuple[c.Command, int]
T = TypeVar("T")


class Steps:
    """The state of a stream, and its dice. `now` is when the next command is sent."""

    def __init__(
        self, seed: int, rulebook: Rulebook, now: int, signers: Mapping[int, str] | None = None
    ) -> None:
        self._signers = signers or addresses()
        self._random = random.Random(seed)
        self._rulebook = rulebook
        self.now = now
        self._paused = False

    def _seat(self) -> int:
        """Who holds a seat of the consortium admin now, as far as this stream knows its key."""
        seats = self._rulebook.participants.admin.seats
        return self._of(*(party for party in (ADMIN, AUDITOR, NODE) if self._signers[party] in seats))

    def _of(self, *choices: T) -> T:
        return self._random.choice(choices)

    def _word(self) -> bytes:
        """Any 32 bytes that aren't all zero."""
        return self._random.randbytes(31) + b"\1"

    def _statement(self) -> bytes:
        """One of a few names of statements."""
        return bytes([self._random.randint(0, 6)]) * 32
