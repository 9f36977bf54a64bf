"""Statements that come one by one are taken together (MEA-2, MEA-3).

A commit costs the same for one statement as for hundreds. So what arrives while the access node is at work is
gathered, and goes to it as one batch when it is done: nobody waits for a batch to fill, and the more arrive
the more share a commit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from registry.ports import Answer, OperationalError

Submit = Callable[[Sequence[bytes]], Awaitable[list[Answer]]]

BATCH_MAX = 1_000
"""Statements that go to the access node at once."""
WAITING_MAX = 20_000
"""Statements that may wait; beyond them the node says that it is too busy."""


class Overloaded(OperationalError):
    """More statements wait than the node can hold."""


class Gatherer:
    """Gathers the statements of requests of one event loop."""

    def __init__(self, submit: Submit, lanes: int, waiting_max: int = WAITING_MAX) -> None:
        """``submit`` takes a batch and gives one answer each; ``lanes``: batches under way at once."""
        self._submit = submit
        self._lanes = lanes
        self._waiting_max = waiting_max
        self._waiting: deque[tuple[bytes, asyncio.Future[Answer]]] = deque()
        self._under_way: set[asyncio.Task[None]] = set()

    async def take(self, statement: bytes) -> Answer:
        """The access node's answer to one statement.

        Raises :class:`Overloaded`, and what ``submit`` raises: then nothing is known of the statement, and
        sending it again is safe.
        """
        if len(self._waiting) >= self._waiting_max:
            raise Overloaded(
                found=f"{len(self._waiting)} statements that wait",
                expected=f"fewer than {self._waiting_max}",
                remedy="send again later, or many at once to /v1/statements/batch",
            )
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((statement, answer))
        if len(self._under_way) < self._lanes:
            task = asyncio.create_task(self._work())
            self._under_way.add(task)
        return await answer

    async def drain(self) -> None:
        """Return once everything that waits is answered."""
        while self._under_way:
            await asyncio.wait(set(self._under_way))

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]
                try:
                    answers = await self._submit([statement for statement, _ in batch])
                    answered = list(zip(batch, answers, strict=True))
                except Exception as error:
                    for _, waiting in batch:
                        if not waiting.done():  # a client that went away has cancelled its own
                            waiting.set_exception(error)
                    continue
                for (_, waiting), answer in answered:
                    if not waiting.done():
                        waiting.set_result(answer)
        finally:
            # In the same step as the last look at what waits: a done callback runs a turn of the loop later,
            # and what arrives in between would find a lane taken that nobody works on.
            task = asyncio.current_task()
            assert task is not None
            self._under_way.discard(task)
