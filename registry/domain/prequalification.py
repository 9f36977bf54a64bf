"""Prequalification of aggregates for products: a closed state machine (PRQ-1, PRQ-2)."""

from __future__ import annotations

from registry.domain.enums import QualificationState

__all__ = [
    "QualificationState",
]
