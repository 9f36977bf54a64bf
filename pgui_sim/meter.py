"""The meter behind a PGUI: load and generation profile, what the plant does about setpoints, and noise
(PGU-1).

It integrates in W·s and var·s and shows whole Wh and varh, like a register: what does not make a whole one
shows up in a later period.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import Final, NamedTuple

from pgui_sim.statement import PERIOD_S

WS_PER_WH: Final = 3600
_PPM: Final = 1_000_000


class ProfileEnded(Exception):
    """The profile has no value for a period; the message says until when it reaches."""


class Powers(NamedTuple):
    """Means over a quarter-hour: W withdrawn and injected, never negative; var, import positive."""

    import_w: int
    export_w: int
    q_var: int


@dataclass(frozen=True, slots=True)
class Profile:
    """Mean powers per quarter-hour from ``start`` (Unix seconds) on: W withdrawn and injected (never
    negative), and var (import positive; empty: none). One that ``repeats`` begins again after its last.
    """

    start: int
    import_w: tuple[int, ...]
    export_w: tuple[int, ...]
    q_var: tuple[int, ...] = ()
    repeats: bool = False

    def at(self, period_start: int, shift: int = 0) -> Powers:
        """Mean powers of a period, taken ``shift`` quarter-hours later in the profile. Raises
        :class:`ProfileEnded`.
        """
        quarters = len(self.import_w)
        index = (period_start - self.start) // PERIOD_S + shift
        if self.repeats:
            index %= quarters
        elif not 0 <= index < quarters:
            end = self.start + quarters * PERIOD_S
            raise ProfileEnded(f"the profile covers {self.start} .. {end}, not the period {period_start}")
        return Powers(self.import_w[index], self.export_w[index], self.q_var[index] if self.q_var else 0)


class Registers(NamedTuple):
    """What the meter has integrated and not yet shown: W·s and var·s below one Wh or varh."""

    import_ws: int = 0
    export_ws: int = 0
    reactive_import_vars: int = 0
    reactive_export_vars: int = 0


class Metered(NamedTuple):
    """What the meter shows for a period (Wh and varh, never negative), and its registers after it."""

    import_wh: int
    export_wh: int
    reactive_import_varh: int
    reactive_export_varh: int
    registers: Registers


@dataclass(slots=True)
class Meter:
    """One POD's meter. ``noise_ppm``: largest deviation of a period's power from the profile; ``seed``
    decides it.

    ``scale_ppm`` and ``shift_quarters`` make a shared profile the POD's own: millionths of its powers, that
    many quarter-hours later in it.
    """

    profile: Profile
    noise_ppm: int = 0
    seed: str = ""
    scale_ppm: int = _PPM
    shift_quarters: int = 0

    def read(self, period_start: int, change_ws: int, before: Registers) -> Metered:
        """What is withdrawn and injected in a period, and the registers after it.

        ``change_ws`` is what the plant does against its profile, W·s, up positive: less withdrawal first,
        then more injection; down the other way round. Reactive power does not follow it. Raises
        :class:`ProfileEnded`.
        """
        powers = self.profile.at(period_start, self.shift_quarters)
        if self.scale_ppm != _PPM:
            powers = Powers(
                powers.import_w * self.scale_ppm // _PPM,
                powers.export_w * self.scale_ppm // _PPM,
                powers.q_var * self.scale_ppm // _PPM,
            )
        factor = _PPM + self._deviation_ppm(period_start)
        import_ws = powers.import_w * PERIOD_S * factor // _PPM
        export_ws = powers.export_w * PERIOD_S * factor // _PPM
        if change_ws > 0:
            saved = min(import_ws, change_ws)
            import_ws, export_ws = import_ws - saved, export_ws + change_ws - saved
        elif change_ws < 0:
            held = min(export_ws, -change_ws)
            import_ws, export_ws = import_ws - change_ws - held, export_ws - held
        reactive_vars = abs(powers.q_var) * PERIOD_S * factor // _PPM
        inductive = powers.q_var > 0
        import_wh, import_rest = divmod(before.import_ws + import_ws, WS_PER_WH)
        export_wh, export_rest = divmod(before.export_ws + export_ws, WS_PER_WH)
        drawn_varh, drawn_rest = divmod(
            before.reactive_import_vars + (reactive_vars if inductive else 0), WS_PER_WH
        )
        given_varh, given_rest = divmod(
            before.reactive_export_vars + (0 if inductive else reactive_vars), WS_PER_WH
        )
        registers = Registers(import_rest, export_rest, drawn_rest, given_rest)
        return Metered(import_wh, export_wh, drawn_varh, given_varh, registers)

    def _deviation_ppm(self, period_start: int) -> int:
        if not self.noise_ppm:
            return 0
        digest = sha256(f"{self.seed}:{period_start}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % (2 * self.noise_ppm + 1) - self.noise_ppm
