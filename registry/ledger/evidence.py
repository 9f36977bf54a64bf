"""What proves a block to someone who has no node: its header and its receipts, in the encodings that were
hashed.

Nodes answer in JSON; the encodings are rebuilt here and checked against the block's hash and receipts root
before they leave.
"""

from __future__ import annotations

from typing import Any

import rlp

from registry.evidence.blocks import BlockEvidence, header_hash, receipts_root
from registry.ledger.rpc import Connection
from registry.ports import NodeRefused

_HASHES = ("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom")
_NUMBERS = ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")
_LATER = (
    ("baseFeePerGas", int),
    ("withdrawalsRoot", bytes),
    ("blobGasUsed", int),
    ("excessBlobGas", int),
    ("parentBeaconBlockRoot", bytes),
    ("requestsHash", bytes),
)
"""Fields that forks added, in order; a header ends at the first one its chain does not have."""


def block_evidence(connection: Connection, number: int) -> BlockEvidence:
    """Evidence of a block.

    Raises:
        LookupError: no such block.
        NodeRefused: the node's answers do not add up to the block's hash or receipts root.
    """
    block = connection.request("eth_getBlockByNumber", hex(number), False)
    if block is None:
        raise LookupError(f"block {number} is beyond the head of the chain")
    receipts = tuple(
        receipt_bytes(entry) for entry in connection.request("eth_getBlockReceipts", hex(number))
    )
    if receipts_root(receipts) != _octets(block["receiptsRoot"]):
        raise _mismatch(number, "receipts root")
    return BlockEvidence(header_bytes(block), receipts)


def header_bytes(block: dict[str, Any]) -> bytes:
    """The RLP of a header whose Keccak-256 is the block's hash.

    Chains with QBFT hash the header without the validators' seals, which JSON includes; both forms are tried.
    """
    for extra_data in _extra_data_forms(_octets(block["extraData"])):
        encoded: bytes = rlp.encode(_header_fields(block, extra_data))
        if header_hash(encoded) == _octets(block["hash"]):
            return encoded
    raise _mismatch(int(block["number"], 16), "header")


def receipt_bytes(receipt: dict[str, Any]) -> bytes:
    """The consensus encoding of a receipt (EIP-2718)."""
    logs = [
        [_octets(log["address"]), [_octets(topic) for topic in log["topics"]], _octets(log["data"])]
        for log in receipt["logs"]
    ]
    status, gas = _number(receipt["status"]), _number(receipt["cumulativeGasUsed"])
    payload: bytes = rlp.encode([status, gas, _octets(receipt["logsBloom"]), logs])
    kind = int(receipt.get("type", "0x0"), 16)
    return bytes([kind]) + payload if kind else payload


def _header_fields(block: dict[str, Any], extra_data: bytes) -> list[bytes]:
    fields = [_octets(block[name]) for name in _HASHES]
    fields += [_number(block[name]) for name in _NUMBERS]
    fields += [extra_data, _octets(block["mixHash"]), _octets(block["nonce"])]
    for name, kind in _LATER:
        value = block.get(name)
        if value is None:
            break
        fields.append(_number(value) if kind is int else _octets(value))
    return fields


def _extra_data_forms(extra_data: bytes) -> list[bytes]:
    forms = [extra_data]
    try:
        parts: Any = rlp.decode(extra_data)
    except rlp.exceptions.DecodingError:
        return forms
    if isinstance(parts, list) and len(parts) == 5:
        vanity, validators, vote, voting_round, _seals = parts
        forms.append(rlp.encode([vanity, validators, vote, voting_round, []]))
        forms.append(rlp.encode([vanity, validators, vote, b"", []]))
    return forms


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))


def _number(text: str) -> bytes:
    value = int(text, 16)
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def _mismatch(number: int, what: str) -> NodeRefused:
    return NodeRefused(
        found=f"a {what} of block {number} that does not hash to what the block says",
        expected="a node that gives whole headers and receipts",
        remedy="ask another node",
    )
