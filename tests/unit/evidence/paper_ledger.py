"""A ledger on paper: domain events as the logs, receipts and headers that a chain would hold, without a
chain.
"""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import rlp
from eth_abi import encode
from eth_bloom import BloomFilter
from eth_hash.auto import keccak

from registry.domain.events import ConsortiumFounded, Event
from registry.evidence.abi import abi_types, signature_hash
from registry.evidence.blocks import BlockEvidence, header_hash, receipts_root

ARTIFACTS = Path(__file__).parents[3] / "contracts" / "artifacts"
CONTRACTS = (
    "Consortium", "Market", "MarketSessions", "Measurements", "Participants", "Pods", "Prequalification",
    "Procurement", "Settlement", "TrafficLights",
)  # fmt: skip
ABIS: dict[str, list[dict[str, Any]]] = {
    name: json.loads((ARTIFACTS / f"{name}.json").read_text())["abi"] for name in CONTRACTS
}
ADDRESSES = {name: keccak(name.encode())[:20] for name in CONTRACTS}

RawLog = tuple[bytes, list[bytes], bytes]


def log_of(event: Event) -> RawLog:
    """The log that the event's contract would write."""
    items = [
        item
        for item in ABIS[event.contract]
        if item["type"] == "event" and item["name"] == type(event).__name__
    ]
    topics, plain = [signature_hash(items[0])], []
    for parameter in items[0]["inputs"]:
        name = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", parameter["name"]).lower()
        value = _plain(getattr(event, name) if hasattr(event, name) else getattr(event, name + "_"))
        (kind,) = abi_types([parameter])
        if parameter["indexed"]:
            topics.append(encode([kind], [value]))
        else:
            plain.append((kind, value))
    data = encode([kind for kind, _ in plain], [value for _, value in plain])
    return ADDRESSES[event.contract], topics, data


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return tuple(_plain(getattr(value, field.name)) for field in dataclasses.fields(value))
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value


def receipt_of(logs: list[RawLog], type_byte: bytes = b"\x02") -> bytes:
    """A successful receipt in its consensus bytes."""
    return type_byte + rlp.encode(
        [1, 21_000, _bloom(logs), [[address, topics, data] for address, topics, data in logs]]
    )


def _bloom(logs: list[RawLog]) -> bytes:
    bloom = BloomFilter()
    for address, topics, _ in logs:
        bloom.extend([address, *topics])
    return int(bloom).to_bytes(256, "big")


class PaperLedger:
    """Blocks written one after the other; in the first the contracts get their code."""

    def __init__(self, deployed_at: int) -> None:
        self.blocks: list[BlockEvidence] = []
        self.write(deployed_at, [log_of(ConsortiumFounded(1, ()))])

    def record(self, time: int, *events: Event) -> None:
        """One block with one transaction that logged these events, and another's transaction before it."""
        stranger: RawLog = (b"\x11" * 20, [keccak(b"Transfer()")], b"")
        self.write(time, [stranger], [log_of(event) for event in events])

    def write(self, time: int, *transactions: list[RawLog]) -> None:
        """One block with these transactions' logs; none is an empty block."""
        receipts = tuple(
            receipt_of(logs, b"" if number else b"\x02") for number, logs in enumerate(transactions)
        )
        parent = header_hash(self.blocks[-1].header_rlp) if self.blocks else keccak(b"parent")
        bloom, number = _bloom([log for logs in transactions for log in logs]), 100 + len(self.blocks)
        header = [
            parent, keccak(b"ommers"), bytes(20), bytes(32), bytes(32), receipts_root(receipts),
            bloom, 0, number, 30_000_000, 21_000, time, b"", bytes(32), bytes(8), 7,
        ]  # fmt: skip
        self.blocks.append(BlockEvidence(rlp.encode(header), receipts))
