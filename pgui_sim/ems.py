"""How a plant follows a setpoint: late, slowly, not quite, or not at all (PGU-1). Integers only; up is
positive.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pgui_sim.statement import PERIOD_S, Outcome

PPM: Final = 1_000_000


class Ems(NamedTuple):
    """The energy management system of one POD.

    Attributes:
        up_w, down_w: largest change against the baseline in either direction, W.
        delay_s: seconds from the start of a period until the plant begins to move.
        ramp_w_per_s: how fast it moves; 0 means at once.
        follow_ppm: share of a request that it reaches, in millionths.
        refuse: it follows no setpoint.
        tolerance_ppm: how far from the request still counts as executed.
    """

    up_w: int
    down_w: int
    delay_s: int = 0
    ramp_w_per_s: int = 0
    follow_ppm: int = PPM
    refuse: bool = False
    tolerance_ppm: int = 100_000

    def respond(self, requested_w: int | None, level_w: int) -> Response:
        """What the plant does in one period, which it enters ``level_w`` away from its baseline.

        ``None`` asks for nothing: the plant goes back to its baseline, without delay.
        """
        if requested_w is None:
            return self._move(0, 0, level_w) if level_w else _AT_REST
        bounded = max(-self.down_w, min(self.up_w, requested_w))
        reached = abs(bounded) * self.follow_ppm // PPM
        return self._move(reached if bounded >= 0 else -reached, self.delay_s, level_w)

    def outcome(self, requested_w: int, achieved_w: int) -> Outcome:
        """Whether a mean change of ``achieved_w`` counts as executed."""
        missing = abs(requested_w - achieved_w)
        return Outcome.EXECUTED if missing * PPM <= abs(requested_w) * self.tolerance_ppm else Outcome.PARTLY

    def _move(self, aim_w: int, delay_s: int, level_w: int) -> Response:
        waiting = min(delay_s, PERIOD_S)
        left = PERIOD_S - waiting
        distance = abs(aim_w - level_w)
        rate = self.ramp_w_per_s
        if rate and distance > rate * left:
            end_w = level_w + (rate * left if aim_w > level_w else -rate * left)
            doubled = (level_w + end_w) * left
        else:
            # Area under a ramp of distance / rate seconds, then the level aimed at;
            # doubled, and times the rate, to stay whole.
            scale = rate or 1
            ramp_s_scaled = distance if rate else 0
            end_w = aim_w
            doubled_scaled = (level_w + aim_w) * ramp_s_scaled + 2 * aim_w * (left * scale - ramp_s_scaled)
            doubled = _toward_zero(doubled_scaled, scale)
        return Response(level_w * waiting + _toward_zero(doubled, 2), end_w)


class Response(NamedTuple):
    """Change of one period's energy against the baseline in W·s, and how far from it (W) the plant ends."""

    change_ws: int
    level_w: int

    @property
    def mean_w(self) -> int:
        """Mean change over the period, W."""
        return _toward_zero(self.change_ws, PERIOD_S)


_AT_REST: Final = Response(0, 0)


def _toward_zero(dividend: int, divisor: int) -> int:
    quotient = abs(dividend) // divisor
    return quotient if dividend >= 0 else -quotient
