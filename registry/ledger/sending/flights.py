"""A call on its way: what it does, what is under way for it, what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from registry.ledger.rpc import CallReverted
from registry.ledger.sending.account import Mined
from registry.ledger.sending.journal import Entry

NEVER = float("-inf")
"""When it was sent last, of what was not sent by this process."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a transaction does."""

    to: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a call: its receipt, or why the contract refused it before it reached a block, or both
    where it failed in its block.
    """

    number: int
    receipt: Mined | None
    reverted: CallReverted | None


@dataclass(slots=True)
class Flight:
    """An entry under way.

    Attributes:
        number: its call in the stream, None for what another process left.
        sent_at: the newest block known when it was sent last, or looked for.
        held: the node had no room for it.
    """

    entry: Entry
    number: int | None
    first_sent: float
    last_sent: float
    sent_at: int = 0
    again: bool = False
    held: bool = False
    missed_at: int | None = None
