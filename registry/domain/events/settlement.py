"""Events about settlement statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.events.base import Event


@dataclass(frozen=True, slots=True)
class StatementRecorded(Event):
    """A settlement statement was recorded (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    statement_id: bytes
    operator: int
    aggregate: int
    product: int
    day: int
    commitment: bytes
    supersedes: bytes
    disputable_until: int


@dataclass(frozen=True, slots=True)
class StatementDisputed(Event):
    """A BSP disputed a statement (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    statement_id: bytes
    bsp: int
    reason_hash: bytes


@dataclass(frozen=True, slots=True)
class StatementAttested(Event):
    """An auditor said what it found about a statement (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    statement_id: bytes
    auditor: int
    confirmed: bool
    bundle_hash: bytes
