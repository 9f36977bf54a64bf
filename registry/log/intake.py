"""The gate of the access node: which device statements are authentic and in time (MEA-2, DEV-1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from registry.domain.errors import RuleViolation
from registry.evidence.es256 import load_public_key
from registry.evidence.payloads import Execution, Outcome, Reading, Setpoint
from registry.evidence.statements import Statement, parse, verify_with
from registry.log.queries import LogQueries
from registry.log.settings import LogSettings
from registry.ports import DeviceDirectory, DeviceKey

_KEYS_KEPT: Final = 20_000


class Intake:
    """Judges statements one by one; keeps nothing but parsed public keys."""

    def __init__(self, devices: DeviceDirectory, queries: LogQueries, settings: LogSettings) -> None:
        self._devices = devices
        self._queries = queries
        self._settings = settings
        self._public_key = lru_cache(_KEYS_KEPT)(load_public_key)

    def judge(self, data: bytes, now: int) -> tuple[Statement, int | None]:
        """Check a statement's bytes at ``now`` (Unix seconds). The order is that of MEA-2:

        1. It is well-formed and canonical.
        2. It is a device's: a reading or an execution.
        3. The same bytes again: their index is returned beside the statement, and nothing else is asked,
           because what was once accepted stays so whatever became of key and time.
        4. Its key is known, bound to this POD and valid throughout the period (DEV-1).
        5. The signature is by that key.
        6. The period has the market's length and is aligned to it.
        7. The period is not in the future: that of a reading or of an execution that was begun is over.
        8. The period did not end before the acceptance window.

        Steps 9 (other bytes for the same POD and period) and 10 (counter) need the log's newest state and so
        follow in :func:`registry.log.placing.place`. Raises :class:`RuleViolation` (MEA-1, MEA-2, DEV-1) that
        names the first field found wrong.
        """
        # 1. well-formed and canonical
        statement = parse(data)
        payload = statement.payload
        # 2. a device's
        if isinstance(payload, Setpoint):
            raise _violation("type", "setpoint", "reading or execution")
        # 3. the same bytes again
        index = self._queries.index_of(statement)
        if index is not None:
            return statement, index
        # 4. the key
        key = self._devices.device(statement.kid)
        if key is None:
            raise _violation(
                "kid", statement.kid, "a key bound to a POD", "have the connecting DSO bind the device"
            )
        _check_binding(key, payload)
        # 5. the signature
        verify_with(statement, self._public_key(key.public_key))
        # 6. to 8. the period
        self._check_period(payload, now)
        return statement, None

    def _check_period(self, payload: Reading | Execution, now: int) -> None:
        period, tolerance = self._settings.settlement_period_s, self._settings.clock_tolerance_s
        start, end = payload.period_start, payload.period_start + payload.period_length
        # 6. length and alignment
        if payload.period_length != period:
            raise _violation("period_length", payload.period_length, period)
        if start % period:
            raise _violation("period_start", start, f"a multiple of {period}", "check the device's clock")
        # 7. not in the future
        begun = isinstance(payload, Reading) or payload.outcome in (Outcome.EXECUTED, Outcome.PARTLY)
        if begun and end > now + tolerance:
            raise _violation(
                "period_start", start, f"a period that is over by {now}", "check the device's clock"
            )
        # 8. not before the acceptance window
        oldest = now - self._settings.acceptance_window_s
        if end < oldest:
            raise _violation("period_start", start, f"a period that ended at {oldest} or later")


def _check_binding(key: DeviceKey, payload: Reading | Execution) -> None:
    if key.pod_id != payload.pod_id:
        raise _violation("pod_id", payload.pod_id, f"0x{key.pod_id.hex()}, the POD of the key")
    start, end = payload.period_start, payload.period_start + payload.period_length
    if not (key.valid_from <= start and end <= key.valid_until):
        allowed = f"a period within the validity of the key, {key.valid_from} .. {key.valid_until}"
        raise RuleViolation(rule="DEV-1", field="period_start", found=start, allowed=allowed)


def _violation(field: str, found: object, allowed: object, hint: str = "") -> RuleViolation:
    return RuleViolation(rule="MEA-2", field=field, found=found, allowed=allowed, hint=hint)
