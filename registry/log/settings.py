"""What the operator of an access node decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class LogSettings:
    """Settings of one measurement log; all times in seconds.

    Attributes:
        origin: name of the log, first line of its checkpoints: printable ASCII without space or plus. Never
            changes.
        settlement_period_s: length of the market's period, to which statements are aligned (SPEC 13).
        acceptance_window_s: how long after the end of its period a statement is still taken (MEA-2).
        clock_tolerance_s: by how much a device's clock may be ahead of the node's.
        wait_max_s: how long a request for setpoints may wait at most (SET-1).
    """

    origin: str
    settlement_period_s: int = 900
    acceptance_window_s: int = 35 * DAY_S
    clock_tolerance_s: int = 60
    wait_max_s: float = 60.0
