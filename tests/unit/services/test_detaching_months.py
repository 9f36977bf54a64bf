"""A delivery month may leave the log once its settlement is final (STT-4, LOG-1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import cast

import pytest

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import InputInvalid, RuleViolation
from registry.ports import Mirror
from registry.services.detach_month import end_of_final_month
from registry.views import Dispute, StatementView
from tests.unit.api.sandbox import DAY, Sandbox

MONTH = f"{DAY.date:%Y-%m}"
DISPUTE = cast(Dispute, object())


class Register:
    """The register with other statements than it has."""

    def __init__(self, mirror: Mirror, statements: list[StatementView]) -> None:
        self._statements = statements
        self.selections = mirror.selections

    def statements(self, *, day: int, **_: object) -> list[StatementView]:
        return [statement for statement in self._statements if statement.day == day]


@pytest.mark.rule("STT-4", "LOG-1")
def test_a_month_ends_when_its_settlement_is_final(played: Sandbox) -> None:
    mirror = played.node.mirror
    statements = mirror.statements(day=DAY.number, in_force=True)
    latest = max(statement.disputable_until for statement in statements)
    with pytest.raises(RuleViolation, match="can be disputed until"):
        end_of_final_month(mirror, MONTH, latest - timedelta(1))
    until = end_of_final_month(mirror, MONTH, latest)
    assert until == DeliveryDay(date(DAY.date.year, DAY.date.month + 1, 1))
    # one that is missing, one that is disputed
    for others, reason in (
        (statements[1:], "was selected and is not settled"),
        ([replace(statements[0], dispute=DISPUTE), *statements[1:]], "is disputed"),
    ):
        with pytest.raises(RuleViolation, match=reason):
            end_of_final_month(cast(Mirror, Register(mirror, others)), MONTH, latest)


def test_december_ends_with_the_year(played: Sandbox) -> None:
    until = end_of_final_month(played.node.mirror, "1999-12", played.node.clock.now())
    assert until == DeliveryDay(date(2000, 1, 1))


@pytest.mark.rule("STT-4")
@pytest.mark.parametrize("month", ["2026", "2026-13", "2026-6", "June", ""])
def test_what_is_no_month_is_named(played: Sandbox, month: str) -> None:
    with pytest.raises(InputInvalid, match="a year and month"):
        end_of_final_month(played.node.mirror, month, played.node.clock.now())
