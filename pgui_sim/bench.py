"""How fast statements are signed, held against raw ECDSA signing in the same run (PGU-2)."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from pgui_sim.city import CityPlan, ShardMaker, derived_pod_id
from pgui_sim.fleet import shards
from pgui_sim.keystore import DeviceKey
from pgui_sim.orders import Orders, Pace
from pgui_sim.shard_run import ShardRunner
from pgui_sim.statement import PERIOD_S, Reading, certify

_START: Final = 1_793_181_600
_KEYS: Final = 1_000
_COMMIT: Final = 500
_SIGNED_BYTES: Final = 126
"""As long as the Sig_structure of an ordinary reading."""


@dataclass(frozen=True, slots=True)
class _Figure:
    name: str
    values: list[float]


def bench(rounds: int) -> list[dict[str, Any]]:
    """Measure on one core, taking turns ``rounds`` times; each value is the median of its turns.

    ``pgui.sign``: readings encoded and signed by devices whose keys are loaded. ``pgui.certify``: the whole
    of a device's quarter-hour: loaded from disk with its key, metered, signed, queued, durable. Both in
    statements a second of one core's time, held against raw signatures over as many bytes by distinct,
    loaded keys.
    """
    begun = time.perf_counter()
    raw_keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(_KEYS)]
    algorithm = ec.ECDSA(SHA256(), deterministic_signing=True)
    data = os.urandom(_SIGNED_BYTES)
    keys = [DeviceKey.generate() for _ in range(_KEYS)]
    for key in keys:
        key.sign(key.kid)  # loads it

    def raw() -> int:
        for key in raw_keys:
            key.sign(data, algorithm)
        return _KEYS

    def sign() -> int:
        for number, key in enumerate(keys):
            certify(Reading(pod_ids[number], _START, 1 + number, 412, 0, 1, 37), key)
        return _KEYS

    pod_ids = [derived_pod_id(number) for number in range(_KEYS)]
    with TemporaryDirectory(prefix="pgui-bench-") as name:
        plan = CityPlan(pods=_KEYS, start=_START)
        with ShardMaker(Path(name), plan) as maker:
            maker([0], lambda what, more: None)
        paths = shards(Path(name))
        orders = Orders(None, _START, pace=Pace(batch=_COMMIT, uploads=1, fetches=1, commit=_COMMIT))
        with ShardRunner(orders) as runner:
            until = _START

            def whole() -> int:
                nonlocal until
                until += PERIOD_S
                summary, _ = runner((paths, until), lambda what, more: None)
                return summary.signed

            figures = [_Figure("raw", []), _Figure("pgui.sign", []), _Figure("pgui.certify", [])]
            for _ in range(rounds):
                for figure, work in zip(figures, (raw, sign, whole), strict=True):
                    figure.values.append(_rate(work))
    reference = median(figures[0].values)
    common = {
        "unit": "statements/s/core",
        "reference": "raw ES256 signatures/s/core by cryptography, deterministic nonces, same run",
        "reference_value": round(reference),
        "sizes": {"keys": _KEYS, "rounds": rounds, "cores": os.cpu_count()},
        "seconds": round(time.perf_counter() - begun, 2),
        "commit": _commit(),
    }
    return [
        {
            "name": figure.name,
            "value": round(median(figure.values)),
            "ratio": round(median(figure.values) / reference, 3),
            **common,
        }
        for figure in figures[1:]
    ]


def _rate(work: Callable[[], int]) -> float:
    """Per second of processor time: what else the machine does meanwhile does not count."""
    begun = time.process_time()
    count = work()
    return count / (time.process_time() - begun)


def _commit() -> str | None:
    """The commit of this source tree, if it is one."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
