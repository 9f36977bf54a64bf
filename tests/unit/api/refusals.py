"""What every refusal of the API looks like."""

from __future__ import annotations

from typing import Any


def refused(answer: Any, status: int, rule: str) -> dict[str, Any]:
    """The problem, which has this status and rule."""
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, problem["rule"]) == (status, rule), problem
    assert problem["field"] and problem["found"] and problem["allowed"]
    return problem
