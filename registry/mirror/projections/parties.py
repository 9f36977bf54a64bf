"""Participants and their keys (ACT-1, ACT-2)."""

from __future__ import annotations

from typing import Any

from registry.domain.events import (
    AdminAccepted,
    AdminHandedOver,
    AdminOffered,
    ConsentGiven,
    DelegationEnded,
    PartyAdmitted,
    PartyReinstated,
    PartySuspended,
    Paused,
    RightDelegated,
    SignerRotated,
    Unpaused,
)
from registry.mirror.changes import Changes, Projection
from registry.mirror.keys import key, party_part
from registry.mirror.tables import Administration, Delegation, Party, Pause, Signer

ADMIN = 0
"""Stands for the consortium admin, who is no party."""
LEDGER = "ledger"


def party_of(changes: Changes, address: str) -> int:
    """The party that an address signs for, or the admin."""
    signer = changes.get(Signer, address.lower())
    return ADMIN if signer is None else int(signer["party"])


def _admitted(changes: Changes, event: PartyAdmitted, _time: int) -> None:
    row = {
        "party": event.party,
        "kind": int(event.kind),
        "eic": event.eic.decode("ascii"),
        "name": event.name,
        "suspended": False,
    }
    changes.put(Party, party_part(event.party), row)
    _sign(changes, event.signer, event.party, active=True)


def _rotated(changes: Changes, event: SignerRotated, _time: int) -> None:
    _sign(changes, event.old_signer, event.party, active=False)
    _sign(changes, event.new_signer, event.party, active=True)


def _suspended(changes: Changes, event: PartySuspended, _time: int) -> None:
    changes.amend(Party, party_part(event.party), suspended=True)


def _reinstated(changes: Changes, event: PartyReinstated, _time: int) -> None:
    changes.amend(Party, party_part(event.party), suspended=False)


def _paused(changes: Changes, _event: Paused, _time: int) -> None:
    changes.put(Pause, LEDGER, {"paused": True})


def _unpaused(changes: Changes, _event: Unpaused, _time: int) -> None:
    changes.put(Pause, LEDGER, {"paused": False})


def _consented(_changes: Changes, _event: ConsentGiven, _time: int) -> None:
    """The fact says who consented, and its transaction to what; nothing else has changed yet."""


def _offered(changes: Changes, event: AdminOffered, _time: int) -> None:
    _administer(changes, offered=list(event.seats), offered_threshold=event.threshold, accepted=[])


def _accepted(changes: Changes, event: AdminAccepted, _time: int) -> None:
    known = changes.need(Administration, LEDGER)["accepted"]
    _administer(changes, accepted=[*known, event.seat])


def _handed_over(changes: Changes, event: AdminHandedOver, _time: int) -> None:
    _administer(
        changes,
        seats=list(event.seats),
        threshold=event.threshold,
        offered=[],
        offered_threshold=0,
        accepted=[],
    )


def _administer(changes: Changes, **differences: Any) -> None:
    known = changes.get(Administration, LEDGER) or {"seats": [], "threshold": 1}
    changes.put(Administration, LEDGER, {**known, **differences})


def _delegated(changes: Changes, event: RightDelegated, _time: int) -> None:
    row = {
        "party": event.party,
        "agent": event.agent,
        "right": int(event.right),
        "valid_until": event.valid_until,
        "ended": False,
    }
    changes.put(Delegation, _delegation(event), row)


def _delegation_ended(changes: Changes, event: DelegationEnded, _time: int) -> None:
    changes.amend(Delegation, _delegation(event), ended=True)


def _delegation(event: RightDelegated | DelegationEnded) -> str:
    return key(party_part(event.party), party_part(event.agent), str(int(event.right)))


def _sign(changes: Changes, address: str, party: int, *, active: bool) -> None:
    changes.put(Signer, address.lower(), {"address": address, "party": party, "active": active})


PROJECTIONS: dict[str, Projection] = {
    "PartyAdmitted": _admitted,
    "SignerRotated": _rotated,
    "PartySuspended": _suspended,
    "PartyReinstated": _reinstated,
    "ConsentGiven": _consented,
    "AdminOffered": _offered,
    "AdminAccepted": _accepted,
    "AdminHandedOver": _handed_over,
    "RightDelegated": _delegated,
    "DelegationEnded": _delegation_ended,
    "Paused": _paused,
    "Unpaused": _unpaused,
}
