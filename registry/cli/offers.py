"""`flexledger offers`: a BSP records its bids and sees what it offered (SES-5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from registry.cli.days import DayText, delivery_day
from registry.cli.deals import euro, opened_by, say, show_rows, written
from registry.cli.nodes import open_existing, signer_of
from registry.cli.options import AsJson, State, party_number
from registry.cli.outcome import EPILOG, one_clear_line
from registry.config import DEFAULT_STATE
from registry.domain.events import OfferRecorded
from registry.services.deal_files import read_offers
from registry.services.procurement import offer_bids
from registry.services.recorder import every
from registry.views import OfferView

Bsp = Annotated[int, party_number("Number of the BSP, whose key is here.")]
COLUMNS = ("market", "session", "aggregate", "perimeter", "product", "EUR/MWh", "kW up", "kW down", "bid")
offers_app = typer.Typer(help="Bids of a BSP.", no_args_is_help=True, epilog=EPILOG)


@offers_app.callback()
def offers() -> None:
    """Bids of a BSP."""


@offers_app.command("record", epilog=EPILOG)
def record(
    file: Annotated[Path, typer.Argument(help="JSON, as the body of POST /v1/offers.", dir_okay=False)],
    bsp: Bsp,
    state: State = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Record the bids of a file for a session, before its gate; all or none (SES-5)."""
    with one_clear_line():
        bids = read_offers(file)
        with open_existing(state) as node:
            signer = signer_of(node, bsp, "SES-5", "bsp")
            (receipt,) = offer_bids(node.recorder, bsp, signer, bids)
        events = [one.event for one in receipt.events if isinstance(one.event, OfferRecorded)]
        names = [event.commitment for event in events]
        if as_json:
            typer.echo(json.dumps(written(receipt, names), indent=1))
            return
        rows = [
            (str(bid.aggregate), str(bid.perimeter), euro(bid.use_price_milli_eur_per_mwh), name.hex())
            for bid, name in zip(bids, names, strict=True)
        ]
        show_rows(("aggregate", "perimeter", "EUR/MWh", "bid"), rows)
        say(f"{len(rows)} bids recorded in block {receipt.block_number}")


@offers_app.command("list", epilog=EPILOG)
def list_offers(
    day: DayText,
    bsp: Bsp,
    state: State = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Show what a BSP offered for a day, with power and price where this node can open them (PRIV-3)."""
    with one_clear_line():
        of_day = delivery_day(day)
        with open_existing(state) as node:
            views = list(
                every(
                    lambda after, limit: node.mirror.offers(of_day.number, bsp=bsp, after=after, limit=limit)
                )
            )
            found = [(view, opened_by(node, bsp, view.commitment)) for view in views]
        if as_json:
            typer.echo(json.dumps({"offers": [_document(*one) for one in found]}, indent=1))
            return
        show_rows(COLUMNS, (_row(*one) for one in found))
        say(f"{len(found)} bids of {bsp} for {of_day.date}")


def _document(view: OfferView, bid: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "commitment": view.commitment.hex(),
        "market": view.market.name.lower(),
        "session": view.session,
        "aggregate": view.aggregate,
        "perimeter": view.perimeter,
        "bid": bid,
    }


def _row(view: OfferView, bid: Mapping[str, Any] | None) -> tuple[str, ...]:
    place = (view.market.name.lower(), str(view.session), str(view.aggregate), str(view.perimeter))
    if bid is None:
        return (*place, "", "", "", "", view.commitment.hex())
    most_up, most_down = max(0, *bid["kw"]), max(0, *(-kw for kw in bid["kw"]))
    price = euro(bid["use_price_milli_eur_per_mwh"])
    return (*place, str(bid["product"]), price, str(most_up), str(most_down), view.commitment.hex())
