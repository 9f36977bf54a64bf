"""What the demo's parties remember of the day: selected power and declared PODs, per market."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from registry.domain.calendar import QUARTERS_PER_HOUR
from registry.domain.quantities import Direction
from registry.grid.results import LocalActivation, LocalNeed

HOUR_BITS = (1 << QUARTERS_PER_HOUR) - 1


@dataclass
class MarketBook:
    """One market's selections and declarations of the day.

    Attributes:
        kw: signed kW per hour, by aggregate and perimeter.
        declared: per POD the bit map of its quarter-hours, by aggregate and perimeter.
    """

    hours: int
    kw: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    declared: dict[tuple[int, int], dict[bytes, int]] = field(default_factory=dict)

    def selected(self, aggregate: int, perimeter: int) -> list[int]:
        """The hours of an aggregate in a perimeter; nothing selected yet is zeros."""
        return self.kw.setdefault((aggregate, perimeter), [0] * self.hours)

    def take(self, aggregate: int, perimeter: int, need: LocalNeed, left_kw: int, room_kw: int) -> int:
        """Select more of an aggregate for a need, up to ``room_kw`` in all; how much more, kW."""
        kw = self.selected(aggregate, perimeter)
        taken = min(left_kw, max(room_kw - abs(kw[need.hour]), 0))
        kw[need.hour] += taken if need.direction is Direction.UP else -taken
        return taken

    def total(self, perimeter: int, hour: int) -> int:
        """Signed kW over all aggregates."""
        return sum(kw[hour] for (_, where), kw in self.kw.items() if where == perimeter)

    def serves(self, pod_id: bytes, hour: int) -> bool:
        """Whether a POD is declared in any quarter of an hour."""
        return any(
            pods.get(pod_id, 0) >> QUARTERS_PER_HOUR * hour & HOUR_BITS for pods in self.declared.values()
        )

    def activations(self, names: dict[int, str]) -> Iterator[LocalActivation]:
        """The selections as the grid sees them: power per perimeter and hour."""
        for perimeter in sorted({where for _, where in self.kw}):
            for hour in range(self.hours):
                power_kw = self.total(perimeter, hour)
                if power_kw:
                    way = Direction.UP if power_kw > 0 else Direction.DOWN
                    yield LocalActivation(names[perimeter], hour, way, abs(power_kw))
