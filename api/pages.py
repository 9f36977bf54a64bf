"""Lists page by page: by key, never by offset, and without a trace of what the caller may not see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from fastapi import Query

from api.schemas.answers import Page, answer, answer_model
from registry.views import View

PAGE_MAX = 1000
PAGE_DEFAULT = 100
Row = TypeVar("Row", bound=View)

After = Annotated[
    str | None, Query(max_length=300, pattern="^[0-9A-Za-z.:_-]+$", description="`next` of the page before")
]
Limit = Annotated[int, Query(ge=1, le=PAGE_MAX)]


def page_model(view: type[View]) -> Any:
    """The model of a page of these views."""
    return Page[answer_model(view)]  # type: ignore[misc]


def page_of(
    view: type[Row],
    read: Callable[[str | None, int], list[Row]],
    after: str | None,
    limit: int,
    visible: Callable[[Row], bool] = lambda _: True,
) -> Page[Any]:
    """Up to `limit` rows behind `after` that the caller may see.

    Hidden rows are skipped, and reading goes on until the page is full: so neither the length of a page nor
    `next`, which is the key of a row that was shown, tells of them.

    Args:
        read: rows behind a key, in the order of their keys, at most so many.
    """
    shown: list[Row] = []
    wanted = limit + 1
    position = after
    while len(shown) < wanted:
        rows = read(position, wanted)
        shown += [row for row in rows if visible(row)]
        if len(rows) < wanted:
            break
        position = rows[-1].key
    more = len(shown) > limit
    page: Page[Any] = page_model(view)(
        items=[answer(row) for row in shown[:limit]], next=shown[limit - 1].key if more else None
    )
    return page
