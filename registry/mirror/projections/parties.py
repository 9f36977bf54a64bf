"""Participants and their keys (ACT-1, ACT-2)."""

from __future__ import annotations

from registry.domain.events import (
    PartyAdmitted,
    PartyReinstated,
    PartySuspended,
    Paused,
    SignerRotated,
    Unpaused,
)
from registry.mirror.changes import Changes, Projection
from registry.mirror.keys import party_part
from registry.mirror.tables import Party, Pause, Signer

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


def _sign(changes: Changes, address: str, party: int, *, active: bool) -> None:
    changes.put(Signer, address.lower(), {"address": address, "party": party, "active": active})


PROJECTIONS: dict[str, Projection] = {
    "PartyAdmitted": _admitted,
    "SignerRotated": _rotated,
    "PartySuspended": _suspended,
    "PartyReinstated": _reinstated,
    "Paused": _paused,
    "Unpaused": _unpaused,
}
