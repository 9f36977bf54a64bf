"""Blocks of an EVM chain, checked from their bytes alone: header hashes, receipts, logs (AUD-1).

A block hash is the Keccak-256 of its header; the header carries the root of the trie of the block's receipts
and a Bloom filter of the addresses that logged. So: the receipts of a block can be checked against its hash,
and a header alone can show that a contract logged nothing. Sources: Ethereum yellow paper sections 4.3 and
4.4 and appendix D, EIP-2718 (typed receipts).

The header bytes are those that hash to the block hash. On chains whose consensus adds seals to the header
after hashing (QBFT), they are the header without these seals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import rlp
from eth_hash.auto import keccak
from trie.hexary import HexaryTrie

from registry.domain.errors import RuleViolation
from registry.evidence.rlp_items import decode_rlp

BLOOM_BYTES: Final = 256
_HEADER_FIELDS_MIN: Final = 15
_PARENT, _RECEIPTS_ROOT, _BLOOM, _NUMBER, _TIMESTAMP = 0, 5, 6, 8, 11


@dataclass(frozen=True, slots=True)
class BlockEvidence:
    """What proves a block's logs offline: Keccak-256 of ``header_rlp`` is the block hash; ``receipts`` are
    all of its receipts by index, in the consensus bytes whose trie has the header's receipts root.
    """

    header_rlp: bytes
    receipts: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says. ``timestamp`` is in Unix seconds; ``hash`` was computed, not read."""

    hash: bytes
    parent_hash: bytes
    number: int
    timestamp: int
    receipts_root: bytes
    bloom: bytes

    def may_log(self, address: bytes) -> bool:
        """Whether ``address`` (20 bytes) may have logged in this block: never wrongly ``False``."""
        bits, digest = int.from_bytes(self.bloom, "big"), keccak(address)
        return all(bits >> (int.from_bytes(digest[at : at + 2], "big") & 2047) & 1 for at in (0, 2, 4))


@dataclass(frozen=True, slots=True)
class Log:
    """One log of a block. ``index`` counts the logs of the whole block, ``transaction`` its transactions,
    both from 0.
    """

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes
    transaction: int
    index: int


def header_hash(header: bytes) -> bytes:
    """The block hash: Keccak-256 of the header's bytes."""
    return bytes(keccak(header))


def parse_header(header: bytes) -> Header:
    """Read a header; of any fork, as later fields only follow the ones read here.

    Raises :class:`RuleViolation` (AUD-1, field ``header``) if it is no header.
    """
    fields = decode_rlp(header, "header")
    if (
        not isinstance(fields, list)
        or len(fields) < _HEADER_FIELDS_MIN
        or not all(isinstance(f, bytes) for f in fields)
    ):
        raise _violation(
            "header", "another structure", f"an RLP list of at least {_HEADER_FIELDS_MIN} byte strings"
        )
    if [len(fields[at]) for at in (_PARENT, _RECEIPTS_ROOT, _BLOOM)] != [32, 32, BLOOM_BYTES]:
        raise _violation("header", "hashes or Bloom filter of a wrong length", "32, 32 and 256 bytes")
    return Header(
        hash=header_hash(header),
        parent_hash=fields[_PARENT],
        number=int.from_bytes(fields[_NUMBER], "big"),
        timestamp=int.from_bytes(fields[_TIMESTAMP], "big"),
        receipts_root=fields[_RECEIPTS_ROOT],
        bloom=fields[_BLOOM],
    )


def receipts_root(receipts: Sequence[bytes]) -> bytes:
    """The root of the trie of a block's receipts, each in its consensus bytes (type byte and RLP, or RLP for
    legacy).
    """
    trie = HexaryTrie(db={})
    for index, receipt in enumerate(receipts):
        trie[rlp.encode(index)] = receipt
    return bytes(trie.root_hash)


def decode_receipt(receipt: bytes, transaction: int, first_log: int) -> tuple[Log, ...]:
    """The logs of one receipt. ``first_log`` is the number of logs in the block before it.

    Raises :class:`RuleViolation` (AUD-1, field ``receipt``) if it is no receipt.
    """
    typed = bool(receipt) and receipt[0] < 0x80  # EIP-2718: a type byte stands before the list
    fields = decode_rlp(receipt[1:] if typed else receipt, "receipt")
    if not isinstance(fields, list) or len(fields) != 4 or not isinstance(fields[3], list):
        raise _violation("receipt", "another structure", "[status, gas, Bloom filter, logs]")
    return tuple(_log(item, transaction, first_log + at) for at, item in enumerate(fields[3]))


def verify_block(header: Header, receipts: Sequence[bytes]) -> tuple[Log, ...]:
    """Check the receipts against the header's root; returns all logs of the block in order.

    Raises :class:`RuleViolation` (AUD-1, field ``receipts_root``) if a receipt is missing, added, moved or
    changed.
    """
    root = receipts_root(receipts)
    if root != header.receipts_root:
        raise _violation(
            "receipts_root", root.hex(), f"{header.receipts_root.hex()} of block {header.number}"
        )
    logs: list[Log] = []
    for transaction, receipt in enumerate(receipts):
        logs += decode_receipt(receipt, transaction, len(logs))
    return tuple(logs)


def verify_log_in_block(evidence: BlockEvidence, index: int) -> tuple[Header, Log]:
    """The log with ``index`` in the block, proved by the block's bytes.

    Raises :class:`RuleViolation` (AUD-1): as :func:`verify_block`, and field ``log_index`` if the block has
    fewer logs.
    """
    header = parse_header(evidence.header_rlp)
    logs = verify_block(header, evidence.receipts)
    if not 0 <= index < len(logs):
        raise _violation("log_index", index, f"0 .. {len(logs) - 1} in block {header.number}")
    return header, logs[index]


def verify_run(headers: Sequence[Header]) -> None:
    """Check that headers follow each other without a gap, by parent hash and number.

    Raises :class:`RuleViolation` (AUD-1, field ``parent_hash``) at the first that does not.
    """
    for parent, child in pairwise(headers):
        if (child.parent_hash, child.number) != (parent.hash, parent.number + 1):
            raise _violation(
                "parent_hash",
                f"{child.parent_hash.hex()} in block {child.number}",
                f"{parent.hash.hex()}, the hash of block {parent.number}, in block {parent.number + 1}",
            )


def _log(item: Any, transaction: int, index: int) -> Log:
    match item:
        case [bytes(address), [*topics], bytes(data)] if (
            len(address) == 20
            and len(topics) <= 4
            and all(isinstance(t, bytes) and len(t) == 32 for t in topics)
        ):
            return Log(address, tuple(topics), data, transaction, index)
    raise _violation("receipt", f"another structure in log {index}", "[address, topics, data]")


def _violation(field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule="AUD-1", field=field, found=found, allowed=allowed)
