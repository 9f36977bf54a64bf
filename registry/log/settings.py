"""What the operator of an access node decides."""

from __future__ import annotations

from dataclasses import dataclass, field

from registry.evidence.acceptance import AcceptanceRules


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Settings of one measurement log.

    Attributes:
        origin: name of the log, first line of its checkpoints: printable ASCII without space or plus. Never
            changes.
        acceptance: settlement period, acceptance window and clock tolerance, seconds (MEA-2).
        wait_max_s: how long a request for setpoints may wait at most, seconds (SET-1).
    """

    origin: str
    acceptance: AcceptanceRules = field(default_factory=AcceptanceRules)
    wait_max_s: float = 60.0
