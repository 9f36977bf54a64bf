"""Events about the code of the contracts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.contract_changes import Code
from registry.domain.events.base import Event


@dataclass(frozen=True, slots=True)
class ConsortiumFounded(Event):
    """The contracts have their first code (CON-1)."""

    contract: ClassVar[str] = "Consortium"
    version: int
    codes: tuple[Code, ...]


@dataclass(frozen=True, slots=True)
class ChangeProposed(Event):
    """An operator proposed other code; carried out, the set of contracts has this ``version`` (CON-1)."""

    contract: ClassVar[str] = "Consortium"
    change: int
    operator: int
    version: int
    codes: tuple[Code, ...]
    document_hash: bytes
    not_before: int


@dataclass(frozen=True, slots=True)
class ChangeConsented(Event):
    """An operator consented to a change (CON-1)."""

    contract: ClassVar[str] = "Consortium"
    change: int
    operator: int


@dataclass(frozen=True, slots=True)
class ChangeWithdrawn(Event):
    """A change was withdrawn by its proposer (CON-1)."""

    contract: ClassVar[str] = "Consortium"
    change: int
    operator: int


@dataclass(frozen=True, slots=True)
class ContractsChanged(Event):
    """A change is in force from here on (CON-1)."""

    contract: ClassVar[str] = "Consortium"
    change: int
    version: int
