"""Statements of many requests are taken together, and each request gets its own answer (MEA-2, MEA-3)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from fastapi.concurrency import run_in_threadpool

from api.gathering import BATCH_MAX, Gatherer, Overloaded
from registry.ports import Accepted, Answer, DatabaseUnreachable


class Node:
    """Answers when it is let; remembers what came together."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.let = threading.Event()
        self.failure: Exception | None = None

    async def submit(self, statements: Sequence[bytes]) -> list[Answer]:
        return await run_in_threadpool(self._submit, statements)

    def _submit(self, statements: Sequence[bytes]) -> list[Answer]:
        self.batches.append(list(statements))
        assert self.let.wait(60)
        if self.failure:
            raise self.failure
        return [Accepted(int(statement), statement, b"", False) for statement in statements]


async def settle(node: Node, batches: int) -> None:
    """Wait until so many batches have come to the node."""
    while len(node.batches) < batches:
        await asyncio.sleep(0)


def requests(gatherer: Gatherer, first: int, count: int) -> list[asyncio.Task[Answer]]:
    return [asyncio.create_task(gatherer.take(b"%d" % number)) for number in range(first, first + count)]


@pytest.mark.rule("MEA-3")
def test_what_comes_while_the_node_works_is_one_batch() -> None:
    async def run() -> None:
        node = Node()
        gatherer = Gatherer(node.submit, lanes=1)
        first = requests(gatherer, 0, 1)
        await settle(node, 1)
        rest = requests(gatherer, 1, 50)
        await asyncio.sleep(0)
        node.let.set()
        answers = await asyncio.gather(*first, *rest)
        assert [answer.index for answer in answers if isinstance(answer, Accepted)] == list(range(51))
        assert [len(batch) for batch in node.batches] == [1, 50]
        await gatherer.drain()

    asyncio.run(run())


def test_a_batch_has_an_end_and_lanes_work_side_by_side() -> None:
    async def run() -> None:
        node = Node()
        gatherer = Gatherer(node.submit, lanes=2)
        all_of_them = requests(gatherer, 0, 2 * BATCH_MAX + 5)
        await settle(node, 2)
        node.let.set()
        answers = await asyncio.gather(*all_of_them)
        assert [answer.index for answer in answers if isinstance(answer, Accepted)] == list(
            range(2 * BATCH_MAX + 5)
        )
        assert max(map(len, node.batches)) == BATCH_MAX

    asyncio.run(run())


@pytest.mark.rule("MEA-3")
def test_a_failure_reaches_everybody_who_waits_and_the_next_ones_go_on() -> None:
    async def run() -> None:
        node = Node()
        node.failure = DatabaseUnreachable(found="nothing", expected="a database", remedy="start it")
        node.let.set()
        gatherer = Gatherer(node.submit, lanes=1)
        found = await asyncio.gather(*requests(gatherer, 0, 7), return_exceptions=True)
        assert found == [node.failure] * 7
        node.failure = None
        (answer,) = await asyncio.gather(*requests(gatherer, 9, 1))
        assert isinstance(answer, Accepted) and answer.index == 9

    asyncio.run(run())


def test_a_client_that_goes_away_disturbs_nobody() -> None:
    async def run() -> None:
        node = Node()
        gatherer = Gatherer(node.submit, lanes=1)
        gone, *others = requests(gatherer, 0, 3)
        await settle(node, 1)
        gone.cancel()
        node.let.set()
        assert [answer.index for answer in await asyncio.gather(*others) if isinstance(answer, Accepted)] == [
            1,
            2,
        ]
        with pytest.raises(asyncio.CancelledError):
            await gone

    asyncio.run(run())


def test_beyond_its_bound_it_says_that_it_is_too_busy() -> None:
    async def run() -> None:
        node = Node()
        gatherer = Gatherer(node.submit, lanes=1, waiting_max=2)
        waiting = requests(gatherer, 0, 1)
        await settle(node, 1)
        waiting += requests(gatherer, 1, 2)
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="2 statements that wait"):
            await gatherer.take(b"3")
        node.let.set()
        assert len(await asyncio.gather(*waiting)) == 3

    asyncio.run(run())


@pytest.mark.rule("MEA-3")
@pytest.mark.parametrize("turns", range(8))
def test_what_comes_while_a_lane_ends_is_not_left_waiting(turns: int) -> None:
    """However many turns of the loop lie between two statements, the node gets both without a third."""

    async def one_turn(statements: Sequence[bytes]) -> list[Answer]:
        await asyncio.sleep(0)
        return [Accepted(int(statement), statement, b"", False) for statement in statements]

    async def run() -> None:
        gatherer = Gatherer(one_turn, lanes=1)
        first = requests(gatherer, 0, 1)
        for _ in range(turns):
            await asyncio.sleep(0)
        second = requests(gatherer, 1, 1)
        for _ in range(20):
            await asyncio.sleep(0)
        assert all(task.done() for task in first + second)
        await gatherer.drain()

    asyncio.run(run())
