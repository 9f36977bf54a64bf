"""Events about device keys and checkpoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.events.base import Event


@dataclass(frozen=True, slots=True)
class DeviceBound(Event):
    """A device key is bound to a POD for [valid_from, valid_until) (DEV-1)."""

    contract: ClassVar[str] = "Measurements"
    pod_id: bytes
    key_id: bytes
    dso: int
    key_x: bytes
    key_y: bytes
    valid_from: int
    valid_until: int


@dataclass(frozen=True, slots=True)
class DeviceEnded(Event):
    """From `valid_until` on the key signs for nobody (DEV-1)."""

    contract: ClassVar[str] = "Measurements"
    pod_id: bytes
    key_id: bytes
    dso: int
    valid_until: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class CheckpointAnchored(Event):
    """A checkpoint of a measurement log was anchored; ``witnesses`` had cosigned it, as the node says
    (LOG-2).
    """

    contract: ClassVar[str] = "Measurements"
    log_id: bytes
    node: int
    size: int
    root: bytes
    witnesses: int = 0
