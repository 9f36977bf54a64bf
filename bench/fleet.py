"""``fleet.first``, ``fleet.second`` …: the simulated fleet (``flexledger pgui fleet``), a program of its own,
certifies quarter-hours and sends them by HTTP to a served access node, on the same cores.

The fleet's keys come from the file that it writes for binding; they are the node's directory, so no ledger
is needed to hold a city's bindings.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.corpus import PERIOD_S, START, make_fleet
from bench.http_node import HttpNode, HttpServed
from bench.raw import RAW, RawRate, cores
from bench.results import Result
from registry.evidence.es256 import kid_of
from registry.ports import DeviceKey
from registry.services.keys_file import read_item, read_items

RAW_EACH = 10_000
_KEYS_FILE = "keys.cbor"
_NAMES = ("first", "second", "third", "fourth")
_FOREVER = 2**40 - 1


@dataclass(frozen=True, slots=True)
class FleetSizes:
    """How much is measured.

    Attributes:
        pods: devices.
        quarters: quarter-hours, up to four.
        verifiers: worker processes of the node.
    """

    pods: int = 580_000
    quarters: int = 2
    verifiers: int = os.cpu_count() or 1


def measure_fleet(sizes: FleetSizes, folder: Path | None = None) -> Iterator[Result]:
    """A line per quarter-hour: readings certified, sent and accepted a second. The fleet shows its progress
    on standard error.

    Raises RuntimeError if the fleet fails, if anything was refused, or if the log does not have each reading
    once.
    """
    members = make_fleet(2 * RAW_EACH, 1).members
    with tempfile.TemporaryDirectory(dir=folder) as place, RawRate(members, cores(), RAW_EACH) as raw:
        state, now = Path(place) / "fleet", START + sizes.quarters * PERIOD_S
        _run_fleet(state, sizes, "--no-run")
        served = HttpServed(Path(place), sizes.verifiers, 0, now)
        with HttpNode(served, list(_keys(state / _KEYS_FILE))) as node:
            before = raw.measure()
            found = _run_fleet(state, sizes, "--server", f"http://127.0.0.1:{node.port}")
            after = raw.measure()
            logged = node.close()
    expected = sizes.pods * sizes.quarters
    if found["refused"] or not found["accepted"] == logged == expected:
        raise RuntimeError(
            f"readings: found {found['accepted']} accepted, {logged} logged and {found['refused']} refused, "
            f"expected {expected}, {expected} and none"
        )
    for name, quarter in zip(_NAMES, found["quarters"], strict=False):
        front, *others = quarter["resident_kib"]
        yield Result(
            name=f"fleet.{name}",
            value=quarter["accepted"] / quarter["seconds"],
            unit="readings/s",
            reference=RAW,
            reference_value=(before + after) / 2,
            sizes={
                "pods": sizes.pods,
                "verifiers": sizes.verifiers,
                "cores": cores(),
                "missing": sizes.pods - quarter["accepted"],
                "fleet_mb_front": round(front / 1e3),
                **{f"fleet_mb_{number}": round(kib / 1e3) for number, kib in enumerate(others, start=1)},
                "raw_before": round(before),
                "raw_after": round(after),
                "load_1min": round(os.getloadavg()[0], 2),
            },
            seconds=quarter["seconds"],
        )


def _run_fleet(state: Path, sizes: FleetSizes, *words: str) -> dict[str, Any]:
    """The summary of one run of the program."""
    command = [sys.executable, "-m", "pgui_sim", "fleet", "--state", str(state), "--pods", str(sizes.pods)]
    command += ["--start", str(START), "--quarters", str(sizes.quarters), *words]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if ended.returncode:
        raise RuntimeError(f"fleet: found exit status {ended.returncode}, expected 0")
    summary: dict[str, Any] = json.loads(ended.stdout.splitlines()[-1])
    return summary


def _keys(file: Path) -> Iterator[DeviceKey]:
    """The fleet's keys as the directory has them."""
    for key in map(read_item, read_items(file)):
        yield DeviceKey(kid_of(key.point), key.pod_id, key.point, 0, _FOREVER)
