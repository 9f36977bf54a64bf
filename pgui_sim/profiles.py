"""The load and generation profiles of a real day, shared by a fleet of any size (PGU-1): the SimBench grid
``1-MV-rural--1-sw`` as ``data/simbench_rural`` holds it.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pgui_sim.meter import Profile

DATA: Final = Path(__file__).resolve().parents[1] / "data" / "simbench_rural"
QUARTERS: Final = 96


class ProfilesUnusable(Exception):
    """The folder holds no profiles; the message says which file and what is wrong."""


def read_profiles(folder: Path = DATA) -> list[Profile]:
    """The profiles of the fixture's PODs, in its order: loads, with the generation and storage behind
    them, and plants.

    Each covers one day and repeats; quarter-hour 0 is midnight UTC. PODs alike share one object. Raises
    :class:`ProfilesUnusable`.
    """
    try:
        with gzip.open(folder / "profiles.csv.gz", "rt", encoding="utf-8", newline="") as file:
            rows = {(row[1], row[2]): [int(value) for value in row[3:]] for row in list(csv.reader(file))[1:]}
        pods = json.loads((folder / "pods.json").read_text(encoding="utf-8"))["pods"]
        known: dict[Profile, Profile] = {}
        return [known.setdefault(profile, profile) for profile in (_profile(pod, rows) for pod in pods)]
    except (OSError, ValueError, KeyError, IndexError, TypeError) as error:
        raise ProfilesUnusable(f"{folder}: no profiles of a day ({type(error).__name__}: {error})") from None


def peak_w(profile: Profile) -> int:
    """The largest mean power of a profile, either way, W; at least 1."""
    return max(1, *profile.import_w, *profile.export_w)


def _profile(pod: dict[str, Any], rows: dict[tuple[str, str], list[int]]) -> Profile:
    """A load is positive when it withdraws, everything else when it injects; both for W and var."""
    nothing = [0] * QUARTERS
    drawn = [(1 if each["technology"] == "load" else -1, each["name"]) for each in pod["elements"]]
    net_w = _sum((sign, rows[name, "p_w"]) for sign, name in drawn)
    net_var = _sum((sign, rows.get((name, "q_var"), nothing)) for sign, name in drawn)
    return Profile(
        start=0,
        import_w=tuple(max(watts, 0) for watts in net_w),
        export_w=tuple(max(-watts, 0) for watts in net_w),
        q_var=tuple(net_var),
        repeats=True,
    )


def _sum(signed: Iterable[tuple[int, list[int]]]) -> list[int]:
    total = [0] * QUARTERS
    for sign, values in signed:
        total = [sum_ + sign * value for sum_, value in zip(total, values, strict=True)]
    return total
