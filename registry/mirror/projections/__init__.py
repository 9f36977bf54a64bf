"""What each event means for the register's rows: one module per topic, one function per event."""

from __future__ import annotations

from registry.domain.events import EVENTS, Event, Recorded
from registry.mirror.changes import Changes, Projection
from registry.mirror.projections import (
    consortium,
    market,
    market_time,
    measurements,
    parties,
    pods,
    procurement,
    products,
    settlement,
)

PROJECTIONS: dict[str, Projection] = {
    **consortium.PROJECTIONS,
    **parties.PROJECTIONS,
    **market_time.PROJECTIONS,
    **pods.PROJECTIONS,
    **products.PROJECTIONS,
    **market.PROJECTIONS,
    **procurement.PROJECTIONS,
    **measurements.PROJECTIONS,
    **settlement.PROJECTIONS,
}
assert PROJECTIONS.keys() == EVENTS.keys(), "every event of the ledger has its projection"


def project(changes: Changes, recorded: Recorded[Event]) -> None:
    """Apply one recorded event. The sender is looked up before, since the event may end its right to send."""
    changes.start_fact(recorded, parties.party_of(changes, recorded.sender))
    PROJECTIONS[type(recorded.event).__name__](changes, recorded.event, recorded.block_time)
