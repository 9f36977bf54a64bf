"""Perimeters and dynamic traffic lights (DTL-1..5, SPEC section 6; D4.1 §3.5.3 and §6.3)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from registry.domain.errors import InputInvalid, RuleViolation
from registry.domain.quantities import (
    GREEN,
    GREEN_LIGHT,
    MAX_KW,
    RED_LIGHT,
    CellLight,
    Colour,
    Direction,
    HourCells,
    pack_lights,
    unpack_lights,
)
from registry.domain.refusals import Refusal

__all__ = [
    "GREEN_LIGHT",
    "RED_LIGHT",
    "CellLight",
    "Colour",
    "DynamicLight",
    "LightConflict",
    "PerimeterDraft",
    "PerimeterLights",
    "bottleneck_capability_kw",
    "check_cells",
    "check_partition",
    "check_split_capability",
    "conflicts",
    "derive_opposite_red",
    "pack_lights",
    "unpack_lights",
]


@dataclass(frozen=True, slots=True)
class PerimeterDraft:
    """A perimeter that a DSO declares; `predecessors` are those it was split or merged from (DTL-1)."""

    perimeter: int
    predecessors: tuple[int, ...]
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class PerimeterLights:
    """Lights of a perimeter day as the ledger holds them: capability per hour and direction (DTL-2)."""

    perimeter: int
    up: HourCells
    down: HourCells
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class DynamicLight:
    """Lights of one perimeter on one delivery day, one per hour and direction (DTL-2)."""

    perimeter: int
    day: int
    up: tuple[CellLight, ...]
    down: tuple[CellLight, ...]

    def __post_init__(self) -> None:
        """Refuse directions of different lengths.

        Raises:
            InputInvalid: DTL-2.
        """
        if len(self.up) != len(self.down):
            raise InputInvalid(
                rule="DTL-2",
                field="down",
                found=f"{len(self.down)} hours",
                allowed=f"{len(self.up)} hours, as up has",
            )

    @classmethod
    def unpacked(cls, lights: PerimeterLights, day: int, hours: int) -> DynamicLight:
        """The lights in the ledger's cells, for a day of so many hours.

        Raises:
            Refusal: DTL-2 LightMalformed.
        """
        check_cells(lights, day, hours)
        return cls(lights.perimeter, day, unpack_lights(lights.up, hours), unpack_lights(lights.down, hours))

    def packed(self, payload_hash: bytes) -> PerimeterLights:
        """The lights as the ledger holds them."""
        return PerimeterLights(self.perimeter, pack_lights(self.up), pack_lights(self.down), payload_hash)

    def side(self, direction: Direction) -> tuple[CellLight, ...]:
        """The lights of one direction, hour by hour."""
        return self.up if direction is Direction.UP else self.down


@dataclass(frozen=True, slots=True)
class LightConflict:
    """A cell whose selections were valid when made and exceed the light in force now (DTL-4).

    Powers in kW.
    """

    perimeter: int
    day: int
    hour: int
    direction: Direction
    selected_kw: int
    capability_kw: int


def check_cells(lights: PerimeterLights, day: int, hours: int) -> None:
    """Refuse cells outside the day's hours or beyond 17 bits, and flags on cells that are not yellow (DTL-2).

    Raises:
        Refusal: DTL-2 LightMalformed.
    """
    for cells in (lights.up, lights.down):
        stray = any(cells.raw(hour) > MAX_KW for hour in range(hours))
        misplaced = any(cells.raw(hour) in (0, GREEN) for hour in cells.flags)
        if stray or misplaced or cells.beyond(hours):
            raise Refusal("LightMalformed", perimeter=lights.perimeter, day=day)


def derive_opposite_red(lights: DynamicLight, local_kw: Sequence[int]) -> DynamicLight:
    """The lights in force next to the DSO's own plan.

    Red against it, as published with it (DTL-3, D4.1 Figure 14).

    Args:
        lights: as published; the capability in the plan's direction is what the grid still takes after it.
        local_kw: the DSO's planned local activation per hour in kW, up positive.

    Raises:
        InputInvalid: DTL-3, not one value per hour.
    """
    if len(local_kw) != len(lights.up):
        raise InputInvalid(
            rule="DTL-3", field="local_kw", found=f"{len(local_kw)} hours", allowed=f"{len(lights.up)} hours"
        )
    up = tuple(RED_LIGHT if kw < 0 else light for kw, light in zip(local_kw, lights.up, strict=True))
    down = tuple(RED_LIGHT if kw > 0 else light for kw, light in zip(local_kw, lights.down, strict=True))
    return replace(lights, up=up, down=down)


def conflicts(
    lights: DynamicLight, used_up_kw: Sequence[int], used_down_kw: Sequence[int]
) -> tuple[LightConflict, ...]:
    """Cells in which recorded global selections exceed the lights now in force; none is undone (DTL-4).

    Args:
        lights: in force, with the reds of `derive_opposite_red`.
        used_up_kw: what global selections of all sessions use per hour, in kW; `used_down_kw` likewise, both
        positive.
    """
    return tuple(
        LightConflict(lights.perimeter, lights.day, hour, direction, used_kw, light.limit_kw)
        for direction, used in ((Direction.UP, used_up_kw), (Direction.DOWN, used_down_kw))
        for hour, (used_kw, light) in enumerate(zip(used, lights.side(direction), strict=True))
        if light.colour is not Colour.GREEN and used_kw > light.limit_kw
    )


def check_partition(perimeters: Mapping[int, Iterable[bytes]], pods: Collection[bytes]) -> None:
    """Refuse a partition in which a POD is in no perimeter or in several (DTL-1).

    Raises:
        RuleViolation: DTL-1, naming the first such POD and the perimeters it is in.
    """
    places: dict[bytes, list[int]] = {pod_id: [] for pod_id in pods}
    for perimeter, members in sorted(perimeters.items()):
        for pod_id in members:
            places.setdefault(pod_id, []).append(perimeter)
    for pod_id, found in sorted(places.items()):
        if len(found) != 1:
            raise RuleViolation(
                rule="DTL-1",
                field=f"perimeters of POD 0x{pod_id.hex()}",
                found=found or "none",
                allowed="exactly one perimeter of the partition",
            )


def bottleneck_capability_kw(elements: Iterable[tuple[int, int]]) -> int:
    """Capability of a perimeter whose elements each take `maximum` kW of which `used` kW are used.

    The tightest decides (DTL-5).

    The TSO doesn't know below which element the power will move, so one light for all of them is the smallest
    room of any (D4.1 Figure 12, configuration a).

    Raises:
        InputInvalid: DTL-5, the perimeter has no element.
    """
    rooms = [max(0, maximum - used) for maximum, used in elements]
    if not rooms:
        raise InputInvalid(
            rule="DTL-5", field="elements", found="none", allowed="at least one element of the grid"
        )
    return min(rooms)


def check_split_capability(whole_kw: int, parts_kw: Collection[int]) -> None:
    """Refuse lights of a split perimeter that sum to less than the whole had (DTL-5).

    Raises:
        RuleViolation: DTL-5.
    """
    if sum(parts_kw) < whole_kw:
        raise RuleViolation(
            rule="DTL-5",
            field="capability of the parts",
            found=sum(parts_kw),
            allowed=f"at least {whole_kw} kW, as the whole has",
        )
