"""A fleet of any size from a few figures (PGU-2): which PODs, and what each device is like.

All of a device but its key follows from its POD: the same plan makes the same fleet. The plan stands in the
fleet's folder, so that making it can be taken up where it stopped.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from pgui_sim.ems import PPM, Ems
from pgui_sim.fleet import shard_name
from pgui_sim.keys_file import KEYS_FILE, write_keys
from pgui_sim.meter import Profile
from pgui_sim.orders import Progress
from pgui_sim.pod_entry import PodEntry
from pgui_sim.profiles import peak_w, read_profiles
from pgui_sim.state import ShardState, StateUnusable

SHARD_DEVICES: Final = 20_000
_PLAN_FILE: Final = "fleet.json"
_POD_IDS_FILE: Final = "pod_ids"


@dataclass(frozen=True, slots=True)
class CityPlan:
    """What a fleet is made from.

    Attributes:
        pods: number of devices.
        start: first quarter-hour to certify, Unix seconds.
        asking: the first so many devices ask for setpoints.
        setpoint_keys: of the platforms they follow, 65 bytes each in hexadecimal.
        shard_devices: devices per database.
    """

    pods: int
    start: int
    asking: int = 0
    setpoint_keys: tuple[str, ...] = ()
    shard_devices: int = SHARD_DEVICES

    @property
    def shards(self) -> int:
        """Number of databases."""
        return -(-self.pods // self.shard_devices)


def read_plan(folder: Path) -> CityPlan | None:
    """The plan of the fleet in ``folder``; ``None`` if there is none. Raises :class:`StateUnusable`."""
    try:
        values = json.loads((folder / _PLAN_FILE).read_text(encoding="utf-8"))
        return CityPlan(**{**values, "setpoint_keys": tuple(values["setpoint_keys"])})
    except FileNotFoundError:
        if any(folder.glob("shard-*.sqlite")):
            raise StateUnusable(f"{folder} holds a fleet made from a file; run it with `run`") from None
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise StateUnusable(f"{folder / _PLAN_FILE}: no plan of a fleet ({error})") from None


def write_plan(folder: Path, plan: CityPlan, pod_ids: Path | None) -> None:
    """Begin a fleet. ``pod_ids``: one commitment per line, 64 hexadecimal digits; ``None`` derives them.

    Raises ValueError for a line that is no commitment or stands there twice, and for too few lines.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if pod_ids is not None:
        (folder / _POD_IDS_FILE).write_bytes(_pod_ids(pod_ids, plan.pods))
    unfinished = folder / f"{_PLAN_FILE}.new"
    unfinished.write_text(json.dumps(asdict(plan), indent=1) + "\n", encoding="utf-8")
    unfinished.replace(folder / _PLAN_FILE)


def derived_pod_id(index: int) -> bytes:
    """The commitment of a POD that only a load test knows."""
    return sha256(b"flexledger load test POD" + index.to_bytes(8, "big")).digest()


def missing_shards(folder: Path, plan: CityPlan) -> list[int]:
    """Shards still to be made."""
    return [number for number in range(plan.shards) if not (folder / shard_name(number)).exists()]


def export_keys(folder: Path, plan: CityPlan) -> Path:
    """Write the fleet's public keys if that was not done; returns their file."""
    path = folder / KEYS_FILE
    if not path.exists():
        write_keys(path, [folder / shard_name(number) for number in range(plan.shards)])
    return path


class ShardMaker:
    """Makes shards of a plan; to be used as a context."""

    def __init__(self, folder: Path, plan: CityPlan) -> None:
        self._folder = folder
        self._plan = plan

    def __enter__(self) -> Self:
        self._profiles = [(profile, peak_w(profile)) for profile in read_profiles()]
        self._keys = [bytes.fromhex(key) for key in self._plan.setpoint_keys]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""

    def __call__(self, task: list[int], progress: Progress) -> None:
        """Make the shards of these numbers."""
        for number in task:
            path = self._folder / shard_name(number)
            made = ShardState.create(path, self._plan.start, self._keys, self._pods(number), False)
            progress("made", len(made))

    def _pods(self, shard: int) -> Iterator[PodEntry]:
        first = shard * self._plan.shard_devices
        last = min(first + self._plan.shard_devices, self._plan.pods)
        given = self._folder / _POD_IDS_FILE
        if not given.exists():
            for index in range(first, last):
                yield self._pod(index, derived_pod_id(index))
            return
        with given.open("rb") as file:
            file.seek(32 * first)
            for index in range(first, last):
                yield self._pod(index, file.read(32))

    def _pod(self, index: int, pod_id: bytes) -> PodEntry:
        profile, peak = self._profiles[index % len(self._profiles)]
        return pod_like(index, pod_id, profile, peak, index < self._plan.asking)


def pod_like(index: int, pod_id: bytes, profile: Profile, peak: int, asks: bool) -> PodEntry:
    """A small connection of 1.5 to 6 kW with the shape of ``profile`` (largest power ``peak``, W), up to an
    hour earlier or later.
    """
    dice = sha256(b"plant" + pod_id).digest()
    own_peak_w = 1_500 + int.from_bytes(dice[:2], "big") % 4_501
    return PodEntry(
        pod_index=index,
        pod_id=pod_id,
        profile=profile,
        ems=Ems(
            up_w=own_peak_w // 2,
            down_w=own_peak_w // 2,
            delay_s=5 + dice[2] % 20,
            ramp_w_per_s=50,
            follow_ppm=PPM - 25_000 * (dice[3] % 5),
        ),
        noise_ppm=20_000,
        drift_ppm=dice[4] % 41 - 20,
        asks=asks,
        scale_ppm=own_peak_w * PPM // peak,
        shift_quarters=dice[5] % 9 - 4,
    )


def _pod_ids(path: Path, count: int) -> bytes:
    found: set[bytes] = set()
    ordered = bytearray()
    with path.open(encoding="ascii", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            if len(found) == count:
                break
            text = line.strip().removeprefix("0x")
            try:
                pod_id = bytes.fromhex(text)
            except ValueError:
                pod_id = b""
            if len(pod_id) != 32:
                raise ValueError(f"{path}, line {number}: found {text[:80]!r}, allowed 64 hexadecimal digits")
            if pod_id in found:
                raise ValueError(f"{path}, line {number}: found {text} again, allowed once")
            found.add(pod_id)
            ordered += pod_id
    if len(found) < count:
        raise ValueError(f"{path}: found {len(found)} lines, allowed {count}, one for each device")
    return bytes(ordered)
