"""What mirrors say of PODs, their BSPs, perimeters and aggregates: on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest

from registry.domain import events as facts
from registry.domain.enums import (
    Scope,
    StaticLight,
)
from registry.mirror import SqlMirror
from tests.conformance.mirror_world import GLOBAL, LOCAL, UNFROZEN, at, lit, registered
from tests.unit.mirror.fake_ledger import (
    BSP,
    DSO,
    OTHER_BSP,
    PERIMETERS,
    TSO,
    FakeLedger,
    address_of,
    scheduled,
    word,
)


@pytest.mark.rule("POD-5")
def test_a_pod_by_delivery_day_and_by_time_of_record(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pod = word("pod")
    first = ledger.mine(registered(pod), lit(pod, UNFROZEN, 50))
    second = ledger.mine(
        (address_of(TSO), scheduled(UNFROZEN)),
        lit(pod, UNFROZEN + 1, 80, PERIMETERS[1]),
    )
    ledger.mine((address_of(TSO), scheduled(UNFROZEN + 1)))
    ledger.mine((address_of(BSP), facts.PodWithdrawn(pod, BSP, UNFROZEN + 2)), registered(pod, OTHER_BSP))
    mirror.catch_up()
    days = {day: mirror.pod(pod, day=day) for day in range(UNFROZEN - 1, UNFROZEN + 4)}
    told = {day: view and (view.bsp, view.granted_up_kw, view.perimeter) for day, view in days.items()}
    assert told == {
        UNFROZEN - 1: None,
        UNFROZEN: (BSP, 50, PERIMETERS[0]),
        UNFROZEN + 1: (BSP, 80, PERIMETERS[1]),
        UNFROZEN + 2: (OTHER_BSP, 0, None),
        UNFROZEN + 3: (OTHER_BSP, 0, None),
    }
    versions = mirror.pod_versions(pod)
    assert [(view.from_day, view.until_day) for view in versions] == [
        (UNFROZEN, UNFROZEN + 1),
        (UNFROZEN + 1, UNFROZEN + 2),
        (UNFROZEN + 2, None),
    ]
    assert [view.until_day for view in days.values() if view] == [UNFROZEN + 1, UNFROZEN + 2, None, None]
    known_then = mirror.pod(pod, day=UNFROZEN + 3, as_of=at(first.time))
    assert known_then is not None and (known_then.granted_up_kw, known_then.until_day) == (50, None)
    known_later = mirror.pod(pod, as_of=at(second.time))
    assert known_later is not None and known_later.granted_up_kw == 80
    assert [view.bsp for view in mirror.pods(dso=DSO, day=UNFROZEN)] == [BSP]
    assert mirror.pods(bsp=BSP, day=UNFROZEN + 2) == []
    assert mirror.pods(perimeter=PERIMETERS[1], day=UNFROZEN + 1)[0].light is StaticLight.MODULATED
    assert mirror.pods(light=StaticLight.REQUESTED)[0].bsp == OTHER_BSP


@pytest.mark.rule("DTL-1")
def test_a_pod_moves_along_with_its_perimeter(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pod = word("pod")
    ledger.mine(registered(pod), lit(pod, UNFROZEN, 50))
    ledger.mine((address_of(DSO), facts.PodMoved(pod, PERIMETERS[1], PERIMETERS[0], DSO, UNFROZEN + 1)))
    mirror.catch_up()
    told = {day: mirror.pod(pod, day=day) for day in (UNFROZEN, UNFROZEN + 1)}
    assert [view and (view.perimeter, view.granted_up_kw) for view in told.values()] == [
        (PERIMETERS[0], 50),
        (PERIMETERS[1], 50),
    ]


@pytest.mark.rule("POD-5")
def test_claims_and_the_handover_of_a_pod(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pods = sorted(word(str(number)) for number in range(3))
    ledger.mine(*(registered(pod) for pod in pods), *(lit(pod, UNFROZEN, 50) for pod in pods))
    claimed = ledger.mine(
        *((address_of(OTHER_BSP), facts.PodClaimed(pod, OTHER_BSP, BSP, word("mandate"))) for pod in pods)
    )
    mirror.catch_up()
    assert [view.pod_id for view in mirror.claims(dso=DSO, pending=True)] == pods
    ledger.mine(
        (address_of(DSO), facts.PodHandedOver(pods[0], OTHER_BSP, BSP, DSO, UNFROZEN + 1)),
        (address_of(OTHER_BSP), facts.PodClaimDropped(pods[1], OTHER_BSP)),
        (address_of(BSP), facts.PodWithdrawn(pods[2], BSP, UNFROZEN + 1)),
    )
    mirror.catch_up()
    assert [view.granted for view in mirror.claims(party=BSP)] == [True, False, None]
    assert mirror.claims(pending=True) == [], "the third lapsed with the BSP that it was against"
    assert len(mirror.claims(party=OTHER_BSP, pending=True, as_of=at(claimed.time))) == 3
    assert mirror.claims(party=TSO) == []
    assert mirror.claims(after=mirror.claims(limit=2)[-1].key)[0].pod_id == pods[2]
    told = {day: mirror.pod(pods[0], day=day) for day in (UNFROZEN, UNFROZEN + 1, UNFROZEN + 9)}
    assert [(view.bsp, view.granted_up_kw) for view in told.values() if view] == [
        (BSP, 50),
        (OTHER_BSP, 50),
        (OTHER_BSP, 50),
    ]


@pytest.mark.rule("AGG-1")
def test_members_and_pools_of_aggregates_by_day(mirror: SqlMirror, ledger: FakeLedger) -> None:
    pods = sorted(word(str(number)) for number in range(3))
    ledger.mine(*(registered(pod) for pod in pods), *(lit(pod, UNFROZEN, 10) for pod in pods))
    joined = [facts.PodJoined(LOCAL, pod, UNFROZEN) for pod in pods]
    ledger.mine(
        *((address_of(BSP), event) for event in joined),
        (address_of(BSP), facts.PodJoined(GLOBAL, pods[0], UNFROZEN)),
        (address_of(TSO), scheduled(UNFROZEN)),
    )
    before = ledger.mine((address_of(BSP), facts.PodLeft(LOCAL, pods[0], UNFROZEN + 1)))
    ledger.mine((address_of(BSP), facts.PodLeft(LOCAL, pods[1], UNFROZEN + 1)))
    mirror.catch_up()
    assert [view.pod_id for view in mirror.pods(aggregate=LOCAL, day=UNFROZEN)] == pods
    assert [view.pod_id for view in mirror.pods(aggregate=LOCAL, day=UNFROZEN + 1)] == [pods[2]]
    pools = [mirror.pool(LOCAL, day=day) for day in (UNFROZEN - 1, UNFROZEN, UNFROZEN + 1)]
    assert [(pool.pods, pool.granted_up_kw, pool.granted_down_kw) for pool in pools] == [
        (0, 0, 0),
        (3, 30, 30),
        (1, 10, 10),
    ]
    assert mirror.pool(LOCAL, day=UNFROZEN, perimeter=PERIMETERS[1]).pods == 0
    assert mirror.pool(LOCAL, day=UNFROZEN + 1, as_of=at(before.time)).pods == 2
    assert mirror.shared_pods(LOCAL, GLOBAL, day=UNFROZEN) == 1
    assert mirror.shared_pods(LOCAL, GLOBAL, day=UNFROZEN + 1) == 0
    first = mirror.pod(pods[0])
    assert first is not None and (first.local_aggregate, first.global_aggregate) == (None, GLOBAL)
    ends = {view.pod_id: view.until_day for view in mirror.memberships(aggregate=LOCAL)}
    assert ends == {pods[0]: UNFROZEN + 1, pods[1]: UNFROZEN + 1, pods[2]: None}
    assert [view.aggregate for view in mirror.memberships(pod_id=pods[0], day=UNFROZEN)] == sorted(
        (LOCAL, GLOBAL)
    )
    assert [view.aggregate for view in mirror.aggregates(bsp=BSP, scope=Scope.LOCAL)] == [LOCAL]
