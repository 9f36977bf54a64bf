"""Commands about perimeters and dynamic lights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.commands.base import Command
from registry.domain.lights import PerimeterDraft, PerimeterLights


@dataclass(frozen=True, slots=True)
class DeclarePerimeters(Command):
    """A DSO declares, splits or merges perimeters of its grid (DTL-1)."""

    contract: ClassVar[str] = "TrafficLights"
    function: ClassVar[str] = "declarePerimeters"
    dso: int
    drafts: tuple[PerimeterDraft, ...]


@dataclass(frozen=True, slots=True)
class PublishLights(Command):
    """A DSO publishes the lights of its perimeters for a day, in an LFP session (DTL-2)."""

    contract: ClassVar[str] = "TrafficLights"
    function: ClassVar[str] = "publishLights"
    dso: int
    day: int
    session: int
    lights: tuple[PerimeterLights, ...]
