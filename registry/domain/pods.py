"""PODs, static traffic lights and what holds for a POD from a delivery day on (POD-1..3, SPEC section 3)."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.enums import PodCategory, StaticLight, VoltageLevel

__all__ = [
    "Pod",
    "PodCategory",
    "Pool",
    "Registration",
    "StaticLight",
    "StaticLightDecision",
    "VoltageLevel",
]

NO_REASON = bytes(32)


@dataclass(frozen=True, slots=True)
class Registration:
    """What a BSP registers or changes about a POD (POD-1, D4.1 Table 6). Powers in kW, activation time in seconds."""

    pod_id: bytes
    dso: int
    category: PodCategory
    voltage: VoltageLevel
    up_kw: int
    down_kw: int
    activation_time_s: int
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class StaticLightDecision:
    """A DSO's static light for a POD: granted powers in kW and the perimeter it is in (POD-2). `reason` is 32 zero bytes for none."""

    pod_id: bytes
    light: StaticLight
    up_kw: int
    down_kw: int
    perimeter: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class Pod:
    """A POD as it holds from delivery day `from_day` on. Powers in kW; 0 is no perimeter or no aggregate."""

    from_day: int
    bsp: int
    dso: int
    perimeter: int
    light: StaticLight
    category: PodCategory
    voltage: VoltageLevel
    declared_up_kw: int
    declared_down_kw: int
    granted_up_kw: int
    granted_down_kw: int
    local_aggregate: int
    global_aggregate: int


@dataclass(frozen=True, slots=True)
class Pool:
    """Number and granted power (kW) of members, of an aggregate or shared by two."""

    pods: int = 0
    up_kw: int = 0
    down_kw: int = 0
