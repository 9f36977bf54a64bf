"""Agreements and offers (SES-5)."""

from __future__ import annotations

from registry.domain.events import AgreementAccepted, AgreementProposed, OfferRecorded
from registry.domain.identifiers import owner_of_aggregate
from registry.mirror.changes import Changes, Projection
from registry.mirror.keys import area_part, day_part, key
from registry.mirror.tables import AgreementRow, OfferRow


def _proposed(changes: Changes, event: AgreementProposed, _time: int) -> None:
    row = {
        "commitment": event.commitment,
        "dso": event.dso,
        "bsp": owner_of_aggregate(event.aggregate),
        "aggregate": event.aggregate,
        "proposer": event.proposer,
        "accepted": False,
    }
    changes.put(AgreementRow, event.commitment.hex(), row)


def _accepted(changes: Changes, event: AgreementAccepted, _time: int) -> None:
    changes.amend(AgreementRow, event.commitment.hex(), accepted=True)


def _offered(changes: Changes, event: OfferRecorded, _time: int) -> None:
    row = {
        "commitment": event.commitment,
        "bsp": owner_of_aggregate(event.aggregate),
        "aggregate": event.aggregate,
        "perimeter": event.perimeter,
        "day": event.day,
        "market": int(event.market),
        "session": event.session,
    }
    changes.put(OfferRow, offer_key(event, changes.place), row)


def offer_key(event: OfferRecorded, place: str) -> str:
    """The key of an offer: none replaces another, since which one stands depends on the session that asks."""
    return key(
        day_part(event.day),
        area_part(event.aggregate),
        area_part(event.perimeter),
        str(int(event.market)),
        str(event.session),
        place,
    )


PROJECTIONS: dict[str, Projection] = {
    "AgreementProposed": _proposed,
    "AgreementAccepted": _accepted,
    "OfferRecorded": _offered,
}
