"""Which code the contracts run, and how many operators must consent to other code (CON-1, docs/adr/0009)."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.enums import ChangeState

__all__ = ["CONTRACTS", "CONTRACTS_VERSION", "NOTICE_S", "ChangeState", "Code", "consented"]

CONTRACTS = (
    "Participants",
    "MarketSessions",
    "TrafficLights",
    "Pods",
    "Prequalification",
    "Market",
    "Procurement",
    "Measurements",
    "Settlement",
)
"""The contracts behind facades, each after those that it asks."""
CONTRACTS_VERSION = 1
"""The version of the contracts whose rules this program knows."""
NOTICE_S = 7 * 24 * 3600
"""Default of how long a change of the contracts is announced before it can be carried out, seconds."""


@dataclass(frozen=True, slots=True)
class Code:
    """Code for one contract.

    Attributes:
        name: the contract's name as 32 bytes (:func:`registry.domain.identifiers.bytes32_text`).
        implementation: address where the code stands.
        initial: calldata that the code runs once on the state that is there; empty for none.
    """

    name: bytes
    implementation: str
    initial: bytes


def consented(consents: int, operators: int) -> bool:
    """Whether that many consents of that many operators carry a change: more than two thirds of them do."""
    return 3 * consents > 2 * operators
