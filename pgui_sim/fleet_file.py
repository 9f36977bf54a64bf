"""The file a fleet is made from: which PODs, their profiles and plants, the platform keys (PGU-2). JSON:

{"start": 1793181600,                                    Unix seconds, a quarter-hour
 "setpoint_keys": [{"x": "<hex>", "y": "<hex>"}],        whose setpoints the devices follow; may be empty
 "pods": [{"pod_id": "<hex>", "pod_index": 0,
           "profile": {"import_w": [..], "export_w": [..]},   mean W per quarter-hour from start on
                       "q_var": [..]},                       mean var, import positive; may be left out
           "up_w": 5000, "down_w": 5000,                 largest change in either direction
           "ems": {"delay_s": 20, "ramp_w_per_s": 100, "follow_ppm": 980000, "refuse": false},
           "noise_ppm": 0, "drift_ppm": 20,              these two, ems and its fields may be left out
           "setpoints": true}]}                          whether the device asks for them; may be left out
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec

from pgui_sim.ems import PPM, Ems
from pgui_sim.meter import Profile
from pgui_sim.pod_entry import PodEntry
from pgui_sim.statement import PERIOD_S

_POWER_MAX_W: Final = 2**31 - 1


class FleetFileInvalid(Exception):
    """The file does not describe a fleet; the message names the field, what was found and what is allowed."""


@dataclass(frozen=True, slots=True)
class FleetFile:
    """A whole file: ``start`` in Unix seconds, ``setpoint_keys`` as points of 65 bytes."""

    start: int
    setpoint_keys: list[bytes]
    pods: list[PodEntry]


def read_fleet_file(path: Path) -> FleetFile:
    """Read and check a fleet file. Raises :class:`FleetFileInvalid`."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FleetFileInvalid(f"{path}: cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise FleetFileInvalid(f"{path}: no JSON ({error})") from None
    fields = _Fields(content, path.name)
    start = fields.integer("start", 0, 2**32 - 1)
    if start % PERIOD_S:
        raise FleetFileInvalid(f"{path.name}: start: found {start}, allowed a multiple of {PERIOD_S}")
    keys = [
        _point(_Fields(key, f"setpoint_keys[{at}]")) for at, key in enumerate(fields.array("setpoint_keys"))
    ]
    pods = [_pod(_Fields(pod, f"pods[{at}]"), start) for at, pod in enumerate(fields.array("pods"))]
    for name, values in (
        ("pod_index", [pod.pod_index for pod in pods]),
        ("pod_id", [pod.pod_id for pod in pods]),
    ):
        if len(set(values)) != len(pods):
            raise FleetFileInvalid(f"{path.name}: pods: found the same {name} twice, allowed once each")
    if not pods:
        raise FleetFileInvalid(f"{path.name}: pods: found none, allowed at least one")
    return FleetFile(start, keys, pods)


class _Fields:
    """The fields of one object of the file; complaints say where it stands."""

    def __init__(self, value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise FleetFileInvalid(f"{place}: found {type(value).__name__}, allowed an object")
        self._value = value
        self._place = place

    def integer(self, name: str, low: int, high: int, default: int | None = None) -> int:
        value = self._value.get(name, default)
        if type(value) is not int or not low <= value <= high:
            raise self.wrong(name, value, f"an integer {low} .. {high}")
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        value = self._value.get(name, default)
        if type(value) is not bool:
            raise self.wrong(name, value, "true or false")
        return value

    def array(self, name: str) -> list[Any]:
        value = self._value.get(name)
        if not isinstance(value, list):
            raise self.wrong(name, value, "a list")
        return value

    def octets(self, name: str) -> bytes:
        text = self._value.get(name)
        try:
            value = bytes.fromhex(text.removeprefix("0x")) if isinstance(text, str) else b""
        except ValueError:
            value = b""
        if len(value) != 32:
            raise self.wrong(name, text, "32 bytes in hexadecimal")
        return value

    def part(self, name: str, default: Any = None) -> _Fields:
        return _Fields(self._value.get(name, default), f"{self._place}.{name}")

    def powers(self, name: str, low: int = 0, unit: str = "W") -> tuple[int, ...]:
        values = self.array(name)
        for at, value in enumerate(values):
            if type(value) is not int or not low <= value <= _POWER_MAX_W:
                raise self.wrong(f"{name}[{at}]", value, f"an integer {low} .. {_POWER_MAX_W}, {unit}")
        return tuple(values)

    def has(self, name: str) -> bool:
        return name in self._value

    def wrong(self, name: str, found: object, allowed: str) -> FleetFileInvalid:
        return FleetFileInvalid(f"{self._place}.{name}: found {found!r}, allowed {allowed}")


def _pod(fields: _Fields, start: int) -> PodEntry:
    plant = fields.part("ems", {})
    ems = Ems(
        up_w=fields.integer("up_w", 0, _POWER_MAX_W),
        down_w=fields.integer("down_w", 0, _POWER_MAX_W),
        delay_s=plant.integer("delay_s", 0, PERIOD_S, 0),
        ramp_w_per_s=plant.integer("ramp_w_per_s", 0, _POWER_MAX_W, 0),
        follow_ppm=plant.integer("follow_ppm", 0, PPM, PPM),
        refuse=plant.flag("refuse"),
    )
    return PodEntry(
        pod_index=fields.integer("pod_index", 0, 2**31 - 1),
        pod_id=fields.octets("pod_id"),
        profile=_profile(fields.part("profile"), start),
        ems=ems,
        noise_ppm=fields.integer("noise_ppm", 0, PPM, 0),
        drift_ppm=fields.integer("drift_ppm", -PPM, PPM, 20),
        asks=fields.flag("setpoints", True),
    )


def _profile(fields: _Fields, start: int) -> Profile:
    import_w, export_w = fields.powers("import_w"), fields.powers("export_w")
    q_var = fields.powers("q_var", -_POWER_MAX_W, "var") if fields.has("q_var") else ()
    for name, values in (("export_w", export_w), ("q_var", q_var)):
        if len(values) != len(import_w) and (values or name == "export_w"):
            raise fields.wrong(name, f"{len(values)} values", f"as many as import_w, {len(import_w)}")
    return Profile(start, import_w, export_w, q_var)


def _point(fields: _Fields) -> bytes:
    point = b"\x04" + fields.octets("x") + fields.octets("y")
    try:
        return point_of(point.hex(), "point")
    except ValueError:
        raise fields.wrong("x", point[1:33].hex(), "the coordinates of a point on P-256") from None


def point_of(text: str, name: str) -> bytes:
    """A P-256 public key, 65 bytes ``04 || x || y``, from hexadecimal. Raises ValueError with ``name``."""
    try:
        point = bytes.fromhex(text)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError:
        point = b""
    if len(point) != 65:
        raise ValueError(f"{name}: found {text[:140]!r}, allowed 04 || x || y of a point on P-256, hex")
    return point
