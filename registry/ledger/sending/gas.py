"""Gas of many calls alike: the node is asked for the first of a shape, not for each."""

from __future__ import annotations

from registry.ledger.rpc import Connection

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
        self._shapes: dict[tuple[str, bytes, int], list[int]] = {}

    def limit(self, to: str, data: bytes) -> int:
        """The gas limit of a call. Raises what the node says of a call of a new shape
        (:class:`~registry.ledger.rpc.CallReverted` if the contract refuses it).
        """
        if not self._connection.batches:
            return self.estimate(to, data)  # the embedded chain answers at once, and with its own limit
        known = self._shapes.setdefault((to, data[:4], len(data)), [])
        if len(known) >= _ASKED and _ALIKE * (max(known) - min(known)) <= max(known):
            gas = max(known) + _calldata(data)
        else:
            gas = self.estimate(to, data)
            known[:] = [*known[1 - _ASKED :], gas - _calldata(data)]
        return gas + gas // _MARGIN

    def estimate(self, to: str, data: bytes) -> int:
        """What the node says of this very call. Raises as :meth:`limit`."""
        call = {"from": self._sender, "to": to, "data": "0x" + data.hex()}
        return int(self._connection.request("eth_estimateGas", call), 16)


def _calldata(data: bytes) -> int:
    zeros = data.count(0)
    return zeros * _ZERO_BYTE + (len(data) - zeros) * _BYTE
