"""Random commands of a consortium over one delivery day.

Mostly sensible, often refused, the same for the same seed.

Used to hold invariants against the rulebook, and the rulebook against the contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from registry.domain import commands as c
from registry.domain.rulebook import Rulebook
from tests.unit.domain.consortium import (
    KINDS,
    SCHEDULE,
)
from tests.unit.domain.stream_market import MarketSteps
from tests.unit.domain.stream_participants import ParticipantSteps
from tests.unit.domain.stream_records import RecordSteps
from tests.unit.domain.stream_registration import RegistrationSteps
from tests.unit.domain.stream_steps import GATES, Step


class CommandStream(MarketSteps, RegistrationSteps, RecordSteps, ParticipantSteps):
    """Commands with their senders; `now` is when the next one is sent."""

    def __init__(
        self, seed: int, rulebook: Rulebook, now: int, signers: Mapping[int, str] | None = None
    ) -> None:
        super().__init__(seed, rulebook, now, signers)
        self._market: list[Callable[[], Step]] = [
            self.select_local,
            self.select_global,
            self.publish_lights,
            self.declare,
            self.declare,
            self.release,
        ]
        self._others: list[Callable[[], Step]] = [
            self.schedule,
            self.perimeters,
            self.register,
            self.change,
            self.withdraw,
            self.claim,
            self.drop_claim,
            self.hand_over,
            self.static_lights,
            self.move_pods,
            self.join,
            self.leave,
            self.create,
            self.publish_product,
            self.apply,
            self.move,
            self.equivalences,
            self.baselines,
            self.propose_agreement,
            self.accept_agreement,
            self.offer,
            self.bind,
            self.end,
            self.anchor,
            self.record,
            self.dispute,
            self.attest,
            self.suspend,
            self.pause,
            self.admit,
            self.offer_admin,
            self.accept_admin,
            self.delegate,
            self.end_delegation,
        ]

    def next(self) -> Step:
        """The next command and its sender; the clock has moved."""
        pick = self._random
        self.now += pick.randint(1, 90)
        upcoming = [gate for gate in GATES if gate > self.now]
        if upcoming and pick.random() < self._haste():
            self.now = max(self.now, upcoming[0] + pick.choice((-1, 0, 1)))
        if self._paused and pick.random() < 0.4:
            self._paused = False
            return c.Unpause(), self._seat()
        opened = self.now >= SCHEDULE.opens_at
        at_market = pick.random() < (0.8 if opened else 0.1)
        command, party = pick.choice(self._market if at_market else self._others)()
        return command, party if pick.random() < 0.97 else pick.choice(list(KINDS))

    def _haste(self) -> float:
        """How soon the clock jumps to the next gate: sooner where there is little left to do."""
        found = SCHEDULE.open_session(self.now)
        if found is None:
            return 0.2 if self.now < SCHEDULE.opens_at else 0.04
        states = [self._rulebook.market.selections[place] for place in self._rulebook.market.selections]
        done = sum(state is not None and (state.market, state.session) == found for state in states)
        return 0.02 + 0.06 * done
