"""Closed sets of values that ledger and register share, with the numbers of contracts/src/types/Types.sol.

Each is also exported by the module whose rules are about it.
"""

from __future__ import annotations

from enum import IntEnum


class PartyKind(IntEnum):
    """What a participant is. One party has one kind."""

    NONE = 0
    TSO = 1
    DSO = 2
    BSP = 3
    ACCESS_NODE = 4
    AUDITOR = 5


class Right(IntEnum):
    """What a party can let another one do in its place, for a time (ACT-1)."""

    FILE_BASELINES = 0


class StaticLight(IntEnum):
    """Static traffic light of a POD (POD-2)."""

    NONE = 0
    REQUESTED = 1
    CONFIRMED = 2
    MODULATED = 3
    INVALIDATED = 4

    @property
    def grants(self) -> bool:
        """Whether the POD may be used at all."""
        return self in (StaticLight.CONFIRMED, StaticLight.MODULATED)


class PodCategory(IntEnum):
    """Identification category of a POD (D4.1 Table 6)."""

    CONSUMPTION = 0
    PRODUCTION = 1
    MIXED = 2
    STORAGE = 3


class VoltageLevel(IntEnum):
    """Voltage level of the connection point."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2


class Scope(IntEnum):
    """Market scope of an aggregate: inside DSO perimeters, or a UVAM inside a TSO perimeter (AGG-1)."""

    LOCAL = 0
    GLOBAL = 1


class Market(IntEnum):
    """LFP is the DSO's local market, MSD the TSO's global one."""

    LFP = 0
    MSD = 1


class QualificationState(IntEnum):
    """State of a prequalification (PRQ-1)."""

    NONE = 0
    REQUESTED = 1
    TESTING = 2
    QUALIFIED = 3
    REJECTED = 4
    SUSPENDED = 5
    EXPIRED = 6


class ChangeState(IntEnum):
    """State of a proposed change of the contracts (CON-1)."""

    NONE = 0
    OPEN = 1
    WITHDRAWN = 2
    CARRIED_OUT = 3


class SettlementMethod(IntEnum):
    """How delivered energy is found (STT-1)."""

    METERED = 0
    REQUESTED = 1
