"""What the chain says of one account's transactions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from registry.ledger.rpc import CallReverted, Connection
from registry.ledger.sending.journal import Entry
from registry.ports import NodeRefused

Mined = dict[str, Any]
"""A receipt as JSON-RPC gives it."""


@dataclass(frozen=True, slots=True)
class Head:
    """The newest block; ``hash`` is 0x-hex."""

    number: int
    hash: str


class Account:
    """One account on one chain. Raises what :class:`~registry.ledger.rpc.Connection` raises."""

    def __init__(self, connection: Connection, address: str) -> None:
        self._connection = connection
        self.address = address

    def count(self, place: str) -> int:
        """How many transactions it has sent, in blocks (``latest``), or with what waits (``pending``)."""
        return int(self._connection.request("eth_getTransactionCount", self.address, place), 16)

    def head(self) -> Head:
        """The newest block."""
        block = self._connection.request("eth_getBlockByNumber", "latest", False)
        return Head(int(block["number"], 16), block["hash"])

    def receipts(self, entries: Sequence[Entry]) -> list[Mined | None]:
        """The receipt of each entry, under whichever of its versions was mined."""
        if not entries:
            return []
        newest = self._connection.requests(
            "eth_getTransactionReceipt", [(entry.versions[-1].hash,) for entry in entries]
        )
        return [receipt or self._older_receipt(entry) for entry, receipt in zip(entries, newest, strict=True)]

    def known(self, entries: Sequence[Entry]) -> list[bool]:
        """Whether the node knows the newest version of each entry, mined or not."""
        hashes = [(entry.versions[-1].hash,) for entry in entries]
        return [found is not None for found in self._connection.requests("eth_getTransactionByHash", hashes)]

    def has_lost(self, entry: Entry) -> bool:
        """Whether the chain has passed the entry's nonce and knows none of its versions: somebody else's
        transaction has it.
        """
        hashes = [(version.hash,) for version in entry.versions]
        found = self._connection.requests("eth_getTransactionByHash", hashes)
        return all(one is None for one in found) and self.count("latest") > entry.nonce

    def reason(self, entry: Entry, block: int) -> CallReverted | None:
        """Why a call failed in its block; None if it would not fail again."""
        call = {"from": self.address, "to": entry.to, "data": "0x" + entry.data.hex()}
        for place in (hex(block - 1), hex(block), "latest"):
            try:
                self._connection.request("eth_call", call, place)
            except CallReverted as reverted:
                return reverted
            except NodeRefused:
                continue  # a node that keeps no old states
        return None

    def _older_receipt(self, entry: Entry) -> Mined | None:
        hashes = [(version.hash,) for version in entry.versions[:-1]]
        found = self._connection.requests("eth_getTransactionReceipt", hashes)
        return next((receipt for receipt in found if receipt is not None), None)
