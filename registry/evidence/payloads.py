"""What a statement says: the fields of a reading, an execution and a setpoint (MEA-1, SET-1).

One table per type is the whole knowledge of the payload's bytes: integer key, field name, range or length.
Encoding, decoding and range checks are driven by it. Byte format: ``docs/formats/statement.md`` and
``docs/formats/setpoint.md``.

Powers are in W and signed: *up* (more injection, less withdrawal) is positive. Energies are those of the
period, in Wh or varh, never negative. Times are Unix seconds, UTC. All integers fit 32 bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from operator import attrgetter
from typing import Any, Final

import cbor2

from registry.domain.errors import RuleViolation

ID_BYTES: Final = 32
UINT_MAX: Final = 2**32 - 1
INT_MIN: Final = -(2**31)
INT_MAX: Final = 2**31 - 1
PERIOD_LENGTH_MAX_S: Final = 86_400


class Quality(IntFlag):
    """What a device reports about the energies of a reading; 0 is a good value."""

    ESTIMATED = 1
    INCOMPLETE = 2
    OUTAGE = 4
    OVERFLOW = 8
    TAMPER = 16
    RECONFIGURED = 32


class Clock(IntFlag):
    """What a device reports about its clock in the period; ``SYNCHRONISED`` alone is a good clock."""

    SYNCHRONISED = 1
    ADJUSTED = 2
    RESTARTED = 4


UNSETTLED_QUALITY: Final = Quality.ESTIMATED | Quality.INCOMPLETE | Quality.OVERFLOW | Quality.TAMPER
"""Quality flags that leave a period unsettled (STT-3)."""


class Outcome(IntEnum):
    """What became of a setpoint (SET-1)."""

    EXECUTED = 0
    PARTLY = 1
    REFUSED = 2
    EXPIRED = 3


@dataclass(frozen=True, slots=True)
class Reading:
    """Certified energy of one POD in one settlement period (MEA-1)."""

    pod_id: bytes
    period_start: int
    period_length: int
    counter: int
    import_wh: int
    export_wh: int
    reactive_import_varh: int
    reactive_export_varh: int
    quality: int
    clock: int

    @property
    def unsettled_reason(self) -> str | None:
        """Why this reading cannot be settled on, or ``None`` if it can (STT-3)."""
        flags = [flag.name.lower() for flag in Quality(self.quality & UNSETTLED_QUALITY) if flag.name]
        if not self.clock & Clock.SYNCHRONISED:
            flags.append("clock not synchronised")
        return ", ".join(flags) or None


@dataclass(frozen=True, slots=True)
class Execution:
    """A device's answer to one setpoint (SET-1). ``setpoint_id`` is the SHA-256 of the setpoint statement's
    bytes.
    """

    pod_id: bytes
    period_start: int
    period_length: int
    counter: int
    setpoint_id: bytes
    outcome: int
    achieved_power_w: int


@dataclass(frozen=True, slots=True)
class Setpoint:
    """A DSO platform's request to one POD: a change of ``power_w`` against the baseline over one period
    (SET-1).
    """

    pod_id: bytes
    period_start: int
    period_length: int
    sequence: int
    power_w: int
    expires_at: int


Payload = Reading | Execution | Setpoint


@dataclass(frozen=True, slots=True)
class _Integer:
    low: int
    high: int

    def check(self, name: str, value: object) -> None:
        if type(value) is not int:
            raise RuleViolation(rule="MEA-1", field=name, found=type(value).__name__, allowed="an integer")
        if not self.low <= value <= self.high:
            raise RuleViolation(rule="MEA-1", field=name, found=value, allowed=f"{self.low} .. {self.high}")


@dataclass(frozen=True, slots=True)
class _Flags:
    mask: int

    def check(self, name: str, value: object) -> None:
        _Integer(0, UINT_MAX).check(name, value)
        if isinstance(value, int) and value & ~self.mask:
            raise RuleViolation(
                rule="MEA-1", field=name, found=f"{value:#b}", allowed=f"only bits of {self.mask:#b}"
            )


@dataclass(frozen=True, slots=True)
class _Identifier:
    def check(self, name: str, value: object) -> None:
        if type(value) is not bytes:
            raise RuleViolation(rule="MEA-1", field=name, found=type(value).__name__, allowed="a byte string")
        if len(value) != ID_BYTES:
            raise RuleViolation(
                rule="MEA-1", field=name, found=f"{len(value)} bytes", allowed=f"{ID_BYTES} bytes"
            )


_Kind = _Integer | _Flags | _Identifier
_UINT = _Integer(0, UINT_MAX)
_SERIAL = _Integer(1, UINT_MAX)
_POWER = _Integer(INT_MIN, INT_MAX)
_PERIOD: tuple[tuple[str, _Kind], ...] = (
    ("pod_id", _Identifier()),
    ("period_start", _UINT),
    ("period_length", _Integer(1, PERIOD_LENGTH_MAX_S)),
)


class _Layout:
    """The map of one payload type: key 1 is the type, the fields follow with the keys 2, 3, ... in this
    order.
    """

    def __init__(self, code: int, cls: type[Payload], *fields: tuple[str, _Kind]) -> None:
        self.code = code
        self.cls = cls
        self.fields: tuple[tuple[int, str, _Kind], ...] = tuple(
            (key, name, kind) for key, (name, kind) in enumerate((*_PERIOD, *fields), start=2)
        )
        self.keys = frozenset({1, *(key for key, _, _ in self.fields)})
        self.values = attrgetter(*(name for _, name, _ in self.fields))


_LAYOUTS: Final = (
    _Layout(
        1,
        Reading,
        ("counter", _SERIAL),
        ("import_wh", _UINT),
        ("export_wh", _UINT),
        ("reactive_import_varh", _UINT),
        ("reactive_export_varh", _UINT),
        ("quality", _Flags(sum(Quality))),
        ("clock", _Flags(sum(Clock))),
    ),
    _Layout(
        2,
        Execution,
        ("counter", _SERIAL),
        ("setpoint_id", _Identifier()),
        ("outcome", _Integer(min(Outcome), max(Outcome))),
        ("achieved_power_w", _POWER),
    ),
    _Layout(3, Setpoint, ("sequence", _SERIAL), ("power_w", _POWER), ("expires_at", _UINT)),
)
_BY_CODE: Final = {layout.code: layout for layout in _LAYOUTS}
_BY_CLASS: Final = {layout.cls: layout for layout in _LAYOUTS}


def _check_expiry(setpoint: Setpoint) -> None:
    end = setpoint.period_start + setpoint.period_length
    if setpoint.expires_at > end:
        raise RuleViolation(
            rule="SET-1",
            field="expires_at",
            found=setpoint.expires_at,
            allowed=f"not after the end of the period, {end}",
        )


def _encode(layout: _Layout, payload: Payload) -> bytes:
    # Keys ascend and a dict keeps their order: the shortest-form encoder gives the deterministic bytes.
    return cbor2.dumps(dict(enumerate((layout.code, *layout.values(payload)), start=1)))


def encode_payload(payload: Payload) -> bytes:
    """The deterministic CBOR bytes of a payload (MEA-1).

    Raises :class:`RuleViolation` naming the field that is out of its range.
    """
    layout = _BY_CLASS[type(payload)]
    for _, name, kind in layout.fields:
        kind.check(name, getattr(payload, name))
    if isinstance(payload, Setpoint):
        _check_expiry(payload)
    return _encode(layout, payload)


def decode_payload(data: bytes, item: Any) -> Payload:
    """Turn the decoded CBOR ``item`` of the payload bytes ``data`` into its type (MEA-1).

    Raises :class:`RuleViolation`: field ``payload`` for what is no map, has an unknown key or is not in
    deterministic form, ``type`` for an unknown type, else the name of the field that is missing, of a wrong
    type or out of range.
    """
    # 1. a map of one of the known types
    if type(item) is not dict:
        raise RuleViolation(rule="MEA-1", field="payload", found=type(item).__name__, allowed="a map")
    code = item.get(1)
    layout = _BY_CODE.get(code) if type(code) is int else None
    if layout is None:
        raise RuleViolation(
            rule="MEA-1", field="type", found=code, allowed="1 reading, 2 execution, 3 setpoint"
        )
    # 2. every field there and in its range
    values: dict[str, Any] = {}
    for key, name, kind in layout.fields:
        if key not in item:
            raise RuleViolation(rule="MEA-1", field=name, found="nothing", allowed=f"a value under key {key}")
        kind.check(name, item[key])
        values[name] = item[key]
    # 3. nothing else there
    if len(item) != len(layout.keys):
        unknown = sorted(map(repr, set(item) - layout.keys))
        raise RuleViolation(
            rule="MEA-1",
            field="payload",
            found=f"key {', '.join(unknown)}",
            allowed=f"the keys 1 .. {max(layout.keys)}",
        )
    payload = layout.cls(**values)
    # 4. said in the one allowed way
    if _encode(layout, payload) != data:
        raise RuleViolation(
            rule="MEA-1", field="payload", found="another encoding", allowed="deterministic CBOR"
        )
    # 5. a setpoint does not outlive its period
    if isinstance(payload, Setpoint):
        _check_expiry(payload)
    return payload
