"""Time and signing keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol


class Clock(Protocol):
    """The time. The sandbox has one that can be set; everything that asks for the time asks a Clock."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...


class Signer(Protocol):
    """A participant's key for ledger transactions; it may live elsewhere."""

    @property
    def address(self) -> str:
        """The checksummed address that transactions of this key come from."""
        ...

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """The raw signed transaction. ``transaction`` has the fields of an Ethereum transaction, by their
        JSON-RPC names.
        """
        ...
