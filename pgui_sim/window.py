"""Work under way at once, but not too much of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    pool: Executor, work: Callable[[Item], Result], items: Iterable[Item], width: int
) -> Iterator[tuple[Item, Future[Result]]]:
    """Each item with its finished work, in the order of the items, of which at most ``width`` are taken
    ahead.
    """
    under_way: deque[tuple[Item, Future[Result]]] = deque()
    for item in items:
        under_way.append((item, pool.submit(work, item)))
        if len(under_way) == width:
            yield _finished(under_way)
    while under_way:
        yield _finished(under_way)


def _finished(under_way: deque[tuple[Item, Future[Result]]]) -> tuple[Item, Future[Result]]:
    item, future = under_way.popleft()
    future.exception()  # waits
    return item, future
