"""Selections, declarations and baselines (SES-2..4, SES-6, DTL-3, DTL-4, BAS-1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from registry.domain.calendar import MAX_HOURS, QUARTERS_PER_HOUR
from registry.domain.quantities import (
    FLAG_SHIFT,
    Direction,
    HourCells,
    has_direction_without_power,
    selection_cell,
)
from registry.domain.refusals import Refusal

_HOUR_MASK = (1 << QUARTERS_PER_HOUR) - 1


@dataclass(frozen=True, slots=True)
class Selection:
    """kW of an aggregate in a perimeter per hour, with the chain of products that qualifies it.

    `cells` are made by `quantities.pack_selection`. `chain` ends at the product, `tested_aggregate` holds the
    qualification for its first. `commitment` hides the prices (PRIV-3).
    """

    aggregate: int
    perimeter: int
    tested_aggregate: int
    chain: tuple[int, ...]
    cells: HourCells
    commitment: bytes

    @property
    def product(self) -> int:
        """The product asked for (0 if the chain is empty)."""
        return self.chain[-1] if self.chain else 0


@dataclass(frozen=True, slots=True)
class PodQuarters:
    """Quarter-hours of the day that a POD serves.

    Bit q is the period that starts q * 15 minutes into the day.
    """

    pod_id: bytes
    quarters: int


@dataclass(frozen=True, slots=True)
class BaselineFiling:
    """A filed baseline: the commitment to its values (BAS-1, PRIV-3)."""

    pod_id: bytes
    commitment: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """What an aggregate of the other market takes from this one in one hour and direction (SES-3).

    Attributes:
        selected: whether the other aggregate is selected in the hour.
        complete: whether its BSP has said which PODs serve.
        shared_kw: power of all shared PODs.
        declared_kw: power of the shared PODs that are declared to the other market.
    """

    selected: bool
    complete: bool
    shared_kw: int
    declared_kw: int

    @property
    def taken_kw(self) -> int:
        """Everything shared while the BSP hasn't said all, else what it declared."""
        return self.shared_kw if self.selected and not self.complete else self.declared_kw


def available_kw(pool_kw: int, claims: Iterable[Claim]) -> int:
    """Power (kW) that an aggregate's PODs can still give to its own market in one hour and direction (SES-3).

    The aggregates of the other market that claim PODs of the pool have no POD in common, so claims add up.
    """
    return pool_kw - sum(claim.taken_kw for claim in claims)


def in_direction(signed_kw: int, direction: Direction) -> int:
    """Power of a signed selection in a direction, 0 if it goes the other way."""
    return max(0, signed_kw if direction is Direction.UP else -signed_kw)


def direction_of(signed_kw: int) -> Direction:
    """Direction of a signed selection."""
    return Direction.DOWN if signed_kw < 0 else Direction.UP


def rising_hours(before_kw: Sequence[int], wanted_kw: Sequence[int]) -> tuple[int, ...]:
    """Hours in which a selection (signed kW) asks for more than before in its direction (SES-6)."""
    return tuple(
        hour
        for hour, (before, wanted) in enumerate(zip(before_kw, wanted_kw, strict=True))
        if abs(wanted) > in_direction(before, direction_of(wanted))
    )


def check_selection_cells(selection: Selection, day: int, hours: int) -> None:
    """Refuse cells outside the day's hours, directions without power, and bits that no cell owns (SES-4).

    Raises:
        Refusal: SES-4 SelectionMalformed.
    """
    cells = selection.cells
    stray = cells.lo >> FLAG_SHIFT or cells.hi >> FLAG_SHIFT or cells.beyond(hours)
    if stray or any(has_direction_without_power(cells.raw(hour)) for hour in range(hours)):
        raise Refusal(
            "SelectionMalformed", aggregate=selection.aggregate, perimeter=selection.perimeter, day=day
        )


def check_definitive_hours(
    selection: Selection, day: int, first_hour: int, recorded_kw: Sequence[int], wanted_kw: Sequence[int]
) -> None:
    """Refuse a change of an hour that an earlier session planned definitively (SES-2).

    Raises:
        Refusal: SES-2 HourDefinitive, naming the first such hour.
    """
    for hour in range(first_hour):
        if recorded_kw[hour] != wanted_kw[hour]:
            raise Refusal(
                "HourDefinitive",
                aggregate=selection.aggregate,
                perimeter=selection.perimeter,
                day=day,
                hour=hour,
                recorded=selection_cell(recorded_kw[hour]),
                found=selection_cell(wanted_kw[hour]),
            )


def shortfall_kw(
    selected_kw: Sequence[int], declared_kw: Mapping[tuple[int, Direction], int]
) -> tuple[int, ...]:
    """Per hour what was selected (signed kW) beyond the declared PODs' power in its direction (SES-3)."""
    return tuple(
        max(0, abs(selected) - declared_kw.get((hour, direction_of(selected)), 0))
        for hour, selected in enumerate(selected_kw)
    )


def hours_of(quarters: int) -> frozenset[int]:
    """Hours of which at least one quarter is set: one declared quarter takes the hour (SES-6)."""
    return frozenset(hour for hour in range(MAX_HOURS) if quarters >> QUARTERS_PER_HOUR * hour & _HOUR_MASK)


def quarters_of(hours: Iterable[int]) -> int:
    """All four quarters of these hours, as bits."""
    return sum(_HOUR_MASK << QUARTERS_PER_HOUR * hour for hour in set(hours))
