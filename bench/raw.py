"""The limit of any intake: ES256 verifications by ``cryptography`` and nothing else, distinct keys, on all
cores.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from bench.corpus import Member
from registry.evidence.statements import parse

RAW = "raw ES256 verifications, distinct keys, all cores, before and after"
"""What is said of it where it is the reference."""


def cores() -> int:
    """How many processor cores the machine has."""
    return os.cpu_count() or 1


class RawRate:
    """One process per core, each with its own keys parsed and signatures decoded beforehand."""

    def __init__(self, members: Sequence[Member], cores: int, each: int) -> None:
        """``each`` core verifies the first statements of so many devices of its own."""
        context = multiprocessing.get_context("spawn")
        self._each = min(each, len(members) // cores)
        self._pipes: list[Connection] = []
        self._processes = []
        for core in range(cores):
            pipe, child = context.Pipe()
            process = context.Process(target=_verify, args=(child,), daemon=True)
            process.start()
            child.close()
            part = members[core * self._each : (core + 1) * self._each]
            pipe.send([(member.key.public_key, member.statements[0]) for member in part])
            self._pipes.append(pipe)
            self._processes.append(process)
        self.measure()  # the first round also loads the processes

    def measure(self) -> float:
        """Verifications a second of all cores together, now."""
        began = time.perf_counter()
        for pipe in self._pipes:
            pipe.send(None)
        for pipe in self._pipes:
            pipe.recv()
        return len(self._pipes) * self._each / (time.perf_counter() - began)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join()


def _verify(pipe: Connection) -> None:
    work, algorithm = [], ec.ECDSA(SHA256())
    for point, data in pipe.recv():
        statement = parse(data)
        r, s = (int.from_bytes(part) for part in (statement.signature[:32], statement.signature[32:]))
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        work.append((key, encode_dss_signature(r, s), statement.tbs))
    try:
        while True:
            pipe.recv()
            for key, signature, tbs in work:
                key.verify(signature, tbs, algorithm)
            pipe.send(None)
    except (EOFError, OSError):
        pass
