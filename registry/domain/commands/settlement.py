"""Commands about settlement statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.commands.base import Command
from registry.domain.statements import Statement


@dataclass(frozen=True, slots=True)
class RecordStatements(Command):
    """An operator records settlement statements (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    function: ClassVar[str] = "record"
    operator: int
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class DisputeStatement(Command):
    """A BSP disputes a statement about its aggregate (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    function: ClassVar[str] = "dispute"
    bsp: int
    statement_id: bytes
    reason_hash: bytes


@dataclass(frozen=True, slots=True)
class AttestStatement(Command):
    """An auditor attests what it found about a statement (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    function: ClassVar[str] = "attest"
    auditor: int
    statement_id: bytes
    confirmed: bool
    bundle_hash: bytes
