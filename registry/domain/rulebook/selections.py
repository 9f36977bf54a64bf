"""Outcomes of the sessions in memory.

What an operator selects (SES-2..4, DTL-2..4; contracts/src/market/Selections.sol).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.domain.commands import SelectGlobal, SelectLocal
from registry.domain.events import Event, SelectionRecorded
from registry.domain.identifiers import owner_of_perimeter, owner_of_product
from registry.domain.market import (
    Selection,
    check_definitive_hours,
    check_selection_cells,
    direction_of,
    in_direction,
    rising_hours,
)
from registry.domain.participants import PartyKind
from registry.domain.qualified import check_chain_length
from registry.domain.quantities import MAX_KW, Direction, unpack_selection
from registry.domain.refusals import Refusal
from registry.domain.rulebook.aggregates import AggregatesBook
from registry.domain.rulebook.lights import LightsBook
from registry.domain.rulebook.market import SCOPE_OF, MarketBook, Place, SelectionState, require_countable
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.prequalification import PrequalificationBook
from registry.domain.rulebook.sessions import SessionsBook
from registry.domain.rulebook.state import Call
from registry.domain.sessions import DaySchedule, Market


@dataclass(frozen=True, slots=True)
class Turn:
    """The session in which an operator selects."""

    operator: int
    market: Market
    schedule: DaySchedule
    session: int
    now: int

    @property
    def day(self) -> int:
        return self.schedule.day


class SelectionRules:
    """Decides on outcomes and records them in the market's book."""

    def __init__(
        self,
        participants: ParticipantsBook,
        sessions: SessionsBook,
        lights: LightsBook,
        aggregates: AggregatesBook,
        prequalification: PrequalificationBook,
        market: MarketBook,
    ) -> None:
        self._participants = participants
        self._sessions = sessions
        self._lights = lights
        self._aggregates = aggregates
        self._prequalification = prequalification
        self._market = market

    def execute(self, command: SelectLocal | SelectGlobal, call: Call) -> list[Event]:
        """Record the outcome of a session.

        Raises:
            Refusal: ACT-1, SES-1..4, PRQ-1, TOE-1, TOE-2, DTL-1..4, AGG-1.
        """
        if isinstance(command, SelectLocal):
            operator, kind, market = command.dso, PartyKind.DSO, Market.LFP
        else:
            operator, kind, market = command.tso, PartyKind.TSO, Market.MSD
        self._participants.require(kind, operator, call)
        schedule = self._sessions.schedule_of(command.day)
        schedule.require_open(market, command.session, call.now)
        turn = Turn(operator, market, schedule, command.session, call.now)
        events = [self._select(turn, selection) for selection in command.selections]
        if market is Market.LFP:
            for selection in command.selections:
                self._require_one_direction(selection.perimeter, schedule)
        return events

    def _select(self, turn: Turn, selection: Selection) -> Event:
        """Decide on one selection and record it.

        1. The operator's own product and grid, an aggregate of its market, qualified now. 2. One outcome per
        session, of the same operator; definitive hours stay as they are. 3. Where it rises, PODs are left for
        it and the grid takes it. 4. Record it; hours that rose have to be declared for again.
        """
        place = Place(selection.aggregate, selection.perimeter, turn.day)
        # 1
        self._require_entitled(turn, selection)
        # 2
        before = self._market.selections[place]
        recorded = before.kw if before else (0,) * turn.schedule.hours
        wanted = self._require_revisable(turn, selection, before, recorded)
        self._lights.require_in_force(selection.perimeter, turn.day)
        # 3
        rising = rising_hours(recorded, wanted)
        self._require_available(place, wanted, rising)
        if turn.market is Market.MSD and rising:
            self._require_capability(place, recorded, wanted, rising)
        # 4
        complete = (before.complete if before else frozenset()) - frozenset(rising)
        state = SelectionState(turn.session, turn.operator, turn.market, wanted, complete)
        self._market.selections[place] = state
        self._require_countable_sums(turn, selection.perimeter)
        return SelectionRecorded(
            selection.aggregate,
            selection.perimeter,
            turn.day,
            turn.market,
            turn.session,
            turn.operator,
            selection.product,
            selection.tested_aggregate,
            selection.chain,
            selection.cells,
            selection.commitment,
        )

    def _require_entitled(self, turn: Turn, selection: Selection) -> None:
        if self._aggregates.scope_of(selection.aggregate) is not SCOPE_OF[turn.market]:
            raise Refusal("WrongScope", aggregate=selection.aggregate, market=turn.market)
        if not selection.chain:
            check_chain_length(selection.chain)
        foreign_grid = turn.market is Market.LFP and owner_of_perimeter(selection.perimeter) != turn.operator
        if owner_of_product(selection.product) != turn.operator or foreign_grid:
            raise Refusal("NotOwnProduct", product=selection.product, operator=turn.operator)
        self._prequalification.require_qualified(
            selection.aggregate, selection.tested_aggregate, selection.chain, turn.day, turn.now
        )

    def _require_revisable(
        self, turn: Turn, selection: Selection, before: SelectionState | None, recorded: Sequence[int]
    ) -> tuple[int, ...]:
        """The selection in signed kW per hour, if it may follow what was recorded before (SES-2, SES-4)."""
        if before and turn.session <= before.session:
            raise Refusal(
                "OutcomeDuplicate",
                aggregate=selection.aggregate,
                perimeter=selection.perimeter,
                day=turn.day,
                session=turn.session,
            )
        if before and before.operator != turn.operator:
            raise Refusal(
                "SelectionOfOther",
                aggregate=selection.aggregate,
                perimeter=selection.perimeter,
                day=turn.day,
                operator=before.operator,
                caller=turn.operator,
            )
        check_selection_cells(selection, turn.day, turn.schedule.hours)
        wanted = unpack_selection(selection.cells, turn.schedule.hours)
        first_hour = turn.schedule.first_hour(turn.session)
        check_definitive_hours(selection, turn.day, first_hour, recorded, wanted)
        return wanted

    def _require_available(self, place: Place, wanted: Sequence[int], rising: Sequence[int]) -> None:
        """What the other market has, or may still have, is not there for this one (SES-2, SES-3)."""
        for hour in rising:
            direction = direction_of(wanted[hour])
            left = self._market.available(place, hour, direction)
            if abs(wanted[hour]) > left:
                raise Refusal(
                    "PodsUnavailable",
                    aggregate=place.aggregate,
                    perimeter=place.perimeter,
                    day=place.day,
                    hour=hour,
                    down=direction is Direction.DOWN,
                    wanted_kw=abs(wanted[hour]),
                    available_kw=left,
                )

    def _require_capability(
        self, place: Place, recorded: Sequence[int], wanted: Sequence[int], rising: Sequence[int]
    ) -> None:
        """Over all aggregates no more than the capability in force; red against the local plan (DTL-2..4)."""
        perimeter, day = place.perimeter, place.day
        lights = self._market.lights_of(perimeter, day)
        for hour in rising:
            direction = direction_of(wanted[hour])
            down = direction is Direction.DOWN
            wanted_kw = abs(wanted[hour])
            used_kw = self._market.planned_kw(Market.MSD, perimeter, day, hour, direction)
            total_kw = used_kw - in_direction(recorded[hour], direction) + wanted_kw
            published_kw = (lights.down if down else lights.up).raw(hour)
            if published_kw == 0:
                raise Refusal(
                    "RedLight", perimeter=perimeter, day=day, hour=hour, down=down, wanted_kw=wanted_kw
                )
            local_kw = self._market.planned_kw(Market.LFP, perimeter, day, hour, direction.opposite)
            if local_kw:
                raise Refusal(
                    "OppositeToLocal",
                    perimeter=perimeter,
                    day=day,
                    hour=hour,
                    down=down,
                    wanted_kw=wanted_kw,
                    local_kw=local_kw,
                )
            if total_kw > published_kw or total_kw > MAX_KW:
                raise Refusal(
                    "CapabilityExceeded",
                    perimeter=perimeter,
                    day=day,
                    hour=hour,
                    down=down,
                    total_kw=total_kw,
                    capability_kw=published_kw,
                )

    def _require_countable_sums(self, turn: Turn, perimeter: int) -> None:
        for direction in Direction:
            for hour in range(turn.schedule.hours):
                require_countable(
                    hour, self._market.planned_kw(turn.market, perimeter, turn.day, hour, direction)
                )

    def _require_one_direction(self, perimeter: int, schedule: DaySchedule) -> None:
        """No local activations in both directions in one hour, once the whole outcome is in (DTL-3)."""
        for hour in range(schedule.hours):
            planned = [
                self._market.planned_kw(Market.LFP, perimeter, schedule.day, hour, direction)
                for direction in Direction
            ]
            if all(planned):
                raise Refusal("LocalBothDirections", perimeter=perimeter, day=schedule.day, hour=hour)
