"""How much a sender has under way, and how patient it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How much is under way and how patient the sender is.

    Attributes:
        window: transactions under way at most: small ones fill a block or two, and a sender that hears of a
            block late has the next one's out already. A node that keeps fewer of one account says so.
        chunk: transactions signed, kept and sent together.
        resend_after_s: a transaction without block for so long is looked for, and sent again if it is lost.
        passed_by: blocks without the first in line after which it and those behind it are looked for at once.
        raise_after_s: the first in line gets a better fee when it is known and waits for so long.
        give_up_after_s: so long without any block that holds one of them, and the sender gives up.
        longest_pause_s: between two looks at the chain.
    """

    window: int = 128
    chunk: int = 64
    resend_after_s: float = 10.0
    passed_by: int = 3
    raise_after_s: float = 30.0
    give_up_after_s: float = 120.0
    longest_pause_s: float = 0.25
