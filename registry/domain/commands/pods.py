"""Commands about PODs, static lights and aggregates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.aggregates import AggregateDraft
from registry.domain.commands.base import Command
from registry.domain.pods import Handover, PodClaim, Registration, StaticLightDecision


@dataclass(frozen=True, slots=True)
class RegisterPods(Command):
    """A BSP registers PODs (POD-1)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "register"
    bsp: int
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class ChangePods(Command):
    """A BSP reports relevant changes of its PODs (POD-3)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "change"
    bsp: int
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class WithdrawPods(Command):
    """A BSP ends the registration of PODs (POD-5)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "withdraw"
    bsp: int
    pod_ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ClaimPods(Command):
    """A BSP claims PODs of another one, with its customers' mandates (POD-5)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "claim"
    bsp: int
    claims: tuple[PodClaim, ...]


@dataclass(frozen=True, slots=True)
class DropClaims(Command):
    """A BSP takes back claims (POD-5)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "dropClaims"
    bsp: int
    pod_ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class HandOverPods(Command):
    """The connecting DSO hands claimed PODs over to their next BSP (POD-5)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "handOver"
    dso: int
    handovers: tuple[Handover, ...]


@dataclass(frozen=True, slots=True)
class GiveStaticLights(Command):
    """A DSO gives the static lights of PODs (POD-2)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "giveStaticLights"
    dso: int
    decisions: tuple[StaticLightDecision, ...]


@dataclass(frozen=True, slots=True)
class MovePods(Command):
    """PODs of a perimeter that was split or merged move along into a successor, with their lights (DTL-1)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "movePods"
    dso: int
    perimeter: int
    pod_ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class CreateAggregates(Command):
    """A BSP creates aggregates (AGG-1)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "createAggregates"
    bsp: int
    drafts: tuple[AggregateDraft, ...]


@dataclass(frozen=True, slots=True)
class JoinAggregate(Command):
    """A BSP puts PODs into an aggregate (AGG-1, AGG-2)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "join"
    bsp: int
    aggregate: int
    pod_ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LeaveAggregate(Command):
    """A BSP takes PODs out of an aggregate (AGG-1)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "leave"
    bsp: int
    aggregate: int
    pod_ids: tuple[bytes, ...]
