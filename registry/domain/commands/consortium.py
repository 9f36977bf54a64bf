"""Commands about the code of the contracts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.commands.base import Command
from registry.domain.contract_changes import Code


@dataclass(frozen=True, slots=True)
class ProposeChange(Command):
    """An operator proposes other code, and consents to it (CON-1).

    ``document_hash``: SHA-256 of the document that says what changes; ``not_before``: Unix seconds.
    """

    contract: ClassVar[str] = "Consortium"
    function: ClassVar[str] = "propose"
    operator: int
    codes: tuple[Code, ...]
    document_hash: bytes
    not_before: int


@dataclass(frozen=True, slots=True)
class ConsentToChange(Command):
    """An operator consents to a change (CON-1)."""

    contract: ClassVar[str] = "Consortium"
    function: ClassVar[str] = "consent"
    operator: int
    change: int


@dataclass(frozen=True, slots=True)
class WithdrawChange(Command):
    """An operator withdraws the change that it proposed (CON-1)."""

    contract: ClassVar[str] = "Consortium"
    function: ClassVar[str] = "withdraw"
    operator: int
    change: int


@dataclass(frozen=True, slots=True)
class CarryOutChange(Command):
    """An operator puts a change into force; ``codes`` as they were proposed (CON-1)."""

    contract: ClassVar[str] = "Consortium"
    function: ClassVar[str] = "carryOut"
    operator: int
    change: int
    codes: tuple[Code, ...]
