"""What a device must not lose: key, counter, registers, queue. One SQLite database holds a shard of the fleet
(PGU-1, PGU-2).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from pgui_sim import shard_schema as schema
from pgui_sim.keystore import DeviceKey
from pgui_sim.meter import Profile
from pgui_sim.pod_entry import PodEntry
from pgui_sim.stored import PendingSetpoint, StoredDevice

_WAIT_S: Final = 10
"""How long to wait for another run to let go of a shard: one that was killed may still be going down."""


class StateUnusable(Exception):
    """The state is missing, damaged or of another version; the message says which and what to do."""


class ShardState:
    """The database of one shard, held by one process at a time. What a ``with transaction()`` block wrote is
    on the disk when it ends, or undone.
    """

    def __init__(self, path: Path, wait_s: float = _WAIT_S) -> None:
        """Open an existing shard, waiting up to ``wait_s`` seconds for it. Raises :class:`StateUnusable`."""
        if not path.exists():
            raise StateUnusable(f"{path} does not exist; make the fleet first")
        try:
            self.db = _connect(path, wait_s)
            version = self.db.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise StateUnusable(
                f"{path}: {error}; it is no device state, or is in use by another run"
            ) from None
        if version != schema.VERSION:
            self.db.close()
            raise StateUnusable(
                f"{path} is device state of version {version}, this program's is {schema.VERSION}; "
                f"make the fleet anew"
            )
        self._profiles = {
            number: schema.profile_of(content)
            for number, content in self.db.execute("SELECT id, content FROM profiles")
        }

    @classmethod
    def create(
        cls,
        path: Path,
        start: int,
        setpoint_keys: Iterable[bytes],
        pods: Iterable[PodEntry],
        keep_answers: bool = True,
    ) -> list[DeviceKey]:
        """Make a shard: each device generates its key. All or nothing: the file has its name only once it is
        whole.

        ``keep_answers``: whether statements stay when they were accepted, with their answers.
        """
        unfinished = path.with_suffix(".new")
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL, 0o600))
        keys = []
        with closing(_connect(unfinished, 0)) as db:
            db.executescript(schema.SCHEMA)
            db.execute("BEGIN")
            points = " ".join(point.hex() for point in setpoint_keys)
            db.executemany(
                "INSERT INTO config VALUES (?, ?)",
                [("setpoint_keys", points), ("keep_answers", str(int(keep_answers)))],
            )
            profiles: dict[Profile, int] = {}
            devices = []
            for pod in pods:
                key = DeviceKey.generate()
                profile = profiles.setdefault(pod.profile, len(profiles) + 1)
                devices.append(schema.device_row(pod, key, profile))
                keys.append(key)
            db.executemany(
                "INSERT INTO profiles VALUES (?, ?)",
                [(number, schema.profile_text(profile)) for profile, number in profiles.items()],
            )
            db.executemany(schema.NEW_DEVICE, devices)
            db.executemany(schema.NEW_STATE, [(device[0], start, start) for device in devices])
            db.execute("COMMIT")
            db.execute(f"PRAGMA user_version = {schema.VERSION}")
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
        return [bytes.fromhex(point) for point in self._config("setpoint_keys").split()]

    @property
    def keeps_answers(self) -> bool:
        """Whether accepted statements stay, with their answers."""
        return self._config("keep_answers") == "1"

    def pod_indices(self) -> list[int]:
        """The devices of this shard, in order."""
        return [row[0] for row in self.db.execute("SELECT pod_index FROM devices ORDER BY pod_index")]

    def next_period(self) -> int:
        """Start of the first period that some device has still to certify, Unix seconds."""
        (period,) = self.db.execute("SELECT min(next_period) FROM states").fetchone()
        return int(period)

    def public_keys(self) -> Iterator[tuple[bytes, bytes]]:
        """POD and public key (65 bytes) of each device, in order."""
        yield from self.db.execute("SELECT pod_id, point FROM devices ORDER BY pod_index")

    def devices(self, after: int, limit: int) -> list[StoredDevice]:
        """Up to ``limit`` devices as they were last kept, from the first with a higher index than
        ``after`` on.
        """
        rows = self.db.execute(schema.DEVICES, (after, limit)).fetchall()
        if not rows:
            return []
        pending: dict[int, list[PendingSetpoint]] = {}
        for index, *values in self.db.execute(schema.PENDING, (rows[0][0], rows[-1][0])):
            pending.setdefault(index, []).append(PendingSetpoint(*values))
        return [schema.stored_device(row, self._profiles, tuple(pending.get(row[0], ()))) for row in rows]

    def keep(self, kept: list[tuple[StoredDevice, list[tuple[bytes, str | None]]]]) -> None:
        """Keep devices in their new states together with the statements (bytes, fault) they signed. Call
        within :meth:`transaction`.
        """
        self.db.executemany(schema.KEEP_STATE, [schema.state_values(device) for device, _ in kept])
        self.db.executemany(
            "DELETE FROM setpoints WHERE pod_index = ?",
            [(device.pod_index,) for device, _ in kept if device.had_pending or device.state.pending],
        )
        self.db.executemany(
            "INSERT INTO setpoints VALUES (?, ?, ?, ?, ?)",
            [
                (device.pod_index, each.sequence, each.id, each.period_start, each.power_w)
                for device, _ in kept
                for each in device.state.pending
            ],
        )
        self.db.executemany(
            "INSERT INTO queue (pod_index, statement, fault) VALUES (?, ?, ?)",
            [
                (device.pod_index, statement, fault)
                for device, statements in kept
                for statement, fault in statements
            ],
        )

    def _config(self, name: str) -> str:
        (value,) = self.db.execute("SELECT value FROM config WHERE name = ?", (name,)).fetchone()
        return str(value)


def _connect(path: Path, wait_s: float) -> sqlite3.Connection:
    """Open and hold a database: from its first read on, no other process gets at it."""
    db = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    return db
