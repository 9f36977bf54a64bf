"""Commands about selections, declarations and baselines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.commands.base import Command
from registry.domain.market import BaselineFiling, PodQuarters, Selection


@dataclass(frozen=True, slots=True)
class SelectLocal(Command):
    """A DSO records the outcome of an LFP session (SES-2..4)."""

    contract: ClassVar[str] = "Market"
    function: ClassVar[str] = "selectLocal"
    dso: int
    day: int
    session: int
    selections: tuple[Selection, ...]


@dataclass(frozen=True, slots=True)
class SelectGlobal(Command):
    """The TSO records the outcome of an MSD session (SES-2..4, DTL-4)."""

    contract: ClassVar[str] = "Market"
    function: ClassVar[str] = "selectGlobal"
    tso: int
    day: int
    session: int
    selections: tuple[Selection, ...]


@dataclass(frozen=True, slots=True)
class DeclarePods(Command):
    """A BSP declares which PODs fulfil a selection; `complete` closes the declaration (SES-3)."""

    contract: ClassVar[str] = "Market"
    function: ClassVar[str] = "declare"
    bsp: int
    aggregate: int
    perimeter: int
    day: int
    pods: tuple[PodQuarters, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class ReleasePods(Command):
    """A BSP takes back PODs that a lowered selection no longer needs (SES-6)."""

    contract: ClassVar[str] = "Market"
    function: ClassVar[str] = "release"
    bsp: int
    aggregate: int
    perimeter: int
    day: int
    pods: tuple[PodQuarters, ...]


@dataclass(frozen=True, slots=True)
class FileBaselines(Command):
    """A BSP files the baselines of its PODs for a day (BAS-1)."""

    contract: ClassVar[str] = "Market"
    function: ClassVar[str] = "fileBaselines"
    bsp: int
    day: int
    filings: tuple[BaselineFiling, ...]
