"""A measurement log with everything it needs around it, and devices that make statements for it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from registry.evidence.es256 import kid_of, public_key_bytes
from registry.evidence.payloads import Execution, Payload, Reading, Setpoint
from registry.evidence.statements import sign
from registry.log import AccessNode, LogSettings, check_folder
from registry.log.engines import Engine
from registry.ports import DeviceKey

PERIOD_S = 900
START = 1_793_181_600  # 2026-10-28T10:00:00Z, a quarter-hour
ORIGIN = "log.example/flexledger"
NOTE_KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"note key").digest())


def private_key(seed: str) -> ec.EllipticCurvePrivateKey:
    """The P-256 key of a name: the same in every run."""
    return ec.derive_private_key(int.from_bytes(sha256(seed.encode()).digest()) >> 8, ec.SECP256R1())


RECEIPT_KEY = private_key("receipt key")
PLATFORM_KEY = private_key("platform")


@dataclass
class SetClock:
    """A clock that stands still until it is moved."""

    seconds: int = START + 40 * PERIOD_S

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


@dataclass(frozen=True)
class Device:
    """One PGUI: its key and its POD."""

    name: str

    @property
    def pod_id(self) -> bytes:
        return sha256(b"pod " + self.name.encode()).digest()

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        return private_key(self.name)

    @property
    def kid(self) -> bytes:
        return kid_of(self.key.public_key())

    def reading(self, slot: int = 0, counter: int = 1, **changes: object) -> bytes:
        """A signed reading of the quarter-hour ``slot`` after START, with ``changes`` to its fields."""
        return self.sign(self.payload(slot, counter), **changes)

    def payload(self, slot: int = 0, counter: int = 1) -> Reading:
        return Reading(self.pod_id, START + slot * PERIOD_S, PERIOD_S, counter, 400 + slot, 0, 10, 0, 0, 1)

    def execution(self, setpoint: bytes, slot: int, counter: int, **changes: object) -> bytes:
        payload = Execution(
            self.pod_id, START + slot * PERIOD_S, PERIOD_S, counter, sha256(setpoint).digest(), 0, 1000
        )
        return self.sign(payload, **changes)

    def setpoint(self, slot: int, sequence: int, power_w: int = 1000, **changes: object) -> bytes:
        """A setpoint for this device's POD, signed by the platform."""
        start = START + slot * PERIOD_S
        payload = Setpoint(self.pod_id, start, PERIOD_S, sequence, power_w, start + 300)
        return sign(replace(payload, **changes), PLATFORM_KEY)  # type: ignore[arg-type]

    def sign(self, payload: Payload, **changes: object) -> bytes:
        return sign(replace(payload, **changes), self.key)  # type: ignore[type-var, arg-type]


@dataclass
class Directory:
    """Devices and platforms that the node knows."""

    keys: dict[bytes, DeviceKey] = field(default_factory=dict)

    def bind(self, device: Device, valid_from: int = 0, valid_until: int = 2**40 - 1) -> Device:
        point = public_key_bytes(device.key.public_key())
        self.keys[device.kid] = DeviceKey(device.kid, device.pod_id, point, valid_from, valid_until)
        return device

    def device(self, key_id: bytes) -> DeviceKey | None:
        return self.keys.get(key_id)

    def devices(self, key_ids: Sequence[bytes]) -> list[DeviceKey | None]:
        return [self.device(key_id) for key_id in key_ids]

    def all(self) -> Iterator[DeviceKey]:
        return iter([*self.keys.values()])

    def version(self) -> Hashable:
        return tuple(self.keys.values())

    def changed_since(self, version: Hashable) -> Collection[bytes] | None:
        assert isinstance(version, tuple)
        return {key.key_id for key in {*version} ^ {*self.keys.values()}}

    def active_device(self, pod_id: bytes, at: int) -> DeviceKey | None:
        keys = (key for key in self.keys.values() if key.pod_id == pod_id)
        return next((key for key in keys if key.valid_from <= at < key.valid_until), None)

    def platform_key(self, key_id: bytes, pod_id: bytes) -> bytes | None:
        point = public_key_bytes(PLATFORM_KEY.public_key())
        known = any(key.pod_id == pod_id for key in self.keys.values())
        return point if known and key_id == kid_of(point) else None


@dataclass
class House:
    """What outlives a restart of the node: its folder, the directory, the clock, its database."""

    folder: Path
    directory: Directory = field(default_factory=Directory)
    clock: SetClock = field(default_factory=SetClock)
    verifiers: int = 0
    publish_every_s: float = 3600.0
    """An hour: in tests the files follow when somebody asks for the head, or the log is closed."""
    engine: Callable[[], Engine] | None = None

    def device(self, name: str, valid_from: int = 0, valid_until: int = 2**40 - 1) -> Device:
        return self.directory.bind(Device(name), valid_from, valid_until)

    def published(self) -> bytes:
        """The checkpoint that the folder has, empty if it has none."""
        path = self.folder / "tree" / "checkpoint"
        return path.read_bytes() if path.exists() else b""

    def checked_size(self, node: AccessNode) -> int:
        """How many entries the folder has, all of it checked."""
        report = check_folder(self.folder / "tree", node.note_key)
        assert report.sound
        return report.checkpoint.size

    def open(self) -> AccessNode:
        return AccessNode(
            self.folder,
            self.directory,
            self.directory,
            self.clock,
            NOTE_KEY,
            RECEIPT_KEY,
            LogSettings(ORIGIN, verifiers=self.verifiers, publish_every_s=self.publish_every_s),
            open_engine=self.engine,
        )
