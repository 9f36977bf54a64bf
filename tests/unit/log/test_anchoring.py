"""Heads of the log on the ledger: when, once, and what happens while the chain is away (LOG-2)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from registry.domain.commands import AnchorCheckpoint, Command
from registry.domain.errors import RuleViolation
from registry.domain.events import CheckpointAnchored, Event, Recorded
from registry.evidence.blocks import BlockEvidence
from registry.log import AccessNode, Anchorer, AnchorLag
from registry.ports import (
    BlockRef,
    ChainUnreachable,
    DatabaseCorrupted,
    Receipt,
    RecordedBlock,
    Signer,
    TransactionNotMined,
)
from tests.unit.log.log_house import House, SetClock

NODE = 7
EVERY_ENTRIES, EVERY_SECONDS = 10, 600


@dataclass
class AnchorLedger:
    """A ledger that knows anchors only; ``down``: it does not answer, ``answers_lost``: it does what it is
    asked and does not tell.
    """

    clock: SetClock
    anchors: list[RecordedBlock] = field(default_factory=list)
    down: bool = False
    answers_lost: bool = False
    asked_from: list[int] = field(default_factory=list)
    chain_id: int = 1
    addresses: Mapping[str, str] = field(default_factory=dict)
    contracts_version: int = 1
    first_block: int = 3

    def send(self, command: Command, signer: Signer) -> Receipt:
        self._answer()
        assert isinstance(command, AnchorCheckpoint)
        for block in self.anchors:
            (record,) = block.events
            assert isinstance(record.event, CheckpointAnchored)
            if record.event.size > command.size:
                raise RuleViolation(rule="LOG-2", field="size", found=command.size, allowed=record.event.size)
        number = 10 + len(self.anchors)
        ref = BlockRef(number, bytes(32), self.clock.seconds)
        event = CheckpointAnchored(
            command.log_id, command.node, command.size, command.root, command.witnesses
        )
        record: Recorded[Event] = Recorded(
            event, "Measurements", number, ref.hash, ref.time, bytes(32), 0, signer.address
        )
        self.anchors.append(RecordedBlock(ref, (record,)))
        if self.answers_lost:
            raise TransactionNotMined(found="no block", expected="one", remedy="wait")
        return Receipt(bytes(32), number, ref.hash, ref.time, (record,), 50_000)

    def head(self) -> BlockRef:
        self._answer()
        return BlockRef(10 + len(self.anchors), bytes(32), self.clock.seconds)

    def recorded(self, from_block: int, to_block: int) -> list[RecordedBlock]:
        self._answer()
        self.asked_from.append(from_block)
        return [block for block in self.anchors if from_block <= block.ref.number <= to_block]

    def block(self, number: int) -> BlockRef:
        raise LookupError(number)

    def evidence(self, block_number: int) -> BlockEvidence:
        raise LookupError(block_number)

    def sizes(self) -> list[int]:
        return [size for size, _ in self.counted()]

    def counted(self) -> list[tuple[int, int]]:
        """Size and witnesses of every anchor."""
        return [
            (record.event.size, record.event.witnesses)
            for block in self.anchors
            for record in block.events
            if isinstance(record.event, CheckpointAnchored)
        ]

    def _answer(self) -> None:
        if self.down:
            raise ChainUnreachable(found="nothing", expected="an answer", remedy="start it")


class NodeSigner:
    address = "0x0000000000000000000000000000000000000007"

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        return b""


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = House(tmp_path / "log")
    house.clock.seconds += 1000 * 900
    house.device("a")
    return house


@pytest.fixture
def ledger(house: House) -> AnchorLedger:
    return AnchorLedger(house.clock)


@pytest.fixture
def node(house: House) -> Iterator[AccessNode]:
    with house.open() as node:
        yield node


def anchorer(house: House, node: AccessNode, ledger: AnchorLedger) -> Anchorer:
    return Anchorer(node, ledger, NodeSigner(), NODE, EVERY_ENTRIES, EVERY_SECONDS, house.clock)


def log(house: House, node: AccessNode, count: int) -> None:
    size = node.checkpoint().size
    node.submit([house.device("a").reading(slot, slot + 1) for slot in range(size, size + count)])


@pytest.mark.rule("LOG-2")
def test_due_by_count_or_by_age_and_never_for_nothing(
    house: House, node: AccessNode, ledger: AnchorLedger
) -> None:
    anchoring = anchorer(house, node, ledger)
    assert anchoring.run_once() is None
    log(house, node, EVERY_ENTRIES - 1)
    assert anchoring.run_once() is None
    assert anchoring.lag() == AnchorLag(EVERY_ENTRIES - 1, 0, None)
    log(house, node, 1)
    receipt = anchoring.run_once()
    assert receipt is not None
    event = receipt.events[0].event
    head = node.checkpoint()
    assert event == CheckpointAnchored(node.log_id, NODE, head.size, head.root, 0)
    assert anchoring.run_once() is None and anchoring.anchor() is None
    log(house, node, 1)
    house.clock.seconds += EVERY_SECONDS - 1
    assert anchoring.run_once() is None
    assert anchoring.lag() == AnchorLag(1, EVERY_SECONDS - 1, None)
    house.clock.seconds += 1
    assert anchoring.run_once() is not None
    assert anchoring.lag() == AnchorLag(0, 0, None)
    log(house, node, 1)
    assert anchoring.anchor() is not None
    assert ledger.sizes() == [10, 11, 12]


@pytest.mark.rule("LOG-2")
def test_a_chain_that_is_down_delays_and_loses_nothing(
    house: House, node: AccessNode, ledger: AnchorLedger
) -> None:
    anchoring = anchorer(house, node, ledger)
    log(house, node, 20)
    ledger.down = True
    for _ in range(3):
        assert anchoring.run_once() is None
    house.clock.seconds += 50
    lag = anchoring.lag()
    assert (lag.entries, lag.seconds, type(lag.failure)) == (20, 50, ChainUnreachable)
    log(house, node, 5)
    ledger.down = False
    assert anchoring.run_once() is not None
    assert ledger.sizes() == [25]
    assert anchoring.lag() == AnchorLag(0, 0, None)


@pytest.mark.rule("LOG-2")
def test_a_restart_asks_what_is_anchored_from_the_last_known_block_on(
    house: House, ledger: AnchorLedger
) -> None:
    with house.open() as node:
        log(house, node, 10)
        assert anchorer(house, node, ledger).run_once() is not None
    with house.open() as node:
        assert anchorer(house, node, ledger).run_once() is None
        log(house, node, 10)
        assert anchorer(house, node, ledger).run_once() is not None
    assert ledger.sizes() == [10, 20]
    assert ledger.asked_from == [3, 10, 10]


@pytest.mark.rule("LOG-2")
def test_an_anchor_whose_answer_was_lost_is_found_not_repeated(
    house: House, node: AccessNode, ledger: AnchorLedger
) -> None:
    anchoring = anchorer(house, node, ledger)
    log(house, node, 10)
    ledger.answers_lost = True
    assert anchoring.run_once() is None
    assert isinstance(anchoring.lag().failure, TransactionNotMined)
    ledger.answers_lost = False
    assert anchoring.run_once() is None
    assert ledger.sizes() == [10]
    assert anchoring.lag() == AnchorLag(0, 0, None)


@pytest.mark.rule("LOG-2")
def test_a_log_that_contradicts_the_ledger_stops(
    house: House, node: AccessNode, ledger: AnchorLedger
) -> None:
    log(house, node, 10)
    command = AnchorCheckpoint(node=NODE, log_id=node.log_id, size=10, root=bytes(32), witnesses=0)
    ledger.send(command, NodeSigner())
    with pytest.raises(DatabaseCorrupted, match="anchored root"):
        anchorer(house, node, ledger).run_once()


@pytest.mark.rule("LOG-2")
def test_a_longer_log_on_the_ledger_stops_too(house: House, node: AccessNode, ledger: AnchorLedger) -> None:
    log(house, node, 10)
    ledger.send(AnchorCheckpoint(NODE, node.log_id, 11, bytes(32), 0), NodeSigner())
    with pytest.raises(DatabaseCorrupted, match="no checkpoint at size 11"):
        anchorer(house, node, ledger).run_once()


@pytest.mark.rule("LOG-2")
def test_a_refusal_of_the_ledger_is_not_swallowed(
    house: House, node: AccessNode, ledger: AnchorLedger
) -> None:
    anchoring = anchorer(house, node, ledger)
    assert anchoring.run_once() is None
    ledger.send(AnchorCheckpoint(NODE, node.log_id, 500, bytes(32), 0), NodeSigner())
    log(house, node, 10)
    with pytest.raises(RuleViolation, match="LOG-2"):
        anchoring.run_once()
