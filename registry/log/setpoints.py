"""Setpoints on their way to a PGUI: checked, logged, and only then handed out (SET-1)."""

from __future__ import annotations

from typing import Protocol

from registry.domain.errors import RuleViolation
from registry.evidence.acceptance import AcceptanceRules
from registry.evidence.es256 import load_public_key
from registry.evidence.payloads import Setpoint
from registry.evidence.statements import Statement, parse, verify_with
from registry.ports import DeviceDirectory


class PlatformDirectory(Protocol):
    """Which DSO platform may command which POD."""

    def platform_key(self, key_id: bytes, pod_id: bytes) -> bytes | None:
        """The platform's public key (65 bytes, uncompressed point) of this id, if it may command this POD."""
        ...


class SetpointDesk:
    """Checks setpoints before they are logged."""

    def __init__(
        self, platforms: PlatformDirectory, devices: DeviceDirectory, rules: AcceptanceRules
    ) -> None:
        self._platforms = platforms
        self._devices = devices
        self._rules = rules

    def judge(self, data: bytes, now: int) -> Statement:
        """Check a setpoint's bytes at ``now`` (Unix seconds), in this order (SET-1):

        1. It is a well-formed setpoint.
        2. Its key is that of a platform that may command the POD.
        3. The signature is by that key.
        4. The period has the market's length and is aligned to it.
        5. It can still be begun.
        6. The POD has a device to deliver it to.

        That the sequence is the POD's next one is decided where the log grows. Raises :class:`RuleViolation`
        naming the field.
        """
        # 1. a setpoint
        statement = parse(data)
        setpoint = statement.payload
        if not isinstance(setpoint, Setpoint):
            raise _violation("type", type(setpoint).__name__.lower(), "setpoint")
        # 2. the platform
        point = self._platforms.platform_key(statement.kid, setpoint.pod_id)
        if point is None:
            raise _violation(
                "kid", statement.kid, f"a platform that may command the POD 0x{setpoint.pod_id.hex()}"
            )
        # 3. the signature
        try:
            verify_with(statement, load_public_key(point))
        except RuleViolation as violation:
            raise _violation(violation.field, violation.found, violation.allowed) from None
        # 4. the period
        period = self._rules.period_length_s
        if setpoint.period_length != period:
            raise _violation("period_length", setpoint.period_length, period)
        if setpoint.period_start % period:
            raise _violation("period_start", setpoint.period_start, f"a multiple of {period}")
        # 5. can still be begun
        if setpoint.expires_at <= now:
            raise _violation("expires_at", setpoint.expires_at, f"later than now, {now}")
        # 6. a device
        if self._devices.active_device(setpoint.pod_id, setpoint.period_start) is None:
            raise _violation("pod_id", setpoint.pod_id, "a POD with a device that is valid in the period")
        return statement


def _violation(field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule="SET-1", field=field, found=found, allowed=allowed)
