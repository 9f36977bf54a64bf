"""The state machine, exhaustively, and the answer to "is X qualified for B" (PRQ-1, PRQ-2, TOE-2, TOE-4)."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain.equivalences import Acceptance, Equivalence
from registry.domain.identifiers import product_id
from registry.domain.prequalification import (
    Qualification,
    QualificationState,
    Roster,
    may_apply,
    may_move,
    passes,
    relevant_change,
)
from registry.domain.qualified import (
    MAX_CHAIN,
    QualificationAnswer,
    Relation,
    check_chain_length,
    qualification_answer,
)
from registry.domain.refusals import Refusal

S = QualificationState
OWN, TWIN, COUSIN = 100, 200, 300
NOW, LATER = 1_000, 2_000
STEPS = {
    (S.REQUESTED, S.TESTING),
    (S.TESTING, S.QUALIFIED),
    (S.TESTING, S.REJECTED),
    (S.QUALIFIED, S.SUSPENDED),
    (S.SUSPENDED, S.QUALIFIED),
}
IDENTICAL = Relation(TWIN, shared=3, pods=3, asking_pods=3)
PARTLY = Relation(COUSIN, shared=2, pods=3, asking_pods=3)


@pytest.mark.rule("PRQ-1")
@pytest.mark.parametrize(("state", "wanted"), [(state, wanted) for state in S for wanted in S])
def test_every_step_from_every_state(state: S, wanted: S) -> None:
    assert may_move(state, wanted) == ((state, wanted) in STEPS)


@pytest.mark.rule("PRQ-1")
@pytest.mark.parametrize("state", S)
def test_who_may_apply(state: S) -> None:
    assert may_apply(state) == (state in (S.NONE, S.REJECTED, S.EXPIRED))


@pytest.mark.rule("PRQ-1", "PRQ-2")
@pytest.mark.parametrize("state", S)
def test_only_what_was_qualified_expires(state: S) -> None:
    qualification = Qualification(state, LATER)
    assert qualification.state_at(LATER - 1) is state
    assert qualification.state_at(LATER) is (S.EXPIRED if state in (S.QUALIFIED, S.SUSPENDED) else state)


@pytest.mark.rule("PRQ-1")
def test_a_test_is_passed_within_the_tolerance() -> None:
    assert passes(900, 100_000)
    assert not passes(899, 100_000)
    assert passes(1_000, 0)
    assert not passes(999, 0)


@pytest.mark.rule("PRQ-2")
@pytest.mark.parametrize(
    ("found", "what"),
    [
        (Roster(4, 100, 50), None),
        (Roster(4, 110, 45), None),
        (Roster(4, 90, 55), None),
        (Roster(4, 111, 50), b"upKw"),
        (Roster(4, 89, 50), b"upKw"),
        (Roster(4, 100, 44), b"downKw"),
        (Roster(5, 0, 0), b"members"),
        (Roster(3, 100, 50), b"members"),
    ],
)
def test_a_change_is_relevant_beyond_the_tolerance(found: Roster, what: bytes | None) -> None:
    """A tenth of the tested power is tolerated, in each direction; a change of members never is."""
    change = relevant_change(OWN, 9, Roster(4, 100, 50), found, 100_000)
    assert (change and change.values["what"]) == (what and what.ljust(32, b"\0"))


@pytest.mark.rule("PRQ-2")
def test_no_power_in_a_direction_tolerates_none() -> None:
    assert relevant_change(OWN, 9, Roster(1, 100, 0), Roster(1, 100, 1), 1_000_000) is not None


@pytest.mark.rule("PRQ-2", "TOE-4")
def test_a_change_of_the_tested_aggregate_takes_what_is_derived_from_it() -> None:
    links = [(1, 9, BOTH)]
    assert name_of(ask({(OWN, 9): LIVING}, [], changed={OWN})) == "AggregateChanged"
    assert name_of(ask({(TWIN, 1): LIVING}, links, IDENTICAL, changed={TWIN})) == "NotQualified"
    assert ask({(OWN, 9): LIVING, (TWIN, 1): LIVING}, links, IDENTICAL, changed={OWN}).chain == (1, 9)


@pytest.mark.rule("TOE-2")
@pytest.mark.parametrize("length", range(7))
def test_a_chain_has_one_to_four_products(length: int) -> None:
    chain = tuple(range(1, length + 1))
    if 0 < length <= MAX_CHAIN:
        check_chain_length(chain)
    else:
        with pytest.raises(Refusal, match="TOE-2: chain"):
            check_chain_length(chain)


def ask(
    records: dict[tuple[int, int], Qualification],
    links: list[tuple[int, int, Acceptance]],
    *related: Relation,
    product: int = 9,
    connecting: Collection[int] = (),
    changed: Collection[int] = (),
) -> QualificationAnswer:
    return qualification_answer(
        aggregate=OWN,
        product=product,
        time=NOW,
        qualification_of=lambda aggregate, of: records.get((aggregate, of), Qualification()),
        equivalences=[Equivalence(*link) for link in links],
        change_of=lambda aggregate, of: (
            relevant_change(aggregate, of, Roster(1), Roster(2), 0) if aggregate in changed else None
        ),
        connecting=connecting,
        related=related,
    )


LIVING = Qualification(S.QUALIFIED, LATER)
BOTH = Acceptance.BOTH


@pytest.mark.rule("TOE-2")
def test_the_own_test_answers_before_any_chain() -> None:
    answer = ask({(OWN, 9): LIVING, (OWN, 1): LIVING}, [(1, 9, BOTH)])
    assert (answer.qualified, answer.tested_aggregate, answer.chain) == (True, OWN, (9,))
    assert answer.valid_until == LATER


@pytest.mark.rule("TOE-2")
def test_the_shortest_chain_is_named_and_circles_do_no_harm() -> None:
    links = [(1, 2, BOTH), (2, 9, BOTH), (3, 9, BOTH), (9, 1, BOTH), (2, 1, BOTH)]
    assert ask({(OWN, 1): LIVING}, links).chain == (1, 2, 9)
    assert ask({(OWN, 1): LIVING, (OWN, 3): LIVING}, links).chain == (3, 9)


@pytest.mark.rule("TOE-2")
def test_a_chain_of_five_products_is_too_long() -> None:
    links = [(1, 2, BOTH), (2, 3, BOTH), (3, 4, BOTH), (4, 9, BOTH)]
    assert ask({(OWN, 2): LIVING}, links).chain == (2, 3, 4, 9)
    assert name_of(ask({(OWN, 1): LIVING}, links)) == "NotQualified"


@pytest.mark.rule("TOE-2", "AGG-3")
def test_only_an_aggregate_with_the_same_pods_lends_its_test() -> None:
    assert ask({(TWIN, 1): LIVING}, [(1, 9, BOTH)], IDENTICAL).tested_aggregate == TWIN
    refused = ask({(COUSIN, 1): LIVING}, [(1, 9, BOTH)], PARTLY)
    assert name_of(refused) == "AggregatesNotIdentical"
    assert refused.refusal is not None
    assert refused.refusal.values["shared"] == 2


@pytest.mark.rule("TOE-1", "TOE-2")
@pytest.mark.parametrize("accepted", [Acceptance.FROM, Acceptance.TO])
def test_an_equivalence_that_one_operator_accepted_is_named(accepted: Acceptance) -> None:
    refused = ask({(OWN, 1): LIVING}, [(1, 2, BOTH), (2, 9, accepted)])
    assert name_of(refused) == "EquivalenceNotInForce"
    assert refused.refusal is not None
    assert (refused.refusal.values["from_"], refused.refusal.values["to"]) == (2, 9)


@pytest.mark.rule("TOE-2", "TOE-4")
@pytest.mark.parametrize("state", [S.REQUESTED, S.TESTING, S.REJECTED, S.SUSPENDED, S.EXPIRED])
def test_the_end_of_the_source_ends_what_rests_on_it(state: S) -> None:
    links = [(1, 9, BOTH)]
    assert ask({(OWN, 1): LIVING}, links).qualified
    assert name_of(ask({(OWN, 1): Qualification(state, LATER)}, links)) == "NotQualified"
    lapsed = ask({(OWN, 1): Qualification(S.QUALIFIED, NOW)}, links)
    assert name_of(lapsed) == "NotQualified"


@pytest.mark.rule("TOE-2")
def test_an_own_qualification_that_does_not_live_is_named_first() -> None:
    refused = ask({(OWN, 9): Qualification(S.SUSPENDED, LATER), (COUSIN, 1): LIVING}, [(1, 9, BOTH)], PARTLY)
    assert refused.refusal is not None
    assert refused.refusal.values["state"] is S.SUSPENDED


products = st.integers(1, 6)


@pytest.mark.rule("TOE-2")
@given(
    st.sets(st.tuples(products, products, st.sampled_from([Acceptance.FROM, BOTH])), max_size=12),
    st.sets(st.tuples(st.sampled_from([OWN, TWIN, COUSIN]), products), max_size=3),
    products,
)
def test_an_answer_is_yes_exactly_where_some_chain_is_valid(
    links: set[tuple[int, int, Acceptance]], tested: set[tuple[int, int]], asked: int
) -> None:
    answer = ask(dict.fromkeys(tested, LIVING), sorted(links), IDENTICAL, PARTLY, product=asked)
    holding = {(a, b) for a, b, accepted in links if accepted is BOTH}
    reachable = {asked}
    for _ in range(MAX_CHAIN - 1):
        reachable |= {a for a, b in holding if b in reachable}
    sources = {(aggregate, of) for aggregate, of in tested if aggregate != COUSIN and of in reachable}
    assert answer.qualified == bool(sources)
    if answer.qualified:
        assert (answer.tested_aggregate, answer.chain[0]) in sources
        assert answer.chain[-1] == asked
        assert all(link in holding for link in zip(answer.chain, answer.chain[1:], strict=False))


CONNECTING, PROCURING, OTHER = 11, 12, 13
HERE, NEARER, THERE, ELSEWHERE = (
    product_id(CONNECTING, 1),
    product_id(CONNECTING, 2),
    product_id(PROCURING, 1),
    product_id(OTHER, 1),
)


@pytest.mark.rule("TOE-3")
@pytest.mark.parametrize(
    ("links", "operator", "product"),
    [
        ([], PROCURING, THERE),
        ([(HERE, THERE, BOTH)], CONNECTING, HERE),
        ([(HERE, THERE, Acceptance.FROM)], PROCURING, THERE),
        ([(ELSEWHERE, THERE, BOTH)], PROCURING, THERE),
        ([(HERE, ELSEWHERE, BOTH), (ELSEWHERE, THERE, BOTH)], CONNECTING, HERE),
        ([(HERE, ELSEWHERE, BOTH), (ELSEWHERE, THERE, BOTH), (NEARER, THERE, BOTH)], CONNECTING, NEARER),
    ],
)
def test_the_connecting_operator_tests_where_an_equivalence_holds(
    links: list[tuple[int, int, Acceptance]], operator: int, product: int
) -> None:
    answer = ask({}, links, product=THERE, connecting={CONNECTING})
    assert not answer.qualified
    assert (answer.duty.operator, answer.duty.product) == (operator, product)
    assert answer.duty.chain[-1] == THERE


@pytest.mark.rule("TOE-3")
def test_who_tests_makes_it_qualified_and_is_named_then_too() -> None:
    links = [(HERE, THERE, BOTH)]
    duty = ask({}, links, product=THERE, connecting={CONNECTING}).duty
    tested = ask({(OWN, duty.product): LIVING}, links, product=THERE, connecting={CONNECTING})
    assert tested.qualified and tested.chain == duty.chain and tested.duty == duty


def name_of(answer: QualificationAnswer) -> str:
    assert answer.refusal is not None
    assert (answer.tested_aggregate, answer.chain) == (0, ())
    return answer.refusal.name
