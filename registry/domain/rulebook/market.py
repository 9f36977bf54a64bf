"""What the market has recorded, and what follows from it (SES-2, SES-3, DTL-3, BAS-1).

As contracts/src/market/MarketBook.sol. Sums are taken over the recorded facts when asked, by definition; the
contracts keep them as running sums.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.commands import FileBaselines
from registry.domain.enums import Market, Scope
from registry.domain.events import BaselineFiled, Event
from registry.domain.lights import PerimeterLights
from registry.domain.market import Claim, available_kw, hours_of, in_direction
from registry.domain.participants import PartyKind, Right
from registry.domain.quantities import MAX_KW, Direction
from registry.domain.refusals import Refusal
from registry.domain.rulebook.aggregates import AggregatesBook
from registry.domain.rulebook.lights import LightsBook
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.pods import PodsBook
from registry.domain.rulebook.sessions import SessionsBook
from registry.domain.rulebook.state import Call, Journal, Table

MARKET_OF = {Scope.LOCAL: Market.LFP, Scope.GLOBAL: Market.MSD}
SCOPE_OF = {market: scope for scope, market in MARKET_OF.items()}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """An aggregate in a perimeter on a delivery day."""

    aggregate: int
    perimeter: int
    day: int


@dataclass(frozen=True, slots=True)
class SelectionState:
    """The last outcome of an aggregate in a perimeter on a day.

    `kw` is signed, one per hour of the day. `complete` are the hours for which the BSP has said which PODs
    serve.
    """

    session: int
    operator: int
    market: Market
    kw: tuple[int, ...]
    complete: frozenset[int]

    @property
    def open_hours(self) -> frozenset[int]:
        """Selected hours for which the BSP hasn't said all.

        There the aggregate is committed as a whole (SES-3).
        """
        return frozenset(hour for hour, kw in enumerate(self.kw) if kw) - self.complete


class MarketBook:
    """Selections by place, and declared quarters by POD, day and market."""

    def __init__(
        self,
        journal: Journal,
        participants: ParticipantsBook,
        sessions: SessionsBook,
        lights: LightsBook,
        pods: PodsBook,
        aggregates: AggregatesBook,
    ) -> None:
        self._participants = participants
        self._sessions = sessions
        self._lights = lights
        self._pods = pods
        self._aggregates = aggregates
        self.selections: Table[Place, SelectionState | None] = Table(journal, None)
        self.quarters: Table[tuple[bytes, int, Market], int] = Table(journal, 0)

    def file_baselines(self, command: FileBaselines, call: Call) -> list[Event]:
        """Baselines are filed until the gate, by the BSP that has the POD on that day or its agent (BAS-1).

        Raises:
            Refusal: ACT-1, SES-1, BAS-1.
        """
        self._participants.require_right(PartyKind.BSP, command.bsp, Right.FILE_BASELINES, call)
        gate = self._sessions.schedule_of(command.day).baseline_gate
        if call.now >= gate:
            raise Refusal("BaselineLate", day=command.day, gate=gate, now_at=call.now)
        events: list[Event] = []
        for filing in command.filings:
            pod = self._pods.pod_at(filing.pod_id, command.day)
            holder = pod.bsp if pod else 0
            if holder != command.bsp:
                raise Refusal("BaselineOfOther", pod_id=filing.pod_id, bsp=holder, caller=command.bsp)
            events.append(BaselineFiled(filing.pod_id, command.bsp, command.day, filing.commitment))
        return events

    def declared_kw(
        self, place: Place, market: Market, hour: int, direction: Direction, shared_with: int = 0
    ) -> int:
        """Granted power of the aggregate's PODs declared to `market` in an hour (SES-3).

        `shared_with` counts only those that are in this other aggregate too. A POD counts as soon as one
        quarter is declared.
        """
        return sum(
            pod.granted_kw(direction)
            for pod_id, pod in self._aggregates.members(place.aggregate, place.perimeter, place.day)
            if hour in hours_of(self.quarters[pod_id, place.day, market])
            and (not shared_with or shared_with in (pod.local_aggregate, pod.global_aggregate))
        )

    def available(self, place: Place, hour: int, direction: Direction) -> int:
        """Power that the aggregate's PODs can still give to its own market, in kW (SES-2, SES-3).

        Raises:
            Refusal: SES-3 PowerTooLarge, AGG-1 AggregateUnknown.
        """
        pool = self._aggregates.pool(place.aggregate, place.perimeter, place.day)
        for power_kw in (pool.up_kw, pool.down_kw):
            require_countable(0, power_kw)
        claims = [
            self._claim(place, other, hour, direction)
            for other in self._aggregates.counterparts(place.aggregate)
        ]
        return available_kw(pool.power_kw(direction), claims)

    def planned_kw(self, market: Market, perimeter: int, day: int, hour: int, direction: Direction) -> int:
        """What all selections of a market sum to in a perimeter, hour and direction, in kW (DTL-3, DTL-4)."""
        return sum(
            in_direction(state.kw[hour], direction)
            for place in self.selections
            if (place.perimeter, place.day) == (perimeter, day)
            and (state := self.selections[place]) is not None
            and state.market is market
        )

    def lights_of(self, perimeter: int, day: int) -> PerimeterLights:
        """The lights published last.

        Raises:
            Refusal: DTL-2 LightsMissing.
        """
        lights = self._lights.lights_of(perimeter, day)
        if lights is None:
            raise Refusal("LightsMissing", perimeter=perimeter, day=day)
        return lights

    def _claim(self, place: Place, other: int, hour: int, direction: Direction) -> Claim:
        state = self.selections[Place(other, place.perimeter, place.day)]
        if state is None:
            return Claim(selected=False, complete=False, shared_kw=0, declared_kw=0)
        shared = self._aggregates.shared(place.aggregate, other, place.perimeter, place.day)
        return Claim(
            selected=state.kw[hour] != 0,
            complete=hour in state.complete,
            shared_kw=shared.power_kw(direction),
            declared_kw=self.declared_kw(place, state.market, hour, direction, shared_with=other),
        )


def require_countable(hour: int, power_kw: int) -> None:
    """Powers and their sums are counted in 17 bits (SES-3).

    Raises:
        Refusal: SES-3 PowerTooLarge.
    """
    if power_kw > MAX_KW:
        raise Refusal("PowerTooLarge", hour=hour, found_kw=power_kw, limit_kw=MAX_KW)
