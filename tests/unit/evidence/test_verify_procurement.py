"""What a bundle says of offers, agreements and merit (SES-5): each deal against what it rests on, each
session against the bids that an auditor brings along.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from registry.domain.deals import DealTerms
from registry.domain.events import AgreementAccepted, AgreementProposed, Event, OfferRecorded
from registry.domain.procurement import Agreement
from registry.domain.quantities import Direction
from registry.domain.sessions import Market
from registry.evidence.bundle import OpenedCommitment, write_bundle
from registry.evidence.verify import Report, Trust, verify_bundle_bytes
from tests.unit.evidence.paper_day import (
    BID,
    BOUGHT,
    BSP,
    DAY,
    DEALS,
    DSO,
    GATES,
    GLOBAL,
    OFFER,
    PERIMETER,
    TSO,
    PaperDay,
    hours,
    sealed,
    selection,
)
from tests.unit.evidence.paper_ledger import ABIS, ADDRESSES

pytestmark = pytest.mark.rule("SES-5", "AUD-1")
CHECK = "offers and agreements"


def verify(day: PaperDay) -> Report:
    return verify_bundle_bytes(write_bundle(day.bundle()), Trust(), ABIS)


def failed(report: Report) -> list[tuple[str, str]]:
    return [(check.name, check.rule) for check in report.failures]


def detail(report: Report) -> str:
    (found,) = (check.detail for check in report.checks if check.name == CHECK)
    return found


def on(deals: dict[int, OpenedCommitment], *offers: OpenedCommitment) -> PaperDay:
    """The day with these deals, resting on these offers."""
    day = PaperDay(deals={**DEALS, **deals}, offers=offers or (OFFER,))
    for session, powers in ((1, {2: 5, 11: 8}), (3, {2: 5, 11: 4})):
        event = selection(session, powers, commitment=day.deals[session].commitment)
        day.replace_step(f"selection {session}", events=[event])
    return day


def offered(name: bytes, session: int = 1) -> OfferRecorded:
    return OfferRecorded(name, GLOBAL, DAY.number, PERIMETER, Market.MSD, session)


def test_deals_are_those_of_the_bid_that_stood() -> None:
    assert detail(verify(PaperDay())) == "2 deals: 2 bids"


@pytest.mark.parametrize(
    "change",
    [
        {"use_price_milli_eur_per_mwh": 200_001},
        {"available_kw": 1},
        {"availability_price_milli_eur_per_mwh": 1},
    ],
)
def test_another_price_than_the_bids_is_found(change: dict[str, Any]) -> None:
    dearer = sealed(replace(BID.terms(OFFER.commitment), **change).as_payload())
    report = verify(on({1: dearer}))
    assert failed(report) == [(CHECK, "SES-5")]
    (name,) = change
    assert name in report.failures[0].detail


def test_more_than_was_offered_is_found() -> None:
    small = sealed(replace(BID, kw=hours({2: 5, 11: 7})).as_payload())
    deals = {n: sealed(BID.terms(small.commitment).as_payload(), str(n)) for n in (1, 3)}
    day = on(deals, small).replace_step("offers", events=[offered(small.commitment)])
    report = verify(day)
    assert failed(report) == [(CHECK, "SES-5")] and "kw of hour 11" in report.failures[0].detail


def test_a_bid_that_came_after_the_selection_is_found() -> None:
    day = PaperDay().replace_step("offers", time=GATES["lfp_gates"][0] + 1)
    steps = {name: (name, time, events) for name, time, events in day.steps}
    offer = steps.pop("offers")
    day.steps = [offer if name == "selection 1" else step for name, step in steps.items()]
    day.steps.insert(day.steps.index(offer), steps["selection 1"])
    report = verify(day)
    assert failed(report) == [(CHECK, "SES-5")] and "that stood then: none" in report.failures[0].detail


def test_a_bid_that_was_replaced_is_found() -> None:
    newer = sealed(replace(BID, use_price_milli_eur_per_mwh=150_000).as_payload())
    day = PaperDay().replace_step("offers", events=[offered(OFFER.commitment), offered(newer.commitment)])
    assert failed(verify(day)) == [(CHECK, "SES-5")]
    later = PaperDay().replace_step(
        "offers", events=[offered(OFFER.commitment), offered(newer.commitment, 4)]
    )
    assert verify(later).ok, "one for a later session does not touch these"


def test_a_deal_on_nothing_is_taken_only_where_there_was_nothing_to_name() -> None:
    deals = {n: sealed(DealTerms(0, 200_000, 0).as_payload(), str(n)) for n in (1, 3)}
    report = verify(on(deals))
    assert failed(report) == [(CHECK, "SES-5")] and "a deal on nothing" in report.failures[0].detail
    old = on(deals)
    old.offers = ()
    old.contracts = {name: address for name, address in ADDRESSES.items() if name != "Procurement"}
    old.steps = [step for step in old.steps if step[0] != "offers"]
    report = verify(old)
    assert report.ok, report.failures
    assert detail(report) == "2 deals: 2 from before there were any"
    assert report.figures is not None and report.figures["total_cent"] == 154


def test_a_basis_that_is_not_opened_is_named() -> None:
    day = PaperDay()
    day.offers = ()
    report = verify(day)
    assert failed(report) == [(CHECK, "PRIV-3")] and "bid" in report.failures[0].detail


AGREEMENT = Agreement(BOUGHT, GLOBAL, PERIMETER, Direction.UP, DAY.number, DAY.number + 1, 10, 3_430, 200_000)


def agreed(*events: Event, terms: Agreement = AGREEMENT) -> PaperDay:
    paper = sealed(terms.as_payload())
    deals = {n: sealed(terms.terms(paper.commitment).as_payload(), str(n)) for n in (1, 3)}
    default = (
        AgreementProposed(paper.commitment, TSO, GLOBAL, BSP),
        AgreementAccepted(paper.commitment, DSO),
    )
    return on(deals, paper).replace_step("offers", events=events or default)


def test_agreements_are_for_local_services_and_accepted_before() -> None:
    report = verify(agreed())
    assert failed(report) == [(CHECK, "SES-5")] and "local services" in report.failures[0].detail
    name = sealed(AGREEMENT.as_payload()).commitment
    report = verify(agreed(AgreementProposed(name, TSO, GLOBAL, BSP)))
    assert failed(report) == [(CHECK, "SES-5")] and "not accepted" in report.failures[0].detail
    other = AgreementProposed(name, DSO, GLOBAL, BSP)
    report = verify(agreed(other, AgreementAccepted(name, BSP)))
    assert failed(report) == [(CHECK, "SES-5")] and "agreement" in report.failures[0].detail
