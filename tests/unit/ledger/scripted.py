"""A node that answers from a script."""

from __future__ import annotations

from typing import Any


class Error(dict[str, Any]):
    """An answer that is an error."""


class Scripted:
    """Answers each method with the next of its answers; the last one is repeated."""

    def __init__(self, **answers: list[Any]) -> None:
        self._answers = answers
        self.asked: list[tuple[str, list[Any]]] = []

    def make_request(self, method: str, params: list[Any]) -> dict[str, Any]:
        self.asked.append((method, params))
        left = self._answers[method]
        answer = left.pop(0) if len(left) > 1 else left[0]
        return {"error": dict(answer)} if isinstance(answer, Error) else {"result": answer}

    def count(self, method: str) -> int:
        return sum(asked == method for asked, _ in self.asked)
