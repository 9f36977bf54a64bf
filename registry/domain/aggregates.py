"""Aggregates: a BSP's pools of PODs for one market scope, and how two of them relate (AGG-1..3, D4.1 Table 8)."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.enums import Scope

__all__ = [
    "AggregateDraft",
    "Scope",
]


@dataclass(frozen=True, slots=True)
class AggregateDraft:
    """An aggregate that a BSP creates."""

    aggregate: int
    scope: Scope
    payload_hash: bytes
