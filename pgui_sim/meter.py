"""The meter behind a PGUI: load and generation profile, what the plant does about setpoints, and noise
(PGU-1).

It integrates in W·s and shows whole Wh, like a register: what does not make a whole Wh shows up in a later
period.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from pgui_sim.statement import PERIOD_S

WS_PER_WH: Final = 3600
_PPM: Final = 1_000_000


class ProfileEnded(Exception):
    """The profile has no value for a period; the message says until when it reaches."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Mean power withdrawn and injected (W, never negative) per quarter-hour from ``start`` (Unix seconds)
    on.
    """

    start: int
    import_w: tuple[int, ...]
    export_w: tuple[int, ...]

    def at(self, period_start: int) -> tuple[int, int]:
        """Mean withdrawal and injection of a period, W. Raises :class:`ProfileEnded`."""
        index = (period_start - self.start) // PERIOD_S
        if not 0 <= index < len(self.import_w):
            end = self.start + len(self.import_w) * PERIOD_S
            raise ProfileEnded(f"the profile covers {self.start} .. {end}, not the period {period_start}")
        return self.import_w[index], self.export_w[index]


@dataclass(frozen=True, slots=True)
class Registers:
    """What the meter has integrated and not yet shown, W·s below one Wh."""

    import_ws: int = 0
    export_ws: int = 0


@dataclass(frozen=True, slots=True)
class Meter:
    """One POD's meter. ``noise_ppm``: largest deviation of a period's power from the profile; ``seed``
    decides it.
    """

    profile: Profile
    noise_ppm: int = 0
    seed: str = ""

    def read(self, period_start: int, change_ws: int, before: Registers) -> tuple[int, int, Registers]:
        """Energy withdrawn and injected in a period (Wh), and the registers after it.

        ``change_ws`` is what the plant does against its profile, W·s, up positive: less withdrawal first,
        then more injection; down the other way round. Raises :class:`ProfileEnded`.
        """
        import_w, export_w = self.profile.at(period_start)
        deviation = self._deviation_ppm(period_start)
        import_ws = import_w * PERIOD_S * (_PPM + deviation) // _PPM
        export_ws = export_w * PERIOD_S * (_PPM + deviation) // _PPM
        if change_ws >= 0:
            saved = min(import_ws, change_ws)
            import_ws, export_ws = import_ws - saved, export_ws + change_ws - saved
        else:
            held = min(export_ws, -change_ws)
            import_ws, export_ws = import_ws - change_ws - held, export_ws - held
        import_wh, import_rest = divmod(before.import_ws + import_ws, WS_PER_WH)
        export_wh, export_rest = divmod(before.export_ws + export_ws, WS_PER_WH)
        return import_wh, export_wh, Registers(import_rest, export_rest)

    def _deviation_ppm(self, period_start: int) -> int:
        if not self.noise_ppm:
            return 0
        digest = sha256(f"{self.seed}:{period_start}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % (2 * self.noise_ppm + 1) - self.noise_ppm
