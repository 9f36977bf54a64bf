"""Events about PODs, static lights and aggregates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.enums import PodCategory, Scope, StaticLight, VoltageLevel
from registry.domain.events.base import Event


@dataclass(frozen=True, slots=True)
class PodRegistered(Event):
    """A POD was registered; powers in kW (POD-1)."""

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    bsp: int
    dso: int
    category: PodCategory
    voltage: VoltageLevel
    up_kw: int
    down_kw: int
    activation_time_s: int
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class PodChanged(Event):
    """A relevant change.

    From `from_day` on the static light is requested and grants nothing; powers in kW (POD-3).
    """

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    bsp: int
    from_day: int
    category: PodCategory
    voltage: VoltageLevel
    up_kw: int
    down_kw: int
    activation_time_s: int
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class PodWithdrawn(Event):
    """A registration and its memberships end on `from_day` (POD-5)."""

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    bsp: int
    from_day: int


@dataclass(frozen=True, slots=True)
class PodClaimed(Event):
    """`bsp` claims the POD that `holder` is responsible for (POD-5)."""

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    bsp: int
    holder: int
    mandate_hash: bytes


@dataclass(frozen=True, slots=True)
class PodClaimDropped(Event):
    """`bsp` took its claim back (POD-5)."""

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    bsp: int


@dataclass(frozen=True, slots=True)
class PodHandedOver(Event):
    """From `from_day` on `bsp` is responsible instead of `previous`, as `dso` confirmed (POD-5)."""

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    bsp: int
    previous: int
    dso: int
    from_day: int


@dataclass(frozen=True, slots=True)
class StaticLightGiven(Event):
    """A static light holds from `from_day` on; granted powers in kW (POD-2)."""

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    dso: int
    from_day: int
    light: StaticLight
    up_kw: int
    down_kw: int
    perimeter: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class PodMoved(Event):
    """From `from_day` on the POD is in `perimeter`, a successor of `previous`; its light stays (DTL-1)."""

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    perimeter: int
    previous: int
    dso: int
    from_day: int


@dataclass(frozen=True, slots=True)
class AggregateCreated(Event):
    """An aggregate was created (AGG-1)."""

    contract: ClassVar[str] = "Pods"
    aggregate: int
    bsp: int
    scope: Scope
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class PodJoined(Event):
    """A POD is a member from `from_day` on (AGG-1)."""

    contract: ClassVar[str] = "Pods"
    aggregate: int
    pod_id: bytes
    from_day: int


@dataclass(frozen=True, slots=True)
class PodLeft(Event):
    """A POD is no member from `from_day` on (AGG-1)."""

    contract: ClassVar[str] = "Pods"
    aggregate: int
    pod_id: bytes
    from_day: int
