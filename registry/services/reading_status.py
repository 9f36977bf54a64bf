"""How far the readings of a POD's day are: accepted, logged, anchored, final (MEA-3, LOG-1, LOG-2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from registry.domain.calendar import QUARTER_S, DeliveryDay, from_unix, unix
from registry.evidence.payloads import Reading
from registry.evidence.statements import parse
from registry.ports import MeasurementLog, Mirror
from registry.views import CheckpointView


@dataclass(frozen=True, slots=True)
class ReadingStatus:
    """One logged reading.

    Attributes:
        quarter: number of its quarter-hour in the delivery day, from 0.
        index: its place in the log.
        statement_id: SHA-256 of its bytes.
        key_id: the device key that signed it.
        accepted_at: when it became durable.
        anchor: the first anchored checkpoint that covers it, None while there is none.
        final: whether the block of the anchor can no longer be given up by the chain.
    """

    quarter: int
    index: int
    statement_id: bytes
    key_id: bytes
    reading: Reading
    accepted_at: datetime
    anchor: CheckpointView | None
    final: bool


def reading_statuses(
    log: MeasurementLog, mirror: Mirror, pod_id: bytes, day: DeliveryDay, final_after_blocks: int
) -> list[ReadingStatus]:
    """The readings of a POD's delivery day in the order of their periods.

    What is said of the chain is what the mirror has of it: an anchor that the chain has given up is gone here
    too, as soon as the mirror has followed.

    Args:
        final_after_blocks: how many blocks must follow the anchor's; 0 for a chain with instant finality.
    """
    logged = [
        entry
        for entry in log.statements(pod_id, day.starts_at, day.ends_at)
        if isinstance(entry.payload, Reading)
    ]
    anchors = _covering(log, mirror, sorted(entry.index for entry in logged))
    position = mirror.position()
    final_until = position.number - final_after_blocks if position is not None else -1
    statuses = []
    for entry in logged:
        reading, anchor = entry.payload, anchors[entry.index]
        assert isinstance(reading, Reading)
        statuses.append(
            ReadingStatus(
                quarter=(reading.period_start - unix(day.starts_at)) // QUARTER_S,
                index=entry.index,
                statement_id=sha256(entry.data).digest(),
                key_id=parse(entry.data).kid,
                reading=reading,
                accepted_at=from_unix(log.committed_at(entry.index)),
                anchor=anchor,
                final=anchor is not None and anchor.recorded.block_number <= final_until,
            )
        )
    return statuses


def missing_quarters(day: DeliveryDay, statuses: list[ReadingStatus], now: datetime) -> list[int]:
    """Quarter-hours of the day that are over at ``now`` and have no reading."""
    over = min(max(0, unix(now) - unix(day.starts_at)) // QUARTER_S, day.quarters)
    there = {status.quarter for status in statuses}
    return [quarter for quarter in range(over) if quarter not in there]


def _covering(log: MeasurementLog, mirror: Mirror, indexes: list[int]) -> dict[int, CheckpointView | None]:
    """The first anchor of each entry; ``indexes`` rise, so that one question serves all that it covers."""
    found: dict[int, CheckpointView | None] = {}
    anchor: CheckpointView | None = None
    asked = False
    for index in indexes:
        if not asked or (anchor is not None and anchor.size <= index):
            anchor, asked = mirror.checkpoint_covering(log.log_id, index + 1), True
        found[index] = anchor
    return found
