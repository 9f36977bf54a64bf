"""A party hands the opening of its bid or agreement to a node of the other party (PRIV-3, SES-5).

The ledger says who committed to what; this node keeps what it is given only if it is exactly that, and for
its parties and the auditors alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.domain.deals import Form
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import (
    canonical_json,
    commitment,
    owner_of_aggregate,
    owner_of_product,
)
from registry.domain.procurement import Agreement, Bid
from registry.services.recorder import Recorder
from registry.services.sealing import auditors


@dataclass(frozen=True, slots=True)
class Handed:
    """A payload and the 32-byte salt under which it was committed to."""

    salt: bytes
    payload: Mapping[str, Any]


def take_openings(recorder: Recorder, giver: int, handed: Sequence[Handed]) -> int:
    """Keep the openings that a party gives, all or none; how many there are.

    Raises:
        RuleViolation: SES-5, a payload that is no bid or agreement; PRIV-3, one that the ledger holds no
        commitment of this party to.
    """
    kept = []
    for one in handed:
        deal = _read(one.payload)
        sealed = commitment(one.salt, canonical_json(deal.as_payload()))
        bsp, operator = owner_of_aggregate(deal.aggregate), owner_of_product(deal.product)
        givers = (bsp,) if isinstance(deal, Bid) else (bsp, operator)
        if giver not in givers or not _recorded(recorder, sealed, deal):
            raise RuleViolation(
                rule="PRIV-3",
                field="openings",
                found=f"an opening of {sealed.hex()}",
                allowed=f"openings of what party {giver} committed to on the ledger",
                hint="salt and payload must be those of the record",
            )
        kept.append((sealed, one.salt, deal.as_payload(), (bsp, operator)))
    readers = auditors(recorder.mirror)
    for sealed, salt, payload, parties in kept:
        recorder.vault.put_opening(sealed, payload["kind"], salt, payload, (*parties, *readers))
    return len(kept)


def _read(payload: Mapping[str, Any]) -> Bid | Agreement:
    agreed = payload.get("kind") == Form.AGREEMENT.value
    return Agreement.from_payload(payload) if agreed else Bid.from_payload(payload)


def _recorded(recorder: Recorder, sealed: bytes, deal: Bid | Agreement) -> bool:
    """Whether the ledger holds this commitment, for what the payload says."""
    if isinstance(deal, Agreement):
        view = recorder.mirror.agreement(sealed)
        said = owner_of_product(deal.product), deal.aggregate
        return view is not None and (view.dso, view.aggregate) == said
    place = deal.aggregate, deal.perimeter, deal.day, deal.market, deal.session
    return any(
        (row.aggregate, row.perimeter, row.day, row.market, row.session) == place
        for row in recorder.mirror.offers(deal.day, commitment=sealed)
    )
