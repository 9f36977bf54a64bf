"""Delivery days on the command line."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import InputInvalid

DayText = Annotated[str, typer.Option("--day", help="Delivery day, YYYY-MM-DD.")]


def delivery_day(text: str) -> DeliveryDay:
    """The delivery day of a date.

    Raises:
        InputInvalid: TIM-1, no date.
    """
    try:
        return DeliveryDay(date.fromisoformat(text))
    except ValueError:
        raise InputInvalid(rule="TIM-1", field="day", found=text, allowed="YYYY-MM-DD") from None
