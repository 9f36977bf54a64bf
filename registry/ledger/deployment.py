"""Where FlexLedger's contracts stand on a chain, and putting them there."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import is_hex_address, to_checksum_address

from registry.domain.contract_changes import CONTRACTS, NOTICE_S, Code
from registry.domain.identifiers import bytes32_text
from registry.domain.json_text import flaw_of
from registry.evidence.abi import abi_types
from registry.ledger.artifacts import CONSORTIUM, Artifact, Artifacts
from registry.ledger.codec import decode_result, encode_call
from registry.ledger.errors import violation_of
from registry.ledger.rpc import CallReverted, Connection
from registry.ledger.transactions import Transactor
from registry.ports import ContractsMissing, ContractsVersionMismatch, Signer, WrongChain

ADMITTED_ONCE = "initialize"
"""The function of Participants that names the consortium admin, run when it gets its first code."""
_ASKS: dict[str, tuple[str, ...]] = {
    "Participants": (),
    "MarketSessions": ("Participants",),
    "TrafficLights": ("Participants", "MarketSessions"),
    "Pods": ("Participants", "MarketSessions", "TrafficLights"),
    "Prequalification": ("Participants", "MarketSessions", "Pods"),
    "Market": ("Participants", "MarketSessions", "TrafficLights", "Pods", "Prequalification"),
    "Procurement": ("Participants", "MarketSessions"),
    "Measurements": ("Participants", "MarketSessions", "Pods"),
    "Settlement": ("Participants", "MarketSessions", "Prequalification"),
}
"""Whose addresses the constructor of each contract takes."""


@dataclass(frozen=True)
class Deployment:
    """A set of contracts on a chain. ``artifacts_sha256`` says from which build they were made."""

    chain_id: int
    contracts_version: int
    first_block: int
    addresses: dict[str, str]
    artifacts_sha256: str

    def save(self, path: Path) -> None:
        """Write the deployment whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".new")
        with draft.open("w", encoding="utf-8") as file:
            file.write(json.dumps(asdict(self), indent=2, sort_keys=True) + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> Deployment:
        """Read a deployment. Raises :class:`ContractsMissing` if the file is not there or is none."""
        try:
            text = path.read_bytes()
            if (flaw := flaw_of(text)) is not None:
                raise _missing(f"{flaw.found} in {path}")
            found = cls(**json.loads(text))
        except FileNotFoundError as error:
            raise _missing(f"no deployment file {path}") from error
        except (ValueError, TypeError) as error:
            raise _missing(f"no deployment in {path}") from error
        for name in ("chain_id", "contracts_version", "first_block"):
            if type(getattr(found, name)) is not int:
                raise _missing(f"{name} {getattr(found, name)!r} in {path}")
        addresses: object = found.addresses
        if not isinstance(addresses, dict) or not all(is_hex_address(text) for text in addresses.values()):
            raise _missing(f"addresses that are none in {path}")
        return found


def deploy(
    connection: Connection,
    admin: Signer,
    artifacts: Artifacts,
    *,
    dispute_window_s: int,
    notice_s: int = NOTICE_S,
) -> Deployment:
    """Put the contracts on the chain (CON-1); ``admin`` becomes the consortium admin.

    1. The consortium, which makes a facade for every contract: its lasting address.
    2. The code of each contract, which is told the facades of those that it asks.
    3. The consortium gives all facades their code, and Participants its admin.

    Args:
        dispute_window_s: how long a settlement statement can be disputed (STT-4), seconds.
        notice_s: how long a change of the contracts is announced at least, seconds.
    """
    chain_id = int(connection.request("eth_chainId"), 16)
    transactor = Transactor(connection, chain_id)
    consortium = artifacts.by_name[CONSORTIUM]
    names = [name for name in CONTRACTS if name in artifacts.by_name]
    try:
        # 1. the consortium
        data = creation(consortium, [[bytes32_text(name) for name in names], notice_s])
        receipt = transactor.send(admin, None, data)
        first_block = int(receipt["blockNumber"], 16)
        addresses: dict[str, str] = {CONSORTIUM: to_checksum_address(receipt["contractAddress"])}
        for name in names:
            addresses[name] = facade_of(connection, consortium, addresses[CONSORTIUM], name)
        # 2. code
        codes = []
        for name in names:
            receipt = transactor.send(
                admin, None, creation_of(name, artifacts, addresses, dispute_window_s=dispute_window_s)
            )
            initial = b""
            if name == "Participants":
                initial = encode_call(artifacts.by_name[name], ADMITTED_ONCE, {"admin": admin.address})
            codes.append(Code(bytes32_text(name), to_checksum_address(receipt["contractAddress"]), initial))
        # 3. in force
        transactor.send(admin, addresses[CONSORTIUM], encode_call(consortium, "found", {"codes": codes}))
    except CallReverted as reverted:
        raise violation_of(reverted.data, artifacts) from reverted
    return Deployment(
        chain_id, version_on_chain(connection, addresses, artifacts), first_block, addresses, artifacts.sha256
    )


def transactions_of(artifacts: Artifacts) -> int:
    """How many blocks a deployment makes on a chain with one transaction to a block."""
    return len(artifacts.by_name) + 1


def creation(artifact: Artifact, arguments: Sequence[Any]) -> bytes:
    """What a transaction that creates the contract carries."""
    constructor = next((entry for entry in artifact.abi if entry["type"] == "constructor"), {"inputs": ()})
    return artifact.bytecode + encode(abi_types(constructor["inputs"]), list(arguments))


def creation_of(
    name: str, artifacts: Artifacts, addresses: Mapping[str, str], *, dispute_window_s: int
) -> bytes:
    """The creation of the code of a contract that stands behind a facade."""
    arguments: list[Any] = [addresses[asked] for asked in _ASKS[name] if asked in addresses]
    if name == "Settlement":
        arguments.append(dispute_window_s)
    return creation(artifacts.by_name[name], arguments)


def facade_of(connection: Connection, consortium: Artifact, address: str, name: str) -> str:
    """The lasting address of a contract."""
    data = "0x" + encode_call(consortium, "facadeOf", {"name": bytes32_text(name)}).hex()
    answer = connection.request("eth_call", {"to": address, "data": data}, "latest")
    return to_checksum_address(decode_result(consortium, "facadeOf", bytes.fromhex(answer[2:]))[0])


def fund(connection: Connection, source: Signer, addresses: list[str], wei: int) -> None:
    """Give ether to accounts on a chain that charges for gas; does nothing for those that have as much
    already.
    """
    transactor = Transactor(connection, int(connection.request("eth_chainId"), 16))
    for address in addresses:
        missing = wei - int(connection.request("eth_getBalance", address, "latest"), 16)
        if missing > 0:
            transactor.send(source, address, b"", missing)


def check(
    connection: Connection, deployment: Deployment, artifacts: Artifacts, version: int | None = None
) -> None:
    """Make sure that the node serves the deployment's chain and contracts of this program's version, or of
    ``version``.

    Raises:
        ChainUnreachable, WrongChain, ContractsMissing, ContractsVersionMismatch.
    """
    # 1. the chain
    chain_id = int(connection.request("eth_chainId"), 16)
    if chain_id != deployment.chain_id:
        raise WrongChain(
            found=f"chain {chain_id}",
            expected=f"chain {deployment.chain_id}, where the contracts were deployed",
            remedy="correct the ledger's URL, or name the deployment of this chain",
        )
    # 2. the contracts
    for name in artifacts.by_name:
        address = deployment.addresses.get(name)
        if address is None or connection.request("eth_getCode", address, "latest") == "0x":
            raise _missing(f"no contract {name} at {address}")
    # 3. their version
    wanted = version or artifacts.version
    found = version_on_chain(connection, deployment.addresses, artifacts)
    if found != wanted:
        raise ContractsVersionMismatch(
            found=f"version {found} at {deployment.addresses[CONSORTIUM]}",
            expected=f"version {wanted}",
            remedy="run the release of this program that belongs to these contracts",
        )


def version_on_chain(connection: Connection, addresses: Mapping[str, str], artifacts: Artifacts) -> int:
    """What the consortium says of the contracts' version."""
    consortium = artifacts.by_name[CONSORTIUM]
    call = {"to": addresses[CONSORTIUM], "data": "0x" + encode_call(consortium, "version", {}).hex()}
    try:
        answer = connection.request("eth_call", call, "latest")
        return int(decode_result(consortium, "version", bytes.fromhex(answer[2:]))[0])
    except (CallReverted, ValueError) as error:
        raise _missing(f"a contract at {addresses[CONSORTIUM]} that is no {CONSORTIUM}") from error


def _missing(found: str) -> ContractsMissing:
    return ContractsMissing(
        found=found,
        expected="FlexLedger's contracts on this chain",
        remedy="deploy them, or name the right deployment file",
    )
