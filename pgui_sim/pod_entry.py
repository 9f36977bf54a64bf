"""What a device is made from (PGU-2): its POD, profile and plant, and how good its meter and clock are."""

from __future__ import annotations

from dataclasses import dataclass

from pgui_sim.ems import PPM, Ems
from pgui_sim.meter import Profile


@dataclass(frozen=True, slots=True)
class PodEntry:
    """One POD of a fleet.

    Attributes:
        pod_index: its number in the fleet, by which orders name it.
        pod_id: its commitment, 32 bytes.
        profile: its powers; many PODs may share one.
        scale_ppm, shift_quarters: what makes a shared profile its own.
        drift_ppm: of its clock; may be negative.
        asks: whether its device asks for setpoints.
    """

    pod_index: int
    pod_id: bytes
    profile: Profile
    ems: Ems
    noise_ppm: int
    drift_ppm: int
    asks: bool = True
    scale_ppm: int = PPM
    shift_quarters: int = 0
