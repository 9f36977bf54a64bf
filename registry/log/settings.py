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
        verifiers: worker processes that read and verify statements; 0 does so in the process itself.
        publish_every_s: how long the public files may be behind what was answered, seconds; who asks for the
            head has them at once (LOG-1).
        keys_kept: device keys remembered by each process that verifies, 2.8 kB each.
    """

    origin: str
    acceptance: AcceptanceRules = field(default_factory=AcceptanceRules)
    wait_max_s: float = 60.0
    verifiers: int = 0
    publish_every_s: float = 0.25
    keys_kept: int = 600_000
