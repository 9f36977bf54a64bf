"""The part of accepting a statement that needs no store: its period, and the binding of its key (MEA-2,
DEV-1).

What is left to the access node: looking the key up, and telling repetition from conflict. A device may run
the same checks, so that it does not send what would be refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from registry.domain.errors import RuleViolation
from registry.evidence.payloads import Execution, Outcome, Payload, Reading

PERIOD_LENGTH_S: Final = 900
ACCEPTANCE_WINDOW_S: Final = 35 * 86_400
CLOCK_TOLERANCE_S: Final = 60

_ONLY_AFTERWARDS: Final = (Outcome.EXECUTED, Outcome.PARTLY)


@dataclass(frozen=True, slots=True)
class AcceptanceRules:
    """The access node's settings, all in seconds (SPEC section 13)."""

    period_length_s: int = PERIOD_LENGTH_S
    window_s: int = ACCEPTANCE_WINDOW_S
    clock_tolerance_s: int = CLOCK_TOLERANCE_S


def check_period(payload: Payload, now: int, rules: AcceptanceRules) -> None:
    """Check the period of a statement received at ``now`` (Unix seconds) (MEA-2).

    1. it has the length of the market's settlement period;
    2. it is aligned to it;
    3. it is over, for what can only be known afterwards: readings, and executions that claim one;
    4. it is not older than the acceptance window.

    Raises :class:`RuleViolation` (MEA-2): field ``period_length`` or ``period_start``.
    """
    start, length = payload.period_start, payload.period_length
    # 1. length
    if length != rules.period_length_s:
        raise _violation("period_length", length, rules.period_length_s)
    # 2. alignment
    if start % length:
        raise _violation("period_start", start, f"a multiple of {length}")
    # 3. future
    known_afterwards = isinstance(payload, Reading) or (
        isinstance(payload, Execution) and payload.outcome in _ONLY_AFTERWARDS
    )
    latest = now + rules.clock_tolerance_s - length
    if known_afterwards and start > latest:
        raise _violation("period_start", start, f"at most {latest}: the period must be over")
    # 4. age
    earliest = now - rules.window_s - length
    if start < earliest:
        raise _violation("period_start", start, f"at least {earliest}: the window is {rules.window_s} s")


def check_binding(payload: Payload, pod_id: bytes, valid_from: int, valid_until: int) -> None:
    """Check that the key is bound to the statement's POD for the whole period (DEV-1, MEA-2).

    ``[valid_from, valid_until)`` is the binding's validity, Unix seconds. Raises :class:`RuleViolation`
    (DEV-1): field ``pod_id`` for another POD, ``period_start`` for a period outside the validity.
    """
    if payload.pod_id != pod_id:
        raise RuleViolation(rule="DEV-1", field="pod_id", found=payload.pod_id, allowed=pod_id)
    end = payload.period_start + payload.period_length
    if not valid_from <= payload.period_start < end <= valid_until:
        raise RuleViolation(
            rule="DEV-1",
            field="period_start",
            found=f"{payload.period_start} .. {end}",
            allowed=f"within {valid_from} .. {valid_until}, in which the key is bound",
        )


def _violation(field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule="MEA-2", field=field, found=found, allowed=allowed)
