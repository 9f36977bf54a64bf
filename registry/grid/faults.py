"""Faults of the grid platform's input, collected as data and raised together at the edge.

RuleViolation (registry.domain.errors)
└── InputInvalid
    └── GridInvalid    a grid, forecast, POD or perimeter file with all of its faults
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.domain.errors import InputInvalid

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong in an input.

    Attributes:
        code: short constant name of the kind of fault, such as ``missing_rating``.
        where: the element, row or column at fault, by name.
        found: what stands there.
        allowed: what may stand there.
    """

    code: str
    where: str
    found: str
    allowed: str

    def __str__(self) -> str:
        return f"{self.where}: found {self.found}, allowed {self.allowed} ({self.code})"


class GridInvalid(InputInvalid):
    """An input of the grid platform cannot be used; ``faults`` lists everything that is wrong with it."""

    def __init__(self, field: str, faults: Sequence[Fault], *, rule: str = "GRD-1") -> None:
        self.faults = tuple(faults)
        shown = "; ".join(str(fault) for fault in self.faults[:_SHOWN])
        more = len(self.faults) - _SHOWN
        found = shown if more <= 0 else f"{shown}; and {more} more"
        super().__init__(rule=rule, field=field, found=found, allowed="an input without faults")


def raise_if_any(field: str, faults: Sequence[Fault], *, rule: str = "GRD-1") -> None:
    """Raise :class:`GridInvalid` for ``field`` unless ``faults`` is empty."""
    if faults:
        raise GridInvalid(field, faults, rule=rule)
