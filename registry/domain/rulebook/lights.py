"""The ledger's perimeters and dynamic lights in memory (DTL-1, DTL-2; contracts/src/TrafficLights.sol)."""

from __future__ import annotations

from dataclasses import dataclass

from registry.domain.commands import DeclarePerimeters, PublishLights
from registry.domain.events import Event, LightsPublished, PerimeterDeclared, PerimeterEnded
from registry.domain.identifiers import owner_of_perimeter
from registry.domain.lights import PerimeterDraft, PerimeterLights, check_cells
from registry.domain.participants import PartyKind
from registry.domain.refusals import Refusal
from registry.domain.rulebook.participants import ParticipantsBook
from registry.domain.rulebook.sessions import SessionsBook
from registry.domain.rulebook.state import Call, Journal, Table
from registry.domain.sessions import Market


@dataclass(frozen=True, slots=True)
class Term:
    """Delivery days [from_day, until_day) of a perimeter; open if there is no end."""

    from_day: int
    until_day: int | None = None

    def covers(self, day: int) -> bool:
        return self.from_day <= day and (self.until_day is None or day < self.until_day)


class LightsBook:
    """Terms of perimeters, and the lights published last per perimeter and day."""

    def __init__(self, journal: Journal, participants: ParticipantsBook, sessions: SessionsBook) -> None:
        self._participants = participants
        self._sessions = sessions
        self._terms: Table[int, Term | None] = Table(journal, None)
        self._lights: Table[tuple[int, int], PerimeterLights | None] = Table(journal, None)
        self._predecessors: Table[int, tuple[int, ...]] = Table(journal, ())

    def execute(self, command: DeclarePerimeters | PublishLights, call: Call) -> list[Event]:
        """Declare perimeters or publish lights.

        Raises:
            Refusal: ACT-1, SES-1, SES-4, DTL-1, DTL-2.
        """
        self._participants.require(PartyKind.DSO, command.dso, call)
        if isinstance(command, DeclarePerimeters):
            from_day = self._sessions.first_unfrozen_day(call.now)
            return [
                event for draft in command.drafts for event in self._declare(command.dso, draft, from_day)
            ]
        schedule = self._sessions.schedule_of(command.day)
        schedule.require_open(Market.LFP, command.session, call.now)
        return [self._publish(command, lights, schedule.hours) for lights in command.lights]

    def require_in_force(self, perimeter: int, day: int) -> None:
        """Refuse a perimeter that is not in its DSO's partition on a day (DTL-1).

        Raises:
            Refusal: DTL-1 PerimeterNotInForce.
        """
        term = self._terms[perimeter]
        if term is None or not term.covers(day):
            raise Refusal("PerimeterNotInForce", perimeter=perimeter, day=day)

    def require_successor(self, perimeter: int, predecessor: int) -> None:
        """Refuse a perimeter that was not split or merged from another one (DTL-1).

        Raises:
            Refusal: DTL-1 NotASuccessor.
        """
        if predecessor not in self._predecessors[perimeter]:
            raise Refusal("NotASuccessor", perimeter=perimeter, predecessor=predecessor)

    def lights_of(self, perimeter: int, day: int) -> PerimeterLights | None:
        """The lights published last, None if there are none."""
        return self._lights[perimeter, day]

    def _declare(self, dso: int, draft: PerimeterDraft, from_day: int) -> list[Event]:
        _require_own(draft.perimeter, dso)
        if draft.perimeter in self._terms:
            raise Refusal("PerimeterExists", perimeter=draft.perimeter)
        ended = [
            event for predecessor in draft.predecessors for event in self._end(dso, predecessor, from_day)
        ]
        self._terms[draft.perimeter] = Term(from_day)
        self._predecessors[draft.perimeter] = draft.predecessors
        declared = PerimeterDeclared(draft.perimeter, dso, from_day, draft.predecessors, draft.payload_hash)
        return [*ended, declared]

    def _end(self, dso: int, predecessor: int, from_day: int) -> list[Event]:
        """A predecessor ends where its successors begin; a split names it once per part (DTL-1)."""
        _require_own(predecessor, dso)
        term = self._terms[predecessor]
        if term is not None and term.until_day == from_day:
            return []
        self.require_in_force(predecessor, from_day)
        self._terms[predecessor] = Term(term.from_day if term else 0, from_day)
        return [PerimeterEnded(predecessor, dso, from_day)]

    def _publish(self, command: PublishLights, lights: PerimeterLights, hours: int) -> Event:
        _require_own(lights.perimeter, command.dso)
        self.require_in_force(lights.perimeter, command.day)
        check_cells(lights, command.day, hours)
        self._lights[lights.perimeter, command.day] = lights
        return LightsPublished(
            lights.perimeter, command.day, command.session, lights.up, lights.down, lights.payload_hash
        )


def _require_own(perimeter: int, dso: int) -> None:
    if owner_of_perimeter(perimeter) != dso:
        raise Refusal("PerimeterOfOther", perimeter=perimeter, dso=dso)
