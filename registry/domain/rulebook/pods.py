"""The ledger's PODs in memory (POD-1..3, POD-5; contracts/src/Pods.sol).

Every change holds from the first delivery day whose LFP 1 has not opened; it is decided on what was changed
last.
"""

from __future__ import annotations

from dataclasses import replace

from registry.domain.commands import (
    ChangePods,
    GiveStaticLights,
    RegisterPods,
    WithdrawPods,
)
from registry.domain.events import (
    Event,
    PodChanged,
    PodLeft,
    PodRegistered,
    PodWithdrawn,
    StaticLightGiven,
)
from registry.domain.identifiers import owner_of_perimeter
from registry.domain.participants import PartyKind
from registry.domain.pods import (
    Pod,
    PodCategory,
    Registration,
    StaticLight,
    StaticLightDecision,
    VoltageLevel,
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

PodsCommand = RegisterPods | ChangePods | WithdrawPods | GiveStaticLights


class PodsBook:
    """PODs as of every delivery day."""

    def __init__(
        self, journal: Journal, participants: ParticipantsBook, sessions: SessionsBook, lights: LightsBook
    ) -> None:
        self._participants = participants
        self._sessions = sessions
        self._lights = lights
        self._pods: Table[bytes, Versioned[Pod | None]] = Table(journal, Versioned())

    def execute(self, command: PodsCommand, call: Call) -> list[Event]:
        """Register, change or withdraw PODs, or give their static lights.

        Raises:
            Refusal: ACT-1, POD-1..3, DTL-1.
        """
        if isinstance(command, GiveStaticLights):
            self._participants.require(PartyKind.DSO, command.dso, call)
            return self._give_static_lights(command, self._sessions.first_unfrozen_day(call.now))
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

    def pod_at(self, pod_id: bytes, day: int) -> Pod | None:
        """The POD as of a delivery day, None if it was not registered then."""
        return self._pods[pod_id].at(day)

    def latest(self, pod_id: bytes) -> Pod | None:
        """The POD as changed last, None if it has no active registration."""
        return self._pods[pod_id].latest

    def _register(self, bsp: int, registration: Registration, day: int) -> Event:
        check_powers(registration)
        if self._participants.parties[registration.dso].kind is not PartyKind.DSO:
            raise invalid_registration(registration.pod_id, "dso", registration.dso, 0)
        holder = self.latest(registration.pod_id)
        if holder:
            raise Refusal("PodAlreadyRegistered", pod_id=registration.pod_id, bsp=holder.bsp)
        blank = Pod(
            from_day=day,
            bsp=bsp,
            dso=registration.dso,
            perimeter=0,
            light=StaticLight.NONE,
            category=registration.category,
            voltage=registration.voltage,
            declared_up_kw=0,
            declared_down_kw=0,
            granted_up_kw=0,
            granted_down_kw=0,
            local_aggregate=0,
            global_aggregate=0,
        )
        self.put(registration.pod_id, day, _requested(blank, registration))
        return PodRegistered(registration.pod_id, bsp, registration.dso, *_terms(registration))

    def _change(self, bsp: int, registration: Registration, day: int) -> Event:
        """A relevant change.

        The light is requested again and grants nothing; memberships stay, without power (POD-3).
        """
        check_powers(registration)
        pod = self.own_pod(bsp, registration.pod_id)
        if registration.dso != pod.dso:
            raise invalid_registration(registration.pod_id, "dso", registration.dso, pod.dso)
        self.put(registration.pod_id, day, _requested(pod, registration))
        return PodChanged(registration.pod_id, bsp, day, *_terms(registration))

    def _withdraw(self, bsp: int, pod_id: bytes, day: int) -> list[Event]:
        """Memberships end with the registration (POD-5, AGG-2)."""
        pod = self.own_pod(bsp, pod_id)
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
        self.put(decision.pod_id, day, decided)
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

    def put(self, pod_id: bytes, day: int, pod: Pod) -> None:
        """The POD holds like this from a delivery day on."""
        self._pods[pod_id] = self._pods[pod_id].put(day, replace(pod, from_day=day))

    def own_pod(self, bsp: int, pod_id: bytes) -> Pod:
        """The POD as changed last.

        Raises:
            Refusal: POD-1 PodUnknown or PodOfOtherBsp.
        """
        pod = self._registered(pod_id)
        if pod.bsp != bsp:
            raise Refusal("PodOfOtherBsp", pod_id=pod_id, bsp=pod.bsp, caller=bsp)
        return pod

    def _registered(self, pod_id: bytes) -> Pod:
        pod = self.latest(pod_id)
        if pod is None:
            raise Refusal("PodUnknown", pod_id=pod_id)
        return pod


def _requested(pod: Pod, registration: Registration) -> Pod:
    """The POD with what its BSP says now; its static light is requested and grants nothing (POD-3)."""
    return replace(
        pod,
        light=StaticLight.REQUESTED,
        category=registration.category,
        voltage=registration.voltage,
        declared_up_kw=registration.up_kw,
        declared_down_kw=registration.down_kw,
        granted_up_kw=0,
        granted_down_kw=0,
    )


def _terms(registration: Registration) -> tuple[PodCategory, VoltageLevel, int, int, int, bytes]:
    """What the events of a registration and of a change have in common."""
    return (
        registration.category,
        registration.voltage,
        registration.up_kw,
        registration.down_kw,
        registration.activation_time_s,
        registration.payload_hash,
    )
