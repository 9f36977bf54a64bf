"""Contracts, rulebook, register and an auditor who has the events alone give one answer to "is this aggregate
qualified for that product?".
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

from registry.domain import commands as c
from registry.domain.calendar import DeliveryDay, from_unix
from registry.domain.identifiers import product_id
from registry.domain.prequalification import QualificationState
from registry.domain.qualified import QualificationAnswer
from registry.domain.refusals import Refusal
from registry.domain.rulebook import Rulebook
from registry.evidence.facts import Facts
from registry.evidence.qualifications import Qualifications
from registry.mirror import SqlMirror
from registry.services.qualification import qualification_of
from tests.conformance.side_by_side import Both, TickingConsortium
from tests.unit.domain.command_stream import CommandStream
from tests.unit.domain.consortium import (
    BSP,
    DSO,
    GLOBAL,
    GLOBAL_PRODUCT,
    LOCAL,
    LOCAL_PRODUCT,
    NEXT,
    NOTHING,
    PODS,
    SCHEDULE,
    TSO,
    UNTESTED_PRODUCT,
    move,
    product,
)
from tests.unit.domain.stream_steps import AGGREGATES, PRODUCTS

Answer = tuple[object, ...]
"""Tested aggregate, chain and end of validity; or name and values of the refusal."""
TIMES = (SCHEDULE.starts_at + 43_200, NEXT.starts_at + 43_200)
STEPS = 200


def of_answer(found: QualificationAnswer) -> Answer:
    if found.refusal is None:
        return (found.tested_aggregate, found.chain, found.valid_until)
    return (found.refusal.name, *found.refusal.values.values())


def of_chain(both: Both, aggregate: int, number: int, day: int, time: int) -> Answer:
    qualified, tested, chain, until, refusal = both.chain.read(
        "Prequalification", "isQualified", aggregate=aggregate, product=number, day=day, time=time
    )
    if qualified:
        return (tested, chain, until)
    found = both.chain.refusal_of(refusal)
    return (found.name, *found.values.values())


def compare(
    both: Both, mirror: SqlMirror, aggregates: list[int], products: list[int], met: Counter[str]
) -> None:
    """These aggregates and products, on two days: all four answer alike."""
    mirror.catch_up()
    ledger = both.chain.ledger
    blocks = ledger.recorded(ledger.first_block, ledger.head().number)
    facts = Facts(event for block in blocks for event in block.events)
    for time in TIMES:
        day = DeliveryDay.of(from_unix(time))
        auditor = Qualifications(facts, day.number)
        for aggregate in aggregates:
            for number in products:
                told = of_chain(both, aggregate, number, day.number, time)
                rules = both.rulebook.prequalification.answer(aggregate, number, day.number, time)
                register = qualification_of(mirror, aggregate, number, from_unix(time), day).answer
                audited = auditor.answer(aggregate, number, time)
                assert told == of_answer(rules) == of_answer(audited), (aggregate, number, time)
                assert of_answer(register) == of_answer(rules), (aggregate, number, time)
                assert register.duty == rules.duty
                met[str(told[0]) if isinstance(told[0], str) else f"chain of {len(rules.chain)}"] += 1


@pytest.fixture
def mirror(both: Both, tmp_path: Any) -> Any:
    mirror = SqlMirror(f"sqlite:///{tmp_path / 'mirror.sqlite'}", both.chain.ledger)
    yield mirror
    mirror.close()


@pytest.mark.rule("PRQ-1", "PRQ-2", "TOE-1", "TOE-2", "TOE-3", "TOE-4", "AUD-1")
@pytest.mark.parametrize("seed", range(2))
def test_after_random_commands_all_four_answer_alike(both: Both, mirror: SqlMirror, seed: int) -> None:
    world = TickingConsortium(both, both.chain.addresses)
    stream = QualifyingStream(seed, both.rulebook, world.now)
    met: Counter[str] = Counter()
    for step in range(STEPS):
        command, party = stream.next()
        with suppress(Refusal):
            both.execute(command, world.signers[party], stream.now)
        if step % 50 == 49:
            known = [number for number in PRODUCTS if number in stream.published()]
            compare(both, mirror, AGGREGATES, known, met)
    assert len(met) >= 3, met


class QualifyingStream(CommandStream):
    """Commands about PODs, aggregates, qualifications and equivalences."""

    def __init__(self, seed: int, rulebook: Rulebook, now: int) -> None:
        super().__init__(seed, rulebook, now)
        self._market = self._others = [
            self.change,
            self.claim,
            self.hand_over,
            self.static_lights,
            self.join,
            self.join,
            self.leave,
            self.publish_product,
            self.apply,
            self.apply,
            self.move,
            self.move,
            self.move,
            self.equivalences,
            self.equivalences,
            self.equivalences,
        ]

    def published(self) -> set[int]:
        """Products that there are."""
        found = set()
        for number in PRODUCTS:
            try:
                found.add(self._rulebook.prequalification.product_of(number).product)
            except Refusal:
                continue
        return found


@pytest.mark.rule("PRQ-2", "TOE-1", "TOE-2", "TOE-4")
def test_what_random_commands_seldom_meet(both: Both, mirror: SqlMirror) -> None:
    """Long chains, circles, two ways of one length, twins, lapsed and changed sources: by script."""
    world = TickingConsortium(both, both.chain.addresses)
    met: Counter[str] = Counter()
    extra = [product_id(TSO, serial) for serial in range(3, 7)]
    numbers = [LOCAL_PRODUCT, GLOBAL_PRODUCT, UNTESTED_PRODUCT, *extra]
    world.do(c.PublishProducts(TSO, tuple(product(number) for number in extra)), TSO)

    def equivalent(a: int, b: int, accepted: bool = True) -> None:
        world.do(
            c.ProposeEquivalences(DSO if a == LOCAL_PRODUCT else TSO, (a,), (b,)),
            DSO if a == LOCAL_PRODUCT else TSO,
        )
        if accepted and a == LOCAL_PRODUCT:
            world.do(c.AcceptEquivalences(TSO, (a,), (b,)), TSO)

    # two ways of one length to extra[1], the second one proposed first
    equivalent(LOCAL_PRODUCT, extra[3])
    equivalent(extra[3], extra[1])
    equivalent(LOCAL_PRODUCT, extra[0], accepted=False)
    compare(both, mirror, [LOCAL], [extra[0]], met)
    world.do(c.AcceptEquivalences(TSO, (LOCAL_PRODUCT,), (extra[0],)), TSO)
    equivalent(extra[0], extra[1])
    # a circle, a chain of four, one of five
    equivalent(extra[1], extra[0])
    equivalent(extra[1], extra[2])
    equivalent(extra[2], UNTESTED_PRODUCT)
    compare(both, mirror, [LOCAL, GLOBAL], numbers, met)
    # LOCAL and GLOBAL become twins, and the global one is tested for the same
    world.do(c.LeaveAggregate(BSP, GLOBAL, (PODS[2],)), BSP)
    compare(both, mirror, [LOCAL, GLOBAL], numbers, met)
    world.do(c.ApplyForQualification(BSP, (GLOBAL,), (extra[1],), (NOTHING,)), BSP)
    for wanted in (QualificationState.TESTING, QualificationState.QUALIFIED):
        world.do(move(TSO, GLOBAL, extra[1], wanted), TSO)
    compare(both, mirror, [LOCAL, GLOBAL], numbers, met)
    # what it rests on ends: by a step, by a change, by its date
    world.do(move(DSO, LOCAL, LOCAL_PRODUCT, QualificationState.SUSPENDED), DSO)
    compare(both, mirror, [LOCAL], numbers, met)
    world.do(move(DSO, LOCAL, LOCAL_PRODUCT, QualificationState.QUALIFIED), DSO)
    world.do(c.RevokeEquivalences(TSO, (extra[3],), (extra[1],)), TSO)
    compare(both, mirror, [LOCAL, GLOBAL], numbers, met)
    world.do(c.LeaveAggregate(BSP, LOCAL, (PODS[1],)), BSP)
    compare(both, mirror, [LOCAL, GLOBAL], numbers, met)
    lapsed = NEXT.starts_at + 400 * 86_400
    day = DeliveryDay.of(from_unix(lapsed)).number
    assert of_chain(both, LOCAL, LOCAL_PRODUCT, day, lapsed)[0] == "NotQualified"
    assert {"chain of 1", "chain of 2", "chain of 3", "chain of 4"} <= met.keys(), met
    assert {
        "NotQualified",
        "AggregateChanged",
        "AggregatesNotIdentical",
        "EquivalenceNotInForce",
    } <= met.keys()
