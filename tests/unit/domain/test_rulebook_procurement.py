"""Agreements and offers in the rulebook (SES-5); that the contract decides alike is shown by
tests/conformance.
"""

from __future__ import annotations

import pytest

from registry.domain import commands as c
from registry.domain.events import AgreementAccepted, AgreementProposed, OfferRecorded
from registry.domain.recorded_offers import AgreementDraft, Offer
from registry.domain.rulebook.procurement import RecordedAgreement
from registry.domain.sessions import Market
from tests.unit.domain.consortium import (
    BSP,
    DAY,
    DSO,
    FEEDER_1,
    LOCAL,
    OTHER_BSP,
    OTHER_GLOBAL,
    SCHEDULE,
    TSO,
    Consortium,
)

pytestmark = pytest.mark.rule("SES-5")
NAME = b"\1" * 32
DRAFT = AgreementDraft(NAME, DSO, LOCAL)


@pytest.fixture
def world() -> Consortium:
    return Consortium()


@pytest.mark.parametrize(("first", "second"), [(DSO, BSP), (BSP, DSO)])
def test_one_proposes_and_the_other_accepts(world: Consortium, first: int, second: int) -> None:
    accept = {party: c.AcceptAgreements(party, (NAME,)) for party in (first, second, OTHER_BSP)}
    world.refuses(accept[second], second, "AgreementNotAcceptable", commitment=NAME, caller=second)
    proposed = world.do(c.ProposeAgreements(first, (DRAFT,)), first)
    assert proposed == [AgreementProposed(NAME, DSO, LOCAL, first)]
    for party in (first, OTHER_BSP):
        world.refuses(accept[party], party, "AgreementNotAcceptable", commitment=NAME, caller=party)
    assert world.do(accept[second], second) == [AgreementAccepted(NAME, second)]
    world.refuses(accept[second], second, "AgreementNotAcceptable", commitment=NAME, caller=second)
    world.refuses(c.ProposeAgreements(second, (DRAFT,)), second, "AgreementExists", commitment=NAME)
    assert world.rulebook.procurement.agreement(NAME) == RecordedAgreement(DSO, LOCAL, first, accepted=True)


def test_agreements_are_for_local_services_between_their_parties(world: Consortium) -> None:
    for proposer, dso, aggregate in ((OTHER_BSP, DSO, LOCAL), (BSP, TSO, LOCAL), (DSO, DSO, TSO << 24 | 1)):
        command = c.ProposeAgreements(proposer, (AgreementDraft(NAME, dso, aggregate),))
        values = {"commitment": NAME, "dso": dso, "aggregate": aggregate, "caller": proposer}
        world.refuses(command, proposer, "AgreementOfOthers", **values)
    world.refuses(
        c.ProposeAgreements(TSO, (DRAFT,)), TSO, "NotAuthorised",
        party=TSO, kind=3, sender=world.signers[TSO],
    )  # fmt: skip


@pytest.mark.rule("SES-4")
@pytest.mark.parametrize("market", Market)
def test_offers_come_before_the_gate(world: Consortium, market: Market) -> None:
    command = c.RecordOffers(BSP, DAY.number, market, 3, (Offer(NAME, LOCAL, FEEDER_1),))
    gate = SCHEDULE.window(market, 3)[1]
    expected = [OfferRecorded(NAME, LOCAL, DAY.number, FEEDER_1, market, 3)]
    for at in (world.now, gate - 1):
        world.now = at
        assert world.do(command, BSP) == expected
    world.now = gate
    values = {"day": DAY.number, "market": market, "session": 3, "gate": gate, "now_at": gate}
    world.refuses(command, BSP, "GateClosed", **values)


@pytest.mark.rule("AGG-1")
def test_offers_are_for_own_aggregates(world: Consortium) -> None:
    rows = (Offer(NAME, LOCAL, FEEDER_1), Offer(NAME, OTHER_GLOBAL, FEEDER_1))
    command = c.RecordOffers(BSP, DAY.number, Market.MSD, 1, rows)
    world.refuses(command, BSP, "AggregateOfOther", aggregate=OTHER_GLOBAL, bsp=BSP)
