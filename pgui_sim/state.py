"""What a device must not lose: key, counter, registers, queue. One SQLite database holds a shard of the fleet
(PGU-1, PGU-2).
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from pgui_sim.clock import DriftingClock
from pgui_sim.ems import Ems
from pgui_sim.fleet_file import PodEntry
from pgui_sim.keystore import DeviceKey
from pgui_sim.meter import Meter, Profile, Registers

VERSION: Final = 1

_SCHEMA: Final = """
CREATE TABLE config (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE profiles (id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE);
CREATE TABLE devices (
    pod_index INTEGER PRIMARY KEY,
    pod_id BLOB NOT NULL UNIQUE,
    secret BLOB NOT NULL,
    profile INTEGER NOT NULL REFERENCES profiles,
    settings TEXT NOT NULL,           -- plant, noise, drift
    counter INTEGER NOT NULL,         -- last one used
    next_period INTEGER NOT NULL,     -- start of the next period to certify, Unix seconds
    import_ws INTEGER NOT NULL,
    export_ws INTEGER NOT NULL,
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


class StateUnusable(Exception):
    """The state is missing, damaged or of another version; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class PendingSetpoint:
    """A setpoint that was taken and is still to be answered."""

    sequence: int
    id: bytes
    period_start: int
    power_w: int


@dataclass(frozen=True, slots=True)
class DeviceState:
    """Everything that changes in a device, as it is kept."""

    counter: int
    next_period: int
    registers: Registers
    level_w: int
    last_sequence: int
    clock: DriftingClock
    pending: tuple[PendingSetpoint, ...]


@dataclass(frozen=True, slots=True)
class StoredDevice:
    """One device: what it is, and the state it is in."""

    pod_index: int
    pod_id: bytes
    key: DeviceKey
    meter: Meter
    ems: Ems
    state: DeviceState


class ShardState:
    """The database of one shard. What a ``with transaction()`` block wrote is on the disk when it ends, or
    undone.
    """

    def __init__(self, path: Path) -> None:
        """Open an existing shard. Raises :class:`StateUnusable`."""
        if not path.exists():
            raise StateUnusable(f"{path} does not exist; make the fleet first")
        self._path = path
        self._profiles: dict[int, Profile] = {}
        try:
            self.db = _connect(path)
            version = self.db.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise StateUnusable(
                f"{path}: {error}; it is no device state, or is in use by another run"
            ) from None
        if version != VERSION:
            self.db.close()
            raise StateUnusable(f"{path} is device state of version {version}, this program's is {VERSION}")

    @classmethod
    def create(
        cls, path: Path, start: int, setpoint_keys: list[bytes], pods: list[PodEntry]
    ) -> list[DeviceKey]:
        """Make a shard: each device generates its key. All or nothing: the file has its name only once it is
        whole.
        """
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL, 0o600))
        keys = [DeviceKey.generate() for _ in pods]
        with closing(_connect(unfinished)) as db:
            db.executescript(_SCHEMA)
            db.execute("BEGIN")
            config = {"start": start, "setpoint_keys": [point.hex() for point in setpoint_keys]}
            db.executemany(
                "INSERT INTO config VALUES (?, ?)",
                [(name, json.dumps(value)) for name, value in config.items()],
            )
            for pod, key in zip(pods, keys, strict=True):
                _insert(db, start, pod, key)
            db.execute("COMMIT")
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        unfinished.replace(path)
        return keys

    def close(self) -> None:
        """Release the file."""
        self.db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing, and durable."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield self.db
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise

    @property
    def setpoint_keys(self) -> list[bytes]:
        """Public keys (65 bytes) of the platforms whose setpoints the devices follow."""
        (value,) = self.db.execute("SELECT value FROM config WHERE name = 'setpoint_keys'").fetchone()
        return [bytes.fromhex(point) for point in json.loads(value)]

    def pod_indices(self) -> list[int]:
        """The devices of this shard, in order."""
        return [row[0] for row in self.db.execute("SELECT pod_index FROM devices ORDER BY pod_index")]

    def device(self, pod_index: int) -> StoredDevice:
        """A device as it was last kept. Raises KeyError for one that is not in this shard."""
        row = self.db.execute(
            "SELECT pod_id, secret, profile, settings, counter, next_period, import_ws, export_ws, level_w,"
            " last_sequence, clock_set_at, clock_adjusted FROM devices WHERE pod_index = ?",
            (pod_index,),
        ).fetchone()
        if row is None:
            raise KeyError(pod_index)
        (
            pod_id,
            secret,
            profile,
            settings,
            counter,
            period,
            import_ws,
            export_ws,
            level_w,
            sequence,
            set_at,
            adjusted,
        ) = row
        given = json.loads(settings)
        pending = self.db.execute(
            "SELECT sequence, setpoint_id, period_start, power_w FROM setpoints"
            " WHERE pod_index = ? ORDER BY sequence",
            (pod_index,),
        )
        state = DeviceState(
            counter,
            period,
            Registers(import_ws, export_ws),
            level_w,
            sequence,
            DriftingClock(given["drift_ppm"], set_at, bool(adjusted)),
            tuple(PendingSetpoint(*each) for each in pending),
        )
        meter = Meter(self._profile(profile), given["noise_ppm"], given["seed"])
        return StoredDevice(pod_index, pod_id, DeviceKey(secret), meter, Ems(**given["ems"]), state)

    def keep(self, pod_index: int, state: DeviceState, statements: list[tuple[bytes, str | None]]) -> None:
        """Keep a device's new state together with the statements (bytes, fault) it signed. Call within
        :meth:`transaction`.
        """
        self.db.execute(
            "UPDATE devices SET counter = ?, next_period = ?, import_ws = ?, export_ws = ?, level_w = ?,"
            " last_sequence = ?, clock_set_at = ?, clock_adjusted = ? WHERE pod_index = ?",
            (
                state.counter,
                state.next_period,
                state.registers.import_ws,
                state.registers.export_ws,
                state.level_w,
                state.last_sequence,
                state.clock.set_at,
                state.clock.adjusted,
                pod_index,
            ),
        )
        self.db.execute("DELETE FROM setpoints WHERE pod_index = ?", (pod_index,))
        self.db.executemany(
            "INSERT INTO setpoints VALUES (?, ?, ?, ?, ?)",
            [(pod_index, each.sequence, each.id, each.period_start, each.power_w) for each in state.pending],
        )
        self.db.executemany(
            "INSERT INTO queue (pod_index, statement, fault) VALUES (?, ?, ?)",
            [(pod_index, statement, fault) for statement, fault in statements],
        )

    def _profile(self, number: int) -> Profile:
        if number not in self._profiles:
            (content,) = self.db.execute("SELECT content FROM profiles WHERE id = ?", (number,)).fetchone()
            values = json.loads(content)
            self._profiles[number] = Profile(
                values["start"], tuple(values["import_w"]), tuple(values["export_w"])
            )
        return self._profiles[number]


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=0, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    return db


def _insert(db: sqlite3.Connection, start: int, pod: PodEntry, key: DeviceKey) -> None:
    content = json.dumps({"start": start, "import_w": pod.import_w, "export_w": pod.export_w})
    db.execute("INSERT INTO profiles (content) VALUES (?) ON CONFLICT DO NOTHING", (content,))
    (profile,) = db.execute("SELECT id FROM profiles WHERE content = ?", (content,)).fetchone()
    settings = {
        "ems": asdict(pod.ems),
        "noise_ppm": pod.noise_ppm,
        "drift_ppm": pod.drift_ppm,
        "seed": pod.pod_id.hex(),
    }
    db.execute(
        "INSERT INTO devices VALUES (?, ?, ?, ?, ?, 0, ?, 0, 0, 0, 0, ?, 0)",
        (pod.pod_index, pod.pod_id, key.secret, profile, json.dumps(settings), start, start),
    )
