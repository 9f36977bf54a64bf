"""Random commands of a consortium that also changes its contracts (CON-1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from registry.domain import commands as c
from registry.domain.contract_changes import CONTRACTS, Code, consented
from registry.domain.events import ChangeProposed, Event
from registry.domain.identifiers import bytes32_text
from registry.domain.rulebook import Rulebook
from tests.unit.domain.command_stream import CommandStream
from tests.unit.domain.consortium import DSO, OTHER_DSO, TSO
from tests.unit.domain.stream_steps import Step

NOTICE_S = 600
"""Of consortia that such streams are played to: a delivery day has room for several changes."""
OPERATORS = (TSO, DSO, OTHER_DSO)
SHARE = 0.08
"""Of all commands."""


def made_up_codes() -> list[Code]:
    """For a rulebook alone, which can't know whether there is code at an address."""
    return [
        Code(bytes32_text(name), f"0x{number:040x}", b"") for number, name in enumerate(CONTRACTS, 0xC0DE)
    ]


class ChangingStream(CommandStream):
    """As the stream that it extends, with proposals of ``codes``, consents, withdrawals and carrying out."""

    def __init__(
        self,
        seed: int,
        rulebook: Rulebook,
        now: int,
        signers: Mapping[int, str] | None,
        codes: Sequence[Code],
    ) -> None:
        super().__init__(seed, rulebook, now, signers)
        self._codes = codes
        self._proposed: dict[int, ChangeProposed] = {}

    def next(self) -> Step:
        if self._paused or self._random.random() > SHARE:
            return super().next()
        self.now += self._random.randint(1, 90)
        return self._contracts()

    def hear(self, events: Iterable[Event]) -> None:
        """What was recorded: proposals have numbers from then on."""
        for event in events:
            if isinstance(event, ChangeProposed):
                self._proposed[event.change] = event

    def _contracts(self) -> Step:
        pick = self._random
        operator = self._of(*OPERATORS)
        if not self._proposed or pick.random() < 0.25:
            return self._propose(operator), operator
        number = max(self._proposed) if pick.random() < 0.8 else self._of(*self._proposed, 99)
        found = self._proposed.get(number)
        ready = consented(*self._rulebook.consortium.consents_to(number))
        if found is not None and pick.random() < (0.7 if ready else 0.1):
            codes = found.codes if pick.random() < 0.9 else found.codes[:-1]
            if ready and pick.random() < 0.8:
                self.now = max(self.now, found.not_before - pick.choice((0, 0, 1)))
            return c.CarryOutChange(operator, number, codes), operator
        if pick.random() < 0.12:
            proposer = operator if found is None else self._of(operator, found.operator)
            return c.WithdrawChange(proposer, number), proposer
        return c.ConsentToChange(operator, number), operator

    def _propose(self, operator: int) -> c.ProposeChange:
        pick = self._random
        codes = tuple(pick.sample(self._codes, pick.randint(1, 2)))
        first = codes[0]
        if pick.random() < 0.15:
            odd = (
                replace(first, name=bytes32_text("Unknown")),
                replace(first, implementation="0x" + 40 * "0"),
                first,
            )
            codes = self._of((), *((*codes[:1], one) for one in odd))
        lead = NOTICE_S + self._of(-1, 0, 0, 60, 60, 3_600)
        return c.ProposeChange(operator, codes, self._word(), self.now + lead)
