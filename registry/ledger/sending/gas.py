"""Gas of many calls alike: the node is asked for the first of a shape, not for each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from registry.ledger.rpc import CallReverted, Connection
from registry.ports import NodeRefused

Target = tuple[str, bytes]
"""A call: the contract's address, and calldata."""
_Shape = tuple[str, bytes, int]

_ASKED = 2
"""Calls of a shape that the node is asked for, at least."""
_ALIKE = 50
"""They cost the same if they differ by less than one part in so many; else the node is asked for each."""
_MARGIN = 20
"""One part in so many on top of what is expected: calls alike do not cost quite the same."""
_ZERO_BYTE, _BYTE = 4, 16
"""Gas of calldata (EIP-2028)."""


class GasMeter:
    """Gas limits for one sender's calls. Two calls are of one shape if contract, function and length agree;
    where the first of a shape cost the same but for their calldata, so will the others.
    """

    def __init__(self, connection: Connection, sender: str) -> None:
        self._connection = connection
        self._sender = sender
        self._shapes: dict[_Shape, list[int]] = {}

    def limits(self, calls: Sequence[Target]) -> tuple[list[int], CallReverted | None]:
        """The gas limits of the calls before the first that the contract refuses, and why it does; None if it
        refuses none. The node is asked in a few round trips, however many shapes there are. Raises what else
        it says of a call (:class:`~registry.ports.NodeRefused`).
        """
        limits: dict[int, int] = {}
        refused: CallReverted | None = None
        end = len(calls)
        while len(limits) < end:
            # 1. what calls of their shape told
            waiting = [n for n in range(end) if n not in limits]
            for n in waiting:
                if (gas := self._expected(calls[n])) is not None:
                    limits[n] = gas
            # 2. what the node says of others
            asked = self._to_ask((n, calls[n]) for n in waiting if n not in limits)
            for n, answer in zip(asked, self._answers([calls[n] for n in asked]), strict=True):
                if isinstance(answer, CallReverted):
                    refused, end = answer, n
                    break
                self._learn(calls[n], answer)
                limits[n] = self._limit(answer)
            limits = {n: limit for n, limit in limits.items() if n < end}
        return [limits[n] for n in range(end)], refused

    def estimate(self, to: str, data: bytes) -> int:
        """What the node says of this very call. Raises CallReverted, NodeRefused."""
        return int(self._connection.request("eth_estimateGas", self._call(to, data)), 16)

    def _expected(self, call: Target) -> int | None:
        known = self._shapes.get(_shape(call), [])
        if not _agree(known):
            return None
        return self._limit(max(known) + _calldata(call[1]))

    def _to_ask(self, calls: Iterable[tuple[int, Target]]) -> list[int]:
        """Of a shape that is not known well enough so many as make it known; all of one that is known for its
        differences.
        """
        asked: list[int] = []
        counts: Counter[_Shape] = Counter({shape: len(known) for shape, known in self._shapes.items()})
        differing = {shape for shape, count in counts.items() if count == _ASKED}
        for n, call in calls:
            shape = _shape(call)
            if shape in differing or counts[shape] < _ASKED:
                counts[shape] += 1
                asked.append(n)
        return asked

    def _learn(self, call: Target, gas: int) -> None:
        if not self._connection.batches:
            return  # the embedded chain answers at once, and with its own limit
        known = self._shapes.setdefault(_shape(call), [])
        known[:] = [*known[1 - _ASKED :], gas - _calldata(call[1])]

    def _limit(self, gas: int) -> int:
        return gas + gas // _MARGIN if self._connection.batches else gas

    def _answers(self, calls: Sequence[Target]) -> Iterator[int | CallReverted]:
        for answer in self._connection.attempts("eth_estimateGas", [(self._call(*call),) for call in calls]):
            if isinstance(answer, NodeRefused):
                raise answer
            yield answer if isinstance(answer, CallReverted) else int(answer, 16)

    def _call(self, to: str, data: bytes) -> dict[str, str]:
        return {"from": self._sender, "to": to, "data": "0x" + data.hex()}


def _shape(call: Target) -> _Shape:
    to, data = call
    return to, data[:4], len(data)


def _agree(known: Sequence[int]) -> bool:
    return len(known) >= _ASKED and _ALIKE * (max(known) - min(known)) <= max(known)


def _calldata(data: bytes) -> int:
    zeros = data.count(0)
    return zeros * _ZERO_BYTE + (len(data) - zeros) * _BYTE
