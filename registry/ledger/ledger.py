"""The ledger port on any EVM chain that speaks JSON-RPC."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

from eth_utils.address import to_checksum_address

from registry.domain.commands import Command
from registry.domain.errors import RuleViolation
from registry.domain.events import ContractsChanged, Event, Recorded
from registry.evidence.abi import EventDecoder
from registry.evidence.blocks import BlockEvidence, Log
from registry.ledger.artifacts import Artifacts
from registry.ledger.codec import decode_result, encode_call, encode_command
from registry.ledger.deployment import Deployment, check
from registry.ledger.errors import violation_of
from registry.ledger.evidence import block_evidence
from registry.ledger.rpc import CallReverted, Connection
from registry.ledger.sending import CommandSender
from registry.ledger.transactions import Transactor
from registry.ports import BlockRef, ContractsChangedBeyond, NodeRefused, Receipt, RecordedBlock, Signer

_RANGE = 5_000
"""Blocks per request for logs; halved where a node finds that too much."""
_MOVES = 5


class ChainLedger:
    """FlexLedger's contracts on one chain (:class:`registry.ports.Ledger`).

    Raises on creation what :func:`registry.ledger.deployment.check` raises. Safe for use by many threads.
    """

    def __init__(self, connection: Connection, deployment: Deployment, artifacts: Artifacts) -> None:
        artifacts = artifacts.of_chain(deployment.addresses)
        check(connection, deployment, artifacts)
        self._connection = connection
        self._deployment = deployment
        self._artifacts = artifacts
        self._transactor = Transactor(connection, deployment.chain_id)
        self._decoder = EventDecoder(
            artifacts.abis,
            {name: _octets(deployment.addresses[name]) for name in artifacts.by_name},
        )

    @property
    def chain_id(self) -> int:
        """The chain's number."""
        return self._deployment.chain_id

    @property
    def addresses(self) -> Mapping[str, str]:
        """Checksummed contract addresses by contract name."""
        return MappingProxyType(self._deployment.addresses)

    @property
    def contracts_version(self) -> int:
        """The version of the contracts."""
        return self._deployment.contracts_version

    @property
    def first_block(self) -> int:
        """The block of the first contract."""
        return self._deployment.first_block

    # --------------------------------------------------------------------------------------------- writes

    def send(self, command: Command, signer: Signer) -> Receipt:
        """Record a command and wait for its block.

        Raises:
            RuleViolation: the rule that the contracts found broken; nothing is written.
            OperationalError: the chain failed (see :mod:`registry.ports.failures`).
        """
        artifact = self._artifacts.of_command(command.contract)
        data = encode_command(command, artifact)
        try:
            receipt = self._transactor.send(signer, self.addresses[command.contract], data)
        except CallReverted as reverted:
            raise violation_of(reverted.data, self._artifacts) from None
        ref = self.block(int(receipt["blockNumber"], 16))
        events = self._events(receipt["logs"], ref, {receipt["transactionHash"]: receipt["from"]})
        return Receipt(
            tx_hash=_octets(receipt["transactionHash"]),
            block_number=ref.number,
            block_hash=ref.hash,
            block_time=ref.time,
            events=events,
            gas_used=int(receipt["gasUsed"], 16),
        )

    def sender(self, signer: Signer, folder: Path, final_after: int = 0) -> CommandSender:
        """A sender for this key, with its journal in ``folder`` (:class:`registry.ports.Sender`).

        Raises:
            AlreadyInUse, WrongChain, DatabaseCorrupted, DiskFull: see
            :class:`~registry.ledger.sending.journal.Journal`.
        """
        return CommandSender(self._connection, self._deployment, self._artifacts, signer, folder, final_after)

    # ---------------------------------------------------------------------------------------------- reads

    def read(self, contract: str, function: str, **values: Any) -> tuple[Any, ...]:
        """What a view function returns, as if asked in the next block. Raises :class:`RuleViolation` if it
        refuses.
        """
        artifact = self._artifacts.by_name[contract]
        call = {"to": self.addresses[contract], "data": "0x" + encode_call(artifact, function, values).hex()}
        try:
            answer = self._connection.request("eth_call", call, "latest")
        except CallReverted as reverted:
            raise violation_of(reverted.data, self._artifacts) from None
        return decode_result(artifact, function, _octets(answer))

    def head(self) -> BlockRef:
        """The newest block."""
        return _ref(self._connection.request("eth_getBlockByNumber", "latest", False))

    def block(self, number: int) -> BlockRef:
        """The block with this number. Raises :class:`LookupError` beyond the head."""
        block = self._connection.request("eth_getBlockByNumber", hex(number), False)
        if block is None:
            raise LookupError(f"block {number} is beyond the head of the chain")
        return _ref(block)

    def recorded(self, from_block: int, to_block: int) -> list[RecordedBlock]:
        """The blocks with events in [from_block, to_block], in order.

        1. logs of the contracts, a range of blocks at a time;
        2. blocks and senders of those logs;
        3. if the chain changed its mind in between, again.

        Raises :class:`~registry.ports.ContractsChangedBeyond` where a block brings contracts that this
        program does not know (CON-1).
        """
        found: list[RecordedBlock] = []
        for start in range(from_block, to_block + 1, _RANGE):
            end = min(start + _RANGE - 1, to_block)
            for _ in range(_MOVES):
                # 1. logs
                logs = self._logs(start, end)
                # 2. blocks and senders
                numbers = sorted({log["blockNumber"] for log in logs}, key=_number)
                hashes = list(dict.fromkeys(log["transactionHash"] for log in logs))
                blocks = self._connection.requests(
                    "eth_getBlockByNumber", [(number, False) for number in numbers]
                )
                transactions = self._connection.requests(
                    "eth_getTransactionByHash", [(one,) for one in hashes]
                )
                # 3. one view of the chain, or again
                known = {block["hash"] for block in blocks if block is not None}
                if None not in transactions and all(log["blockHash"] in known for log in logs):
                    senders = {one: entry["from"] for one, entry in zip(hashes, transactions, strict=True)}
                    refs = {_number(block["number"]): _ref(block) for block in blocks}
                    found += self._blocks(logs, refs, senders)
                    break
            else:
                raise NodeRefused(
                    found=f"blocks {start} to {end} changing while they are read",
                    expected="a chain that settles",
                    remedy="try again",
                )
        return found

    def evidence(self, block_number: int) -> BlockEvidence:
        """Header and receipts of a block, checked against its hash. Raises :class:`LookupError` beyond the
        head.
        """
        return block_evidence(self._connection, block_number)

    def _logs(self, from_block: int, to_block: int) -> list[dict[str, Any]]:
        query = {
            "fromBlock": hex(from_block),
            "toBlock": hex(to_block),
            "address": list(self.addresses.values()),
        }
        try:
            logs: list[dict[str, Any]] = self._connection.request("eth_getLogs", query)
            return logs
        except NodeRefused:
            if from_block == to_block:
                raise
            middle = (from_block + to_block) // 2
            return self._logs(from_block, middle) + self._logs(middle + 1, to_block)

    def _blocks(
        self, logs: list[dict[str, Any]], refs: dict[int, BlockRef], senders: dict[str, str]
    ) -> list[RecordedBlock]:
        logs.sort(key=lambda log: (_number(log["blockNumber"]), _number(log["logIndex"])))
        blocks = []
        for number, group in groupby(logs, key=lambda log: _number(log["blockNumber"])):
            events = self._events(list(group), refs[number], senders)
            for recorded in events:
                if isinstance(recorded.event, ContractsChanged):
                    self._require_known(recorded.event, number)
            if events:
                blocks.append(RecordedBlock(refs[number], events))
        return blocks

    def _events(
        self, logs: list[dict[str, Any]], ref: BlockRef, senders: dict[str, str]
    ) -> tuple[Recorded[Event], ...]:
        recorded = []
        for entry in logs:
            log = _log(entry)
            contract, event = self._decoder.contract_of(log), self._event(log, ref)
            if contract is not None and event is not None:
                recorded.append(
                    Recorded(
                        event=event,
                        contract=contract,
                        block_number=ref.number,
                        block_hash=ref.hash,
                        block_time=ref.time,
                        tx_hash=_octets(entry["transactionHash"]),
                        log_index=log.index,
                        sender=_checksummed(senders[entry["transactionHash"]]),
                    )
                )
        return tuple(recorded)

    def _require_known(self, changed: ContractsChanged, block: int) -> None:
        if changed.version > self._artifacts.version:
            raise ContractsChangedBeyond(
                found=f"contracts of version {changed.version} from block {block} on",
                expected=f"version {self._artifacts.version}",
                remedy="run the release of this program that belongs to these contracts; "
                "all blocks before are read",
                block=block,
            )

    def _event(self, log: Log, ref: BlockRef) -> Event | None:
        try:
            return self._decoder.decode(log)
        except RuleViolation as violation:
            raise NodeRefused(
                found=f"log {log.index} of block {ref.number}: {violation.found}",
                expected=str(violation.allowed),
                remedy="ask another node, or run the release of this program that belongs to these contracts",
            ) from violation


def _ref(block: dict[str, Any]) -> BlockRef:
    return BlockRef(_number(block["number"]), _octets(block["hash"]), _number(block["timestamp"]))


def _log(entry: dict[str, Any]) -> Log:
    return Log(
        address=_octets(entry["address"]),
        topics=tuple(_octets(topic) for topic in entry["topics"]),
        data=_octets(entry["data"]),
        transaction=_number(entry["transactionIndex"]),
        index=_number(entry["logIndex"]),
    )


@lru_cache(maxsize=1_024)
def _checksummed(address: str) -> str:
    """Few addresses send many transactions."""
    return to_checksum_address(address)


def _number(text: str) -> int:
    return int(text, 16)


def _octets(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
