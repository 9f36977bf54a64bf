"""Where FlexLedger's contracts stand on a chain, and putting them there."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import is_hex_address, to_checksum_address

from registry.domain.json_text import flaw_of
from registry.evidence.abi import abi_types
from registry.ledger.artifacts import ORDER, Artifacts
from registry.ledger.codec import decode_result, encode_call
from registry.ledger.errors import violation_of
from registry.ledger.rpc import CallReverted, Connection
from registry.ledger.transactions import Transactor
from registry.ports import ContractsMissing, ContractsVersionMismatch, Signer, WrongChain

CONTRACTS_VERSION = 1
"""The version of the contracts that this program speaks to."""
_PREDECESSORS: dict[str, tuple[str, ...]] = {
    "Participants": (),
    "MarketSessions": ("Participants",),
    "TrafficLights": ("Participants", "MarketSessions"),
    "Pods": ("Participants", "MarketSessions", "TrafficLights"),
    "Prequalification": ("Participants", "MarketSessions", "Pods"),
    "Market": ("Participants", "MarketSessions", "TrafficLights", "Pods", "Prequalification"),
    "Measurements": ("Participants", "MarketSessions", "Pods"),
    "Settlement": ("Participants", "MarketSessions", "Prequalification"),
}


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
    connection: Connection, admin: Signer, artifacts: Artifacts, *, dispute_window_s: int
) -> Deployment:
    """Put the contracts on the chain, in the order their constructors need; ``admin`` is the consortium
    admin.

    Args:
        dispute_window_s: how long a settlement statement can be disputed (STT-4), seconds.
    """
    chain_id = int(connection.request("eth_chainId"), 16)
    transactor = Transactor(connection, chain_id)
    addresses: dict[str, str] = {}
    first_block = 0
    for name in (name for name in ORDER if name in artifacts.by_name):
        arguments: list[Any] = [addresses[needed] for needed in _PREDECESSORS[name]]
        if name == "Participants":
            arguments = [admin.address]
        elif name == "Settlement":
            arguments.append(dispute_window_s)
        artifact = artifacts.by_name[name]
        constructor = next(entry for entry in artifact.abi if entry["type"] == "constructor")
        data = artifact.bytecode + encode(abi_types(constructor["inputs"]), arguments)
        try:
            receipt = transactor.send(admin, None, data)
        except CallReverted as reverted:
            raise violation_of(reverted.data, artifacts) from reverted
        addresses[name] = to_checksum_address(receipt["contractAddress"])
        first_block = first_block or int(receipt["blockNumber"], 16)
    return Deployment(
        chain_id, version_on_chain(connection, addresses, artifacts), first_block, addresses, artifacts.sha256
    )


def fund(connection: Connection, source: Signer, addresses: list[str], wei: int) -> None:
    """Give ether to accounts on a chain that charges for gas; does nothing for those that have as much
    already.
    """
    transactor = Transactor(connection, int(connection.request("eth_chainId"), 16))
    for address in addresses:
        missing = wei - int(connection.request("eth_getBalance", address, "latest"), 16)
        if missing > 0:
            transactor.send(source, address, b"", missing)


def check(connection: Connection, deployment: Deployment, artifacts: Artifacts) -> None:
    """Make sure that the node serves the deployment's chain and this program's contracts.

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
    found = version_on_chain(connection, deployment.addresses, artifacts)
    if found != CONTRACTS_VERSION:
        raise ContractsVersionMismatch(
            found=f"version {found} at {deployment.addresses['Participants']}",
            expected=f"version {CONTRACTS_VERSION}",
            remedy="run the release of this program that belongs to these contracts",
        )


def version_on_chain(connection: Connection, addresses: dict[str, str], artifacts: Artifacts) -> int:
    """What the contracts say of their version."""
    participants = artifacts.by_name["Participants"]
    call = {
        "to": addresses["Participants"],
        "data": "0x" + encode_call(participants, "contractsVersion", {}).hex(),
    }
    try:
        answer = connection.request("eth_call", call, "latest")
        return int(decode_result(participants, "contractsVersion", bytes.fromhex(answer[2:]))[0])
    except (CallReverted, ValueError) as error:
        raise _missing(f"a contract at {addresses['Participants']} that is not Participants") from error


def _missing(found: str) -> ContractsMissing:
    return ContractsMissing(
        found=found,
        expected="FlexLedger's contracts on this chain",
        remedy="deploy them, or name the right deployment file",
    )
