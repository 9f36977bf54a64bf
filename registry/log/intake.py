"""The gate of the access node: which device statements are authentic and in time (MEA-2, DEV-1)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from registry.domain.errors import RuleViolation
from registry.evidence.acceptance import AcceptanceRules, check_binding, check_period
from registry.evidence.es256 import load_public_key
from registry.evidence.payloads import Setpoint
from registry.evidence.statements import Statement, parse, verify_with
from registry.log.queries import LogQueries
from registry.ports import DeviceDirectory

_KEYS_KEPT: Final = 20_000


class Intake:
    """Judges statements one by one; keeps nothing but parsed public keys."""

    def __init__(self, devices: DeviceDirectory, queries: LogQueries, rules: AcceptanceRules) -> None:
        self._devices = devices
        self._queries = queries
        self._rules = rules
        self._public_key = lru_cache(_KEYS_KEPT)(load_public_key)

    def judge(self, data: bytes, now: int) -> tuple[Statement, int | None]:
        """Check a statement's bytes at ``now`` (Unix seconds), in the order of MEA-2:

        1. It is well-formed and canonical.
        2. It is a device's: a reading or an execution.
        3. The same bytes again: their index is returned beside the statement, and nothing else is asked,
           because what was once accepted stays so whatever became of key and time.
        4. Its key is known, bound to this POD and valid throughout the period (DEV-1).
        5. The signature is by that key.
        6. The period has the market's length, is aligned to it, is over (an execution that was not begun may
           come before) and did not end before the acceptance window.

        What follows needs the newest state of the log and is decided in :func:`registry.log.placing.place`:

        7. No other bytes for the same POD and period, and no counter twice.

        Raises :class:`RuleViolation` (MEA-1, MEA-2, DEV-1) that names the first field found wrong.
        """
        # 1. well-formed and canonical
        statement = parse(data)
        payload = statement.payload
        # 2. a device's
        if isinstance(payload, Setpoint):
            raise RuleViolation(rule="MEA-2", field="type", found="setpoint", allowed="reading or execution")
        # 3. the same bytes again
        index = self._queries.index_of(statement)
        if index is not None:
            return statement, index
        # 4. the key
        key = self._devices.device(statement.kid)
        if key is None:
            raise RuleViolation(
                rule="MEA-2",
                field="kid",
                found=statement.kid,
                allowed="a key that is bound to a POD",
                hint="the connecting DSO binds devices",
            )
        check_binding(payload, key.pod_id, key.valid_from, key.valid_until)
        # 5. the signature
        verify_with(statement, self._public_key(key.public_key))
        # 6. the period
        check_period(payload, now, self._rules)
        return statement, None
