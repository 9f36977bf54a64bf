"""Commands about device keys and checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.commands.base import Command
from registry.domain.devices import Binding


@dataclass(frozen=True, slots=True)
class BindDevices(Command):
    """A DSO binds device keys to PODs (DEV-1)."""

    contract: ClassVar[str] = "Measurements"
    function: ClassVar[str] = "bindDevices"
    dso: int
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class EndDevices(Command):
    """A DSO ends the validity of device keys (DEV-1)."""

    contract: ClassVar[str] = "Measurements"
    function: ClassVar[str] = "endDevices"
    dso: int
    pod_ids: tuple[bytes, ...]
    valid_until: tuple[int, ...]
    reason: bytes


@dataclass(frozen=True, slots=True)
class AnchorCheckpoint(Command):
    """An access node anchors a checkpoint of its log, and says how many witnesses cosigned it (LOG-2)."""

    contract: ClassVar[str] = "Measurements"
    function: ClassVar[str] = "anchor"
    node: int
    log_id: bytes
    size: int
    root: bytes
    witnesses: int = 0
