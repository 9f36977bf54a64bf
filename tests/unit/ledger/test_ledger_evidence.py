"""Headers and receipts of chains that this machine does not run, and of nodes that do not tell the truth."""

from __future__ import annotations

from typing import Any

import pytest
import rlp
from eth_utils.crypto import keccak

from registry.ledger.evidence import block_evidence, header_bytes, receipt_bytes
from registry.ledger.rpc import Connection
from registry.ports import NodeRefused
from tests.unit.ledger.scripted import Scripted

EMPTY_ROOT = "0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"
"""Root of the empty trie: Keccak-256 of the RLP of the empty string."""
WORD = "0x" + "11" * 32
BLOCK: dict[str, Any] = {
    "parentHash": WORD, "sha3Uncles": WORD, "miner": "0x" + "22" * 20, "stateRoot": WORD,
    "transactionsRoot": WORD, "receiptsRoot": EMPTY_ROOT, "logsBloom": "0x" + "00" * 256,
    "difficulty": "0x1", "number": "0x10", "gasLimit": "0x1c9c380", "gasUsed": "0x0", "timestamp": "0x64",
    "extraData": "0x", "mixHash": WORD, "nonce": "0x0000000000000000",
}  # fmt: skip


def fields(block: dict[str, Any], extra_data: bytes) -> list[Any]:
    octets = [bytes.fromhex(block[name][2:]) for name in list(BLOCK)[:7]]
    numbers = [int(block[name], 16) for name in ("difficulty", "number", "gasLimit", "gasUsed", "timestamp")]
    tail = [extra_data, bytes.fromhex(block["mixHash"][2:]), bytes.fromhex(block["nonce"][2:])]
    return [*octets, *numbers, *tail]


def test_headers_end_where_their_fork_ends() -> None:
    old = {**BLOCK, "hash": "0x" + keccak(rlp.encode(fields(BLOCK, b""))).hex()}
    assert len(rlp.decode(header_bytes(old))) == 15
    london = {**BLOCK, "baseFeePerGas": "0x0"}
    london["hash"] = "0x" + keccak(rlp.encode([*fields(BLOCK, b""), 0])).hex()
    assert len(rlp.decode(header_bytes(london))) == 16


@pytest.mark.parametrize("round_kept", [True, False])
def test_a_qbft_header_is_hashed_without_its_seals(round_kept: bool) -> None:
    vanity, validators, vote = bytes(32), [b"\x01" * 20, b"\x02" * 20], []
    signed = rlp.encode([vanity, validators, vote, b"\x02", [b"\x03" * 65, b"\x04" * 65]])
    hashed = rlp.encode([vanity, validators, vote, b"\x02" if round_kept else b"", []])
    block = {
        **BLOCK,
        "extraData": "0x" + signed.hex(),
        "hash": "0x" + keccak(rlp.encode(fields(BLOCK, hashed))).hex(),
    }
    header = header_bytes(block)
    assert keccak(header).hex() == block["hash"][2:]
    assert rlp.decode(header)[12] == hashed


def test_a_header_that_does_not_hash_to_its_block_is_refused() -> None:
    with pytest.raises(NodeRefused, match="a header of block 16 that does not hash"):
        header_bytes({**BLOCK, "hash": WORD})


def test_receipts_that_are_not_the_blocks_are_refused() -> None:
    receipt = {"status": "0x1", "cumulativeGasUsed": "0x5208", "logsBloom": "0x" + "00" * 256, "logs": []}
    block = {**BLOCK, "hash": "0x" + keccak(rlp.encode(fields(BLOCK, b""))).hex()}
    honest = Scripted(eth_getBlockByNumber=[block], eth_getBlockReceipts=[[]])
    assert block_evidence(Connection(honest, "script"), 16).receipts == ()
    lying = Scripted(eth_getBlockByNumber=[block], eth_getBlockReceipts=[[receipt]])
    with pytest.raises(NodeRefused, match="a receipts root of block 16"):
        block_evidence(Connection(lying, "script"), 16)
    with pytest.raises(LookupError):
        block_evidence(Connection(Scripted(eth_getBlockByNumber=[None]), "script"), 16)


def test_receipts_are_encoded_by_their_type() -> None:
    receipt = {"status": "0x1", "cumulativeGasUsed": "0x5208", "logsBloom": "0x" + "00" * 256, "logs": []}
    legacy, typed = receipt_bytes({**receipt, "type": "0x0"}), receipt_bytes({**receipt, "type": "0x2"})
    assert typed == b"\x02" + legacy
    assert rlp.decode(legacy) == [b"\x01", b"\x52\x08", bytes(256), []]
