"""Headers, receipts and logs of the embedded chain in the form JSON-RPC gives them."""

from __future__ import annotations

from typing import Any

from eth_utils.address import to_checksum_address
from eth_utils.hexadecimal import encode_hex

_HEADER_FIELDS = {
    "parentHash": "parent_hash",
    "sha3Uncles": "uncles_hash",
    "miner": "coinbase",
    "stateRoot": "state_root",
    "transactionsRoot": "transaction_root",
    "receiptsRoot": "receipt_root",
    "difficulty": "difficulty",
    "number": "block_number",
    "gasLimit": "gas_limit",
    "gasUsed": "gas_used",
    "timestamp": "timestamp",
    "extraData": "extra_data",
    "mixHash": "mix_hash",
    "baseFeePerGas": "base_fee_per_gas",
    "withdrawalsRoot": "withdrawals_root",
    "blobGasUsed": "blob_gas_used",
    "excessBlobGas": "excess_blob_gas",
    "parentBeaconBlockRoot": "parent_beacon_block_root",
    "requestsHash": "requests_hash",
    "nonce": "nonce",
}


def header_json(header: Any) -> dict[str, Any]:
    """A block without its transactions."""
    fields = {name: _hex(getattr(header, attribute)) for name, attribute in _HEADER_FIELDS.items()}
    return {
        **fields,
        "hash": encode_hex(header.hash),
        "logsBloom": encode_hex(header.bloom.to_bytes(256, "big")),
    }


def receipt_json(header: Any, transaction: Any, receipt: Any, computation: Any) -> dict[str, Any]:
    """The receipt of the one transaction of a block, with its logs."""
    place = {
        "blockNumber": _hex(header.block_number),
        "blockHash": encode_hex(header.hash),
        "transactionHash": encode_hex(transaction.hash),
        "transactionIndex": "0x0",
    }
    logs = [
        {
            **place,
            "address": to_checksum_address(log.address),
            "topics": [encode_hex(topic.to_bytes(32, "big")) for topic in log.topics],
            "data": encode_hex(log.data),
            "logIndex": hex(index),
            "removed": False,
        }
        for index, log in enumerate(receipt.logs)
    ]
    created = to_checksum_address(computation.msg.storage_address) if computation.msg.is_create else None
    return {
        **place,
        "type": hex(transaction.type_id or 0),
        "from": to_checksum_address(transaction.sender),
        "to": to_checksum_address(transaction.to) if transaction.to else None,
        "contractAddress": created,
        "status": "0x1",
        "gasUsed": _hex(receipt.gas_used),
        "cumulativeGasUsed": _hex(receipt.gas_used),
        "effectiveGasPrice": "0x0",
        "logsBloom": encode_hex(receipt.bloom.to_bytes(256, "big")),
        "logs": logs,
    }


def _hex(value: int | bytes) -> str:
    return hex(value) if isinstance(value, int) else encode_hex(value)
