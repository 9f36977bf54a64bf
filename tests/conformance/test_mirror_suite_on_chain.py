"""The mirror says of every POD and day what the contracts say of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from registry.domain.aggregates import AggregateDraft
from registry.domain.calendar import DeliveryDay
from registry.domain.commands import (
    AdmitParties,
    ChangePods,
    ClaimPods,
    Command,
    CreateAggregates,
    DeclarePerimeters,
    GiveStaticLights,
    HandOverPods,
    JoinAggregate,
    LeaveAggregate,
    RegisterPods,
    ScheduleDays,
    WithdrawPods,
)
from registry.domain.enums import PartyKind, PodCategory, Scope, StaticLight, VoltageLevel
from registry.domain.identifiers import aggregate_id, eic_check_character, perimeter_id
from registry.domain.lights import PerimeterDraft
from registry.domain.participants import Admission
from registry.domain.pods import NO_REASON, Handover, PodClaim, Registration, StaticLightDecision
from registry.domain.sessions import DaySchedule
from registry.ledger import EmbeddedLedger, LocalSigner, open_embedded
from registry.mirror import SqlMirror

TSO, DSO, BSP, OTHER = 1, 2, 3, 4
AREA = perimeter_id(DSO, 1)
LOCAL, GLOBAL = aggregate_id(BSP, 1), aggregate_id(BSP, 2)
PODS = tuple(bytes([number]) * 32 for number in (1, 2, 3))
DAY = DeliveryDay(date(2026, 11, 25))


class Clock:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


class Stage:
    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.signers = {party: LocalSigner.create() for party in range(5)}
        self.embedded: EmbeddedLedger = open_embedded(folder, self.clock, self.signers[0])
        self.ledger = self.embedded.ledger
        self.mirror = SqlMirror(f"sqlite:///{folder / 'mirror.sqlite'}", self.ledger)

    def send(self, party: int, command: Command) -> None:
        self.ledger.send(command, self.signers[party])

    def close(self) -> None:
        self.mirror.close()
        self.embedded.close()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    kinds = {TSO: PartyKind.TSO, DSO: PartyKind.DSO, BSP: PartyKind.BSP, OTHER: PartyKind.BSP}
    admissions = []
    for party, kind in kinds.items():
        body = f"10XPARTY-{party}----A"
        eic = (body + eic_check_character(body)).encode()
        admissions.append(Admission(party, kind, eic, f"Party {party}", stage.signers[party].address))
    stage.send(0, AdmitParties(tuple(admissions)))
    yield stage
    stage.close()


def schedule(number: int) -> DaySchedule:
    day = DeliveryDay.from_number(number)
    start = int(day.starts_at.timestamp())
    gates = tuple(start - 6 * 3600 + 4 * 3600 * k for k in range(6))
    return DaySchedule(
        number,
        start,
        day.quarters,
        start - 12 * 3600,
        start - 10 * 3600,
        gates,
        tuple(gate + 3600 for gate in gates),
        gates[-1] + 7200,
    )


def registration(pod: bytes, kw: int) -> Registration:
    return Registration(pod, DSO, PodCategory.MIXED, VoltageLevel.MEDIUM, kw, kw // 2, 60, bytes(31) + b"\1")


def compare(stage: Stage) -> None:
    """Every POD on every day around the stage's days: mirror and contract agree."""
    stage.mirror.catch_up()
    for pod in PODS:
        for day in range(DAY.number - 8, DAY.number + 6):
            (told,) = stage.ledger.read("Pods", "podAt", podId=pod, day=day)
            view = stage.mirror.pod(pod, day=day)
            if view is None or view.withdrawn:
                assert told[1] == 0, (pod[0], day)
                continue
            seen = (
                view.bsp,
                view.dso,
                view.perimeter or 0,
                view.light,
                view.category,
                view.voltage,
                view.declared_up_kw,
                view.declared_down_kw,
                view.granted_up_kw,
                view.granted_down_kw,
                view.local_aggregate or 0,
                view.global_aggregate or 0,
            )
            assert seen == tuple(told)[1:], (pod[0], day)
    for aggregate in (LOCAL, GLOBAL):
        for day in range(DAY.number - 8, DAY.number + 6):
            (pool,) = stage.ledger.read("Pods", "poolAt", aggregate=aggregate, perimeter=0, day=day)
            view_of_pool = stage.mirror.pool(aggregate, day=day)
            assert (view_of_pool.pods, view_of_pool.granted_up_kw, view_of_pool.granted_down_kw) == tuple(
                pool
            )


@pytest.mark.rule("MIR-1", "POD-3", "POD-5", "AGG-1", "AGG-2")
def test_pods_and_pools_through_a_life_of_changes(stage: Stage) -> None:
    def give(light: StaticLight, up_kw: int, down_kw: int, *pods: bytes) -> None:
        reason = NO_REASON if light is StaticLight.CONFIRMED else b"bottleneck".ljust(32, b"\0")
        decisions = tuple(StaticLightDecision(pod, light, up_kw, down_kw, AREA, reason) for pod in pods)
        stage.send(DSO, GiveStaticLights(DSO, decisions))
        compare(stage)

    # before any day is scheduled, then with days that are not open yet
    stage.send(BSP, RegisterPods(BSP, (registration(PODS[0], 100),)))
    compare(stage)
    stage.send(TSO, ScheduleDays(TSO, (schedule(DAY.number), schedule(DAY.number + 1))))
    stage.send(DSO, DeclarePerimeters(DSO, (PerimeterDraft(AREA, (), bytes(32)),)))
    stage.send(BSP, RegisterPods(BSP, tuple(registration(pod, 100) for pod in PODS[1:])))
    compare(stage)
    give(StaticLight.CONFIRMED, 100, 50, *PODS)
    stage.send(
        BSP,
        CreateAggregates(
            BSP,
            (AggregateDraft(LOCAL, Scope.LOCAL, bytes(32)), AggregateDraft(GLOBAL, Scope.GLOBAL, bytes(32))),
        ),
    )
    stage.send(BSP, JoinAggregate(BSP, LOCAL, PODS))
    stage.send(BSP, JoinAggregate(BSP, GLOBAL, PODS[:1]))
    compare(stage)
    assert stage.mirror.shared_pods(LOCAL, GLOBAL, day=DAY.number) == 1
    # the first day opens: what changes now takes effect on the next
    stage.clock.time = datetime.fromtimestamp(schedule(DAY.number).opens_at, UTC) + timedelta(minutes=5)
    give(StaticLight.MODULATED, 40, 0, PODS[0])
    stage.send(BSP, ChangePods(BSP, (registration(PODS[1], 80),)))
    compare(stage)
    stage.send(BSP, LeaveAggregate(BSP, LOCAL, (PODS[2],)))
    stage.send(BSP, WithdrawPods(BSP, (PODS[0],)))
    compare(stage)
    # the third POD is taken over by another BSP, with its light
    stage.send(OTHER, ClaimPods(OTHER, (PodClaim(PODS[2], bytes(31) + b"\2"),)))
    stage.send(DSO, HandOverPods(DSO, (Handover(PODS[2], OTHER),)))
    compare(stage)
    # the second day opens: the POD comes back with another BSP, after all scheduled days
    stage.clock.time += timedelta(days=1)
    stage.send(OTHER, RegisterPods(OTHER, (registration(PODS[0], 60),)))
    compare(stage)
    responsible = {view.from_day: (view.bsp, view.withdrawn) for view in stage.mirror.pod_versions(PODS[0])}
    assert list(responsible.values())[-2:] == [(BSP, True), (OTHER, False)]
    rebuilt = list(stage.mirror.dump())
    stage.mirror.drop()
    stage.mirror.catch_up()
    assert list(stage.mirror.dump()) == rebuilt
