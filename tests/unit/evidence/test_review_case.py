"""PODs on a day and quarter-hours served, from events alone (POD-2, POD-3, POD-5, AGG-2, SES-6)."""

from __future__ import annotations

import pytest

from registry.domain.events import (
    Event,
    PodChanged,
    PodDeclared,
    PodJoined,
    PodLeft,
    PodReleased,
    PodWithdrawn,
    StaticLightGiven,
)
from registry.domain.pods import PodCategory, StaticLight, VoltageLevel
from registry.domain.sessions import Market
from registry.evidence.case import PodPlace, declared_quarters, pods_on
from registry.evidence.facts import Facts, LedgerFact

POD, DSO, BSP, PERIMETER, LOCAL, GLOBAL, NOTHING = bytes([7]) * 32, 2, 3, 5, 11, 12, bytes(32)
GRANTED = StaticLightGiven(POD, DSO, 100, StaticLight.CONFIRMED, 10, 20, PERIMETER, NOTHING)
JOINED = [PodJoined(LOCAL, POD, 100), PodJoined(GLOBAL, POD, 101)]
CHANGED = PodChanged(POD, BSP, 103, PodCategory.MIXED, VoltageLevel.LOW, 30, 30, 60, NOTHING)


def facts(*events: Event) -> Facts:
    return Facts(LedgerFact(event, event.contract, 1, NOTHING, 0, n) for n, event in enumerate(events))


@pytest.mark.rule("POD-2", "POD-3", "POD-5", "AGG-2")
def test_a_pod_is_what_took_effect_until_the_day() -> None:
    told = facts(GRANTED, *JOINED, PodLeft(GLOBAL, POD, 102), CHANGED, PodWithdrawn(POD, BSP, 104))
    places = {day: pods_on(told, day).get(POD) for day in range(99, 105)}
    assert places == {
        99: None,
        100: PodPlace(PERIMETER, 10, 20, frozenset({LOCAL})),
        101: PodPlace(PERIMETER, 10, 20, frozenset({LOCAL, GLOBAL})),
        102: PodPlace(PERIMETER, 10, 20, frozenset({LOCAL})),
        103: PodPlace(PERIMETER, 0, 0, frozenset({LOCAL})),
        104: PodPlace(),
    }


@pytest.mark.rule("SES-3", "SES-6")
def test_releases_are_taken_off_in_the_order_of_the_ledger() -> None:
    def said(kind: type[PodDeclared] | type[PodReleased], quarters: int) -> Event:
        return kind(POD, LOCAL, 100, PERIMETER, Market.LFP, quarters)

    told = facts(said(PodDeclared, 0b1111), said(PodReleased, 0b0110), said(PodDeclared, 0b0010))
    assert declared_quarters(told, 100, lambda _: True) == {POD: 0b1011}
    assert declared_quarters(told, 101, lambda _: True) == {}
