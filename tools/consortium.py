"""What the consortium does on its chain: make a party's encrypted key, deploy the contracts, prepare and look
at a change of their code, hand the admin over.

`key`      a new ledger key in an encrypted file (Web3 Secret Storage, version 3); prints its address.
           A node reads it as `<party number>.json` from the folder FLEXLEDGER_KEYSTORE.
`implement`  this release's code of some contracts onto the chain, and a file that says where, to be proposed
           as a change (POST /v1/contracts/changes); nothing else changes by that (CON-1).
`compare`  whether the code in such a file, or in a change as the API gives it, is this release's to the byte.
`deploy`   the committed artifacts onto the chain of the node at --url, signed by the consortium admin; writes
           the deployment file that every participant's node reads (FLEXLEDGER_DEPLOYMENT).

`seats`    the addresses that are the consortium admin, and how many of them have to agree (ACT-1).
`offer`    the admin to other addresses; with a threshold above one, by as many seats, each with its own key.
`accept`   what was offered; with the last one the admin is handed over.

The passphrase comes from FLEXLEDGER_KEYSTORE_PASSPHRASE, else it is asked for.

Usage: python -m tools.consortium key FILE
       python -m tools.consortium deploy --url URL --admin KEYSTORE [--output FILE]
       python -m tools.consortium implement --url URL --deployment FILE --key KEYSTORE --output FILE NAME...
       python -m tools.consortium compare --url URL --deployment FILE CHANGE
       python -m tools.consortium seats --url URL --deployment FILE
       python -m tools.consortium offer --url URL --deployment FILE --key KEYSTORE --threshold N ADDRESS...
       python -m tools.consortium accept --url URL --deployment FILE --key KEYSTORE
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from pathlib import Path

from registry.domain.contract_changes import CONTRACTS, Code
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import bytes32_text, text_of_bytes32
from registry.ledger import Connection, Deployment, KeystoreSigner, LocalSigner, OwnCode, deploy_rpc
from registry.ledger.artifacts import load_artifacts
from registry.ports import OperationalError
from tools.consortium_seats import accept, offer, show_seats

PASSPHRASE = "FLEXLEDGER_KEYSTORE_PASSPHRASE"
ROOT = Path(__file__).resolve().parent.parent
DEPLOYMENT = ROOT / "deploy" / "besu" / "network" / "deployment.json"
SHORTEST_PASSPHRASE = 12


class Refused(Exception):
    """The order cannot be carried out; one line that says why."""


def passphrase() -> str:
    """From the environment or the terminal; raises Refused when it is too short."""
    given = os.environ.get(PASSPHRASE) or getpass.getpass("passphrase: ")
    if len(given) < SHORTEST_PASSPHRASE:
        raise Refused(f"passphrase: found {len(given)} characters, allowed {SHORTEST_PASSPHRASE} or more")
    return given


def make_key(path: Path) -> str:
    """Write a new encrypted key to ``path`` and return its address; raises Refused if there is a file."""
    signer = LocalSigner.create()
    secret = passphrase()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        KeystoreSigner.keep(signer, path, secret)
    except FileExistsError:
        raise Refused(f"{path}: found a file there, allowed a new name; keys are never overwritten") from None
    return signer.address


def deploy(url: str, keystore: Path, output: Path) -> str:
    """Deploy the contracts and write the deployment file; returns what was done, in one line.

    Raises:
        Refused: there is a deployment file already.
        OperationalError: the node or the keystore, told apart.
    """
    if output.exists():
        raise Refused(
            f"{output}: found a deployment, allowed a new name; a second one would split the register"
        )
    admin = KeystoreSigner(keystore, passphrase())
    deployment = deploy_rpc(url, admin, output)
    count = len(deployment.addresses)
    return (
        f"{output}: {count} contracts on chain {deployment.chain_id}, first in block {deployment.first_block}"
    )


def implement(url: str, deployment: Path, keystore: Path, output: Path, names: list[str]) -> str:
    """Put code on the chain and write the codes of a change; returns what was done, in one line.

    Raises:
        Refused: the file is there already, or there is no contract of a name.
        OperationalError: node, deployment or keystore, told apart.
    """
    if output.exists():
        raise Refused(f"{output}: found a file there, allowed a new name")
    unknown = [name for name in names if name not in CONTRACTS]
    if unknown:
        raise Refused(f"name: found {', '.join(unknown)}, allowed {', '.join(CONTRACTS)}")
    own = own_code(url, deployment)
    signer = KeystoreSigner(keystore, passphrase())
    codes = [own.implement(name, signer) for name in names]
    written = [
        {"name": name, "implementation": code.implementation, "initial": ""}
        for name, code in zip(names, codes, strict=True)
    ]
    output.write_text(json.dumps({"codes": written}, indent=2) + "\n", encoding="utf-8")
    return f"{output}: code of {', '.join(names)}, to be proposed"


def compare(url: str, deployment: Path, change: Path) -> str:
    """Compare the code of a change with this release's; returns the verdict, in one line.

    Raises:
        Refused: some code differs, or the file names no code.
    """
    try:
        entries = json.loads(change.read_text("utf-8"))["codes"]
        codes = [
            Code(bytes32_text(entry["name"]), entry["implementation"], bytes.fromhex(entry["initial"]))
            for entry in entries
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(
            f"{change}: found no codes of a change ({error}), allowed what `implement` or the API gives"
        ) from None
    own = own_code(url, deployment)
    foreign = [text_of_bytes32(code.name) for code in codes if own.differs(code)]
    if foreign:
        raise Refused(f"{change}: found other code for {', '.join(foreign)} than this release's")
    calls = [text_of_bytes32(code.name) for code in codes if code.initial]
    runs = f"; on the state that is there it runs a call of {', '.join(calls)}: read it" if calls else ""
    return f"{change}: this release's code, byte for byte: {len(codes)} contracts{runs}"


def own_code(url: str, deployment: Path) -> OwnCode:
    """This release's code for the contracts of a deployment."""
    return OwnCode(Connection.to(url), Deployment.load(deployment), load_artifacts())


def carry_out(options: argparse.Namespace) -> str:
    """Do what was ordered; returns what to say."""
    match options.command:
        case "key":
            return make_key(options.file)
        case "deploy":
            return deploy(options.url, options.admin, options.output)
        case "implement":
            return implement(options.url, options.deployment, options.key, options.output, options.names)
        case "compare":
            return compare(options.url, options.deployment, options.change)
        case "seats":
            return show_seats(options.url, options.deployment)
    signer = KeystoreSigner(options.key, passphrase())
    if options.command == "offer":
        return offer(options.url, options.deployment, signer, options.seats, options.threshold)
    return accept(options.url, options.deployment, signer)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="Keys and contracts of a consortium.")
    commands = parser.add_subparsers(dest="command", required=True)
    key = commands.add_parser("key", help="make an encrypted ledger key")
    key.add_argument("file", type=Path)
    contracts = commands.add_parser("deploy", help="deploy the contracts")
    contracts.add_argument("--url", required=True, help="JSON-RPC address of a node of the chain")
    contracts.add_argument("--admin", type=Path, required=True, help="the admin's keystore file")
    contracts.add_argument("--output", type=Path, default=DEPLOYMENT, help="deployment file to write")
    code = commands.add_parser("implement", help="put this release's code on the chain, to be proposed")
    seen = commands.add_parser("compare", help="compare the code of a change with this release's")
    seats = commands.add_parser("seats", help="show who the admin is")
    offered = commands.add_parser("offer", help="offer the admin to other addresses")
    accepted = commands.add_parser("accept", help="accept the admin")
    for command in (code, seen, seats, offered, accepted):
        command.add_argument("--url", required=True, help="JSON-RPC address of a node of the chain")
        command.add_argument("--deployment", type=Path, default=DEPLOYMENT, help="deployment file")
    code.add_argument("--key", type=Path, required=True, help="keystore file of the account that pays")
    code.add_argument("--output", type=Path, required=True, help="file to write")
    code.add_argument("names", nargs="+", metavar="NAME", help="contracts")
    seen.add_argument("change", type=Path, help="a file of `implement`, or a change as the API gives it")
    for command in (offered, accepted):
        command.add_argument("--key", type=Path, required=True, help="keystore file of the seat")
    offered.add_argument("--threshold", type=int, required=True, help="how many of them have to agree")
    offered.add_argument("seats", nargs="+", metavar="ADDRESS", help="who is to be the admin")
    options = parser.parse_args(arguments)
    try:
        print(carry_out(options))
    except (Refused, OperationalError, RuleViolation, OSError) as error:
        print(f"consortium: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
