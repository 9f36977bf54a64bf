"""What a transaction offers for its gas: nothing where the chain asks nothing (the consortium's own), else
twice the present base fee and the node's tip.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.ledger.rpc import Connection

_RAISE_PERCENT = 25
"""Nodes take a replacement only if it pays 10 to 12.5 percent more."""


@dataclass(frozen=True, slots=True)
class Fees:
    """Wei per gas: the most that is paid in all, and what of it is a tip."""

    most: int
    tip: int

    @property
    def fields(self) -> dict[str, int]:
        """As a transaction names them."""
        return {"maxFeePerGas": self.most, "maxPriorityFeePerGas": self.tip}

    def above(self, before: Fees) -> Fees:
        """These, or as much more than ``before`` as a replacement needs."""
        return Fees(
            max(self.most, _raised(before.most)),
            max(self.tip, _raised(before.tip)),
        )


def _raised(wei: int) -> int:
    return wei + max(1, wei * _RAISE_PERCENT // 100)


def base_fee(connection: Connection) -> int:
    """The base fee of the newest block, wei per gas."""
    block = connection.request("eth_getBlockByNumber", "latest", False)
    return int(block.get("baseFeePerGas", "0x0"), 16)


def current_fees(connection: Connection) -> Fees:
    """What to offer now."""
    base = base_fee(connection)
    if base == 0:
        return Fees(0, 0)
    tip = int(connection.request("eth_maxPriorityFeePerGas"), 16)
    return Fees(2 * base + tip, tip)
