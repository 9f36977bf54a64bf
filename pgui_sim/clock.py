"""A device's clock: it drifts, and is set right when the access node can be asked the time (PGU-1)."""

from __future__ import annotations

from typing import Final, NamedTuple

from pgui_sim.statement import Clock

TRUSTED_OFFSET_MS: Final = 5_000
_FLAGS: Final = (Clock(0), Clock.SYNCHRONISED, Clock.ADJUSTED, Clock.SYNCHRONISED | Clock.ADJUSTED)


class DriftingClock(NamedTuple):
    """A clock that gains ``drift_ppm`` millionths since it was set right at ``set_at`` (Unix seconds).

    ``adjusted`` is set while the period lasts in which it was moved by more than 5 s.
    """

    drift_ppm: int
    set_at: int
    adjusted: bool = False

    def offset_ms(self, at: int) -> int:
        """How far it is ahead at the true time ``at``, milliseconds."""
        return self.drift_ppm * (at - self.set_at) // 1000

    def flags(self, at: int) -> Clock:
        """What the device says about it at the end of a period (statement.md, clock flags)."""
        synchronised = abs(self.offset_ms(at)) <= TRUSTED_OFFSET_MS
        return _FLAGS[synchronised + 2 * self.adjusted]

    def set_right(self, at: int) -> DriftingClock:
        """The clock after it was compared with the access node's at the true time ``at``."""
        return DriftingClock(self.drift_ppm, at, self.adjusted or abs(self.offset_ms(at)) > TRUSTED_OFFSET_MS)

    def next_period(self) -> DriftingClock:
        """The clock once a period is over."""
        return DriftingClock(self.drift_ppm, self.set_at) if self.adjusted else self
