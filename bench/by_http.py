"""``intake.single.first`` and ``intake.single``: a quarter-hour, and the median of the five after it, one
statement per request by HTTP, against what the server makes of empty requests and the cores of raw
verifications: 1 / (1 / empty + 1 / raw). ``intake.http``: the same readings in batches by HTTP, against raw
verifications.

Server, its fronts or workers, and fleet are processes of their own. Keys are learned before, as a served
node does when it starts.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from bench.corpus import PERIOD_S, START, make_fleet
from bench.http_client import Requests, send_all
from bench.http_node import EMPTY, HttpNode, HttpServed
from bench.raw import RAW, RawRate, cores
from bench.results import REPEATED, Result, median

RAW_EACH = 4_000
COSE, SEQUENCE = "application/cose", "application/cbor-seq"
QUARTERS = 1 + REPEATED
_NOW = START + QUARTERS * PERIOD_S


@dataclass(frozen=True, slots=True)
class SingleSizes:
    """How much is measured one by one.

    Attributes:
        devices: devices, each sending a statement per quarter-hour.
        connections: requests under way at once, each on a connection of its own.
        fronts: processes that take statements on a port of their own; 0 measures the API's own process.
    """

    devices: int = 32_000
    connections: int = 1_000
    fronts: int = 2


@dataclass(frozen=True, slots=True)
class BatchSizes:
    """How much is measured in batches.

    Attributes:
        devices: devices, each sending one statement.
        batch: statements per request.
        connections: requests under way at once.
        verifiers: worker processes of the node.
    """

    devices: int = 60_000
    batch: int = 5_000
    connections: int = 4
    verifiers: int = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class _References:
    empty: float
    raw: float


@dataclass(frozen=True, slots=True)
class _Measured:
    rate: float
    sender_s: float
    node_s: float
    fronts_s: float


def measure_single(sizes: SingleSizes, folder: Path | None = None) -> list[Result]:
    """A line for the first quarter-hour and one for the median of the next; both references are measured
    before and after each. Raises RuntimeError for an answer that is not 201, and if the log does not have
    each statement once.
    """
    fleet = make_fleet(sizes.devices, QUARTERS)
    empty = Requests(EMPTY, COSE, [b""] * sizes.devices, 204)
    some = Requests(EMPTY, COSE, [b""] * sizes.connections, 204)
    keys = [member.key for member in fleet.members]
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        RawRate(fleet.members, cores(), RAW_EACH) as raw,
        HttpNode(HttpServed(Path(place), 0, sizes.fronts, _NOW), keys) as node,
    ):
        send_all(node.port, some, sizes.connections)  # everything is loaded then
        references, measured = [], []
        for quarter in range(QUARTERS):
            statements = [member.statements[quarter] for member in fleet.members]
            references.append(_references(node, empty, sizes, raw))
            requests = Requests("/v1/statements", COSE, statements, 201)
            measured.append(_measured(node, requests, sizes))
        references.append(_references(node, empty, sizes, raw))
        _require_each_once(node.close(), QUARTERS * sizes.devices)
    first, *others = (
        _single("intake.single", sizes, found, before, after)
        for found, before, after in zip(measured, references, references[1:], strict=False)
    )
    return [replace(first, name="intake.single.first"), median(others)]


def _references(node: HttpNode, empty: Requests, sizes: SingleSizes, raw: RawRate) -> _References:
    return _References(send_all(node.port, empty, sizes.connections).rate, raw.measure())


def _measured(node: HttpNode, requests: Requests, sizes: SingleSizes) -> _Measured:
    before = node.processor_s()
    sent = send_all(node.port, requests, sizes.connections)
    spent_node, spent_fronts = (
        after - earlier for after, earlier in zip(node.processor_s(), before, strict=True)
    )
    return _Measured(sent.rate, sent.processor_s, spent_node, spent_fronts)


def _single(
    name: str, sizes: SingleSizes, found: _Measured, before: _References, after: _References
) -> Result:
    means = (before.empty + after.empty) / 2, (before.raw + after.raw) / 2
    each = 1e6 / sizes.devices
    return Result(
        name=name,
        value=found.rate,
        unit="statements/s",
        reference="1/(1/empty + 1/raw), both before and after",
        reference_value=1 / sum(1 / mean for mean in means),
        sizes={
            "statements": sizes.devices,
            "connections": sizes.connections,
            "fronts": sizes.fronts,
            "cores": cores(),
            "empty_before": round(before.empty),
            "empty_after": round(after.empty),
            "raw_before": round(before.raw),
            "raw_after": round(after.raw),
            # Processor time a statement; what is missing to all cores went to others, or to nobody.
            "us_empty": round(1e6 * cores() / means[0], 1),
            "us_raw": round(1e6 * cores() / means[1], 1),
            "us_sender": round(each * found.sender_s, 1),
            "us_fronts": round(each * found.fronts_s, 1),
            "us_node": round(each * found.node_s, 1),
            "us_all_cores": round(1e6 * cores() / found.rate, 1),
            "load_1min": round(os.getloadavg()[0], 2),
        },
        seconds=sizes.devices / found.rate,
    )


def measure_batches(sizes: BatchSizes, folder: Path | None = None) -> Result:
    """One line. Raises RuntimeError for an answer that refuses anything, and if the log does not have each
    statement once.
    """
    fleet = make_fleet(sizes.devices, 1)
    bodies = [b"".join(batch) for batch in fleet.batches(0, sizes.batch)]
    batches = Requests("/v1/statements/batch", SEQUENCE, bodies, 200, refused=b'"refused"')
    some = Requests(EMPTY, SEQUENCE, [b""] * sizes.connections, 204)
    keys = [member.key for member in fleet.members]
    with (
        tempfile.TemporaryDirectory(dir=folder) as place,
        RawRate(fleet.members, cores(), RAW_EACH) as raw,
        HttpNode(HttpServed(Path(place), sizes.verifiers, 0, _NOW), keys) as node,
    ):
        send_all(node.port, some, sizes.connections)
        raw_before = raw.measure()
        value = send_all(node.port, batches, sizes.connections).rate / len(bodies) * sizes.devices
        raw_after = raw.measure()
        _require_each_once(node.close(), sizes.devices)
    return Result(
        name="intake.http",
        value=value,
        unit="statements/s",
        reference=RAW,
        reference_value=(raw_before + raw_after) / 2,
        sizes={
            "statements": sizes.devices,
            "batch": sizes.batch,
            "connections": sizes.connections,
            "verifiers": sizes.verifiers,
            "cores": cores(),
            "raw_before": round(raw_before),
            "raw_after": round(raw_after),
            "load_1min": round(os.getloadavg()[0], 2),
        },
        seconds=sizes.devices / value,
    )


def _require_each_once(size: int, expected: int) -> None:
    if size != expected:
        raise RuntimeError(f"log: found {size} entries, expected {expected}")
