"""Small fleets and the platform that commands them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from pgui_sim import cbor
from pgui_sim.fleet import make_fleet
from pgui_sim.fleet_file import read_fleet_file
from pgui_sim.keystore import DeviceKey
from pgui_sim.statement import PERIOD_S, message, protected_header, signed_bytes

START = 1_793_181_600  # 2026-10-28T10:00:00Z
PLATFORM = DeviceKey(sha256(b"platform").digest())


def pod_id(index: int) -> bytes:
    return sha256(f"pod {index}".encode()).digest()


def pod(index: int, quarters: int = 96, **changes: Any) -> dict[str, Any]:
    """A pod of a fleet file: withdraws 4 kW, injects 1 kW, moves by up to 3 kW."""
    entry = {
        "pod_id": pod_id(index).hex(),
        "pod_index": index,
        "profile": {"import_w": [4000] * quarters, "export_w": [1000] * quarters},
        "up_w": 3000,
        "down_w": 3000,
    }
    return {**entry, **changes}


def fleet_content(pods: list[dict[str, Any]]) -> dict[str, Any]:
    key = {"x": PLATFORM.point[1:33].hex(), "y": PLATFORM.point[33:].hex()}
    return {"start": START, "setpoint_keys": [key], "pods": pods}


def new_fleet(folder: Path, *pods: dict[str, Any]) -> Path:
    """Make a fleet of these pods; returns its state folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "pods.json"
    file.write_text(json.dumps(fleet_content(list(pods))))
    make_fleet(folder / "state", read_fleet_file(file), lambda what, more: None)
    return folder / "state"


def setpoint(
    index: int, sequence: int, slot: int, power_w: int, expires_after_s: int = 0, key: DeviceKey = PLATFORM
) -> bytes:
    """A setpoint for a pod's quarter-hour ``slot`` after START, expiring so many seconds into it."""
    start = START + slot * PERIOD_S
    values = (3, pod_id(index), start, PERIOD_S, sequence, power_w, start + expires_after_s)
    payload = cbor.mapping(dict(enumerate(values, start=1)))
    protected = protected_header(key.kid)
    return message(protected, payload, key.sign(signed_bytes(protected, payload)))
