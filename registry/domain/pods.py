"""PODs, static lights and what holds for a POD from a delivery day on (POD-1..3, POD-5, SPEC section 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from registry.domain.enums import PodCategory, Scope, StaticLight, VoltageLevel
from registry.domain.identifiers import bytes32_text
from registry.domain.quantities import MAX_KW, Direction
from registry.domain.refusals import Refusal

__all__ = [
    "UNTESTED",
    "Handover",
    "Pod",
    "PodCategory",
    "PodClaim",
    "Pool",
    "Registration",
    "Roster",
    "StaticLight",
    "StaticLightDecision",
    "VoltageLevel",
    "check_powers",
    "check_static_light",
    "invalid_registration",
]

NO_REASON = bytes(32)


@dataclass(frozen=True, slots=True)
class Registration:
    """What a BSP registers or changes about a POD (POD-1, D4.1 Table 6).

    Powers in kW, activation time in seconds.
    """

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
    """A DSO's static light for a POD.

    Granted powers in kW and the perimeter it is in (POD-2). `reason` is 32 zero bytes for none.
    """

    pod_id: bytes
    light: StaticLight
    up_kw: int
    down_kw: int
    perimeter: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class PodClaim:
    """A BSP's wish to take over a POD of another one (POD-5).

    `mandate_hash` commits to the customer's mandate.
    """

    pod_id: bytes
    mandate_hash: bytes


@dataclass(frozen=True, slots=True)
class Handover:
    """A POD and the BSP that takes it over (POD-5)."""

    pod_id: bytes
    bsp: int


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

    def aggregate_of(self, scope: Scope) -> int:
        """The aggregate of this scope that the POD is a member of, 0 for none (AGG-2)."""
        return self.local_aggregate if scope is Scope.LOCAL else self.global_aggregate

    def placed(self, scope: Scope, aggregate: int) -> Pod:
        """The POD as a member of `aggregate` in this scope, 0 for none."""
        if scope is Scope.LOCAL:
            return replace(self, local_aggregate=aggregate)
        return replace(self, global_aggregate=aggregate)

    @property
    def aggregates(self) -> tuple[int, ...]:
        """The aggregates that the POD is a member of, the local one first."""
        return tuple(aggregate for aggregate in (self.local_aggregate, self.global_aggregate) if aggregate)

    def handed_over(self, bsp: int) -> Pod:
        """The POD with another BSP: a member of nothing; light and powers are the connection's (POD-5)."""
        return replace(self, bsp=bsp, local_aggregate=0, global_aggregate=0)

    def granted_kw(self, direction: Direction) -> int:
        """Power that the static light grants in a direction (POD-2)."""
        return self.granted_up_kw if direction is Direction.UP else self.granted_down_kw


@dataclass(frozen=True, slots=True)
class Pool:
    """Number and granted power (kW) of members, of an aggregate or shared by two."""

    pods: int = 0
    up_kw: int = 0
    down_kw: int = 0

    def power_kw(self, direction: Direction) -> int:
        """Power of the members in a direction."""
        return self.up_kw if direction is Direction.UP else self.down_kw


@dataclass(frozen=True, slots=True)
class Roster:
    """What a test of an aggregate is about (PRQ-2).

    Its members, told apart by how often one has joined or left so far, and their granted power in kW.
    """

    changes: int = 0
    up_kw: int = 0
    down_kw: int = 0

    def power_kw(self, direction: Direction) -> int:
        """Power of the members in a direction."""
        return self.up_kw if direction is Direction.UP else self.down_kw


UNTESTED = Roster()
"""What was tested before anything was."""


def check_powers(registration: Registration) -> None:
    """Refuse a power above 131,071 kW, or none in either direction (POD-1).

    Raises:
        Refusal: POD-1 RegistrationInvalid.
    """
    for name, power_kw in (("upKw", registration.up_kw), ("downKw", registration.down_kw)):
        if not 0 <= power_kw <= MAX_KW:
            raise invalid_registration(registration.pod_id, name, power_kw, MAX_KW)
    if registration.up_kw == 0 and registration.down_kw == 0:
        raise invalid_registration(registration.pod_id, "power", 0, MAX_KW)


def check_static_light(decision: StaticLightDecision, declared_up_kw: int, declared_down_kw: int) -> None:
    """Refuse a static light that its powers contradict (POD-2).

    Confirmed grants all that was declared, modulated some of it and not all, invalidated nothing; the last
    two have a reason.

    Raises:
        Refusal: POD-2 StaticLightInconsistent or ReasonMissing.
    """
    granted = decision.up_kw, decision.down_kw
    everything = granted == (declared_up_kw, declared_down_kw)
    nothing = granted == (0, 0)
    within = decision.up_kw <= declared_up_kw and decision.down_kw <= declared_down_kw
    consistent = {
        StaticLight.CONFIRMED: everything,
        StaticLight.MODULATED: within and not everything and not nothing,
        StaticLight.INVALIDATED: nothing,
    }
    if not consistent.get(decision.light, False):
        raise Refusal(
            "StaticLightInconsistent",
            pod_id=decision.pod_id,
            light=decision.light,
            up_kw=decision.up_kw,
            down_kw=decision.down_kw,
            declared_up_kw=declared_up_kw,
            declared_down_kw=declared_down_kw,
        )
    if decision.light is not StaticLight.CONFIRMED and decision.reason == NO_REASON:
        raise Refusal("ReasonMissing", pod_id=decision.pod_id)


def invalid_registration(pod_id: bytes, field: str, found: int, limit: int) -> Refusal:
    """The refusal of one field of a registration (POD-1)."""
    return Refusal("RegistrationInvalid", pod_id=pod_id, field=bytes32_text(field), found=found, limit=limit)
