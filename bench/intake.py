"""``intake.batch.sqlite`` and ``intake.batch.postgresql``: statements certified end to end in batches,
against raw verifications on the same cores. ``city.first`` and ``city.second``: the quarter-hours of a
whole city.

Each batch is a CBOR sequence sent over a socket to the access node's process and goes the whole way: split,
checked by MEA-2, verified, placed, committed to the disk, put into the tree with a signed checkpoint,
answered. Receipts are there from then on; the node makes the bytes of one when it is asked for. Fleet, node
and its workers are processes of their own.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.corpus import PERIOD_S, START, Fleet, make_fleet
from bench.raw import RAW, RawRate, cores
from bench.results import REPEATED, Result, Say, median
from bench.served import Round, Served, ServedLog

RAW_EACH = 10_000
CITY_QUARTERS = 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured.

    Attributes:
        devices: devices with a key of their own.
        batch: statements per batch.
        clients: batches under way at once.
        verifiers: worker processes of the access node; 0 judges in its own.
    """

    devices: int = 60_000
    batch: int = 5_000
    clients: int = 4
    verifiers: int = os.cpu_count() or 1


CITY = Sizes(devices=580_000)
"""Rome (D4.1 Table 4)."""


@dataclass(frozen=True, slots=True)
class _Measured:
    round: Round
    learned_s: float
    raw_before: float
    raw_after: float

    @property
    def raw(self) -> float:
        return (self.raw_before + self.raw_after) / 2


def measure_intake(
    sizes: Sizes,
    folder: Path | None = None,
    log_urls: dict[str, str] | None = None,
    say: Say = lambda _: None,
) -> list[Result]:
    """Two lines per database: a quarter-hour in which each key is new to the node (``….first``), and of the
    five after it the one whose ratio is the median, with the least and the greatest.

    ``log_urls``: the databases by name, an empty address for SQLite; by default SQLite alone. ``folder`` is
    where the logs' folders are made (and removed), by default where temporary files go; ``say`` is told what
    goes on. Raises RuntimeError if something was not accepted or does not verify.
    """
    fleet = make_fleet(sizes.devices, 1 + REPEATED)
    results = []
    for database, url in (log_urls or {"sqlite": ""}).items():
        say(f"intake on {database}: {sizes.devices} devices")
        name = f"intake.batch.{database}"
        measured = _measure(fleet, sizes, folder, url, learn=False, anchored=False)
        first, *others = (_batch_result(name, sizes, found) for found in measured)
        results += [replace(first, name=f"{name}.first"), median(others)]
    return results


def measure_city(
    sizes: Sizes = CITY, folder: Path | None = None, log_url: str = "", say: Say = lambda _: None
) -> list[Result]:
    """Two quarter-hours of a city, each from the first byte to its anchor in a block of the embedded chain.

    The node has read its devices' keys before, as a served one does when it starts. ``ratio`` is the raw
    verifications' seconds over the measured ones. Arguments and errors as for :func:`measure_intake`.
    """
    say(f"signing {CITY_QUARTERS} quarter-hours of {sizes.devices} devices")
    fleet = make_fleet(sizes.devices, CITY_QUARTERS)
    say("measuring")
    results = []
    measured = _measure(fleet, sizes, folder, log_url, learn=True, anchored=True)
    for name, found in zip(("city.first", "city.second"), measured, strict=True):
        seconds = found.round.anchored_seconds
        megabytes = {
            f"resident_mb_{who}": round(size / 1e6)
            for who, size in zip(_processes(len(found.round.memory)), found.round.memory, strict=True)
        }
        results.append(
            Result(
                name=name,
                value=seconds,
                unit="s",
                reference=f"seconds for as many {RAW}",
                reference_value=sizes.devices / found.raw,
                sizes={
                    **_figures(sizes, found),
                    **megabytes,
                    "keys_read_s": round(found.learned_s, 1),
                    "missing": sizes.devices - found.round.accepted,
                },
                seconds=seconds,
            )
        )
    return results


def _measure(
    fleet: Fleet, sizes: Sizes, folder: Path | None, log_url: str, *, learn: bool, anchored: bool
) -> Iterator[_Measured]:
    """Measure raw, intake, raw for each quarter-hour; then check what was answered."""
    keys = [member.key for member in fleet.members]
    quarters = len(fleet.members[0].statements)
    now = START + quarters * PERIOD_S
    with tempfile.TemporaryDirectory(dir=folder) as place, RawRate(fleet.members, cores(), RAW_EACH) as raw:
        served = Served(Path(place), log_url, sizes.verifiers, anchored, learn, now)
        with ServedLog(served, keys) as node:
            for quarter in range(quarters):
                batches = [b"".join(batch) for batch in fleet.batches(quarter, sizes.batch)]
                before = raw.measure()
                found = node.round(batches, sizes.clients)
                after = raw.measure()
                if found.accepted != sizes.devices:
                    raise RuntimeError(
                        f"accepted: found {found.accepted} statements, expected {sizes.devices}"
                    )
                yield _Measured(found, node.learned_s, before, after)
            node.check(sizes.devices * quarters)


def _batch_result(name: str, sizes: Sizes, measured: _Measured) -> Result:
    return Result(
        name=name,
        value=sizes.devices / measured.round.seconds,
        unit="statements/s",
        reference=RAW,
        reference_value=measured.raw,
        sizes=_figures(sizes, measured),
        seconds=measured.round.seconds,
    )


def _figures(sizes: Sizes, measured: _Measured) -> dict[str, int | float]:
    node, *workers = (1e6 * seconds / sizes.devices for seconds in measured.round.processor)
    return {
        "statements": sizes.devices,
        "keys": sizes.devices,
        "batch": sizes.batch,
        "clients": sizes.clients,
        "verifiers": sizes.verifiers,
        "cores": cores(),
        "raw_before": round(measured.raw_before),
        "raw_after": round(measured.raw_after),
        # Processor time a statement; what is missing to wall clock times cores went to others, or to nobody.
        "us_raw": round(1e6 * cores() / measured.raw, 1),
        "us_workers": round(sum(workers), 1),
        "us_node": round(node, 1),
        "us_all_cores": round(1e6 * cores() * measured.round.seconds / sizes.devices, 1),
        "load_1min": round(os.getloadavg()[0], 2),
    }


def _processes(count: int) -> list[str]:
    return ["node", *(f"worker_{number}" for number in range(1, count))]
