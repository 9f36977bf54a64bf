"""Who the consortium admin is, and its handover in two steps (ACT-1, ADR 14)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eth_utils.address import to_checksum_address

from registry.domain.commands import AcceptAdmin, Command, OfferAdmin
from registry.domain.events import AdminHandedOver, AdminOffered, ConsentGiven, Event
from registry.ledger import KeystoreSigner, open_rpc


def show_seats(url: str, deployment: Path) -> str:
    """The seats that the admin has now and how many of them have to agree, a line each.

    Raises:
        OperationalError: node or deployment, told apart.
    """
    seats, threshold = open_rpc(url, deployment).read("Participants", "adminSeats")
    return "\n".join([_agreeing(seats, threshold), *map(to_checksum_address, seats)])


def offer(url: str, deployment: Path, signer: KeystoreSigner, seats: Sequence[str], threshold: int) -> str:
    """Offer the admin to ``seats`` (addresses), ``threshold`` of which have to agree from then on; with more
    than one seat now, this one's consent to that. Returns what was done, in one line.

    Consents count for the same call, so seats go in the order of their addresses, however they are given.

    Raises:
        RuleViolation: the contracts refuse it, or a seat is no address.
        OperationalError: node, deployment or keystore, told apart.
    """
    events = _send(url, deployment, signer, OfferAdmin(tuple(sorted(seats, key=str.lower)), threshold))
    if any(isinstance(event, AdminOffered) for event in events):
        return f"offered to {_agreeing(seats, threshold)}; each of them has to accept"
    (consent,) = (event for event in events if isinstance(event, ConsentGiven))
    return (
        f"consent {consent.given} of {consent.needed}; it is offered once {consent.needed} seats have sent "
        "the same, within a week"
    )


def accept(url: str, deployment: Path, signer: KeystoreSigner) -> str:
    """Take the seat that the admin is offered to; returns what was done, in one line. Raises as
    :func:`offer`.
    """
    for event in _send(url, deployment, signer, AcceptAdmin()):
        if isinstance(event, AdminHandedOver):
            return f"handed over: the admin is {_agreeing(event.seats, event.threshold)}"
    return f"accepted by {signer.address}; the admin is handed over once every seat has accepted"


def _send(url: str, deployment: Path, signer: KeystoreSigner, command: Command) -> list[Event]:
    return [recorded.event for recorded in open_rpc(url, deployment).send(command, signer).events]


def _agreeing(seats: Sequence[str], threshold: int) -> str:
    return f"{len(seats)} seats, {threshold} of which have to agree"
