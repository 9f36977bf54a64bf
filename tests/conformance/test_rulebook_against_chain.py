"""The rulebook and the contracts are one ledger: the same commands give the same events or the same refusal.

Random streams of commands (`tests/unit/domain/command_stream.py`) go through both; whatever one accepts, the other accepts with
equal events, whatever one refuses, the other refuses with the same error and values.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from eth_utils import keccak

from registry.domain.calendar import from_unix
from registry.domain.commands import Command, Pause, RotateSigner
from registry.domain.events import Event
from registry.domain.refusals import Refusal
from registry.domain.rulebook import Rulebook
from registry.ledger.opening import EmbeddedLedger, open_embedded
from registry.ledger.signers import LocalSigner
from tests.unit.domain.command_stream import CommandStream
from tests.unit.domain.consortium import ADMIN, DISPUTE_WINDOW_S, DSO, FOUNDED_AT, KINDS, Consortium

LENGTH = 300


class SetClock:
    """Stands where it was set."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def now(self) -> datetime:
        return self.instant


class Chain:
    """The contracts on an embedded chain, asked as the rulebook is."""

    def __init__(self, folder: Path) -> None:
        keys = {party: LocalSigner(keccak(text=f"party {party}")) for party in (ADMIN, *KINDS)}
        self.addresses = {party: key.address for party, key in keys.items()}
        self._keys = {key.address: key for key in keys.values()}
        self._clock = SetClock(from_unix(FOUNDED_AT) - timedelta(hours=1))
        self._opened: EmbeddedLedger = open_embedded(
            folder, self._clock, keys[ADMIN], dispute_window_s=DISPUTE_WINDOW_S
        )

    def execute(self, command: Command, sender: str, now: int) -> list[Event]:
        self._clock.instant = from_unix(now)
        receipt = self._opened.ledger.send(command, self._keys[sender])
        assert receipt.block_time == now
        return [recorded.event for recorded in receipt.events]

    def adopt(self, key: LocalSigner) -> None:
        self._keys[key.address] = key

    def close(self) -> None:
        self._opened.close()


class Both:
    """Rulebook and chain side by side."""

    def __init__(self, rulebook: Rulebook, chain: Chain) -> None:
        self.rulebook = rulebook
        self.chain = chain

    def execute(self, command: Command, sender: str, now: int) -> list[Event]:
        """What both answer.

        Raises:
            Refusal: both refuse, alike.
            AssertionError: they differ.
        """
        expected = answer(self.rulebook, command, sender, now)
        found = answer(self.chain, command, sender, now)
        assert found == expected, f"{command}\nchain: {found}\nrules: {expected}"
        if isinstance(expected, tuple):
            raise Refusal.decoded(expected[0], list(expected[1].values()))
        return expected


def answer(
    ledger: Rulebook | Chain, command: Command, sender: str, now: int
) -> list[Event] | tuple[str, dict[str, object]]:
    """Events, or name and values of the refusal."""
    try:
        return ledger.execute(command, sender, now)
    except Refusal as refusal:
        return refusal.name, refusal.values


@pytest.fixture
def both(tmp_path: Path) -> Iterator[Both]:
    chain = Chain(tmp_path)
    yield Both(Rulebook(chain.addresses[ADMIN], DISPUTE_WINDOW_S), chain)
    chain.close()


@pytest.mark.rule(
    "ACT-1", "ACT-2", "POD-1", "POD-2", "POD-3", "AGG-1", "AGG-2", "PRD-1", "PRQ-1", "TOE-1", "TOE-2", "DEV-1"
)
@pytest.mark.rule("SES-1", "SES-2", "SES-3", "SES-4", "SES-6", "DTL-1", "DTL-2", "DTL-3", "DTL-4", "BAS-1", "LOG-2", "STT-4")
@pytest.mark.parametrize("seed", range(4))
def test_the_same_commands_have_the_same_outcome(both: Both, seed: int) -> None:
    world = Consortium(both, both.chain.addresses)
    stream = CommandStream(seed, both.rulebook, world.now)
    accepted = refused = 0
    for _ in range(LENGTH):
        command, party = stream.next()
        try:
            both.execute(command, world.signers[party], stream.now)
            accepted += 1
        except Refusal:
            refused += 1
    assert accepted > LENGTH // 8
    assert refused > LENGTH // 8
