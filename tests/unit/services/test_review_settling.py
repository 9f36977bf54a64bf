"""What parties might try to be paid twice, or to keep out of a settlement: on the chain, by the services,
and from the bundle alone (SES-3, STT-5, AUD-1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest

from registry.domain.calendar import from_unix, unix
from registry.domain.commands import (
    ApplyForQualification,
    DeclarePods,
    EndDevices,
    GiveStaticLights,
    JoinAggregate,
    MoveQualification,
    PublishProducts,
)
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import bytes32_text, product_id
from registry.domain.lights import CellLight, Colour
from registry.domain.market import PodQuarters
from registry.domain.pods import StaticLight, StaticLightDecision
from registry.domain.prequalification import QualificationState
from registry.domain.sessions import Market
from registry.evidence.verify import Trust, verify_bundle_bytes
from registry.ledger.artifacts import load_artifacts
from registry.ports import Conflict, MeasurementLog
from registry.services.bundle_settlement import bundle_settlement
from registry.services.certified_readings import conflicts_of
from registry.services.issue_setpoints import targets
from registry.services.publish_lights import DayLights, publish_lights
from registry.services.qualification import NO_EVIDENCE
from registry.services.select_flexibility import Order, select_flexibility
from registry.services.settle_day import settle_day
from tests.unit.api.sandbox import (
    ACCESS_NODE,
    BALANCING,
    BSP,
    CONGESTION,
    DAY,
    DOWN_KW,
    DSO,
    GLOBAL,
    LOCAL,
    LOCAL_HOUR,
    PERIMETER,
    SEQUENCE,
    TSO,
    Sandbox,
    product,
    signed_kw,
)

ABIS = {name: artifact.abi for name, artifact in load_artifacts().by_name.items()}
SUCCESSOR = product_id(DSO, 2)
QUARTERS = 0b1111 << 4 * LOCAL_HOUR


@pytest.fixture
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox.founded(tmp_path_factory.mktemp("review"))
    sandbox.record(PublishProducts(DSO, (product(SUCCESSOR, supersedes=CONGESTION),)), DSO)
    # one POD more in the global aggregate than in the local one: they overlap
    sandbox.record(JoinAggregate(BSP, GLOBAL, (sandbox.pods[2].pod_id,)), BSP)
    sandbox.qualify()
    qualify(sandbox, LOCAL, SUCCESSOR, DSO)
    qualify(sandbox, GLOBAL, BALANCING, TSO)
    sandbox.file_baselines()
    yield sandbox
    sandbox.close()


def qualify(sandbox: Sandbox, aggregate: int, wanted: int, operator: int) -> None:
    sandbox.record(ApplyForQualification(BSP, (aggregate,), (wanted,), (NO_EVIDENCE,)), BSP)
    for state, performance in ((QualificationState.TESTING, 0), (QualificationState.QUALIFIED, 960)):
        step = MoveQualification(operator, (aggregate,), (wanted,), (state,), (performance,), (NO_EVIDENCE,))
        sandbox.record(step, operator)


def buy(sandbox: Sandbox, market: Market, session: int, aggregate: int, wanted: int, kw: int) -> None:
    """In the last minutes before the gate."""
    gates = sandbox.schedule.lfp_gates if market is Market.LFP else sandbox.schedule.msd_gates
    sandbox.clock.set(from_unix(gates[session - 1]) - timedelta(minutes=10))
    operator = DSO if market is Market.LFP else TSO
    if market is Market.LFP:
        green = (CellLight(Colour.GREEN, None),) * DAY.hours
        lights = [DayLights(PERIMETER, green, green, {})]
        publish_lights(sandbox.node.recorder, DSO, sandbox.node.signers[DSO], DAY, session, lights)
    powers = signed_kw(LOCAL_HOUR, kw)
    bid = sandbox.bid(aggregate, wanted, market, session, powers)
    order = Order(aggregate, PERIMETER, powers, (wanted,), aggregate, bid)
    select_flexibility(
        sandbox.node.recorder, operator, sandbox.node.signers[operator], market, DAY, session, [order]
    )


def declare(sandbox: Sandbox, *pods: int) -> None:
    served = tuple(PodQuarters(sandbox.pods[number].pod_id, QUARTERS) for number in pods)
    sandbox.record(DeclarePods(BSP, LOCAL, PERIMETER, DAY.number, served, True), BSP)


def measure(sandbox: Sandbox) -> None:
    sandbox.clock.set(DAY.ends_at + timedelta(hours=6))
    readings = [sandbox.reading(0, 4 * LOCAL_HOUR + quarter, quarter + 1) for quarter in range(4)]
    answer = sandbox.client.post("/v1/statements/batch", content=b"".join(readings), headers=SEQUENCE)
    assert answer.is_success
    sandbox.node.anchorer(ACCESS_NODE).anchor()
    sandbox.node.mirror.catch_up()


def settled(sandbox: Sandbox, operator: int, aggregate: int, wanted: int) -> dict[str, Any]:
    """The statement, after its bundle gave the same."""
    node = sandbox.node
    done = settle_day(node.recorder, node.log, operator, node.signers[operator], aggregate, wanted, DAY)
    data = bundle_settlement(node.recorder, node.log, done.statement_id)
    report = verify_bundle_bytes(data, Trust(chain_id=node.ledger.chain_id), ABIS)
    assert report.ok, report.failures
    return done.document


def pods_served(document: dict[str, Any]) -> set[str]:
    return {pod["pod_id"] for deal in document["deals"] for line in deal["lines"] for pod in line["pods"]}


@pytest.mark.rule("STT-5", "AUD-1")
def test_an_hour_bought_again_under_another_product_is_paid_once(sandbox: Sandbox) -> None:
    buy(sandbox, Market.LFP, 1, LOCAL, CONGESTION, 10)
    declare(sandbox, 0)
    buy(sandbox, Market.LFP, 2, LOCAL, SUCCESSOR, 10)
    measure(sandbox)
    first = settled(sandbox, DSO, LOCAL, CONGESTION)
    second = settled(sandbox, DSO, LOCAL, SUCCESSOR)
    assert (first["deals"], first["total_cent"]) == ([], 0)
    assert second["total_cent"] == 200  # 10 kWh at 200 EUR/MWh, once


def asked_w(sandbox: Sandbox) -> dict[str, int]:
    """Per POD the watts of its setpoints, which are the same in each quarter of the hour."""
    wanted = targets(sandbox.node.mirror, DAY, DSO, range(DAY.hours))
    assert {target.quarter for target in wanted} == set(range(4 * LOCAL_HOUR, 4 * LOCAL_HOUR + 4))
    found = {target.pod_id.hex(): target.power_w for target in wanted}
    assert all(found[target.pod_id.hex()] == target.power_w for target in wanted)
    return found


@pytest.mark.rule("SES-3", "SET-1", "STT-5", "AUD-1")
def test_a_shared_pod_is_paid_by_one_operator_when_nobody_declares(sandbox: Sandbox) -> None:
    """10 kW local take both PODs of the local aggregate; 15 kW global are covered by the third POD alone.
    Setpoints go to whom settlement sees serving.
    """
    buy(sandbox, Market.LFP, 1, LOCAL, CONGESTION, 10)
    buy(sandbox, Market.MSD, 1, GLOBAL, BALANCING, 15)
    first, second, third = (pod.hex for pod in sandbox.pods[:3])
    assert asked_w(sandbox) == {first: 5_000, second: 5_000, third: 15_000}
    measure(sandbox)
    local = pods_served(settled(sandbox, DSO, LOCAL, CONGESTION))
    global_ = pods_served(settled(sandbox, TSO, GLOBAL, BALANCING))
    assert local == {sandbox.pods[0].hex, sandbox.pods[1].hex}
    assert global_ == {sandbox.pods[2].hex}


@pytest.mark.rule("SES-3", "STT-1", "AUD-1")
def test_a_declaration_of_nobody_is_under_delivery(sandbox: Sandbox) -> None:
    buy(sandbox, Market.LFP, 1, LOCAL, CONGESTION, 10)
    declare(sandbox)
    assert targets(sandbox.node.mirror, DAY, DSO, range(DAY.hours)) == []
    measure(sandbox)
    document = settled(sandbox, DSO, LOCAL, CONGESTION)
    assert (document["unsettled_periods"], document["total_cent"]) == (0, -283)


def end_device(sandbox: Sandbox, pod: int, at: int) -> None:
    sandbox.record(EndDevices(DSO, (sandbox.pods[pod].pod_id,), (at,), bytes32_text("COMPROMISED")), DSO)


def proved(sandbox: Sandbox, statement_id: bytes) -> bool:
    data = bundle_settlement(sandbox.node.recorder, sandbox.node.log, statement_id)
    return verify_bundle_bytes(data, Trust(), ABIS).ok


@pytest.mark.rule("AUD-1", "DEV-1", "STT-3")
def test_what_happens_after_a_settlement_does_not_undo_its_proof(sandbox: Sandbox) -> None:
    """A reading held back until the statement stands, a contradiction of one, a key ended back in time."""
    buy(sandbox, Market.LFP, 1, LOCAL, CONGESTION, 10)
    declare(sandbox, 0)
    sandbox.clock.set(DAY.ends_at + timedelta(hours=6))
    node, first = sandbox.node, 4 * LOCAL_HOUR
    submit = node.log.submit
    submit([sandbox.reading(0, first + quarter, quarter + 1) for quarter in range(3)])
    node.anchorer(ACCESS_NODE).anchor()
    node.mirror.catch_up()
    done = settle_day(node.recorder, node.log, DSO, node.signers[DSO], LOCAL, CONGESTION, DAY)
    assert done.document["unsettled_periods"] == 1
    submit([sandbox.reading(0, first + 3, 4), sandbox.reading(0, first, 5, 9)])
    node.anchorer(ACCESS_NODE).anchor()
    assert len(node.log.conflicts(sandbox.pods[0].pod_id)) == 1
    assert proved(sandbox, done.statement_id)
    end_device(sandbox, 0, unix(DAY.starts_at))
    assert proved(sandbox, done.statement_id)


@pytest.mark.rule("AUD-1", "DEV-1", "STT-3")
def test_a_key_that_was_ended_before_the_settlement_vouches_for_nothing(sandbox: Sandbox) -> None:
    buy(sandbox, Market.LFP, 1, LOCAL, CONGESTION, 10)
    declare(sandbox, 0)
    measure(sandbox)
    end_device(sandbox, 0, unix(DAY.quarter_start(4 * LOCAL_HOUR + 2)))
    document = settled(sandbox, DSO, LOCAL, CONGESTION)
    assert (document["unsettled_periods"], document["total_cent"]) == (2, 100)


@pytest.mark.rule("SES-3", "STT-5", "AUD-1")
def test_by_default_serves_who_can_and_is_not_declared_elsewhere(sandbox: Sandbox) -> None:
    """Of the global aggregate's three PODs one serves the DSO and one has no upward power."""
    only_down = StaticLightDecision(
        sandbox.pods[1].pod_id, StaticLight.MODULATED, 0, DOWN_KW, PERIMETER, bytes32_text("VOLTAGE")
    )
    sandbox.record(GiveStaticLights(DSO, (only_down,)), DSO)
    # so much less power that both aggregates have to be tested again (PRQ-2)
    for operator, aggregate, number in ((DSO, LOCAL, CONGESTION), (TSO, GLOBAL, BALANCING)):
        state = (QualificationState.QUALIFIED,)
        sandbox.record(
            MoveQualification(operator, (aggregate,), (number,), state, (950,), (NO_EVIDENCE,)), operator
        )
    buy(sandbox, Market.LFP, 1, LOCAL, CONGESTION, 10)
    declare(sandbox, 0)
    buy(sandbox, Market.MSD, 1, GLOBAL, BALANCING, 15)
    assert asked_w(sandbox) == {sandbox.pods[0].hex: 10_000, sandbox.pods[2].hex: 15_000}
    measure(sandbox)
    assert pods_served(settled(sandbox, DSO, LOCAL, CONGESTION)) == {sandbox.pods[0].hex}
    assert pods_served(settled(sandbox, TSO, GLOBAL, BALANCING)) == {sandbox.pods[2].hex}


@pytest.mark.rule("AUD-1", "LOG-2", "STT-3")
def test_conflicts_known_at_the_settlement_are_part_of_its_proof(sandbox: Sandbox) -> None:
    buy(sandbox, Market.LFP, 1, LOCAL, CONGESTION, 10)
    declare(sandbox, 0)
    measure(sandbox)
    node, first = sandbox.node, 4 * LOCAL_HOUR
    node.log.submit([sandbox.reading(0, first, 5, 9), sandbox.reading(0, first + 1, 6, 9)])
    document = settled(sandbox, DSO, LOCAL, CONGESTION)
    assert (document["unsettled_periods"], document["total_cent"]) == (2, 100)
    for page in (1, 2):
        log = Paged(node.log.conflicts(sandbox.pods[0].pod_id), page)
        assert len(list(conflicts_of(cast(MeasurementLog, log), sandbox.pods[0].pod_id, DAY))) == 2


@pytest.mark.rule("LOG-2", "AUD-1")
def test_there_is_no_bundle_before_its_last_reading_is_anchored(sandbox: Sandbox) -> None:
    buy(sandbox, Market.LFP, 1, LOCAL, CONGESTION, 10)
    declare(sandbox, 0)
    sandbox.clock.set(DAY.ends_at + timedelta(hours=6))
    node, first = sandbox.node, 4 * LOCAL_HOUR
    node.log.submit([sandbox.reading(0, first, 1)])
    node.anchorer(ACCESS_NODE).anchor()
    node.log.submit([sandbox.reading(0, first + 1, 2)])
    node.mirror.catch_up()
    done = settle_day(node.recorder, node.log, DSO, node.signers[DSO], LOCAL, CONGESTION, DAY)
    with pytest.raises(RuleViolation, match="LOG-2"):
        bundle_settlement(node.recorder, node.log, done.statement_id)
    node.anchorer(ACCESS_NODE).anchor()
    node.mirror.catch_up()
    assert proved(sandbox, done.statement_id)


@dataclass(frozen=True)
class Paged:
    """A log that gives its conflicts in small pages."""

    all: Sequence[Conflict]
    size: int

    def conflicts(self, pod_id: bytes, *, after: int = 0) -> Sequence[Conflict]:
        return [conflict for conflict in self.all if conflict.id > after][: self.size]
