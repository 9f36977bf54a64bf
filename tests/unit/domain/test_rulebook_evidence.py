"""Equivalences, device keys, checkpoints and statements in the rulebook (TOE, DEV-1, LOG-2, STT-4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.domain import commands as c
from registry.domain.devices import Binding, is_p256_point
from registry.domain.events import (
    CheckpointAnchored,
    DeviceBound,
    DeviceEnded,
    EquivalenceAccepted,
    EquivalenceProposed,
)
from registry.domain.identifiers import bytes32_text, product_id
from registry.domain.refusals import Refusal
from registry.domain.statements import NO_STATEMENT, Statement
from tests.unit.domain.consortium import (
    AUDITOR,
    BSP,
    DAY,
    DISPUTE_WINDOW_S,
    DSO,
    GLOBAL,
    GLOBAL_PRODUCT,
    LOCAL,
    LOCAL_PRODUCT,
    NODE,
    NOTHING,
    OTHER_BSP,
    OTHER_DSO,
    PODS,
    SCHEDULE,
    TSO,
    TWIN,
    UNTESTED_PRODUCT,
    Consortium,
    product,
)
from tests.unit.domain.stream_records import device_key

LOG, ROOT, REASON = b"\3" * 32, b"\4" * 32, b"\5" * 32
POD, FROM, UNTIL = PODS[0], 1_800_000_000, 1_900_000_000
FIRST, SECOND = b"\6" * 32, b"\7" * 32


@pytest.fixture
def world() -> Consortium:
    return Consortium()


def binding(number: int, pod_id: bytes = POD, valid_from: int = FROM, valid_until: int = UNTIL) -> Binding:
    return Binding(pod_id, *device_key(number), valid_from, valid_until)


def bind(*rows: Binding) -> c.BindDevices:
    return c.BindDevices(DSO, rows)


@pytest.mark.rule("TOE-1")
def test_an_equivalence_holds_once_both_operators_accepted(world: Consortium) -> None:
    pair = ((LOCAL_PRODUCT,), (GLOBAL_PRODUCT,))
    step = {"from_": LOCAL_PRODUCT, "to": GLOBAL_PRODUCT}
    world.refuses(c.AcceptEquivalences(TSO, *pair), TSO, "EquivalenceStep", **step)
    world.refuses(c.ProposeEquivalences(OTHER_DSO, *pair), OTHER_DSO, "EquivalenceStep", **step)
    assert world.do(c.ProposeEquivalences(DSO, *pair), DSO) == [EquivalenceProposed(*pair[0], *pair[1], DSO)]
    world.refuses(c.ProposeEquivalences(TSO, *pair), TSO, "EquivalenceStep", **step)
    world.refuses(c.AcceptEquivalences(DSO, *pair), DSO, "EquivalenceStep", **step)
    answer = world.rulebook.prequalification.answer(GLOBAL, GLOBAL_PRODUCT, DAY.number, world.now)
    assert (answer.qualified, answer.chain) == (True, (GLOBAL_PRODUCT,))
    accepted = world.do(c.AcceptEquivalences(TSO, *pair), TSO)
    assert accepted == [EquivalenceAccepted(*pair[0], *pair[1], TSO, holds=True)]
    by_chain = world.rulebook.prequalification.answer(LOCAL, GLOBAL_PRODUCT, DAY.number, world.now)
    assert (by_chain.qualified, by_chain.chain) == (True, (LOCAL_PRODUCT, GLOBAL_PRODUCT))
    world.do(c.RevokeEquivalences(TSO, *pair), TSO)
    world.refuses(c.RevokeEquivalences(TSO, *pair), TSO, "EquivalenceStep", **step)


@pytest.mark.rule("TOE-1", "PRD-1")
def test_products_that_demand_less_prove_nothing(world: Consortium) -> None:
    easy = product(product_id(TSO, 7), min_up_kw=9)
    world.do(c.PublishProducts(TSO, (easy,)), TSO)
    wrong = c.ProposeEquivalences(TSO, (easy.product,), (GLOBAL_PRODUCT,))
    world.refuses(wrong, TSO, "NotEquivalent", attribute=bytes32_text("minUpKw"), from_value=9, to_value=10)
    world.refuses(replace(wrong, from_=(1,)), TSO, "ProductUnknown", product=1)
    world.refuses(replace(wrong, to=()), TSO, "ListsDiffer")
    world.refuses(c.PublishProducts(TSO, (easy,)), TSO, "ProductExists")
    world.refuses(c.PublishProducts(TSO, (replace(easy, product=LOCAL_PRODUCT + 1),)), TSO, "ProductOfOther")
    successor = replace(easy, product=product_id(TSO, 8), supersedes=LOCAL_PRODUCT)
    world.refuses(c.PublishProducts(TSO, (successor,)), TSO, "ProductOfOther", product=LOCAL_PRODUCT)
    world.do(c.PublishProducts(TSO, (replace(successor, supersedes=easy.product),)), TSO)


@pytest.mark.rule("TOE-2")
def test_the_register_finds_the_chain_or_the_rule_that_failed(world: Consortium) -> None:
    book = world.rulebook.prequalification
    world.do(c.ProposeEquivalences(DSO, (LOCAL_PRODUCT,), (UNTESTED_PRODUCT,)), DSO)
    half = book.answer(LOCAL, UNTESTED_PRODUCT, DAY.number, world.now)
    assert half.refusal is not None
    assert half.refusal.name == "EquivalenceNotInForce"
    world.do(c.AcceptEquivalences(TSO, (LOCAL_PRODUCT,), (UNTESTED_PRODUCT,)), TSO)
    lent = book.answer(GLOBAL, UNTESTED_PRODUCT, DAY.number, world.now)
    assert lent.refusal is not None
    assert (lent.refusal.name, lent.refusal.values["shared"]) == ("AggregatesNotIdentical", 2)
    world.do(c.LeaveAggregate(BSP, GLOBAL, (PODS[2],)), BSP)
    same = book.answer(GLOBAL, UNTESTED_PRODUCT, DAY.number, world.now)
    assert (same.tested_aggregate, same.chain) == (LOCAL, (LOCAL_PRODUCT, UNTESTED_PRODUCT))
    book.require_qualified(GLOBAL, same.tested_aggregate, same.chain, DAY.number, world.now)
    with pytest.raises(Refusal, match="PRD-1"):
        book.answer(GLOBAL, 1, DAY.number, world.now)
    with pytest.raises(Refusal, match="AGG-1"):
        book.answer(1, LOCAL_PRODUCT, DAY.number, world.now)
    nothing = book.answer(TWIN, LOCAL_PRODUCT, DAY.number, world.now)
    assert nothing.refusal is not None
    assert nothing.refusal.name == "NotQualified"


@pytest.mark.rule("DEV-1")
def test_points_of_the_curve() -> None:
    x, y = device_key(1)
    assert is_p256_point(x, y)
    assert not is_p256_point(y, x)
    assert not is_p256_point(x, bytes(32))
    assert not is_p256_point(bytes(32), bytes(32))
    assert not is_p256_point(x[1:], y)
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    assert not is_p256_point((prime + 5).to_bytes(32), y)


@pytest.mark.rule("DEV-1")
def test_a_pod_has_one_active_device_and_a_key_one_pod(world: Consortium) -> None:
    first, second = binding(1), binding(2, valid_from=FROM + 10)
    assert world.do(bind(first), DSO) == [
        DeviceBound(POD, first.key_id, DSO, first.key_x, first.key_y, FROM, UNTIL)
    ]
    world.refuses(bind(binding(1, PODS[1])), DSO, "KeyTaken", pod_id=POD)
    world.refuses(bind(replace(second, key_y=second.key_x)), DSO, "KeyInvalid")
    world.refuses(bind(replace(second, valid_from=FROM - 1)), DSO, "ValidityInvalid")
    world.refuses(bind(replace(second, valid_until=second.valid_from)), DSO, "ValidityInvalid")
    world.refuses(bind(binding(2, PODS[7])), DSO, "DeviceOfOtherDso", dso=0, caller=DSO)
    world.refuses(c.BindDevices(OTHER_DSO, (second,)), OTHER_DSO, "DeviceOfOtherDso", dso=DSO)
    replaced = world.do(bind(second), DSO)
    assert replaced[0] == DeviceEnded(POD, first.key_id, DSO, FROM + 10, bytes32_text("replaced"))
    from_its_start = world.do(bind(binding(3, valid_from=FROM + 10)), DSO)
    assert from_its_start[0] == DeviceEnded(POD, second.key_id, DSO, FROM + 10, bytes32_text("replaced"))


@pytest.mark.rule("DEV-1")
def test_a_validity_is_only_shortened(world: Consortium) -> None:
    world.refuses(c.EndDevices(DSO, (POD,), (FROM,), REASON), DSO, "DeviceUnknown", pod_id=POD)
    world.do(bind(binding(1)), DSO)
    world.refuses(c.EndDevices(DSO, (POD,), (), REASON), DSO, "LengthsDiffer", expected=1, found=0)
    world.refuses(c.EndDevices(OTHER_DSO, (POD,), (FROM,), REASON), OTHER_DSO, "DeviceOfOtherDso")
    for end in (FROM - 1, UNTIL + 1):
        world.refuses(c.EndDevices(DSO, (POD,), (end,), REASON), DSO, "ValidityInvalid", valid_until=end)
    world.do(c.EndDevices(DSO, (POD,), (FROM + 5,), REASON), DSO)
    world.refuses(c.EndDevices(DSO, (POD,), (FROM + 6,), REASON), DSO, "ValidityInvalid")
    world.do(c.EndDevices(DSO, (POD,), (FROM,), REASON), DSO)


@pytest.mark.rule("LOG-2")
def test_a_log_belongs_to_its_node_and_only_grows(world: Consortium) -> None:
    anchor = c.AnchorCheckpoint(NODE, LOG, 5, ROOT, 0)
    world.do(anchor, NODE)
    world.do(anchor, NODE)
    anchored = CheckpointAnchored(LOG, NODE, 5, ROOT, 3)
    assert world.do(replace(anchor, witnesses=3), NODE) == [anchored], "cosigned meanwhile"
    world.refuses(replace(anchor, size=4), NODE, "LogShrinks", anchored=5, found=4)
    world.refuses(replace(anchor, root=REASON), NODE, "LogForks", size=5, anchored=ROOT, found=REASON)
    world.refuses(replace(anchor, node=AUDITOR), AUDITOR, "NotAuthorised")
    world.do(replace(anchor, size=6, root=REASON), NODE)


@pytest.mark.rule("STT-4", "STT-5")
def test_statements_are_superseded_disputed_and_attested_but_never_changed(world: Consortium) -> None:
    statement = Statement(FIRST, LOCAL, LOCAL_PRODUCT, DAY.number, ROOT, NO_STATEMENT)
    record = c.RecordStatements(DSO, (statement,))
    world.now = SCHEDULE.ends_at - 1
    world.refuses(record, DSO, "NotSettleable", day=DAY.number)
    world.now += 1
    world.refuses(c.RecordStatements(TSO, (statement,)), TSO, "NotSettleable", operator=TSO)
    world.refuses(
        replace(record, statements=(replace(statement, statement_id=NOTHING),)), DSO, "StatementUnknown"
    )
    world.refuses(
        replace(record, statements=(replace(statement, product=LOCAL_PRODUCT + 5),)), DSO, "ProductUnknown"
    )
    world.refuses(replace(record, statements=(replace(statement, day=1),)), DSO, "DayNotScheduled")
    world.do(record, DSO)
    world.refuses(record, DSO, "StatementExists")
    second = replace(statement, statement_id=SECOND)
    world.refuses(
        replace(record, statements=(second,)), DSO, "SupersedesWrong", in_force=FIRST, found=NO_STATEMENT
    )
    dispute = c.DisputeStatement(BSP, FIRST, REASON)
    world.refuses(replace(dispute, bsp=OTHER_BSP), OTHER_BSP, "NotDisputable", bsp=OTHER_BSP)
    world.refuses(replace(dispute, statement_id=SECOND), BSP, "StatementUnknown")
    world.do(dispute, BSP)
    world.refuses(dispute, BSP, "NotDisputable")
    world.do(replace(record, statements=(replace(second, supersedes=FIRST),)), DSO)
    assert world.rulebook.settlement.in_force(LOCAL, LOCAL_PRODUCT, DAY.number) == SECOND
    world.refuses(c.AttestStatement(AUDITOR, LOG, True, ROOT), AUDITOR, "StatementUnknown")
    world.do(c.AttestStatement(AUDITOR, SECOND, True, ROOT), AUDITOR)
    world.now += DISPUTE_WINDOW_S
    world.refuses(replace(dispute, statement_id=SECOND), BSP, "NotDisputable", until=world.now)
