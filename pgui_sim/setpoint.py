"""Setpoints as a device reads them: ``docs/formats/setpoint.md``, "What a device does with one", steps 1 and
2 (SET-1).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from pgui_sim import cbor
from pgui_sim.keystore import ORDER
from pgui_sim.statement import message, protected_header, signed_bytes

_BYTES_MAX: Final = 512
_ES256: Final = ec.ECDSA(SHA256())
_UINT: Final = range(2**32)
_RANGES: Final = {
    3: _UINT,
    4: range(1, 86_401),
    5: range(1, 2**32),
    6: range(-(2**31), 2**31),
    7: _UINT,
}


class SetpointRejected(Exception):
    """A setpoint that this device must not act on; the message says why."""


@dataclass(frozen=True, slots=True)
class Setpoint:
    """A verified setpoint. ``power_w``: mean change against the baseline over the period, up is positive;
    times in Unix seconds.
    """

    id: bytes
    pod_id: bytes
    period_start: int
    period_length: int
    sequence: int
    power_w: int
    expires_at: int


class PlatformKeys:
    """The DSO platform keys a device was enrolled with, by key id."""

    def __init__(self, points: Iterable[bytes]) -> None:
        """``points``: public keys, 65 bytes ``04 || x || y`` each. Raises ValueError for anything else, and
        for a point that is not on P-256.
        """
        self._keys = {sha256(point).digest(): _public_key(point) for point in points}

    def __bool__(self) -> bool:
        return bool(self._keys)

    def open(self, data: bytes, pod_id: bytes) -> Setpoint:
        """The setpoint in ``data``, if it is well-formed, signed by one of these keys and meant for
        ``pod_id`` (SET-1).

        Raises :class:`SetpointRejected`.
        """
        # 1. form and signature
        protected, payload, signature = _split(data)
        key = self._keys.get(protected[-32:])
        if key is None:
            raise SetpointRejected(f"signed by the unknown key {protected[-32:].hex()}")
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        if not (0 < r < ORDER and 0 < s <= ORDER // 2):
            raise SetpointRejected("r or s out of range")
        try:
            key.verify(encode_dss_signature(r, s), signed_bytes(protected, payload), _ES256)
        except InvalidSignature:
            raise SetpointRejected("the signature does not verify") from None
        # 2. for this POD
        values = _fields(payload)
        if values[2] != pod_id:
            raise SetpointRejected(f"meant for the POD {values[2].hex()}")
        if values[7] > values[3] + values[4]:
            raise SetpointRejected("expires after its period")
        return Setpoint(
            sha256(data).digest(), values[2], values[3], values[4], values[5], values[6], values[7]
        )


def _public_key(point: bytes) -> ec.EllipticCurvePublicKey:
    # A compressed point would be read too, but its hash is no key id.
    if len(point) != 65 or point[0] != 0x04:
        raise ValueError(f"found {len(point)} bytes, allowed 65 bytes 04 || x || y")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def _split(data: bytes) -> tuple[bytes, bytes, bytes]:
    if len(data) > _BYTES_MAX:
        raise SetpointRejected(f"{len(data)} bytes, at most {_BYTES_MAX} are allowed")
    # Cut where the one allowed encoding has its parts, and put together again: no bytes that nobody signed
    # are given to a decoder.
    protected, rest, signature = data[4:42], data[43:-66], data[-64:]
    payload = rest[2:] if rest[:1] == b"\x58" else rest[1:]
    if protected != protected_header(protected[-32:]):
        raise SetpointRejected("not signed by ES256 with a key id")
    if message(protected, payload, signature) != data:
        raise SetpointRejected("not a COSE_Sign1 message in deterministic form")
    return protected, payload, signature


def _fields(payload: bytes) -> dict[int, Any]:
    values = _decode(payload)
    if not isinstance(values, dict) or list(values) != [1, 2, 3, 4, 5, 6, 7] or values[1] != 3:
        raise SetpointRejected("not a setpoint")
    if type(values[2]) is not bytes or len(values[2]) != 32:
        raise SetpointRejected("pod_id is not 32 bytes")
    for key, allowed in _RANGES.items():
        if type(values[key]) is not int or values[key] not in allowed:
            raise SetpointRejected(f"field {key} is out of its range")
    if cbor.mapping(values) != payload:
        raise SetpointRejected("not in deterministic form")
    return values


def _decode(data: bytes) -> Any:
    try:
        return cbor2.loads(data)
    except Exception as error:
        # Tags with a meaning of their own raise whatever their types raise.
        raise SetpointRejected(f"no CBOR ({error})") from None
