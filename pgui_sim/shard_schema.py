"""The tables of a shard, and what stands in their rows (PGU-1, PGU-2).

What never changes stands apart from what changes with every statement: a quarter-hour rewrites some forty
bytes a device.
"""

from __future__ import annotations

import json
from typing import Any, Final

from pgui_sim.clock import DriftingClock
from pgui_sim.ems import Ems
from pgui_sim.keystore import DeviceKey
from pgui_sim.meter import Meter, Profile, Registers
from pgui_sim.pod_entry import PodEntry
from pgui_sim.stored import DeviceState, PendingSetpoint, StoredDevice

VERSION: Final = 2

SCHEMA: Final = """
CREATE TABLE config (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE profiles (id INTEGER PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE devices (
    pod_index INTEGER PRIMARY KEY,
    pod_id BLOB NOT NULL,
    secret BLOB NOT NULL,             -- private scalar, 32 bytes
    point BLOB NOT NULL,              -- public key, 65 bytes
    profile INTEGER NOT NULL REFERENCES profiles,
    scale_ppm INTEGER NOT NULL,
    shift_quarters INTEGER NOT NULL,
    up_w INTEGER NOT NULL,
    down_w INTEGER NOT NULL,
    delay_s INTEGER NOT NULL,
    ramp_w_per_s INTEGER NOT NULL,
    follow_ppm INTEGER NOT NULL,
    refuse INTEGER NOT NULL,
    noise_ppm INTEGER NOT NULL,
    drift_ppm INTEGER NOT NULL,
    asks INTEGER NOT NULL             -- whether it asks for setpoints
);
CREATE TABLE states (
    pod_index INTEGER PRIMARY KEY REFERENCES devices,
    counter INTEGER NOT NULL,         -- last one used
    next_period INTEGER NOT NULL,     -- start of the next period to certify, Unix seconds
    import_ws INTEGER NOT NULL,
    export_ws INTEGER NOT NULL,
    reactive_import_vars INTEGER NOT NULL,
    reactive_export_vars INTEGER NOT NULL,
    level_w INTEGER NOT NULL,         -- how far the plant is from its baseline
    last_sequence INTEGER NOT NULL,   -- of the setpoints taken
    clock_set_at INTEGER NOT NULL,
    clock_adjusted INTEGER NOT NULL
);
CREATE TABLE setpoints (              -- taken and not yet answered
    pod_index INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    setpoint_id BLOB NOT NULL,
    period_start INTEGER NOT NULL,
    power_w INTEGER NOT NULL,
    PRIMARY KEY (pod_index, sequence)
) WITHOUT ROWID;
CREATE TABLE queue (
    id INTEGER PRIMARY KEY,
    pod_index INTEGER NOT NULL,
    statement BLOB NOT NULL,
    fault TEXT,                       -- which fault made it, if one did
    answer TEXT                       -- as the access node gave it; none yet: to be sent
);
CREATE INDEX unanswered ON queue (id) WHERE answer IS NULL;
"""

NEW_DEVICE: Final = f"INSERT INTO devices VALUES ({', '.join('?' * 16)})"
NEW_STATE: Final = "INSERT INTO states VALUES (?, 0, ?, 0, 0, 0, 0, 0, 0, ?, 0)"
DEVICES: Final = (
    "SELECT * FROM devices JOIN states USING (pod_index) WHERE pod_index > ? ORDER BY pod_index LIMIT ?"
)
PENDING: Final = (
    "SELECT pod_index, sequence, setpoint_id, period_start, power_w FROM setpoints"
    " WHERE pod_index BETWEEN ? AND ? ORDER BY pod_index, sequence"
)
KEEP_STATE: Final = (
    "UPDATE states SET counter = ?, next_period = ?, import_ws = ?, export_ws = ?, reactive_import_vars = ?,"
    " reactive_export_vars = ?, level_w = ?, last_sequence = ?, clock_set_at = ?, clock_adjusted = ?"
    " WHERE pod_index = ?"
)


def device_row(pod: PodEntry, key: DeviceKey, profile: int) -> tuple[Any, ...]:
    """The row of a new device in ``devices``; ``profile`` is the number of its profile in the shard."""
    ems = pod.ems
    return (
        pod.pod_index,
        pod.pod_id,
        key.secret,
        key.point,
        profile,
        pod.scale_ppm,
        pod.shift_quarters,
        ems.up_w,
        ems.down_w,
        ems.delay_s,
        ems.ramp_w_per_s,
        ems.follow_ppm,
        ems.refuse,
        pod.noise_ppm,
        pod.drift_ppm,
        pod.asks,
    )


def stored_device(
    row: tuple[Any, ...], profiles: dict[int, Profile], pending: tuple[PendingSetpoint, ...]
) -> StoredDevice:
    """The device that a row of :data:`DEVICES` holds."""
    (
        index, pod_id, secret, point, profile, scale_ppm, shift, up_w, down_w, delay_s, ramp, follow_ppm,
        refuse, noise_ppm, drift_ppm, asks, counter, period, import_ws, export_ws, drawn, given, level_w,
        sequence, set_at, adjusted,
    ) = row  # fmt: skip
    return StoredDevice(
        index,
        pod_id,
        DeviceKey(secret, point),
        Meter(profiles[profile], noise_ppm, pod_id.hex(), scale_ppm, shift),
        Ems(up_w, down_w, delay_s, ramp, follow_ppm, bool(refuse)),
        DeviceState(
            counter,
            period,
            Registers(import_ws, export_ws, drawn, given),
            level_w,
            sequence,
            DriftingClock(drift_ppm, set_at, bool(adjusted)),
            pending,
        ),
        bool(asks),
        bool(pending),
    )


def state_values(device: StoredDevice) -> tuple[int, ...]:
    """What :data:`KEEP_STATE` keeps of a device."""
    state = device.state
    return (
        state.counter,
        state.next_period,
        *state.registers,
        state.level_w,
        state.last_sequence,
        state.clock.set_at,
        state.clock.adjusted,
        device.pod_index,
    )


def profile_text(profile: Profile) -> str:
    """A profile as its row holds it."""
    return json.dumps(
        {
            "start": profile.start,
            "import_w": profile.import_w,
            "export_w": profile.export_w,
            "q_var": profile.q_var,
            "repeats": profile.repeats,
        },
        separators=(",", ":"),
    )


def profile_of(text: str) -> Profile:
    """The profile that a row holds."""
    values = json.loads(text)
    return Profile(
        values["start"],
        tuple(values["import_w"]),
        tuple(values["export_w"]),
        tuple(values["q_var"]),
        values["repeats"],
    )
