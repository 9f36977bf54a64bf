"""``growth``: what placing an entry costs in a log of one, ten and fifty million entries.

Entries are readings of a city's devices **without signatures** (r and s are 1), handed to the sequencer
as workers would: only what happens from there on depends on the size of the log. Measured are the last
entries before each size; finding a POD's day and making a receipt are measured there, too.
"""

from __future__ import annotations

import random
import tempfile
import time
from array import array
from collections.abc import Iterator, Sequence
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from threading import TIMEOUT_MAX

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.corpus import PERIOD_S, START
from bench.results import Result, Say
from registry.domain.calendar import from_unix
from registry.evidence.payloads import Reading, encode_payload
from registry.evidence.statements import assemble, protected_header
from registry.log.engines.sqlite import SqliteEngine
from registry.log.judged import Judged
from registry.log.queries import LogQueries
from registry.log.sequencer import Sequencer
from registry.log.store import Store
from registry.log.tile_folder import TileFolder

DEVICES = 580_000
SIZES = (1_000_000, 10_000_000, 50_000_000)
BATCH = 3_000
MEASURED = 100
"""Batches before each size that are measured."""
ASKED = 100
SPEAK_S = 10.0
_SIGNATURE = (bytes(31) + b"\x01") * 2


def measure_growth(
    sizes: Sequence[int] = SIZES,
    devices: int = DEVICES,
    folder: Path | None = None,
    say: Say = lambda _: None,
) -> Iterator[list[Result]]:
    """The lines of each size, as soon as they are known: microseconds per entry, per reading found of a
    POD's day, per inclusion proof. The reference is the first size; ``say`` is told how far the log is.
    """
    with tempfile.TemporaryDirectory(dir=folder) as place:
        store = Store(SqliteEngine(Path(place) / "log.sqlite"))
        tiles = TileFolder(Path(place) / "tree")
        # Files are written by commits alone, once enough entries are without: nothing of it goes unmeasured.
        sequencer = Sequencer(
            store, tiles, "bench.example/log", Ed25519PrivateKey.generate(), publish_every_s=TIMEOUT_MAX
        )
        queries = LogQueries(store, tiles, lambda: sequencer.occupancy)
        first: dict[str, float] = {}
        batches = _batches(devices)
        for size in sizes:
            began = time.perf_counter()
            _fill(sequencer, batches, size - MEASURED * BATCH, say)
            seconds, processor = _fill(sequencer, batches, size, say)
            figures = {
                "growth.entry": seconds / (MEASURED * BATCH),
                "growth.find": _find_days(queries, sequencer.tree.size, devices),
                "growth.proof": _prove(sequencer),
            }
            results = []
            for name, value in figures.items():
                microseconds = value * 1e6
                results.append(
                    Result(
                        name=name,
                        value=microseconds,
                        unit="µs",
                        reference=f"the same at {sizes[0]} entries; entries carry no signatures",
                        reference_value=first.setdefault(name, microseconds),
                        sizes={
                            "entries": sequencer.tree.size,
                            "devices": devices,
                            "batch": BATCH,
                            "processor_us": round(processor / (MEASURED * BATCH) * 1e6, 2),
                        },
                        seconds=time.perf_counter() - began,
                    )
                )
            yield results
        sequencer.close()
        store.close()


def _fill(sequencer: Sequencer, batches: Iterator[Judged], size: int, say: Say) -> tuple[float, float]:
    """Place batches until the log has ``size`` entries; the seconds the sequencer took by the clock, and of
    the processor, which other programs disturb less.
    """
    seconds = processor = 0.0
    spoke = time.perf_counter()
    while sequencer.tree.size < size:
        if time.perf_counter() - spoke >= SPEAK_S:
            say(f"{sequencer.tree.size:,} of {size:,} entries")
            spoke = time.perf_counter()
        judged = next(batches)
        began, worked = time.perf_counter(), time.process_time()
        sequencer.sequence(judged, START)
        seconds += time.perf_counter() - began
        processor += time.process_time() - worked
    return seconds, processor


def _batches(devices: int) -> Iterator[Judged]:
    """Quarter-hour after quarter-hour, the readings of all devices."""
    ids = [
        (sha256(b"key%d" % number).digest(), sha256(b"pod%d" % number).digest()) for number in range(devices)
    ]
    quarter = 0
    while True:
        for at in range(0, devices, BATCH):
            yield _judged(ids[at : at + BATCH], quarter)
        quarter += 1


def _judged(ids: Sequence[tuple[bytes, bytes]], quarter: int) -> Judged:
    start, count = START + quarter * PERIOD_S, len(ids)
    before_kid, before_pod, after = _around_ids(start, quarter + 1)
    length = (len(before_kid) + len(before_pod) + len(after) + 64).to_bytes(2, "big")
    entries = [before_kid + kid + before_pod + pod_id + after for kid, pod_id in ids]
    size = 2 + len(entries[0])
    return Judged(
        count,
        range(count),
        b"".join(kid for kid, _ in ids),
        b"".join(pod_id for _, pod_id in ids),
        array("I", [start] * count),
        array("I", [quarter + 1] * count),
        b"".join(sha256(b"\x00" + data).digest() for data in entries),
        b"".join(length + data for data in entries),
        array("I", range(size, size * count + 1, size)),
        {},
    )


def _around_ids(start: int, counter: int) -> tuple[bytes, bytes, bytes]:
    """The bytes of a reading before its key id, between key id and pod_id, and behind."""
    kid, pod_id = b"K" * 32, b"P" * 32
    payload = encode_payload(Reading(pod_id, start, PERIOD_S, counter, 400, 0, 10, 0, 0, 1))
    before, rest = assemble(protected_header(kid), payload, _SIGNATURE).split(kid)
    between, after = rest.split(pod_id)
    return before, between, after


def _find_days(queries: LogQueries, size: int, devices: int) -> float:
    """Seconds per reading to find what a POD said on the last day."""
    chance = random.Random(size)
    end = from_unix(START + size // devices * PERIOD_S)
    start = int((end - timedelta(days=1)).timestamp())
    pods = [sha256(b"pod%d" % chance.randrange(devices)).digest() for _ in range(ASKED)]
    began = time.perf_counter()
    found = sum(len(queries.statements(pod_id, start, int(end.timestamp()))) for pod_id in pods)
    return (time.perf_counter() - began) / found


def _prove(sequencer: Sequencer) -> float:
    """Seconds for an inclusion proof in the newest tree."""
    size = sequencer.tree.size
    chance = random.Random(size)
    indices = [chance.randrange(size) for _ in range(ASKED)]
    began = time.perf_counter()
    for index in indices:
        sequencer.tree.inclusion_proof(index, size)
    return (time.perf_counter() - began) / ASKED
