"""How the follower divides its work: block by block near the chain's head, many together far from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from registry.domain import events as facts
from registry.mirror import SqlMirror
from registry.mirror.tables import VERSIONS
from registry.ports import BlockRef, RecordedBlock
from tests.unit.mirror.fake_ledger import ADMIN, AUDITOR, FakeLedger, address_of, opening


class Watched(FakeLedger):
    """Notes every range of blocks that is read and how far the mirror had committed by then, and counts the
    other questions. Mines so many blocks ``meanwhile``, one with each range.
    """

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile = self.questions = 0
        self.reads: list[tuple[int, int]] = []
        self.committed: list[int] = []
        self.mirror: SqlMirror | None = None
        self.mine(*opening())

    def grow(self, blocks: int) -> None:
        for _ in range(blocks):
            own = address_of(AUDITOR)
            self.mine((ADMIN, facts.SignerRotated(AUDITOR, own, own)))

    def head(self) -> BlockRef:
        self.questions += 1
        return super().head()

    def block(self, number: int) -> BlockRef:
        self.questions += 1
        return super().block(number)

    def recorded(self, from_block: int, to_block: int) -> list[RecordedBlock]:
        assert self.mirror is not None
        position = self.mirror.position()
        self.reads.append((from_block, to_block))
        self.committed.append(0 if position is None else position.number)
        if self.meanwhile:
            self.meanwhile -= 1
            self.grow(1)
        return super().recorded(from_block, to_block)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Watched]:
    """Followed up to its first block."""
    ledger = Watched()
    ledger.mirror = SqlMirror(f"sqlite:///{tmp_path / 'mirror.sqlite'}", ledger)
    ledger.mirror.catch_up()
    ledger.reads.clear()
    ledger.committed.clear()
    ledger.questions = 0
    yield ledger
    ledger.mirror.close()


@pytest.mark.rule("MIR-1")
def test_at_the_tip_each_block_is_committed_before_the_next_is_read(ledger: Watched) -> None:
    assert ledger.mirror is not None
    first = ledger.head().number + 1
    ledger.grow(2)
    ledger.meanwhile = 5
    assert ledger.mirror.catch_up() == ledger.head()
    blocks = range(first, first + 7)
    assert ledger.reads == [(block, block) for block in blocks]
    assert ledger.committed == [block - 1 for block in blocks]


@pytest.mark.rule("MIR-1")
def test_far_from_the_tip_blocks_are_gathered(ledger: Watched) -> None:
    assert ledger.mirror is not None
    ledger.grow(500)
    assert ledger.mirror.catch_up() == ledger.head()
    assert len(ledger.reads) < 12
    assert max(until - since for since, until in ledger.reads) > 100


def test_a_mirror_that_is_level_asks_once(ledger: Watched) -> None:
    """It asks many times a second, and a node has others to answer."""
    assert ledger.mirror is not None
    ledger.mirror.catch_up()
    assert (ledger.questions, ledger.reads) == (1, [])


def test_a_new_block_takes_few_questions(ledger: Watched) -> None:
    """Where the chain is, before and after reading, and whether the position is still on it."""
    assert ledger.mirror is not None
    ledger.grow(1)
    ledger.questions = 0
    ledger.mirror.catch_up()
    assert (ledger.questions, len(ledger.reads)) == (4, 1)


@pytest.mark.rule("MIR-1")
def test_a_fork_is_undone_without_reading_what_it_leaves_alone(ledger: Watched) -> None:
    """Every statement finds its rows by an index; the position is one row."""
    assert ledger.mirror is not None
    ledger.grow(3)
    ledger.mirror.catch_up()
    ledger.give_up(ledger.head().number)
    ledger.mine_at(ledger.head().time + 1, ())
    engine = ledger.mirror._database.engine
    undone: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        undone.append(statement)

    ledger.mirror.catch_up()
    changing = [one for one in undone if one.startswith(("DELETE", "UPDATE")) and "position" not in one]
    assert len(changing) == 2 * len(VERSIONS) + 2
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        for statement in changing:
            plan = raw.execute(f"EXPLAIN QUERY PLAN {statement}", [1] * statement.count("?")).fetchall()
            assert all(step[3].startswith("SEARCH") for step in plan), (statement, plan)
