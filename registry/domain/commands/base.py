"""What every command is."""

from __future__ import annotations

from typing import ClassVar


class Command:
    """A write to the ledger; `contract` and `function` name its Solidity side."""

    __slots__ = ()
    contract: ClassVar[str]
    function: ClassVar[str]
