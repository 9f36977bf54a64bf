"""When a delivery month may leave the measurement log: its settlement is final (STT-4, LOG-1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import InputInvalid, RuleViolation
from registry.ports import Mirror
from registry.services.recorder import every
from registry.views import SelectionView, StatementView

_MONTH = re.compile(r"(\d{4})-(0[1-9]|1[0-2])")


def end_of_final_month(mirror: Mirror, month: str, now: datetime) -> DeliveryDay:
    """The first delivery day after ``month`` (``2026-06``), once nothing settled in it can change at ``now``.

    1. Whatever was selected in the month has a statement in force for its day, aggregate and operator.
    2. None of these statements can still be disputed, and none is under dispute.

    Raises:
        InputInvalid: STT-4, what was given is no month.
        RuleViolation: STT-4, naming the first selection or statement for which this does not hold.
    """
    found = _MONTH.fullmatch(month)
    if found is None:
        raise InputInvalid(
            rule="STT-4", field="month", found=month, allowed="a year and month, such as 2026-06"
        )
    first = date(int(found[1]), int(found[2]), 1)
    end = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    for ordinal in range(first.toordinal(), end.toordinal()):
        _check_day(mirror, DeliveryDay(date.fromordinal(ordinal)), now)
    return DeliveryDay(end)


def _check_day(mirror: Mirror, day: DeliveryDay, now: datetime) -> None:
    statements = list(
        every(lambda after, limit: mirror.statements(day=day.number, in_force=True, after=after, limit=limit))
    )
    settled = {(statement.aggregate, statement.operator) for statement in statements}
    # 1. settled
    for selection in _selected(mirror, day):
        if (selection.aggregate, selection.operator) not in settled:
            raise _not_final(day, f"aggregate {selection.aggregate} was selected and is not settled")
    # 2. beyond dispute
    for statement in statements:
        _check_statement(day, statement, now)


def _selected(mirror: Mirror, day: DeliveryDay) -> Iterator[SelectionView]:
    selections: Iterator[SelectionView] = every(
        lambda after, limit: mirror.selections(day.number, after=after, limit=limit)
    )
    return (selection for selection in selections if any(selection.kw))


def _check_statement(day: DeliveryDay, statement: StatementView, now: datetime) -> None:
    name = f"statement 0x{statement.statement_id.hex()}"
    if statement.dispute is not None:
        raise _not_final(day, f"{name} is disputed and was not superseded")
    if statement.disputable_until > now:
        raise _not_final(day, f"{name} can be disputed until {statement.disputable_until:%Y-%m-%d %H:%M} UTC")


def _not_final(day: DeliveryDay, found: str) -> RuleViolation:
    return RuleViolation(
        rule="STT-4",
        field=f"settlement of {day.date}",
        found=found,
        allowed="statements in force that can no longer be disputed",
        hint="settle the day, or wait",
    )
