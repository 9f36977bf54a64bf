"""The ledger's aggregates in memory (AGG-1..3, POD-2; contracts/src/Pods.sol).

Pools are summed over the members when asked, by definition; the contracts keep them as running sums.
"""

from __future__ import annotations

from collections.abc import Iterator

from registry.domain.aggregates import MAX_COUNTERPARTS, AggregateDraft, Scope
from registry.domain.commands import CreateAggregates, JoinAggregate, LeaveAggregate
from registry.domain.events import AggregateCreated, Event, PodJoined, PodLeft
from registry.domain.identifiers import owner_of_aggregate, serial_of
from registry.domain.participants import PartyKind
from registry.domain.pods import Pod, Pool, Roster
from registry.domain.refusals import Refusal
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.pods import PodsBook
from registry.domain.rulebook.sessions import SessionsBook
from registry.domain.rulebook.state import Call, Journal, Table


class AggregatesBook:
    """Scopes of aggregates, their counterparts, and who was ever a member; memberships stand in the PODs."""

    def __init__(
        self, journal: Journal, participants: ParticipantsBook, sessions: SessionsBook, pods: PodsBook
    ) -> None:
        self._participants = participants
        self._sessions = sessions
        self._pods = pods
        self._scopes: Table[int, Scope | None] = Table(journal, None)
        self._counterparts: Table[int, tuple[int, ...]] = Table(journal, ())
        self._ever_members: Table[int, frozenset[bytes]] = Table(journal, frozenset())

    def execute(self, command: CreateAggregates | JoinAggregate | LeaveAggregate, call: Call) -> list[Event]:
        """Create aggregates, put PODs in or take them out.

        Raises:
            Refusal: ACT-1, POD-1, POD-2, AGG-1, AGG-2.
        """
        self._participants.require(PartyKind.BSP, command.bsp, call)
        if isinstance(command, CreateAggregates):
            return [self._create(command.bsp, draft) for draft in command.drafts]
        scope = self._own_scope(command.bsp, command.aggregate)
        day = self._sessions.first_unfrozen_day(call.now)
        step = self._join if isinstance(command, JoinAggregate) else self._leave
        return [step(command.bsp, command.aggregate, scope, pod_id, day) for pod_id in command.pod_ids]

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
            pod = self._pods.pod_at(pod_id, day)
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

    def roster(self, aggregate: int, day: int) -> Roster:
        """What a test of the aggregate is about, as of a day (PRQ-2)."""
        pool = self.pool(aggregate, 0, day)
        return Roster(self._pods.steps_of(aggregate, day), pool.up_kw, pool.down_kw)

    def counterparts(self, aggregate: int) -> tuple[int, ...]:
        """Aggregates of the other scope that ever shared a POD with this one."""
        return self._counterparts[aggregate]

    def _create(self, bsp: int, draft: AggregateDraft) -> Event:
        if owner_of_aggregate(draft.aggregate) != bsp:
            raise Refusal("AggregateOfOther", aggregate=draft.aggregate, bsp=bsp)
        if serial_of(draft.aggregate) == 0:
            raise Refusal("AggregateUnknown", aggregate=draft.aggregate)
        if draft.aggregate in self._scopes:
            raise Refusal("AggregateExists", aggregate=draft.aggregate)
        self._scopes[draft.aggregate] = draft.scope
        return AggregateCreated(draft.aggregate, bsp, draft.scope, draft.payload_hash)

    def _join(self, bsp: int, aggregate: int, scope: Scope, pod_id: bytes, day: int) -> Event:
        """One aggregate of each scope, both of the POD's BSP; not without a granting light (AGG-2, POD-2)."""
        pod = self._pods.own_pod(bsp, pod_id)
        if not pod.light.grants:
            raise Refusal("StaticLightMissing", pod_id=pod_id, light=pod.light)
        if current := pod.aggregate_of(scope):
            raise Refusal("PodInOtherAggregate", pod_id=pod_id, aggregate=current)
        other = pod.global_aggregate if scope is Scope.LOCAL else pod.local_aggregate
        if other and other not in self._counterparts[aggregate]:
            self._link(aggregate, other)
        self._ever_members[aggregate] |= {pod_id}
        self._pods.put(pod_id, day, pod.placed(scope, aggregate))
        self._pods.count_step(aggregate, day)
        return PodJoined(aggregate, pod_id, day)

    def _leave(self, bsp: int, aggregate: int, scope: Scope, pod_id: bytes, day: int) -> Event:
        pod = self._pods.own_pod(bsp, pod_id)
        if pod.aggregate_of(scope) != aggregate:
            raise Refusal("PodNotMember", pod_id=pod_id, aggregate=aggregate)
        self._pods.put(pod_id, day, pod.placed(scope, 0))
        self._pods.count_step(aggregate, day)
        return PodLeft(aggregate, pod_id, day)

    def _link(self, aggregate: int, other: int) -> None:
        for one, another in ((aggregate, other), (other, aggregate)):
            if len(self._counterparts[one]) == MAX_COUNTERPARTS:
                raise Refusal("TooManyCounterparts", aggregate=one, limit=MAX_COUNTERPARTS)
            self._counterparts[one] = (*self._counterparts[one], another)

    def _own_scope(self, bsp: int, aggregate: int) -> Scope:
        if owner_of_aggregate(aggregate) != bsp:
            raise Refusal("AggregateOfOther", aggregate=aggregate, bsp=bsp)
        return self.scope_of(aggregate)


def _sum(pods: Iterator[Pod]) -> Pool:
    found = list(pods)
    return Pool(
        len(found), sum(pod.granted_up_kw for pod in found), sum(pod.granted_down_kw for pod in found)
    )
