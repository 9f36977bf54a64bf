"""A chain that changes its mind, under random commands of all parties: the follower ends with the rows of the
branch that won, history included, and a rebuild from block 0 is equal to it row for row (MIR-1).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from bench.servers import Anvil, MissingProgram
from registry.domain import commands as c
from registry.domain.events import Event
from registry.domain.refusals import Refusal
from registry.domain.rulebook import Rulebook
from registry.ledger import Connection, LocalSigner
from registry.ledger.artifacts import load_artifacts
from registry.ledger.deployment import deploy
from registry.ledger.ledger import ChainLedger
from registry.mirror import SqlMirror
from tests.conftest import ROOT, not_run
from tests.unit.domain.command_stream import CommandStream
from tests.unit.domain.consortium import ADMIN, DISPUTE_WINDOW_S, FOUNDED_AT, KINDS, PODS, Consortium

STEPS = 240
DEEPEST = 12
"""Commands that a fork takes back at most."""


@dataclass(frozen=True)
class Step:
    """A command that both took."""

    command: c.Command
    sender: str
    now: int


class Both:
    """A chain and the rulebook beside it, which can go back to where they were."""

    def __init__(self, url: str) -> None:
        self.connection = Connection.to(url)
        self.keys = {party: LocalSigner(keccak(text=f"party {party}")) for party in (ADMIN, *KINDS)}
        self.addresses = {party: key.address for party, key in self.keys.items()}
        self._by_address = {key.address: key for key in self.keys.values()}
        artifacts = load_artifacts()
        deployment = deploy(self.connection, self.keys[ADMIN], artifacts, dispute_window_s=DISPUTE_WINDOW_S)
        self.ledger = ChainLedger(self.connection, deployment, artifacts)
        self.rulebook = self._blank()
        self.steps: list[Step] = []
        self._snapshots: list[str] = []

    def execute(self, command: c.Command, sender: str, now: int) -> list[Event]:
        """Record on both; raises the Refusal of the rulebook."""
        events = self.rulebook.execute(command, sender, now)
        self._snapshots.append(self.connection.request("evm_snapshot"))
        self.connection.request("evm_setNextBlockTimestamp", now)
        receipt = self.ledger.send(command, self._by_address[sender])
        assert [recorded.event for recorded in receipt.events] == events
        self.steps.append(Step(command, sender, now))
        return events

    def go_back(self, steps: int) -> int:
        """The chain gives up so many commands; the time it has then."""
        kept = len(self.steps) - steps
        assert self.connection.request("evm_revert", self._snapshots[kept])
        del self.steps[kept:], self._snapshots[kept:]
        self.rulebook = self._blank()
        for step in self.steps:
            self.rulebook.execute(step.command, step.sender, step.now)
        return self.steps[-1].now

    def _blank(self) -> Rulebook:
        return Rulebook(self.addresses[ADMIN], DISPUTE_WINDOW_S)


@pytest.fixture
def both() -> Iterator[Both]:
    start = str(FOUNDED_AT - 3_600)
    try:
        anvil = Anvil.start(ROOT, "--block-base-fee-per-gas", "0", "--timestamp", start, states=10_000)
    except MissingProgram as error:
        not_run(str(error))
    with anvil:
        yield Both(anvil.url)


@pytest.mark.rule("MIR-1")
@pytest.mark.parametrize("seed", range(2))
def test_a_follower_that_saw_forks_has_the_rows_of_the_branch_that_won(
    both: Both, seed: int, tmp_path: Path
) -> None:
    chance = random.Random(seed)
    world = Consortium(both, both.addresses)
    founded = len(both.steps)
    stream = CommandStream(seed, both.rulebook, world.now, both.addresses)
    live = SqlMirror(f"sqlite:///{tmp_path / 'live.sqlite'}", both.ledger)
    forks = undone = seen = 0
    number = 0
    # How many commands are accepted, and so how soon blocks can be taken back, is the stream's own matter.
    while number < STEPS or ((forks < 3 or undone <= 5) and number < 4 * STEPS):
        number += 1
        command, party = stream.next()
        try:
            both.execute(command, both.addresses[party], stream.now)
        except Refusal:
            continue
        if chance.random() < 0.4:
            live.catch_up()
            seen = len(both.steps)
        if chance.random() < 0.3 and len(both.steps) > founded + DEEPEST:
            depth = chance.randrange(1, DEEPEST)
            now = both.go_back(depth)
            forks, undone = forks + 1, undone + max(0, seen - len(both.steps))
            seen = min(seen, len(both.steps))
            stream = CommandStream(1_000 * seed + number, both.rulebook, now, both.addresses)
            if chance.random() < 0.5:
                live.catch_up()
    assert forks >= 3 and undone > 5, "the stream was not worth it"
    live.catch_up()
    rebuilt = SqlMirror(f"sqlite:///{tmp_path / 'rebuilt.sqlite'}", both.ledger)
    rebuilt.catch_up()
    rows = list(live.dump())
    assert rows == list(rebuilt.dump())
    # the rows are those of the commands that stayed, and history tells nothing else
    blocks = both.ledger.recorded(both.ledger.first_block, both.ledger.head().number)
    facts = {(e.block_number, e.log_index) for block in blocks for e in block.events}
    assert {values[:2] for table, values in rows if table == "fact"} == facts
    for pod in PODS:
        assert live.history("pod", pod.hex()) == rebuilt.history("pod", pod.hex())
    live.close()
    rebuilt.close()
