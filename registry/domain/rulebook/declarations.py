"""Which PODs fulfil a selection, in memory.

Declared by the BSP, who alone knows (SES-3, SES-4, SES-6; contracts/src/market/Declarations.sol).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from registry.domain.aggregates import Scope
from registry.domain.calendar import SESSIONS
from registry.domain.commands import DeclarePods, ReleasePods
from registry.domain.events import DeclarationCompleted, Event, PodDeclared, PodReleased
from registry.domain.identifiers import owner_of_aggregate
from registry.domain.market import PodQuarters, direction_of, hours_of, quarters_of, shortfall_kw
from registry.domain.participants import PartyKind
from registry.domain.pods import Pod
from registry.domain.quantities import Direction, pack_cells
from registry.domain.refusals import Refusal
from registry.domain.rulebook.market import SCOPE_OF, MarketBook, Place, SelectionState
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.pods import PodsBook
from registry.domain.rulebook.sessions import SessionsBook
from registry.domain.rulebook.state import Call
from registry.domain.sessions import DaySchedule, Market


@dataclass(slots=True)
class Desk:
    """The selection that a BSP declares for, and whose PODs of the other market its batch touches."""

    place: Place
    state: SelectionState
    schedule: DaySchedule
    now: int
    other: int = 0
    touched: set[int] = field(default_factory=set)

    @property
    def market(self) -> Market:
        return self.state.market

    @property
    def other_market(self) -> Market:
        return Market.LFP if self.market is Market.MSD else Market.MSD

    @property
    def definable_hours(self) -> range:
        """Hours that may be declared: those that no earlier session made definitive."""
        return range(self.schedule.first_hour(self.state.session), self.schedule.hours)

    @property
    def preliminary_hours(self) -> range:
        """Hours that may be released.

        A session's own are definitive once it recorded an outcome, or its gate passed (SES-6).
        """
        gates = self.schedule.lfp_gates if self.market is Market.LFP else self.schedule.msd_gates
        passed = self.state.session
        while passed < SESSIONS and gates[passed] <= self.now:
            passed += 1
        return range(self.schedule.first_preliminary_hour(passed), self.schedule.hours)


class DeclarationRules:
    """Decides on declarations and releases, and records them in the market's book."""

    def __init__(
        self, participants: ParticipantsBook, sessions: SessionsBook, pods: PodsBook, market: MarketBook
    ) -> None:
        self._participants = participants
        self._sessions = sessions
        self._pods = pods
        self._market = market

    def execute(self, command: DeclarePods | ReleasePods, call: Call) -> list[Event]:
        """Declare or release PODs.

        Raises:
            Refusal: ACT-1, AGG-1, SES-3, SES-4, SES-6.
        """
        self._participants.require(PartyKind.BSP, command.bsp, call)
        desk = self._desk(command, call.now)
        if isinstance(command, DeclarePods):
            return list(self._declare_all(desk, command))
        return self._release_all(desk, command)

    def _desk(self, command: DeclarePods | ReleasePods, now: int) -> Desk:
        place = Place(command.aggregate, command.perimeter, command.day)
        if owner_of_aggregate(place.aggregate) != command.bsp:
            raise Refusal("AggregateOfOther", aggregate=place.aggregate, bsp=command.bsp)
        state = self._market.selections[place]
        if state is None:
            raise _nothing_selected(place, 0)
        return Desk(place, state, self._sessions.schedule_of(place.day), now)

    def _declare_all(self, desk: Desk, command: DeclarePods) -> Iterator[Event]:
        """Declare PODs.

        1. It is before the next gate. 2. Each POD is of this pool, for selected quarters, and doesn't serve
        the other market. 3. The other market stays covered. 4. With `complete` the BSP has said all: the rest
        is available again.
        """
        place = desk.place
        # 1
        due = desk.schedule.declaration_due(desk.market, desk.state.session)
        if desk.now >= due:
            raise Refusal(
                "DeclarationLate",
                aggregate=place.aggregate,
                perimeter=place.perimeter,
                day=place.day,
                due=due,
                now_at=desk.now,
            )
        # 2
        for item in command.pods:
            yield self._declare(desk, item)
        # 3
        self._require_other_covered(desk)
        # 4
        if command.complete:
            yield self._complete(desk)

    def _declare(self, desk: Desk, item: PodQuarters) -> Event:
        place = desk.place
        pod = self._member(desk, item.pod_id)
        self._require_declarable(desk, item, pod)
        other = pod.aggregate_of(_other_scope(desk))
        if other != desk.other:
            self._require_other_covered(desk)
            desk.other, desk.touched = other, set()
        own_key, other_key = (
            (item.pod_id, place.day, desk.market),
            (item.pod_id, place.day, desk.other_market),
        )
        taken = hours_of(self._market.quarters[other_key]) | self._committed_by_default(desk, other)
        if clash := hours_of(item.quarters) & taken:
            raise Refusal(
                "PodServesOtherMarket",
                pod_id=item.pod_id,
                day=place.day,
                hour=min(clash),
                other=desk.other_market,
            )
        own = self._market.quarters[own_key]
        desk.touched |= hours_of(item.quarters) - hours_of(own)
        self._market.quarters[own_key] = own | item.quarters
        return PodDeclared(
            item.pod_id, place.aggregate, place.day, place.perimeter, desk.market, item.quarters
        )

    def _release_all(self, desk: Desk, command: ReleasePods) -> list[Event]:
        """PODs are released in preliminary hours, as far as the selection was lowered (SES-6)."""
        place, events, freed = desk.place, list[Event](), set[int]()
        for item in command.pods:
            self._member(desk, item.pod_id)
            key = (item.pod_id, place.day, desk.market)
            own = self._market.quarters[key]
            allowed = quarters_of(desk.preliminary_hours) & own
            if not item.quarters or item.quarters & ~allowed:
                raise _quarters_invalid(item, place.day, allowed)
            self._market.quarters[key] = own & ~item.quarters
            freed |= hours_of(own) - hours_of(own & ~item.quarters)
            events.append(
                PodReleased(
                    item.pod_id, place.aggregate, place.day, place.perimeter, desk.market, item.quarters
                )
            )
        self._require_covered(desk, freed)
        return events

    def _member(self, desk: Desk, pod_id: bytes) -> Pod:
        """The POD as an active member of the aggregate in this perimeter, as of the day (SES-3)."""
        pod = self._pods.pod_at(pod_id, desk.place.day)
        in_pool = (
            pod is not None
            and pod.aggregate_of(SCOPE_OF[desk.market]) == desk.place.aggregate
            and pod.perimeter == desk.place.perimeter
        )
        if pod is None or not in_pool:
            raise _not_in_pool(desk.place, pod_id)
        return pod

    def _require_declarable(self, desk: Desk, item: PodQuarters, pod: Pod) -> None:
        """Quarters of selected hours, not settled before, with power in their direction (SES-3, SES-6)."""
        allowed = quarters_of(desk.definable_hours)
        if not item.quarters or item.quarters & ~allowed:
            raise _quarters_invalid(item, desk.place.day, allowed)
        hours = sorted(hours_of(item.quarters))
        for hour in hours:
            if not desk.state.kw[hour]:
                raise _nothing_selected(desk.place, hour)
        if any(not pod.granted_kw(direction_of(desk.state.kw[hour])) for hour in hours):
            raise _not_in_pool(desk.place, item.pod_id)

    def _committed_by_default(self, desk: Desk, other: int) -> frozenset[int]:
        """Hours that the other aggregate's BSP can no longer declare: all of its PODs serve there (SES-3)."""
        state = self._other_state(desk, other)
        if state is None:
            return frozenset()
        if desk.now >= desk.schedule.declaration_due(state.market, state.session):
            return state.open_hours
        first_hour = desk.schedule.first_hour(state.session)
        return frozenset(hour for hour in state.open_hours if hour < first_hour)

    def _require_other_covered(self, desk: Desk) -> None:
        """What the other market selected, and nobody declared for, stays covered by PODs left (SES-3)."""
        state = self._other_state(desk, desk.other)
        if state is None:
            return
        place = replace(desk.place, aggregate=desk.other)
        for hour in sorted(state.open_hours & desk.touched):
            left = self._market.available(place, hour, direction_of(state.kw[hour]))
            if abs(state.kw[hour]) > left:
                raise Refusal(
                    "OtherMarketUncovered",
                    other_aggregate=desk.other,
                    perimeter=place.perimeter,
                    day=place.day,
                    hour=hour,
                    selected_kw=abs(state.kw[hour]),
                    left_kw=left,
                )

    def _complete(self, desk: Desk) -> Event:
        """The BSP has said all.

        What it couldn't cover is the shortfall, per hour that is declared for (SES-3).
        """
        state, place = desk.state, desk.place
        complete = state.complete | (state.open_hours & frozenset(desk.definable_hours))
        self._market.selections[place] = replace(state, complete=complete)
        selected = [kw if hour in complete else 0 for hour, kw in enumerate(state.kw)]
        declared = {
            (hour, direction): self._market.declared_kw(place, desk.market, hour, direction)
            for hour in complete
            for direction in Direction
        }
        shortfall = pack_cells(shortfall_kw(selected, declared))
        return DeclarationCompleted(
            place.aggregate, place.perimeter, place.day, desk.market, state.session, shortfall
        )

    def _require_covered(self, desk: Desk, freed: set[int]) -> None:
        for hour in sorted(freed):
            selected = desk.state.kw[hour]
            left = self._market.declared_kw(desk.place, desk.market, hour, direction_of(selected))
            if abs(selected) > left:
                raise Refusal(
                    "ReleaseUncovered",
                    aggregate=desk.place.aggregate,
                    perimeter=desk.place.perimeter,
                    day=desk.place.day,
                    hour=hour,
                    selected_kw=abs(selected),
                    left_kw=left,
                )

    def _other_state(self, desk: Desk, other: int) -> SelectionState | None:
        return self._market.selections[replace(desk.place, aggregate=other)] if other else None


def _other_scope(desk: Desk) -> Scope:
    return SCOPE_OF[desk.other_market]


def _nothing_selected(place: Place, hour: int) -> Refusal:
    return Refusal(
        "NothingSelected", aggregate=place.aggregate, perimeter=place.perimeter, day=place.day, hour=hour
    )


def _not_in_pool(place: Place, pod_id: bytes) -> Refusal:
    return Refusal(
        "PodNotInPool", pod_id=pod_id, aggregate=place.aggregate, perimeter=place.perimeter, day=place.day
    )


def _quarters_invalid(item: PodQuarters, day: int, allowed: int) -> Refusal:
    return Refusal("QuartersInvalid", pod_id=item.pod_id, day=day, found=item.quarters, allowed=allowed)
