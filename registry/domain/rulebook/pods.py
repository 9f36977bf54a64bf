"""The ledger's PODs and aggregates in memory (POD-1..3, POD-5, AGG-1..3; contracts/src/Pods.sol).

Every change holds from the first delivery day whose LFP 1 has not opened; it is decided on what was changed
last. Pools are summed over the members when asked, by definition; the contracts keep them as running sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from registry.domain.aggregates import MAX_COUNTERPARTS, AggregateDraft, Scope
from registry.domain.commands import (
    ChangePods,
    Command,
    CreateAggregates,
    GiveStaticLights,
    JoinAggregate,
    LeaveAggregate,
    RegisterPods,
    WithdrawPods,
)
from registry.domain.events import (
    AggregateCreated,
    Event,
    PodChanged,
    PodJoined,
    PodLeft,
    PodRegistered,
    PodWithdrawn,
    StaticLightGiven,
)
from registry.domain.identifiers import owner_of_aggregate, owner_of_perimeter, serial_of
from registry.domain.participants import PartyKind
from registry.domain.pods import (
    Pod,
    Pool,
    Registration,
    StaticLight,
    StaticLightDecision,
    check_powers,
    check_static_light,
    invalid_registration,
)
from registry.domain.refusals import Refusal
from registry.domain.rulebook.lights import LightsBook
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.sessions import SessionsBook
from registry.domain.rulebook.state import Call, Journal, Table
from registry.domain.versioned import Versioned


class PodsBook:
    """PODs as of every delivery day, aggregates and their counterparts."""

    def __init__(
        self, journal: Journal, participants: ParticipantsBook, sessions: SessionsBook, lights: LightsBook
    ) -> None:
        self._participants = participants
        self._sessions = sessions
        self._lights = lights
        self._pods: Table[bytes, Versioned[Pod | None]] = Table(journal, Versioned())
        self._scopes: Table[int, Scope | None] = Table(journal, None)
        self._counterparts: Table[int, tuple[int, ...]] = Table(journal, ())
        self._ever_members: Table[int, frozenset[bytes]] = Table(journal, frozenset())

    def execute(self, command: Command, call: Call) -> list[Event]:
        """Apply a command about PODs or aggregates.

        Raises:
            Refusal: ACT-1, POD-1..3, AGG-1, AGG-2, DTL-1.
        """
        if isinstance(command, GiveStaticLights):
            self._participants.require(PartyKind.DSO, command.dso, call)
            return self._give_static_lights(command, self._sessions.first_unfrozen_day(call.now))
        if not isinstance(
            command,
            RegisterPods | ChangePods | WithdrawPods | CreateAggregates | JoinAggregate | LeaveAggregate,
        ):
            raise TypeError(f"{type(command).__name__} is no command of Pods")
        self._participants.require(PartyKind.BSP, command.bsp, call)
        day = self._sessions.first_unfrozen_day(call.now)
        match command:
            case RegisterPods():
                return [
                    self._register(command.bsp, registration, day) for registration in command.registrations
                ]
            case ChangePods():
                return [
                    self._change(command.bsp, registration, day) for registration in command.registrations
                ]
            case WithdrawPods():
                return [
                    event for pod_id in command.pod_ids for event in self._withdraw(command.bsp, pod_id, day)
                ]
            case CreateAggregates():
                return [self._create(command.bsp, draft) for draft in command.drafts]
            case JoinAggregate():
                scope = self._own_scope(command.bsp, command.aggregate)
                return [self._join(command, scope, pod_id, day) for pod_id in command.pod_ids]
            case LeaveAggregate():
                scope = self._own_scope(command.bsp, command.aggregate)
                return [self._leave(command, scope, pod_id, day) for pod_id in command.pod_ids]

    def pod_at(self, pod_id: bytes, day: int) -> Pod | None:
        """The POD as of a delivery day, None if it was not registered then."""
        return self._pods[pod_id].at(day)

    def latest(self, pod_id: bytes) -> Pod | None:
        """The POD as changed last, None if it has no active registration."""
        return self._pods[pod_id].latest

    def scope_of(self, aggregate: int) -> Scope:
        """Scope of an aggregate.

        Raises:
            Refusal: AGG-1 AggregateUnknown.
        """
        scope = self._scopes[aggregate]
        if scope is None:
            raise Refusal("AggregateUnknown", aggregate=aggregate)
        return scope

    def members(self, aggregate: int, perimeter: int, day: int) -> Iterator[tuple[bytes, Pod]]:
        """Members of an aggregate in a perimeter (0: all) as of a day."""
        for pod_id in sorted(self._ever_members[aggregate]):
            pod = self.pod_at(pod_id, day)
            if (
                pod
                and aggregate in (pod.local_aggregate, pod.global_aggregate)
                and perimeter in (0, pod.perimeter)
            ):
                yield pod_id, pod

    def pool(self, aggregate: int, perimeter: int, day: int) -> Pool:
        """Number and granted power of the members in a perimeter (0: all) as of a day."""
        return _sum(pod for _, pod in self.members(aggregate, perimeter, day))

    def shared(self, aggregate: int, other: int, perimeter: int, day: int) -> Pool:
        """Number and granted power of the members that two aggregates share in a perimeter (0.

        All) as of a day (AGG-3).
        """
        return _sum(
            pod
            for _, pod in self.members(aggregate, perimeter, day)
            if other in (pod.local_aggregate, pod.global_aggregate)
        )

    def counterparts(self, aggregate: int) -> tuple[int, ...]:
        """Aggregates of the other scope that ever shared a POD with this one."""
        return self._counterparts[aggregate]

    def _register(self, bsp: int, registration: Registration, day: int) -> Event:
        check_powers(registration)
        if self._participants.parties[registration.dso].kind is not PartyKind.DSO:
            raise invalid_registration(registration.pod_id, "dso", registration.dso, 0)
        holder = self.latest(registration.pod_id)
        if holder:
            raise Refusal("PodAlreadyRegistered", pod_id=registration.pod_id, bsp=holder.bsp)
        pod = Pod(
            from_day=day,
            bsp=bsp,
            dso=registration.dso,
            perimeter=0,
            light=StaticLight.REQUESTED,
            category=registration.category,
            voltage=registration.voltage,
            declared_up_kw=registration.up_kw,
            declared_down_kw=registration.down_kw,
            granted_up_kw=0,
            granted_down_kw=0,
            local_aggregate=0,
            global_aggregate=0,
        )
        self._put(registration.pod_id, day, pod)
        return PodRegistered(
            registration.pod_id,
            bsp,
            registration.dso,
            registration.category,
            registration.voltage,
            registration.up_kw,
            registration.down_kw,
            registration.activation_time_s,
            registration.payload_hash,
        )

    def _change(self, bsp: int, registration: Registration, day: int) -> Event:
        """A relevant change.

        The light is requested again and grants nothing; memberships stay, without power (POD-3).
        """
        check_powers(registration)
        pod = self._own_pod(bsp, registration.pod_id)
        if registration.dso != pod.dso:
            raise invalid_registration(registration.pod_id, "dso", registration.dso, pod.dso)
        changed = replace(
            pod,
            light=StaticLight.REQUESTED,
            category=registration.category,
            voltage=registration.voltage,
            declared_up_kw=registration.up_kw,
            declared_down_kw=registration.down_kw,
            granted_up_kw=0,
            granted_down_kw=0,
        )
        self._put(registration.pod_id, day, changed)
        return PodChanged(
            registration.pod_id,
            bsp,
            day,
            registration.category,
            registration.voltage,
            registration.up_kw,
            registration.down_kw,
            registration.activation_time_s,
            registration.payload_hash,
        )

    def _withdraw(self, bsp: int, pod_id: bytes, day: int) -> list[Event]:
        """Memberships end with the registration (POD-5, AGG-2)."""
        pod = self._own_pod(bsp, pod_id)
        left = [aggregate for aggregate in (pod.local_aggregate, pod.global_aggregate) if aggregate]
        self._pods[pod_id] = self._pods[pod_id].put(day, None)
        return [*(PodLeft(aggregate, pod_id, day) for aggregate in left), PodWithdrawn(pod_id, bsp, day)]

    def _give_static_lights(self, command: GiveStaticLights, day: int) -> list[Event]:
        events: list[Event] = []
        for decision in command.decisions:
            if owner_of_perimeter(decision.perimeter) != command.dso:
                raise Refusal("PerimeterOfOther", perimeter=decision.perimeter, dso=command.dso)
            self._lights.require_in_force(decision.perimeter, day)
            events.append(self._give_static_light(command.dso, decision, day))
        return events

    def _give_static_light(self, dso: int, decision: StaticLightDecision, day: int) -> Event:
        pod = self._registered(decision.pod_id)
        if pod.dso != dso:
            raise Refusal("PodOfOtherDso", pod_id=decision.pod_id, dso=pod.dso, caller=dso)
        check_static_light(decision, pod.declared_up_kw, pod.declared_down_kw)
        decided = replace(
            pod,
            light=decision.light,
            perimeter=decision.perimeter,
            granted_up_kw=decision.up_kw,
            granted_down_kw=decision.down_kw,
        )
        self._put(decision.pod_id, day, decided)
        return StaticLightGiven(
            decision.pod_id,
            dso,
            day,
            decision.light,
            decision.up_kw,
            decision.down_kw,
            decision.perimeter,
            decision.reason,
        )

    def _create(self, bsp: int, draft: AggregateDraft) -> Event:
        if owner_of_aggregate(draft.aggregate) != bsp:
            raise Refusal("AggregateOfOther", aggregate=draft.aggregate, bsp=bsp)
        if serial_of(draft.aggregate) == 0:
            raise Refusal("AggregateUnknown", aggregate=draft.aggregate)
        if draft.aggregate in self._scopes:
            raise Refusal("AggregateExists", aggregate=draft.aggregate)
        self._scopes[draft.aggregate] = draft.scope
        return AggregateCreated(draft.aggregate, bsp, draft.scope, draft.payload_hash)

    def _join(self, command: JoinAggregate, scope: Scope, pod_id: bytes, day: int) -> Event:
        """One aggregate of each scope, both of the POD's BSP; not without a granting light (AGG-2, POD-2)."""
        aggregate = command.aggregate
        pod = self._own_pod(command.bsp, pod_id)
        if not pod.light.grants:
            raise Refusal("StaticLightMissing", pod_id=pod_id, light=pod.light)
        if current := pod.aggregate_of(scope):
            raise Refusal("PodInOtherAggregate", pod_id=pod_id, aggregate=current)
        other = pod.global_aggregate if scope is Scope.LOCAL else pod.local_aggregate
        if other and other not in self._counterparts[aggregate]:
            self._link(aggregate, other)
        self._ever_members[aggregate] |= {pod_id}
        self._put(pod_id, day, pod.placed(scope, aggregate))
        return PodJoined(aggregate, pod_id, day)

    def _leave(self, command: LeaveAggregate, scope: Scope, pod_id: bytes, day: int) -> Event:
        pod = self._own_pod(command.bsp, pod_id)
        if pod.aggregate_of(scope) != command.aggregate:
            raise Refusal("PodNotMember", pod_id=pod_id, aggregate=command.aggregate)
        self._put(pod_id, day, pod.placed(scope, 0))
        return PodLeft(command.aggregate, pod_id, day)

    def _link(self, aggregate: int, other: int) -> None:
        for one, another in ((aggregate, other), (other, aggregate)):
            if len(self._counterparts[one]) == MAX_COUNTERPARTS:
                raise Refusal("TooManyCounterparts", aggregate=one, limit=MAX_COUNTERPARTS)
            self._counterparts[one] = (*self._counterparts[one], another)

    def _put(self, pod_id: bytes, day: int, pod: Pod) -> None:
        self._pods[pod_id] = self._pods[pod_id].put(day, replace(pod, from_day=day))

    def _own_scope(self, bsp: int, aggregate: int) -> Scope:
        if owner_of_aggregate(aggregate) != bsp:
            raise Refusal("AggregateOfOther", aggregate=aggregate, bsp=bsp)
        return self.scope_of(aggregate)

    def _own_pod(self, bsp: int, pod_id: bytes) -> Pod:
        pod = self._registered(pod_id)
        if pod.bsp != bsp:
            raise Refusal("PodOfOtherBsp", pod_id=pod_id, bsp=pod.bsp, caller=bsp)
        return pod

    def _registered(self, pod_id: bytes) -> Pod:
        pod = self.latest(pod_id)
        if pod is None:
            raise Refusal("PodUnknown", pod_id=pod_id)
        return pod


def _sum(pods: Iterator[Pod]) -> Pool:
    found = list(pods)
    return Pool(
        len(found), sum(pod.granted_up_kw for pod in found), sum(pod.granted_down_kw for pod in found)
    )
