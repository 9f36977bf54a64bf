"""Selections, declarations and baselines (SES-2..4, SES-6, DTL-3, DTL-4, BAS-1)."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.quantities import HourCells


@dataclass(frozen=True, slots=True)
class Selection:
    """kW of an aggregate in a perimeter per hour (see `quantities.pack_selection`), with the chain of products that qualifies it.

    `chain` ends at the product; `tested_aggregate` holds the qualification for its first. `commitment` hides the prices (PRIV-3).
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
    """Quarter-hours of the day that a POD serves: bit q is the period that starts q * 15 minutes into the day."""

    pod_id: bytes
    quarters: int


@dataclass(frozen=True, slots=True)
class BaselineFiling:
    """A filed baseline: the commitment to its values (BAS-1, PRIV-3)."""

    pod_id: bytes
    commitment: bytes
