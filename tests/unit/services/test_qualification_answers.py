"""Is an aggregate qualified? The chain, or the rule that failed (TOE-2, PRQ-1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from registry.domain.errors import RuleViolation
from registry.services.qualification import qualification_of
from tests.unit.api.sandbox import BALANCING, CONGESTION, DAY, GLOBAL, LOCAL, OTHER_GLOBAL, Sandbox


@pytest.mark.rule("TOE-2", "PRQ-1")
def test_a_tested_aggregate_answers_with_its_own_test_until_it_expires(played: Sandbox) -> None:
    mirror = played.node.mirror
    answer = qualification_of(mirror, LOCAL, CONGESTION, DAY.starts_at, DAY).answer
    assert answer.qualified and answer.chain == (CONGESTION,) and answer.tested_aggregate == LOCAL
    later = qualification_of(mirror, LOCAL, CONGESTION, DAY.starts_at + timedelta(days=400), DAY).answer
    assert later.refusal is not None and later.refusal.rule == "PRQ-1"


@pytest.mark.rule("TOE-2", "TOE-3")
def test_an_equivalence_does_not_carry_to_an_aggregate_with_other_pods(played: Sandbox) -> None:
    asked = qualification_of(played.node.mirror, GLOBAL, BALANCING, DAY.starts_at, DAY)
    assert asked.answer.refusal is not None and asked.answer.refusal.rule == "TOE-2"
    document = asked.as_document()
    assert document["qualified"] is False and document["refusal"]["rule"] == "TOE-2"
    assert document["test"] == {"operator": CONGESTION >> 16, "product": CONGESTION}


@pytest.mark.rule("TOE-2")
def test_before_the_test_was_recorded_the_answer_was_no(played: Sandbox) -> None:
    mirror = played.node.mirror
    before = DAY.starts_at - timedelta(hours=30)
    view = mirror.qualification(OTHER_GLOBAL, BALANCING)
    assert view is not None
    assert qualification_of(mirror, OTHER_GLOBAL, BALANCING, DAY.starts_at, DAY).answer.qualified
    with pytest.raises(RuleViolation, match="AGG-1"):
        qualification_of(mirror, OTHER_GLOBAL, BALANCING, DAY.starts_at, DAY, as_of=before)


@pytest.mark.rule("AGG-1", "PRD-1")
def test_what_is_not_there_is_named(played: Sandbox) -> None:
    with pytest.raises(RuleViolation, match="AGG-1: aggregate"):
        qualification_of(played.node.mirror, LOCAL + 99, CONGESTION, DAY.starts_at, DAY)
    with pytest.raises(RuleViolation, match="PRD-1: product"):
        qualification_of(played.node.mirror, LOCAL, CONGESTION + 99, DAY.starts_at, DAY)
