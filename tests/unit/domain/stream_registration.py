"""Random days, perimeters, PODs and aggregates."""

from __future__ import annotations

from dataclasses import replace

from registry.domain import commands as c
from registry.domain.aggregates import Scope
from registry.domain.lights import PerimeterDraft
from registry.domain.pods import (
    Handover,
    PodCategory,
    PodClaim,
    StaticLight,
    StaticLightDecision,
    VoltageLevel,
)
from registry.domain.sessions import ScheduleTemplate
from tests.unit.domain.consortium import (
    BSP,
    DAY,
    DSO,
    FEEDER_1,
    FEEDER_2,
    FOREIGN_FEEDER,
    NOTHING,
    OTHER_BSP,
    OTHER_DSO,
    PODS,
    TSO,
    draft,
    registration,
)
from tests.unit.domain.stream_steps import AGGREGATES, PERIMETERS, Step, Steps


class RegistrationSteps(Steps):
    """Commands about what there is."""

    def schedule(self) -> Step:
        schedule = ScheduleTemplate().schedule(DAY.plus(self._random.randint(1, 4)))
        if self._random.random() < 0.3:
            schedule = replace(schedule, opens_at=schedule.opens_at + self._random.randint(-200_000, 20_000))
        return c.ScheduleDays(TSO, (schedule,)), TSO

    def perimeters(self) -> Step:
        pick = self._random
        known = [*PERIMETERS, FEEDER_2 + 1, FEEDER_2 + 2]
        predecessors = tuple(pick.sample(known[2:], pick.choice((0, 0, 1, 2))))
        parts = tuple(
            PerimeterDraft(FEEDER_2 + pick.randint(1, 6), predecessors, self._word())
            for _ in range(pick.randint(1, 2))
        )
        return c.DeclarePerimeters(DSO, parts), DSO

    def register(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        dso = self._of(DSO, DSO, DSO, OTHER_DSO, TSO)
        rows = (registration(self._of(*PODS), dso, self._of(0, 10, 20, 131_072), self._of(0, 5)),)
        return c.RegisterPods(bsp, rows), bsp

    def change(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        row = registration(self._of(*PODS), DSO, self._of(10, 12), 5)
        changed = replace(row, category=self._of(*PodCategory), voltage=self._of(*VoltageLevel))
        return c.ChangePods(bsp, (changed,)), bsp

    def withdraw(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        return c.WithdrawPods(bsp, (self._of(*PODS),)), bsp

    def claim(self) -> Step:
        bsp = self._of(OTHER_BSP, OTHER_BSP, BSP)
        return c.ClaimPods(bsp, (PodClaim(self._of(*PODS), self._word()),)), bsp

    def drop_claim(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        return c.DropClaims(bsp, (self._of(*PODS),)), bsp

    def hand_over(self) -> Step:
        claims = self._rulebook.pods.claims()
        pod_id, bsp = self._of(*(claims or [(PODS[0], BSP)]), (self._of(*PODS), self._of(BSP, OTHER_BSP)))
        dso = self._of(DSO, DSO, DSO, OTHER_DSO)
        return c.HandOverPods(dso, (Handover(pod_id, bsp),)), dso

    def static_lights(self) -> Step:
        rows = tuple(
            StaticLightDecision(
                pod_id,
                self._of(*StaticLight, StaticLight.CONFIRMED, StaticLight.CONFIRMED),
                self._of(10, 10, 12, 8, 0),
                self._of(5, 5, 0),
                self._of(*PERIMETERS, FEEDER_2 + 1),
                self._of(NOTHING, self._word()),
            )
            for pod_id in self._random.sample(PODS, self._random.randint(1, 2))
        )
        return c.GiveStaticLights(DSO, rows), DSO

    def move_pods(self) -> Step:
        dso = self._of(DSO, DSO, DSO, OTHER_DSO)
        perimeter = self._of(FEEDER_2, *(FEEDER_2 + serial for serial in range(1, 7)), FOREIGN_FEEDER)
        inside = [
            pod for pod in PODS if (held := self._rulebook.pods.latest(pod)) and held.perimeter != FEEDER_1
        ]
        return c.MovePods(dso, perimeter, (self._of(*PODS, *inside),)), dso

    def create(self) -> Step:
        bsp = self._of(BSP, OTHER_BSP)
        row = draft(self._of(BSP, bsp) << 24 | self._random.randint(0, 6), self._of(*Scope))
        return c.CreateAggregates(bsp, (row,)), bsp

    def join(self) -> Step:
        aggregate = self._of(*AGGREGATES)
        pods = tuple(self._random.sample(PODS, self._random.randint(1, 2)))
        return c.JoinAggregate(aggregate >> 24, aggregate, pods), aggregate >> 24

    def leave(self) -> Step:
        aggregate = self._of(*AGGREGATES)
        return c.LeaveAggregate(aggregate >> 24, aggregate, (self._of(*PODS),)), aggregate >> 24
