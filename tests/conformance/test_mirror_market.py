"""What mirrors say of products, sessions, measurements and settlement: on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from registry.domain import events as facts
from registry.domain.enums import (
    Market,
    QualificationState,
)
from registry.domain.quantities import pack_selection
from registry.mirror import MirrorDevices, SqlMirror
from tests.conformance.mirror_world import LOCAL, UNFROZEN, at
from tests.unit.mirror.fake_ledger import (
    AUDITOR,
    BLOCK_S,
    BSP,
    DSO,
    FIRST_DAY,
    GENESIS_TIME,
    NODE,
    OTHER_BSP,
    PERIMETERS,
    PRODUCTS,
    TSO,
    FakeLedger,
    address_of,
    terms,
    word,
)


@pytest.mark.rule("PRD-1", "PRQ-1", "TOE-1")
def test_products_qualifications_equivalences(mirror: SqlMirror, ledger: FakeLedger) -> None:
    of_tso, of_dso = PRODUCTS
    successor = of_dso + 1
    until = GENESIS_TIME + 10 * BLOCK_S
    moved = facts.QualificationMoved(LOCAL, of_dso, QualificationState.TESTING, DSO, 0, 0, word("proof"))
    testing = ledger.mine((address_of(DSO), moved))
    passed = facts.QualificationMoved(
        LOCAL, of_dso, QualificationState.QUALIFIED, DSO, until, 970, word("test")
    )
    ledger.mine(
        (address_of(DSO), passed),
        (address_of(DSO), facts.ProductPublished(successor, DSO, terms(successor, of_dso))),
        (address_of(DSO), facts.EquivalenceProposed(of_dso, of_tso, DSO)),
        (address_of(DSO), facts.EquivalenceAccepted(of_dso, of_tso, DSO, False)),
        (address_of(TSO), facts.EquivalenceAccepted(of_dso, of_tso, TSO, True)),
    )
    mirror.catch_up()
    product = mirror.product(of_dso)
    assert product is not None and (product.terms, product.superseded_by) == (terms(of_dso), successor)
    assert [view.product for view in mirror.products(operator=DSO)] == [of_dso, successor]
    qualification = mirror.qualification(LOCAL, of_dso)
    assert qualification is not None and qualification.performance_permille == 970
    assert qualification.state_at(at(until - 1)) is QualificationState.QUALIFIED
    assert qualification.state_at(at(until)) is QualificationState.EXPIRED
    then = mirror.qualification(LOCAL, of_dso, as_of=at(testing.time))
    assert then is not None and (then.state, then.valid_until) == (QualificationState.TESTING, None)
    assert mirror.qualifications(bsp=BSP, operator=DSO, state=QualificationState.QUALIFIED) == [qualification]
    assert mirror.qualifications(bsp=OTHER_BSP) == []
    (equivalence,) = mirror.equivalences(holds=True, product=of_tso)
    assert (equivalence.proposed_by, equivalence.accepted_by) == (DSO, (TSO, DSO))
    ledger.mine((address_of(TSO), facts.EquivalenceRevoked(of_dso, of_tso, TSO)))
    mirror.catch_up()
    assert mirror.equivalences(holds=True) == []
    assert mirror.equivalences()[0].revoked_by == TSO


@pytest.mark.rule("SES-4", "DTL-2")
def test_the_market_of_a_day(mirror: SqlMirror, ledger: FakeLedger) -> None:
    area, pod = PERIMETERS[0], word("pod")
    kw = [(-1) ** hour * hour for hour in range(24)]

    def selected(session: int, signed: list[int]) -> tuple[str, facts.Event]:
        return address_of(DSO), facts.SelectionRecorded(
            LOCAL, area, FIRST_DAY, Market.LFP, session, DSO, PRODUCTS[1], LOCAL, (PRODUCTS[1],),
            pack_selection(signed), word("price"),
        )  # fmt: skip

    first = ledger.mine(selected(1, kw))
    ledger.mine(
        selected(2, [0] * 24),
        (address_of(BSP), facts.PodDeclared(pod, LOCAL, FIRST_DAY, area, Market.LFP, 0b1111)),
        (address_of(BSP), facts.PodReleased(pod, LOCAL, FIRST_DAY, area, Market.LFP, 0b0011)),
        (address_of(BSP), facts.PodDeclared(pod, LOCAL, FIRST_DAY, area, Market.LFP, 1 << 95)),
        (
            address_of(BSP),
            facts.DeclarationCompleted(
                LOCAL, area, FIRST_DAY, Market.LFP, 1, pack_selection([-5] + [0] * 23)
            ),
        ),
        (address_of(BSP), facts.BaselineFiled(pod, BSP, FIRST_DAY, word("first"))),
        (address_of(BSP), facts.BaselineFiled(pod, BSP, FIRST_DAY, word("last"))),
    )
    mirror.catch_up()
    outcomes = mirror.selections(FIRST_DAY, aggregate=LOCAL, perimeter=area)
    assert [(view.session, view.kw) for view in outcomes] == [(1, tuple(kw)), (2, (0,) * 24)]
    assert mirror.selection_in_force(LOCAL, area, FIRST_DAY) == outcomes[1]
    assert mirror.selection_in_force(LOCAL, area, FIRST_DAY, as_of=at(first.time)) == outcomes[0]
    assert mirror.selections(FIRST_DAY, market=Market.MSD) == []
    assert mirror.selections(FIRST_DAY, bsp=OTHER_BSP) == []
    (declaration,) = mirror.declarations(FIRST_DAY, pod_id=pod)
    assert declaration.quarters == 0b1100 | 1 << 95
    (completion,) = mirror.completions(FIRST_DAY, bsp=BSP)
    assert completion.shortfall_kw == (-5,) + (0,) * 23
    (baseline,) = mirror.baselines(FIRST_DAY, pod_id=pod)
    assert baseline.commitment == word("last")
    assert [entry.state["commitment"] for entry in mirror.history("baseline", baseline.key)] == [
        "0x" + word("first").hex(),
        "0x" + word("last").hex(),
    ]
    statistics = mirror.statistics()
    assert (statistics.selections, statistics.shortfalls) == ({Market.LFP: 2}, 1)
    day = mirror.day(FIRST_DAY)
    assert day is not None and day.hours == 24 and len(day.lfp_gates) == 6
    assert [view.day for view in mirror.days(from_day=FIRST_DAY + 1)] == [FIRST_DAY + 1, FIRST_DAY + 2]


@pytest.mark.rule("DTL-1")
def test_the_partition_of_a_day(mirror: SqlMirror, ledger: FakeLedger) -> None:
    old, new = PERIMETERS[0], PERIMETERS[1] + 1
    ledger.mine(
        (address_of(DSO), facts.PerimeterDeclared(new, DSO, UNFROZEN, (old,), word("split"))),
        (address_of(DSO), facts.PerimeterEnded(old, DSO, UNFROZEN)),
    )
    mirror.catch_up()
    before = [view.perimeter for view in mirror.perimeters(dso=DSO, day=UNFROZEN - 1)]
    after = [view.perimeter for view in mirror.perimeters(dso=DSO, day=UNFROZEN)]
    assert (before, after) == (list(PERIMETERS), [PERIMETERS[1], new])
    view = mirror.perimeter(new)
    assert view is not None and view.predecessors == (old,)


@pytest.mark.rule("DEV-1", "LOG-2")
def test_devices_and_checkpoints(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pod, start, end = word("pod"), GENESIS_TIME, GENESIS_TIME + 1000
    old, new = word("old key"), word("new key")
    ledger.mine(
        (address_of(DSO), facts.DeviceBound(pod, old, DSO, word("x"), word("y"), start, end)),
        (address_of(DSO), facts.DeviceEnded(pod, old, DSO, start + 500, word("replaced"))),
        (address_of(DSO), facts.DeviceBound(pod, new, DSO, word("x2"), word("y2"), start + 500, end)),
        *(
            (address_of(NODE), facts.CheckpointAnchored(word("log"), NODE, size, word(str(size)), witnesses))
            for size, witnesses in ((5, 0), (50, 3), (500, 1), (500, 2))
        ),
    )
    mirror.catch_up()
    directory = MirrorDevices(mirror)
    active = {
        at: directory.active_device(pod, at) for at in (start - 1, start, start + 499, start + 500, end)
    }
    assert {at: key and key.key_id for at, key in active.items()} == {
        start - 1: None,
        start: old,
        start + 499: old,
        start + 500: new,
        end: None,
    }
    found = directory.device(old)
    assert found is not None and found.public_key == b"\x04" + word("x") + word("y")
    assert directory.device(word("no key")) is None
    view = mirror.device_of_key(old)
    assert view is not None and view.end_reason == word("replaced")
    covering = {size: mirror.checkpoint_covering(word("log"), size) for size in (1, 5, 6, 500, 501)}
    assert {size: view and view.size for size, view in covering.items()} == {
        1: 5,
        5: 5,
        6: 50,
        500: 500,
        501: None,
    }
    assert mirror.checkpoint_covering(word("other log"), 1) is None
    # the same checkpoint again, once another witness had cosigned: one row, its newest number
    views = mirror.checkpoints(log_id=word("log"))
    assert [(view.size, view.witnesses) for view in views] == [(5, 0), (50, 3), (500, 2)]


@pytest.mark.rule("STT-4")
def test_statements_their_disputes_and_attestations(mirror: SqlMirror, ledger: FakeLedger) -> None:
    first, second = word("first"), word("second")

    def recorded(statement: bytes, supersedes: bytes) -> tuple[str, facts.Event]:
        return address_of(DSO), facts.StatementRecorded(
            statement, DSO, LOCAL, PRODUCTS[1], FIRST_DAY, word("sum"), supersedes, GENESIS_TIME + 9999
        )

    disputed = ledger.mine(
        recorded(first, bytes(32)), (address_of(BSP), facts.StatementDisputed(first, BSP, word("why")))
    )
    ledger.mine(
        recorded(second, first),
        (address_of(AUDITOR), facts.StatementAttested(second, AUDITOR, False, word("wrong"))),
        (address_of(AUDITOR), facts.StatementAttested(second, AUDITOR, True, word("bundle"))),
    )
    mirror.catch_up()
    old, new = mirror.statement(first), mirror.statement(second)
    assert old is not None and new is not None
    assert old.dispute is not None and old.dispute.bsp == BSP
    assert old.dispute.recorded.block_time == at(disputed.time)
    assert (old.superseded_by, new.supersedes, new.superseded_by) == (second, first, None)
    assert [said.confirmed for said in new.attestations] == [False, True]
    assert mirror.statements(aggregate=LOCAL, day=FIRST_DAY, in_force=True) == [new]
    assert mirror.statements(bsp=OTHER_BSP) == []
    before = mirror.statements(operator=DSO, in_force=True, as_of=at(disputed.time))
    assert [view.statement_id for view in before] == [first] and before[0].superseded_by is None


@pytest.mark.rule("SES-5", "MIR-1")
def test_agreements_and_offers(mirror: SqlMirror, ledger: FakeLedger) -> None:
    area, deal = PERIMETERS[0], word("agreement")

    def offer(name: str, session: int, market: Market = Market.LFP) -> tuple[str, facts.Event]:
        return address_of(BSP), facts.OfferRecorded(word(name), LOCAL, FIRST_DAY, area, market, session)

    proposed = ledger.mine((address_of(DSO), facts.AgreementProposed(deal, DSO, LOCAL, DSO)))
    ledger.mine((address_of(BSP), facts.AgreementAccepted(deal, BSP)), offer("first", 1), offer("again", 1))
    ledger.mine(offer("third", 3), offer("other market", 1, Market.MSD))
    mirror.catch_up()
    before, now = mirror.agreement(deal, as_of=at(proposed.time)), mirror.agreement(deal)
    assert before is not None and now is not None
    assert (before.accepted, now.accepted) == (False, True)
    assert (now.dso, now.bsp, now.aggregate, now.proposer) == (DSO, BSP, LOCAL, DSO)
    assert (now.recorded.event, now.recorded.actor) == ("AgreementAccepted", BSP)
    assert mirror.agreements(bsp=BSP) == mirror.agreements(dso=DSO) == [now]
    assert mirror.agreements(bsp=OTHER_BSP) == [] and mirror.agreement(word("none")) is None
    offers = mirror.offers(FIRST_DAY, market=Market.LFP, perimeter=area)
    named = [(offer.commitment, offer.session) for offer in offers]
    assert named == [(word("first"), 1), (word("again"), 1), (word("third"), 3)]
    assert [offer.session for offer in mirror.offers(FIRST_DAY, commitment=word("third"))] == [3]
    assert [offer.market for offer in mirror.offers(FIRST_DAY, bsp=BSP)].count(Market.MSD) == 1
    assert mirror.offers(FIRST_DAY + 1) == mirror.offers(FIRST_DAY, bsp=OTHER_BSP) == []
