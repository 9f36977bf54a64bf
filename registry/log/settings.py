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
        verifiers: worker processes that verify signatures; 0 verifies in the process itself.
        public_keys_kept: parsed device keys remembered by each process that verifies, 2.3 kB each.
        bindings_kept: bindings of device keys remembered, 0.4 kB each.
    """

    origin: str
    acceptance: AcceptanceRules = field(default_factory=AcceptanceRules)
    wait_max_s: float = 60.0
    verifiers: int = 0
    public_keys_kept: int = 60_000
    bindings_kept: int = 600_000
