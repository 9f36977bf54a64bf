"""The opened bids and deals of a delivery day, for an auditor who asks after their merit (SES-5, PRIV-3)."""

from __future__ import annotations

from registry.domain.calendar import DeliveryDay
from registry.ports import Opening
from registry.services.recorder import Recorder, every


def openings_of_day(recorder: Recorder, day: DeliveryDay) -> list[Opening]:
    """What this node can open of the bids and deals of a day, by commitment. Who may see which, the caller
    decides.
    """
    mirror = recorder.mirror
    offers = every(lambda after, limit: mirror.offers(day.number, after=after, limit=limit))
    selections = every(lambda after, limit: mirror.selections(day.number, after=after, limit=limit))
    commitments = {row.commitment for row in offers} | {row.commitment for row in selections}
    found = (recorder.vault.opening(commitment) for commitment in sorted(commitments))
    return [opening for opening in found if opening is not None]
