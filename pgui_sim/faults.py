"""What a broken or hostile device would send, on demand (PGU-1).

A fault adds one statement to what the device certifies; the device's own counter is not touched, so all its
genuine statements stay good.
"""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from hashlib import sha256
from typing import Final

from pgui_sim.keystore import DeviceKey
from pgui_sim.statement import Reading, certify, message, protected_header

_DAY_S: Final = 86_400
_STRANGER: Final = DeviceKey(sha256(b"a key that no operator bound").digest())


class Fault(StrEnum):
    """The kinds, by their names on the command line."""

    BAD_CLOCK = "bad-clock"  # the period is off the quarter-hours, its clock flag is down
    FAST_CLOCK = "fast-clock"  # the period is a day ahead
    REPLAY = "replay"  # the period once more, in other words
    REUSED_COUNTER = "reused-counter"  # a counter that an earlier statement had
    WRONG_KEY = "wrong-key"  # signed by a key that nobody bound
    TAMPERED = "tampered"  # one figure changed after signing
    DUPLICATE = "duplicate"  # the same bytes again
    WRONG_POD = "wrong-pod"  # in the name of another POD

    @property
    def comes_first(self) -> bool:
        """Whether it is sent before the genuine statement of its period, which would otherwise hide it."""
        return self is Fault.REUSED_COUNTER


class FaultImpossible(Exception):
    """A fault cannot be shown here; the message says why."""


def forge(fault: Fault, reading: Reading, statement: bytes, key: DeviceKey) -> bytes:
    """The faulty statement that goes with a genuine ``reading``, whose own bytes are ``statement``.

    Raises :class:`FaultImpossible` for a reused counter before any was used.
    """
    following = reading.counter + 1
    match fault:
        case Fault.BAD_CLOCK:
            return certify(
                replace(reading, period_start=reading.period_start + 420, counter=following, clock=0), key
            )
        case Fault.FAST_CLOCK:
            return certify(
                replace(reading, period_start=reading.period_start + _DAY_S, counter=following), key
            )
        case Fault.REPLAY:
            return certify(replace(reading, counter=following), key)
        case Fault.REUSED_COUNTER:
            if reading.counter == 1:
                raise FaultImpossible("reused-counter: found a device that has certified nothing yet")
            return certify(replace(reading, counter=reading.counter - 1), key)
        case Fault.WRONG_KEY:
            return certify(reading, _STRANGER)
        case Fault.TAMPERED:
            changed = replace(reading, import_wh=reading.import_wh + 1)
            return message(protected_header(key.kid), changed.payload(), statement[-64:])
        case Fault.DUPLICATE:
            return statement
        case Fault.WRONG_POD:
            return certify(replace(reading, pod_id=sha256(reading.pod_id).digest()), key)


def parse_fault(text: str) -> tuple[Fault, list[int]]:
    """Read ``kind=pod_index[,pod_index...]`` as given on the command line. Raises ValueError with what is
    allowed.
    """
    kind, separator, indices = text.partition("=")
    name = kind.strip().lower().replace("_", "-")
    if name not in {fault.value for fault in Fault}:
        raise ValueError(f"fault: found {kind!r}, allowed {', '.join(Fault)}")
    numbers = indices.split(",")
    if not separator or not all(number.strip().isdecimal() for number in numbers):
        raise ValueError(f"fault: found {text!r}, allowed {name}=POD_INDEX[,POD_INDEX...]")
    return Fault(name), [int(number) for number in numbers]
