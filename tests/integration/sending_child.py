"""A process that admits parties through a sender, for tests that end it in the middle.

Arguments: URL, deployment file, journal folder, key (hex), how many parties. Prints a line per party that is
on the ledger; parties that are there already are passed over.
"""

from __future__ import annotations

import sys
from pathlib import Path

from registry.domain.commands import AdmitParties
from registry.domain.enums import PartyKind
from registry.domain.identifiers import eic_check_character
from registry.domain.participants import Admission
from registry.ledger import ChainLedger, Connection, LocalSigner
from registry.ledger.artifacts import load_artifacts
from registry.ledger.deployment import Deployment
from registry.ledger.sending.commands import CommandSender
from registry.ledger.sending.pace import Pace

PACE = Pace(
    window=12, chunk=4, resend_after_s=0.2, raise_after_s=0.4, give_up_after_s=10, longest_pause_s=0.02
)


def admission(party: int) -> AdmitParties:
    """The command that admits one party; its signer is an address made of its number."""
    bodies = (f"10X{f'P{party}':{fill}<12}" for fill in "AB")  # a code whose check would be a hyphen is none
    eic = next(body + check for body in bodies if (check := eic_check_character(body)) != "-")
    signer = f"0x{party + (1 << 64):040x}"
    return AdmitParties((Admission(party, PartyKind.BSP, eic.encode(), f"Party {party}", signer),))


def missing(ledger: ChainLedger, parties: int) -> list[int]:
    """The parties of 1 .. ``parties`` that are not on the ledger."""
    return [n for n in range(1, parties + 1) if ledger.read("Participants", "kindOf", party=n) == (0,)]


def main() -> None:
    """Settle what is left, send what is missing."""
    url, deployment, folder, key, parties = sys.argv[1:]
    artifacts = load_artifacts(names=("Consortium", "Participants"))
    connection = Connection.to(url)
    placed = Deployment.load(Path(deployment))
    ledger = ChainLedger(connection, placed, artifacts)
    signer = LocalSigner(bytes.fromhex(key))
    sender = CommandSender(connection, placed, artifacts, signer, Path(folder), pace=PACE)
    print("settled", sender.settle(), flush=True)
    for sent in sender.send(map(admission, missing(ledger, int(parties)))):
        print("sent", sent.number, sent.refusal, flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main()
