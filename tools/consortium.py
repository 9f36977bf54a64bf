"""What the consortium does once, on a chain of its own: make a party's encrypted key, deploy the contracts.

`key`      a new ledger key in an encrypted file (Web3 Secret Storage, version 3); prints its address.
           A node reads it as `<party number>.json` from the folder FLEXLEDGER_KEYSTORE.
`deploy`   the committed artifacts onto the chain of the node at --url, signed by the consortium admin; writes
           the deployment file that every participant's node reads (FLEXLEDGER_DEPLOYMENT).

The passphrase comes from FLEXLEDGER_KEYSTORE_PASSPHRASE, else it is asked for.

Usage: python -m tools.consortium key FILE
       python -m tools.consortium deploy --url URL --admin KEYSTORE [--output FILE]
"""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from pathlib import Path

from registry.domain.errors import RuleViolation
from registry.ledger import KeystoreSigner, LocalSigner, deploy_rpc
from registry.ports import OperationalError

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
    options = parser.parse_args(arguments)
    try:
        if options.command == "key":
            print(make_key(options.file))
        else:
            print(deploy(options.url, options.admin, options.output))
    except (Refused, OperationalError, RuleViolation, OSError) as error:
        print(f"consortium: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
