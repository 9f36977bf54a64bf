"""Random acts of the consortium admin and of parties towards each other."""

from __future__ import annotations

from dataclasses import replace

from registry.domain import commands as c
from registry.domain.participants import PartyKind, Right
from tests.unit.domain.consortium import (
    ADMIN,
    AUDITOR,
    BSP,
    NODE,
    OTHER_BSP,
    TSO,
    admission,
)
from tests.unit.domain.stream_steps import Step, Steps


class ParticipantSteps(Steps):
    """Commands about who takes part."""

    def suspend(self) -> Step:
        party = self._of(NODE, AUDITOR, 99)
        command = (
            c.ReinstateParty(party) if self._random.random() < 0.7 else c.SuspendParty(party, self._word())
        )
        return command, self._seat()

    def pause(self) -> Step:
        self._paused = self._random.random() < 0.4
        return (c.Pause() if self._paused else c.Unpause()), self._seat()

    def offer_admin(self) -> Step:
        """To keys that parties have, so that the stream can sign for them."""
        chosen = self._random.sample([ADMIN, AUDITOR, NODE], self._random.randint(0, 3))
        seats = tuple(self._signers[party] for party in chosen)
        return c.OfferAdmin(seats, self._random.randint(0, 2)), self._seat()

    def accept_admin(self) -> Step:
        return c.AcceptAdmin(), self._of(ADMIN, AUDITOR, NODE, TSO)

    def delegate(self) -> Step:
        party = self._of(BSP, OTHER_BSP)
        until = self.now + self._of(-1, 0, 3_600, 86_400, 86_400, 400 * 86_400)
        agent = self._of(OTHER_BSP, OTHER_BSP, BSP, NODE, 99)
        return c.DelegateRight(party, agent, Right.FILE_BASELINES, until), party

    def end_delegation(self) -> Step:
        party = self._of(BSP, OTHER_BSP)
        return c.EndDelegation(party, self._of(OTHER_BSP, NODE), Right.FILE_BASELINES), party

    def admit(self) -> Step:
        party = self._of(TSO, NODE)
        known = self._rulebook.participants.parties[party]
        free = admission(98, {98: f"0x{98:040x}"}, PartyKind.BSP)
        row = replace(
            free,
            party=self._of(98, 99, party, 0),
            eic=self._of(free.eic, free.eic, known.eic, free.eic[:-1] + b"-"),
            signer=self._of(free.signer, known.signer, f"0x{0:040x}"),
        )
        return c.AdmitParties((row,)), self._seat()
