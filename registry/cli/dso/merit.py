"""`flexledger dso merit`: the local bids of an hour in the order of their price (SES-5)."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.table import Table

from registry.cli.days import DayText, delivery_day
from registry.cli.dso.inputs import require_hour
from registry.cli.dso.showing import console, line
from registry.cli.nodes import open_existing
from registry.cli.options import AsJson, State
from registry.cli.outcome import one_clear_line
from registry.config import DEFAULT_STATE
from registry.domain.errors import InputInvalid
from registry.domain.quantities import MAX_KW, Direction
from registry.services.merit import MeritEntry, merit_list

DIRECTIONS = {direction.name.lower(): direction for direction in Direction}


def merit(
    day: DayText,
    session: Annotated[int, typer.Option(min=1, max=6, help="LFP session.")],
    perimeter: Annotated[int, typer.Option(min=1, help="Number of the perimeter.")],
    product: Annotated[int, typer.Option(min=1, help="Number of the product, whose DSO can open the bids.")],
    hour: Annotated[int, typer.Option(min=0, help="Hour of the day, from 0.")],
    direction: Annotated[str, typer.Option(help="up or down.")],
    need: Annotated[int, typer.Option(min=0, max=MAX_KW, help="What is needed, kW.")],
    state: State = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show the local bids of an hour and direction, cheapest first, and what a need takes of each (SES-5)."""
    with one_clear_line():
        of_day = delivery_day(day)
        require_hour(of_day, hour)
        if direction not in DIRECTIONS:
            raise InputInvalid(rule="SES-5", field="direction", found=direction, allowed="up or down")
        with open_existing(state) as node:
            way = DIRECTIONS[direction]
            entries = merit_list(node.recorder, of_day, session, perimeter, product, hour, way, need)
        uncovered_kw = need - sum(entry.taken_kw for entry in entries)
        if as_json:
            document = {"bids": [_row(entry) for entry in entries], "uncovered_kw": uncovered_kw}
            typer.echo(json.dumps(document, indent=1))
            return
        _show(entries)
        line(f"{need - uncovered_kw} of {need} kW covered by {len(entries)} bids")


def _row(entry: MeritEntry) -> dict[str, str | int]:
    return {
        "commitment": entry.offer.commitment.hex(),
        "aggregate": entry.offer.bid.aggregate,
        "use_price_milli_eur_per_mwh": entry.price_milli_eur_per_mwh,
        "kw": entry.kw,
        "taken_kw": entry.taken_kw,
    }


def _show(entries: list[MeritEntry]) -> None:
    table = Table(box=None, padding=(0, 2))
    for column in ("aggregate", "EUR/MWh", "kW", "taken kW", "bid"):
        table.add_column(column, justify="right", no_wrap=True)
    for entry in entries:
        table.add_row(
            str(entry.offer.bid.aggregate),
            f"{entry.price_milli_eur_per_mwh / 1000:,.3f}",
            str(entry.kw),
            str(entry.taken_kw),
            entry.offer.commitment.hex()[:16] + "…",
        )
    console.print(table)
