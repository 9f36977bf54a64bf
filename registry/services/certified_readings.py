"""What the measurement log says of a day, as far as the ledger vouches for it (STT-3, MEA-2, DEV-1)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from registry.domain.calendar import QUARTER_S, DeliveryDay, unix
from registry.domain.errors import RuleViolation
from registry.domain.settlement_case import ReadingFact, Readings
from registry.evidence.acceptance import check_binding
from registry.evidence.case import CONFLICT, reading_fact
from registry.evidence.payloads import Reading
from registry.evidence.statements import Statement, parse
from registry.ports import Conflict, LoggedStatement, MeasurementLog, Mirror
from registry.views import DeviceView


def certified_readings(
    mirror: Mirror, log: MeasurementLog, day: DeliveryDay, pods: Iterable[bytes]
) -> Readings:
    """What the log says of each POD and quarter-hour.

    A conflict, a bad clock or a bad quality is no reading (STT-3), nor is one whose key does not cover its
    period any more, because the DSO ended it back to a time before (DEV-1).
    """
    keys = _Keys(mirror)
    facts: dict[tuple[bytes, int], ReadingFact] = {}
    for pod_id in pods:
        for entry, reading in readings_of(log, pod_id, day):
            if keys.cover(parse(entry.data)):
                facts[pod_id, quarter_of(day, reading)] = reading_fact(reading)
        for conflict, reading in conflicts_of(log, pod_id, day):
            if keys.cover(parse(conflict.refused)) and keys.cover(parse(conflict.logged)):
                facts[pod_id, quarter_of(day, reading)] = ReadingFact(None, CONFLICT)
    return facts


def readings_of(
    log: MeasurementLog, pod_id: bytes, day: DeliveryDay
) -> Iterator[tuple[LoggedStatement, Reading]]:
    """The logged readings of a POD and day."""
    for entry in log.statements(pod_id, day.starts_at, day.ends_at):
        if isinstance(entry.payload, Reading):
            yield entry, entry.payload


def conflicts_of(log: MeasurementLog, pod_id: bytes, day: DeliveryDay) -> Iterator[tuple[Conflict, Reading]]:
    """The recorded conflicts of a POD over readings of a day, with what was refused (MEA-2)."""
    periods = range(unix(day.starts_at), unix(day.ends_at))
    after = 0
    while page := log.conflicts(pod_id, after=after):
        for conflict in page:
            payload = parse(conflict.refused).payload
            if isinstance(payload, Reading) and payload.period_start in periods:
                yield conflict, payload
        after = page[-1].id


def quarter_of(day: DeliveryDay, reading: Reading) -> int:
    """The quarter-hour of the day that a reading is about."""
    return (reading.period_start - unix(day.starts_at)) // QUARTER_S


class _Keys:
    """Device keys as the register knows them now; each is looked up once."""

    def __init__(self, mirror: Mirror) -> None:
        self._view = lru_cache(None)(mirror.device_of_key)

    def cover(self, statement: Statement) -> bool:
        """Whether the statement's key is bound to its POD for the whole period."""
        view: DeviceView | None = self._view(statement.kid)
        if view is None:
            return False
        try:
            check_binding(statement.payload, view.pod_id, unix(view.valid_from), unix(view.valid_until))
        except RuleViolation:
            return False
        return True
