"""A device as it is kept: what it is, and everything in it that changes (PGU-1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pgui_sim.clock import DriftingClock
from pgui_sim.ems import Ems
from pgui_sim.keystore import DeviceKey
from pgui_sim.meter import Meter, Registers


class PendingSetpoint(NamedTuple):
    """A setpoint that was taken and is still to be answered."""

    sequence: int
    id: bytes
    period_start: int
    power_w: int


@dataclass(slots=True)
class DeviceState:
    """Everything that changes in a device.

    Attributes:
        counter: last one used.
        next_period: start of the next period to certify, Unix seconds.
        level_w: how far the plant is from its baseline.
        last_sequence: of the setpoints taken.
        pending: setpoints taken and not yet answered.
    """

    counter: int
    next_period: int
    registers: Registers
    level_w: int
    last_sequence: int
    clock: DriftingClock
    pending: tuple[PendingSetpoint, ...]


@dataclass(slots=True)
class StoredDevice:
    """One device: what it is, and the state it is in.

    ``asks``: whether it asks for setpoints; ``had_pending``: whether some waited when it was loaded.
    """

    pod_index: int
    pod_id: bytes
    key: DeviceKey
    meter: Meter
    ems: Ems
    state: DeviceState
    asks: bool
    had_pending: bool
