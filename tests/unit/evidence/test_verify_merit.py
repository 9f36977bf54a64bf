"""Which bids an auditor holds a local selection against: those of all aggregates that were qualified then,
themselves or over an equivalence (SES-5, TOE-2, TOE-4).

On the paper day LOCAL was tested for the DSO's product. FRIEND, of another POD in the same perimeter, was
not: its global twin was, for the TSO's product, which the two operators hold to be equivalent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import pytest

from registry.domain.aggregates import Scope
from registry.domain.errors import RuleViolation
from registry.domain.events import (
    AggregateCreated,
    EquivalenceAccepted,
    EquivalenceRevoked,
    Event,
    OfferRecorded,
    PodJoined,
    PodLeft,
    PodRegistered,
    QualificationMoved,
    SelectionRecorded,
    StaticLightGiven,
)
from registry.domain.pods import PodCategory, Roster, StaticLight, VoltageLevel
from registry.domain.prequalification import QualificationState
from registry.domain.procurement import Bid
from registry.domain.quantities import pack_selection
from registry.domain.sessions import Market
from registry.evidence.facts import Facts, LedgerFact
from registry.evidence.verify.procurement import check_merit
from tests.unit.evidence.paper_day import (
    BOUGHT,
    BSP,
    DAY,
    DSO,
    GATES,
    LOCAL,
    PERIMETER,
    STARTS,
    TESTED,
    TSO,
    ZERO,
    history,
    hours,
    sealed,
)

pytestmark = pytest.mark.rule("SES-5", "TOE-2", "AUD-1")

FRIEND, TWIN = BSP << 24 | 3, BSP << 24 | 4
POD_C = sha256(b"C").digest()
FIRST, HOUR = DAY.number - 5, 20
GATE = GATES["lfp_gates"][0]

DEAR = Bid(TESTED, LOCAL, PERIMETER, DAY.number, Market.LFP, 1, hours({HOUR: 10}), 200_000)
CHEAP = replace(DEAR, aggregate=FRIEND, use_price_milli_eur_per_mwh=150_000)
OFFERS = {bid.aggregate: sealed(bid.as_payload()) for bid in (DEAR, CHEAP)}
DEAL = sealed(DEAR.terms(OFFERS[LOCAL].commitment).as_payload())

TOGETHER = EquivalenceAccepted(BOUGHT, TESTED, DSO, True)


def moved(state: QualificationState, **changes: object) -> QualificationMoved:
    """A step of the twin's qualification for the TSO's product."""
    step = QualificationMoved(TWIN, BOUGHT, state, TSO, STARTS + 10**7, 950, ZERO, Roster(1, 10, 10))
    return replace(step, **changes)


TESTED_TWIN = moved(QualificationState.QUALIFIED)


def friends() -> list[Event]:
    return [
        PodRegistered(POD_C, BSP, DSO, PodCategory.PRODUCTION, VoltageLevel.MEDIUM, 10, 10, 60, ZERO),
        StaticLightGiven(POD_C, DSO, FIRST, StaticLight.CONFIRMED, 10, 10, PERIMETER, ZERO),
        AggregateCreated(FRIEND, BSP, Scope.LOCAL, ZERO),
        AggregateCreated(TWIN, BSP, Scope.GLOBAL, ZERO),
        PodJoined(FRIEND, POD_C, FIRST),
        PodJoined(TWIN, POD_C, FIRST),
    ]


def judged(*then: Event, later: Sequence[Event] = ()) -> str:
    """What is said of 5 kW of LOCAL at its price, after what was recorded before its selection (`then`)."""
    ground = [step for step in history() if step[0] != "offers" and not step[0].startswith("selection")]
    offers = [
        OfferRecorded(opening.commitment, aggregate, DAY.number, PERIMETER, Market.LFP, 1)
        for aggregate, opening in OFFERS.items()
    ]
    selection = SelectionRecorded(
        LOCAL, PERIMETER, DAY.number, Market.LFP, 1, DSO, TESTED, LOCAL, (TESTED,),
        pack_selection(hours({HOUR: 5})), DEAL.commitment,
    )  # fmt: skip
    steps = [
        *((time, events) for _, time, events in ground),
        (GATE - 3, [*friends(), *then]),
        (GATE - 2, offers),
        (GATE - 1, [selection]),
        (GATE, list(later)),
    ]
    facts = Facts(
        LedgerFact(event, event.contract, number, ZERO, time, index)
        for number, (time, events) in enumerate(steps)
        for index, event in enumerate(events)
    )
    opened = {one.commitment: one.payload for one in (DEAL, OFFERS[LOCAL])}
    return check_merit(facts, facts.of(SelectionRecorded), opened, list(OFFERS.values()))


PASSED_OVER = f"merit in {PERIMETER}, session 1, hour {HOUR} up: found 0 kW of 10 at 150000"


def test_a_cheaper_bid_of_an_aggregate_qualified_over_an_equivalence_is_passed_over() -> None:
    with pytest.raises(RuleViolation, match=f"SES-5: {PASSED_OVER}"):
        judged(TOGETHER, TESTED_TWIN)


@pytest.mark.rule("PRQ-2", "TOE-1", "TOE-4")
@pytest.mark.parametrize(
    "then",
    [
        (TESTED_TWIN,),
        (TOGETHER,),
        (replace(TOGETHER, holds=False), TESTED_TWIN),
        (TOGETHER, TESTED_TWIN, EquivalenceRevoked(BOUGHT, TESTED, TSO)),
        (TOGETHER, TESTED_TWIN, moved(QualificationState.SUSPENDED)),
        (TOGETHER, replace(TESTED_TWIN, valid_until=GATE - 1)),
        (TOGETHER, replace(TESTED_TWIN, tested=Roster(1, 20, 20))),
        (TOGETHER, TESTED_TWIN, PodLeft(TWIN, POD_C, DAY.number)),
        (EquivalenceAccepted(TESTED, BOUGHT, DSO, True), TESTED_TWIN),
    ],
    ids=[
        "no equivalence",
        "no test",
        "one operator's word",
        "revoked",
        "suspended",
        "lapsed",
        "another power",
        "other PODs",
        "the other way round",
    ],
)
def test_without_a_living_chain_it_was_nobodys_competitor(then: tuple[Event, ...]) -> None:
    assert judged(*then) == "1 local selections, 1 bids compared"


@pytest.mark.rule("TOE-4")
@pytest.mark.parametrize(
    "later", [EquivalenceRevoked(BOUGHT, TESTED, TSO), moved(QualificationState.SUSPENDED)]
)
def test_what_ended_after_the_selection_does_not_excuse_it(later: Event) -> None:
    with pytest.raises(RuleViolation, match=f"SES-5: {PASSED_OVER}"):
        judged(TOGETHER, TESTED_TWIN, later=[later])


def test_an_equivalence_that_was_accepted_again_carries_again() -> None:
    with pytest.raises(RuleViolation, match=f"SES-5: {PASSED_OVER}"):
        judged(TOGETHER, TESTED_TWIN, EquivalenceRevoked(BOUGHT, TESTED, TSO), TOGETHER)
