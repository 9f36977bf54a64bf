"""Aggregates.

A BSP's pools of PODs for one market scope, and how two of them relate (AGG-1..3, D4.1 Table 8).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

from registry.domain.enums import Scope

__all__ = ["MAX_COUNTERPARTS", "AggregateDraft", "Configuration", "Scope", "configuration"]

MAX_COUNTERPARTS = 16
"""Aggregates of the other scope that one may share PODs with (AGG-2)."""


@dataclass(frozen=True, slots=True)
class AggregateDraft:
    """An aggregate that a BSP creates."""

    aggregate: int
    scope: Scope
    payload_hash: bytes


class Configuration(Enum):
    """How the PODs of a local and of a global aggregate relate: the rows of D4.1 Table 8 (AGG-3)."""

    IDENTICAL = "identical"
    INCLUDED = "included"
    OVERLAPPING = "overlapping"
    DISJOINT = "disjoint"

    @property
    def equivalence_applies(self) -> bool:
        """Whether a Table of Equivalences may carry a qualification from one to the other (TOE-2).

        The pure case only.
        """
        return self is Configuration.IDENTICAL

    @property
    def needs_same_bsp(self) -> bool:
        """Whether both aggregates have the same BSP: they share a POD (AGG-2, D4.1 Table 8 assumption 4)."""
        return self is not Configuration.DISJOINT


def configuration(local_members: Collection[bytes], global_members: Collection[bytes]) -> Configuration:
    """The configuration of two aggregates by their members (AGG-3).

    Included: all PODs of one are in the other, which has more. An aggregate without members shares none:
    disjoint.
    """
    local, global_ = frozenset(local_members), frozenset(global_members)
    shared = local & global_
    if not shared:
        return Configuration.DISJOINT
    if local == global_:
        return Configuration.IDENTICAL
    return Configuration.INCLUDED if shared in (local, global_) else Configuration.OVERLAPPING
