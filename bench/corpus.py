"""A fleet of devices with distinct keys, and what they certify: signed before anything is measured."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec

from registry.evidence.es256 import kid_of, public_key_bytes
from registry.evidence.payloads import Reading
from registry.evidence.statements import sign
from registry.ports import DeviceKey

START = 1_793_181_600  # 2026-10-28T10:00:00Z
PERIOD_S = 900


@dataclass(frozen=True, slots=True)
class Member:
    """One device: its key as the directory has it, and its statements, one per quarter-hour in order."""

    key: DeviceKey
    statements: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Fleet:
    """Devices and what they certify.

    Attributes:
        members: the devices.
    """

    members: Sequence[Member]

    def batches(self, quarter: int, size: int) -> list[list[bytes]]:
        """The statements of one quarter-hour in the order of the devices, in batches."""
        members = self.members
        return [
            [member.statements[quarter] for member in members[at : at + size]]
            for at in range(0, len(members), size)
        ]


def make_fleet(devices: int, quarters: int) -> Fleet:
    """``devices`` of them with ``quarters`` readings each. The same call makes the same fleet."""
    cores = os.cpu_count() or 1
    with multiprocessing.get_context("spawn").Pool(cores) as pool:
        members = pool.starmap(_member, ((number, quarters) for number in range(devices)), chunksize=250)
    return Fleet(members)


def _member(number: int, quarters: int) -> Member:
    seed = b"%d" % number
    private = ec.derive_private_key(int.from_bytes(sha256(b"key" + seed).digest()) >> 8, ec.SECP256R1())
    point, pod_id = public_key_bytes(private.public_key()), sha256(b"pod" + seed).digest()
    used, given = number % 3000, number % 7
    statements = tuple(
        sign(
            Reading(pod_id, START + quarter * PERIOD_S, PERIOD_S, quarter + 1, used, given, 10, 0, 0, 1),
            private,
        )
        for quarter in range(quarters)
    )
    return Member(DeviceKey(kid_of(point), pod_id, point, 0, 2**40 - 1), statements)
