"""Statements of a device, byte by byte as ``docs/formats/statement.md`` has them (MEA-1)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final

from pgui_sim import cbor
from pgui_sim.keystore import DeviceKey

PERIOD_S: Final = 900
_READING: Final = b"\xab\x01\x01\x02\x58\x20"
"""A map of 11, type 1, and the head of the POD's 32 bytes."""


class Clock(IntFlag):
    """What the device says about its clock in the period."""

    SYNCHRONISED = 1
    ADJUSTED = 2


class Outcome(IntEnum):
    """What became of a setpoint."""

    EXECUTED = 0
    PARTLY = 1
    REFUSED = 2
    EXPIRED = 3


@dataclass(slots=True)
class Reading:
    """Energies of one quarter-hour, Wh and varh, and what the device says about them. ``period_start`` in
    Unix seconds.
    """

    pod_id: bytes
    period_start: int
    counter: int
    import_wh: int
    export_wh: int
    clock: int
    reactive_import_varh: int = 0
    reactive_export_varh: int = 0
    quality: int = 0
    period_length: int = PERIOD_S

    def payload(self) -> bytes:
        """The payload's bytes, each field behind its key."""
        uint = cbor.uint
        return b"".join(
            (
                _READING,
                self.pod_id,
                b"\x03",
                uint(self.period_start),
                b"\x04",
                uint(self.period_length),
                b"\x05",
                uint(self.counter),
                b"\x06",
                uint(self.import_wh),
                b"\x07",
                uint(self.export_wh),
                b"\x08",
                uint(self.reactive_import_varh),
                b"\x09",
                uint(self.reactive_export_varh),
                b"\x0a",
                uint(self.quality),
                b"\x0b",
                uint(self.clock),
            )
        )


@dataclass(frozen=True, slots=True)
class Execution:
    """The answer to one setpoint; ``achieved_power_w`` is the mean change against the baseline, up is
    positive.
    """

    pod_id: bytes
    period_start: int
    counter: int
    setpoint_id: bytes
    outcome: Outcome
    achieved_power_w: int
    period_length: int = PERIOD_S

    def payload(self) -> bytes:
        """The payload's bytes."""
        values = (2, self.pod_id, self.period_start, self.period_length, self.counter)
        rest = (self.setpoint_id, int(self.outcome), self.achieved_power_w)
        return cbor.mapping(dict(enumerate((*values, *rest), start=1)))


def protected_header(kid: bytes) -> bytes:
    """``{1: -7, 4: kid}``: ES256 by the key of this id of 32 bytes."""
    return b"\xa2\x01\x26\x04\x58\x20" + kid


def signed_bytes(protected: bytes, payload: bytes) -> bytes:
    """What a signature covers: the Sig_structure of RFC 9052 section 4.4."""
    return b"\x84\x6aSignature1" + cbor.item(protected) + b"\x40" + cbor.item(payload)


def message(protected: bytes, payload: bytes, signature: bytes) -> bytes:
    """The COSE_Sign1 message: tag 18, and an array of header, empty map, payload, signature."""
    return b"\xd2\x84" + cbor.item(protected) + b"\xa0" + cbor.item(payload) + cbor.item(signature)


def certify(content: Reading | Execution, key: DeviceKey) -> bytes:
    """The statement that says ``content``, signed by ``key``."""
    payload = content.payload()
    # the two items that stand alike in what is signed and in the message
    header = b"\x58\x26\xa2\x01\x26\x04\x58\x20" + key.kid
    body = cbor.head(2, len(payload)) + payload
    signature = key.sign(b"\x84\x6aSignature1" + header + b"\x40" + body)
    return b"\xd2\x84" + header + b"\xa0" + body + b"\x58\x40" + signature
