"""Makes the files of a Besu QBFT network: genesis, static nodes and, in the sandbox, the validators' keys.

`genesis`   for a consortium: every operator hands in the enode of its validator, nobody hands in a key
`sandbox`   for docker-compose.yml: makes the keys of four validators on this machine, then the same files

Both write below deploy/besu/network, which git ignores:

    genesis.json                 the same file for every node
    validator-N/static-nodes.json
    validator-N/key              sandbox only; 32 bytes in hex, for its owner's eyes; an existing key is kept

Usage: python -m tools.make_besu_network sandbox [--chain-id N]
       python -m tools.make_besu_network genesis --enode enode://KEY@HOST:PORT ... [--chain-id N]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import rlp
from eth_keys.datatypes import PrivateKey, PublicKey

ROOT = Path(__file__).resolve().parent.parent
OUTPUT = ROOT / "deploy" / "besu" / "network"
CHAIN_ID = 20264
P2P_PORT = 30303
SANDBOX_HOSTS = ("172.30.64.11", "172.30.64.12", "172.30.64.13", "172.30.64.14")
SMALLEST_NETWORK = 4  # QBFT survives one faulty validator of four, none of three
BLOCK_GAS_LIMIT = 100_000_000
BLOCK_PERIOD_S = 2
VANITY = bytes(32)
BLOCK_FORKS = (
    *("homestead", "eip150", "eip155", "eip158", "byzantium", "constantinople"),
    *("petersburg", "istanbul", "berlin", "london"),
)
QBFT_MIX_HASH = "0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365"
_ENODE = re.compile(
    r"enode://(?P<key>[0-9a-fA-F]{128})@(?P<host>[^:/@\s]+|\[[0-9a-fA-F:]+\]):(?P<port>\d{1,5})"
)


class NetworkInvalid(Exception):
    """The validators given make no network; the message names field, found and allowed."""


@dataclass(frozen=True, slots=True)
class Validator:
    """A validator as the others know it: its public key and where it listens."""

    public_key: bytes
    host: str
    port: int = P2P_PORT

    @classmethod
    def parse(cls, enode: str) -> Self:
        """From ``enode://KEY@HOST:PORT``; raises NetworkInvalid for any other text."""
        match = _ENODE.fullmatch(enode)
        if match is None:
            raise NetworkInvalid(f"enode: found {enode!r}, allowed enode://<128 hex digits>@<host>:<port>")
        port = int(match["port"])
        if not 1 <= port <= 65535:
            raise NetworkInvalid(f"enode: found port {port}, allowed 1 to 65535")
        return cls(bytes.fromhex(match["key"]), match["host"], port)

    @property
    def enode(self) -> str:
        """The address other nodes connect to."""
        return f"enode://{self.public_key.hex()}@{self.host}:{self.port}"

    @property
    def address(self) -> bytes:
        """20 bytes; what the genesis block lists and blocks are signed by."""
        return PublicKey(self.public_key).to_canonical_address()


def extra_data(validators: Sequence[Validator]) -> bytes:
    """QBFT extra data of a genesis block: RLP of vanity, sorted validators, no vote, round 0, no seals."""
    addresses = sorted(validator.address for validator in validators)
    encoded: bytes = rlp.encode([VANITY, addresses, [], 0, []])
    return encoded


def genesis(validators: Sequence[Validator], chain_id: int) -> dict[str, Any]:
    """Genesis file of a free-gas QBFT chain with the Cancun rules from its first block.

    Prague is left out: it calls system contracts that the genesis block would have to carry.

    Raises:
        NetworkInvalid: fewer than four validators, one listed twice, or a chain id out of range.
    """
    if len(validators) < SMALLEST_NETWORK:
        raise NetworkInvalid(f"validators: found {len(validators)}, allowed {SMALLEST_NETWORK} or more")
    if len({validator.address for validator in validators}) != len(validators):
        raise NetworkInvalid("validators: one key is listed twice, allowed once each")
    if not 1 <= chain_id < 2**53:
        raise NetworkInvalid(f"chain id: found {chain_id}, allowed 1 to {2**53 - 1}")
    return {
        "config": {
            "chainId": chain_id,
            **{f"{fork}Block": 0 for fork in BLOCK_FORKS},
            "shanghaiTime": 0,
            "cancunTime": 0,
            "blobSchedule": {"cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3338477}},
            "zeroBaseFee": True,
            "qbft": {
                "blockperiodseconds": BLOCK_PERIOD_S,
                "epochlength": 30000,
                "requesttimeoutseconds": 2 * BLOCK_PERIOD_S,
            },
        },
        "nonce": "0x0",
        "timestamp": "0x0",
        "gasLimit": hex(BLOCK_GAS_LIMIT),
        "baseFeePerGas": "0x0",
        "difficulty": "0x1",
        "mixHash": QBFT_MIX_HASH,
        "coinbase": "0x" + "00" * 20,
        "extraData": "0x" + extra_data(validators).hex(),
        "alloc": {},
    }


def write_network(validators: Sequence[Validator], chain_id: int, output: Path) -> None:
    """Write genesis.json and each validator's static nodes; an invalid network writes nothing."""
    document = genesis(validators, chain_id)
    static_nodes = [validator.enode for validator in validators]
    output.mkdir(parents=True, exist_ok=True)
    write_json(output / "genesis.json", document)
    for number in range(1, len(validators) + 1):
        folder = output / f"validator-{number}"
        folder.mkdir(exist_ok=True)
        write_json(folder / "static-nodes.json", static_nodes)


def write_json(path: Path, document: object) -> None:
    """Readable JSON with a newline at its end."""
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def sandbox_validators(output: Path) -> list[Validator]:
    """Validators of the compose file; makes the keys that are not there yet."""
    return [
        Validator(node_key(output / f"validator-{number}" / "key").public_key.to_bytes(), host)
        for number, host in enumerate(SANDBOX_HOSTS, start=1)
    ]


def node_key(path: Path) -> PrivateKey:
    """The key in ``path``, made there first if there is none; raises NetworkInvalid if it is unreadable."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii"
        ) as file:
            file.write("0x" + secrets.token_bytes(32).hex() + "\n")
    try:
        return PrivateKey(bytes.fromhex(path.read_text(encoding="ascii").strip().removeprefix("0x")))
    except Exception as error:
        raise NetworkInvalid(f"{path}: found no key of 32 bytes in hex ({type(error).__name__})") from None


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Make the files of a Besu QBFT network.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, text in (
        ("sandbox", "keys and files for docker-compose.yml"),
        ("genesis", "files from enodes"),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument("--chain-id", type=int, default=CHAIN_ID)
        command.add_argument("--output", type=Path, default=OUTPUT)
        if name == "genesis":
            command.add_argument("--enode", action="append", required=True, help="once per validator")
    options = parser.parse_args(arguments)
    try:
        if options.command == "sandbox":
            validators = sandbox_validators(options.output)
        else:
            validators = [Validator.parse(enode) for enode in options.enode]
        write_network(validators, options.chain_id, options.output)
    except NetworkInvalid as error:
        print(f"network: {error}", file=sys.stderr)
        return 1
    print(f"{options.output}: chain {options.chain_id}, {len(validators)} validators")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
