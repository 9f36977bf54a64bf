"""`flexledger agreements`: a DSO or a BSP proposes availability agreements, accepts those that the other
proposed, and sees both (SES-5).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from registry.bootstrap import Node
from registry.cli.deals import euro, opened_by, say, show_rows, written
from registry.cli.nodes import open_existing, signer_of
from registry.cli.options import AsJson, State, party_number
from registry.cli.outcome import EPILOG, one_clear_line
from registry.config import DEFAULT_STATE
from registry.domain.calendar import DeliveryDay
from registry.domain.errors import InputInvalid
from registry.domain.identifiers import COMMITMENT_LENGTH
from registry.services.deal_files import read_agreement
from registry.services.procurement import accept_agreement, propose_agreement
from registry.services.recorder import every
from registry.views import AgreementView

Party = Annotated[int, party_number("Number of the DSO or BSP, whose key is here.")]
COLUMNS = (
    "DSO",
    "aggregate",
    "proposed by",
    "state",
    "days",
    "kW",
    "EUR/MWh available",
    "used",
    "agreement",
)
agreements_app = typer.Typer(
    help="Availability agreements of a DSO and a BSP.", no_args_is_help=True, epilog=EPILOG
)


@agreements_app.callback()
def agreements() -> None:
    """Availability agreements of a DSO and a BSP."""


@agreements_app.command("propose", epilog=EPILOG)
def propose(
    file: Annotated[Path, typer.Argument(help="JSON, as the body of POST /v1/agreements.", dir_okay=False)],
    party: Party,
    state: State = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Propose the agreement of a file to the other party (SES-5)."""
    with one_clear_line():
        agreement = read_agreement(file)
        with open_existing(state) as node:
            signer = signer_of(node, party, "SES-5", "party")
            commitment, receipt = propose_agreement(node.recorder, party, signer, agreement)
        if as_json:
            typer.echo(json.dumps(written(receipt, [commitment]), indent=1))
            return
        say(f"proposed in block {receipt.block_number}: {commitment.hex()}")


@agreements_app.command("accept", epilog=EPILOG)
def accept(
    agreement: Annotated[str, typer.Argument(help="Its commitment, 64 hexadecimal digits.")],
    party: Party,
    state: State = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Accept an agreement that the other party proposed and whose terms this node can open (SES-5)."""
    with one_clear_line():
        commitment = _commitment(agreement)
        with open_existing(state) as node:
            signer = signer_of(node, party, "SES-5", "party")
            receipt = accept_agreement(node.recorder, party, signer, commitment)
        if as_json:
            typer.echo(json.dumps(written(receipt, [commitment]), indent=1))
            return
        say(f"accepted in block {receipt.block_number}: {commitment.hex()}")


@agreements_app.command("list", epilog=EPILOG)
def list_agreements(party: Party, state: State = DEFAULT_STATE, as_json: AsJson = False) -> None:
    """Show a party's agreements, with their terms where this node can open them (PRIV-3)."""
    with one_clear_line():
        with open_existing(state) as node:
            found = [(view, opened_by(node, party, view.commitment)) for view in _of(node, party)]
        if as_json:
            typer.echo(json.dumps({"agreements": [_document(*one) for one in found]}, indent=1))
            return
        show_rows(COLUMNS, (_row(*one) for one in found))
        say(f"{len(found)} agreements of {party}")


def _of(node: Node, party: int) -> list[AgreementView]:
    """Those in which a party is the DSO or the BSP."""
    return [
        *every(lambda after, limit: node.mirror.agreements(dso=party, after=after, limit=limit)),
        *every(lambda after, limit: node.mirror.agreements(bsp=party, after=after, limit=limit)),
    ]


def _commitment(text: str) -> bytes:
    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        found = b""
    if len(found) != COMMITMENT_LENGTH:
        allowed = f"{2 * COMMITMENT_LENGTH} hexadecimal digits"
        raise InputInvalid(rule="SES-5", field="agreement", found=text, allowed=allowed)
    return found


def _document(view: AgreementView, terms: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "commitment": view.commitment.hex(),
        "dso": view.dso,
        "aggregate": view.aggregate,
        "proposer": view.proposer,
        "accepted": view.accepted,
        "terms": terms,
    }


def _row(view: AgreementView, terms: Mapping[str, Any] | None) -> tuple[str, ...]:
    state = "accepted" if view.accepted else "proposed"
    parties = (str(view.dso), str(view.aggregate), str(view.proposer), state)
    if terms is None:
        return (*parties, "", "", "", "", view.commitment.hex())
    first, end = (DeliveryDay.from_number(terms[name]).date for name in ("from_day", "until_day"))
    available = euro(terms["availability_price_milli_eur_per_mwh"])
    used = euro(terms["use_price_milli_eur_per_mwh"])
    power = f"{terms['available_kw']} {terms['direction']}"
    return (*parties, f"{first} until {end}", power, available, used, view.commitment.hex())
