"""What a fact may cost on the ledger: its storage slots, the cold slots that it must read, its log and its
calldata by themselves (Ethereum yellow paper, appendix G; EIP-2028, EIP-2929), and by how much it may exceed
that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BATCH: Final = 100
"""The size whose figure is the result and is held to the budget."""
ALLOWED: Final = 1.25
EXCEPTIONS: Final = {
    "gas.offer": (
        1.46,
        "a log and no slot: what weighs little elsewhere shows: 500 gas are its share of the transaction "
        "and of the two contracts that are asked, 1,000 are spent reading calldata and encoding the log",
    ),
    "gas.selection": (
        1.66,
        "24 cells are compared with pool, capability and counterpart hour by hour: 17,000 gas of arithmetic, "
        "and 4,000 of the facades of the contracts that are asked",
    ),
    "gas.anchor": (
        1.35,
        "alone in its transaction it pays for the cold code of two contracts behind facades (docs/adr/0009)",
    ),
}
"""Kinds that may cost more than ALLOWED times their limit at batches of 100, and why."""

_BASE, _FRESH, _UPDATED, _COLD = 21_000, 22_100, 5_000, 2_100


@dataclass(frozen=True, slots=True)
class Slots:
    """What one fact must touch: storage slots written for the first time, slots written again, and slots of
    others that it must read cold. ``shared`` slots are begun by the first of a batch. ``alone``: one fact is
    one transaction.
    """

    fresh: int = 0
    updated: int = 0
    cold: int = 0
    shared: int = 0
    alone: bool = False

    def gas(self, count: int) -> float:
        """Gas per fact in a batch of ``count``."""
        own = self.fresh * _FRESH + self.updated * _UPDATED + self.cold * _COLD
        return own + self.shared * _FRESH / count + (_BASE if self.alone else 0)


SLOTS: Final = {
    "gas.pod": Slots(fresh=1),
    "gas.static_light": Slots(updated=1, fresh=1),
    "gas.membership": Slots(updated=1, fresh=1, shared=2),
    "gas.qualification": Slots(fresh=1, cold=1),
    "gas.lights_day": Slots(fresh=4, cold=1),
    "gas.offer": Slots(),
    "gas.agreement": Slots(fresh=1, updated=1),
    "gas.selection": Slots(fresh=2, cold=8, shared=2),
    "gas.declaration": Slots(fresh=1, cold=1, shared=8),
    "gas.anchor": Slots(updated=2, cold=4, alone=True),
}
"""The layout of each kind of fact (ARCHITECTURE, contracts)."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Gas per fact, and what slots, log and calldata cost by themselves."""

    gas: float
    limit: float

    @property
    def ratio(self) -> float:
        """1 is as cheap as can be."""
        return self.gas / self.limit


def allowed(name: str) -> float:
    """The highest ratio of a kind at batches of 100."""
    return EXCEPTIONS.get(name, (ALLOWED, ""))[0]
