"""The ledger's PODs in memory (POD-1..3, POD-5; contracts/src/Pods.sol).

Every change holds from the first delivery day whose LFP 1 has not opened; it is decided on what was changed
last.
"""

from __future__ import annotations

from dataclasses import replace

from registry.domain.commands import (
    ChangePods,
    ClaimPods,
    DropClaims,
    GiveStaticLights,
    HandOverPods,
    MovePods,
    RegisterPods,
    WithdrawPods,
)
from registry.domain.events import (
    Event,
    PodChanged,
    PodClaimDropped,
    PodClaimed,
    PodHandedOver,
    PodLeft,
    PodMoved,
    PodRegistered,
    PodWithdrawn,
    StaticLightGiven,
)
from registry.domain.identifiers import owner_of_perimeter
from registry.domain.participants import PartyKind
from registry.domain.pods import (
    Handover,
    Pod,
    PodCategory,
    PodClaim,
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

PodsCommand = (
    RegisterPods
    | ChangePods
    | WithdrawPods
    | ClaimPods
    | DropClaims
    | HandOverPods
    | GiveStaticLights
    | MovePods
)


class PodsBook:
    """PODs as of every delivery day."""

    def __init__(
        self, journal: Journal, participants: ParticipantsBook, sessions: SessionsBook, lights: LightsBook
    ) -> None:
        self._participants = participants
        self._sessions = sessions
        self._lights = lights
        self._pods: Table[bytes, Versioned[Pod | None]] = Table(journal, Versioned())
        self._claims: Table[tuple[bytes, int], int] = Table(journal, 0)
        """Per POD and claiming BSP the BSP that it was claimed from; it lapses when the POD has another."""
        self._steps: Table[int, tuple[int, ...]] = Table(journal, ())
        """Per aggregate the days from which its joinings and leavings hold, one entry each."""

    def execute(self, command: PodsCommand, call: Call) -> list[Event]:
        """Register, change, withdraw or hand over PODs, or give their static lights.

        Raises:
            Refusal: ACT-1, POD-1..3, POD-5, DTL-1.
        """
        if isinstance(command, GiveStaticLights | HandOverPods | MovePods):
            self._participants.require(PartyKind.DSO, command.dso, call)
            day = self._sessions.first_unfrozen_day(call.now)
            if isinstance(command, GiveStaticLights):
                return self._give_static_lights(command, day)
            if isinstance(command, MovePods):
                return self._move_all(command, day)
            return [
                event
                for handover in command.handovers
                for event in self._hand_over(command.dso, handover, day)
            ]
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
            case ClaimPods():
                return [self._claim(command.bsp, claim) for claim in command.claims]
            case DropClaims():
                return [self._drop_claim(command.bsp, pod_id) for pod_id in command.pod_ids]

    def pod_at(self, pod_id: bytes, day: int) -> Pod | None:
        """The POD as of a delivery day, with the BSP responsible on it (POD-5); None if it was not
        registered then.
        """
        return self._pods[pod_id].at(day)

    def steps_of(self, aggregate: int, day: int) -> int:
        """How many PODs have joined or left an aggregate by a delivery day (PRQ-2)."""
        return sum(from_day <= day for from_day in self._steps[aggregate])

    def count_step(self, aggregate: int, day: int) -> None:
        """A POD joins or leaves an aggregate from a delivery day on."""
        self._steps[aggregate] = (*self._steps[aggregate], day)

    def claims(self) -> list[tuple[bytes, int]]:
        """PODs and the BSPs that claim them, as far as the BSP claimed from still has the POD (POD-5)."""
        return [
            (pod_id, bsp)
            for pod_id, bsp in self._claims
            if (pod := self.latest(pod_id)) is not None and self._claims[pod_id, bsp] == pod.bsp
        ]

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
        self._pods[pod_id] = self._pods[pod_id].put(day, None)
        return [*self._leave_all(pod, pod_id, day), PodWithdrawn(pod_id, bsp, day)]

    def _claim(self, bsp: int, claim: PodClaim) -> Event:
        holder = self._registered(claim.pod_id).bsp
        if holder == bsp or self._claims[claim.pod_id, bsp] == holder:
            raise Refusal("ClaimStep", pod_id=claim.pod_id, bsp=bsp, holder=holder)
        self._claims[claim.pod_id, bsp] = holder
        return PodClaimed(claim.pod_id, bsp, holder, claim.mandate_hash)

    def _drop_claim(self, bsp: int, pod_id: bytes) -> Event:
        if not self._claims[pod_id, bsp]:
            raise Refusal("ClaimStep", pod_id=pod_id, bsp=bsp, holder=0)
        self._claims[pod_id, bsp] = 0
        return PodClaimDropped(pod_id, bsp)

    def _hand_over(self, dso: int, handover: Handover, day: int) -> list[Event]:
        """The BSP that claimed the POD and its connecting DSO agree; the BSP before need not (POD-5).

        Its memberships end (AGG-2).
        """
        pod_id, bsp = handover.pod_id, handover.bsp
        pod = self._connected(dso, pod_id)
        if self._claims[pod_id, bsp] != pod.bsp:
            raise Refusal("ClaimStep", pod_id=pod_id, bsp=bsp, holder=pod.bsp)
        self._claims[pod_id, bsp] = 0
        self.put(pod_id, day, pod.handed_over(bsp))
        return [*self._leave_all(pod, pod_id, day), PodHandedOver(pod_id, bsp, pod.bsp, dso, day)]

    def _leave_all(self, pod: Pod, pod_id: bytes, day: int) -> list[Event]:
        """The memberships that the POD had end (AGG-2)."""
        for aggregate in pod.aggregates:
            self.count_step(aggregate, day)
        return [PodLeft(aggregate, pod_id, day) for aggregate in pod.aggregates]

    def _give_static_lights(self, command: GiveStaticLights, day: int) -> list[Event]:
        events: list[Event] = []
        for decision in command.decisions:
            if owner_of_perimeter(decision.perimeter) != command.dso:
                raise Refusal("PerimeterOfOther", perimeter=decision.perimeter, dso=command.dso)
            self._lights.require_in_force(decision.perimeter, day)
            events.append(self._give_static_light(command.dso, decision, day))
        return events

    def _move_all(self, command: MovePods, day: int) -> list[Event]:
        """PODs move along with the grid that they are on; any other perimeter needs a new light (POD-3)."""
        perimeter = command.perimeter
        if owner_of_perimeter(perimeter) != command.dso:
            raise Refusal("PerimeterOfOther", perimeter=perimeter, dso=command.dso)
        self._lights.require_in_force(perimeter, day)
        events: list[Event] = []
        for pod_id in command.pod_ids:
            pod = self._connected(command.dso, pod_id)
            self._lights.require_successor(perimeter, pod.perimeter)
            self.put(pod_id, day, replace(pod, perimeter=perimeter))
            events.append(PodMoved(pod_id, perimeter, pod.perimeter, command.dso, day))
        return events

    def _give_static_light(self, dso: int, decision: StaticLightDecision, day: int) -> Event:
        pod = self._connected(dso, decision.pod_id)
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

    def _connected(self, dso: int, pod_id: bytes) -> Pod:
        pod = self._registered(pod_id)
        if pod.dso != dso:
            raise Refusal("PodOfOtherDso", pod_id=pod_id, dso=pod.dso, caller=dso)
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
