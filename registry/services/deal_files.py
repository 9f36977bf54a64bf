"""Files of bids and of an agreement: JSON as in the bodies of `POST /v1/offers` and `POST /v1/agreements`
(SES-5).

    {"day": "2026-06-19", "market": "lfp", "session": 1, "offers": [
      {"product": 720897, "aggregate": 352321537, "perimeter": 184549377, "kw": [0, …],
       "use_price_milli_eur_per_mwh": 180000}]}

    {"product": 720897, "aggregate": 352321537, "perimeter": 184549377, "direction": "up",
     "from_day": "2026-06-19", "until_day": "2026-09-17", "available_kw": 50,
     "availability_price_milli_eur_per_mwh": 3430, "use_price_milli_eur_per_mwh": 200000}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from registry.domain.calendar import DeliveryDay
from registry.domain.deals import Form
from registry.domain.errors import InputInvalid
from registry.domain.json_text import flaw_of
from registry.domain.procurement import Agreement, Bid
from registry.domain.quantities import MAX_KW
from registry.services.procurement import OFFERS_PER_TRANSACTION

_SESSION = ("day", "market", "session")
_RULE = "SES-5"
_PRICE_MAX = 10**12
_MOST = {
    "product": 2**32 - 1,
    "aggregate": 2**40 - 1,
    "perimeter": 2**40 - 1,
    "available_kw": MAX_KW,
    "availability_price_milli_eur_per_mwh": _PRICE_MAX,
    "use_price_milli_eur_per_mwh": _PRICE_MAX,
}
"""Highest numbers, as in the API's bodies."""


def read_offers(path: Path) -> list[Bid]:
    """The bids of a file, all for one session.

    Raises:
        InputInvalid: SES-5, the first thing that is not as it must be, with the bid that it is of.
    """
    document = _document(path, "offers")
    if document.keys() != {*_SESSION, "offers"}:
        raise _invalid("offers", sorted(document), f"{', '.join(_SESSION)} and offers")
    entries = document["offers"]
    if type(entries) is not list or not 0 < len(entries) <= OFFERS_PER_TRANSACTION:
        found = f"{len(entries)}" if type(entries) is list else type(entries).__name__
        raise _invalid("offers", found, f"a list of 1 to {OFFERS_PER_TRANSACTION}")
    session = {name: document[name] for name in _SESSION}
    session["day"] = _day(session, "day")
    bids = []
    for number, entry in enumerate(entries):
        with _named(f"offers[{number}]"):
            if type(entry) is not dict or entry.keys() & {*_SESSION, "kind"}:
                raise _invalid("bid", entry, "a bid without its session")
            _require_bounded(entry)
            bids.append(Bid.from_payload({"kind": Form.BID.value, **session, **entry}))
    return bids


def read_agreement(path: Path) -> Agreement:
    """The agreement of a file.

    Raises:
        InputInvalid: SES-5, the first thing that is not as it must be.
    """
    document = {**_document(path, "agreement"), "kind": Form.AGREEMENT.value}
    _require_bounded(document)
    days = {name: _day(document, name) for name in ("from_day", "until_day")}
    return Agreement.from_payload({**document, **days})


def _document(path: Path, field: str) -> Mapping[str, Any]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise _invalid(field, f"{path}: {error.strerror}", "a readable file") from error
    if (flaw := flaw_of(text)) is not None:
        raise _invalid(field, flaw.found, flaw.allowed)
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _invalid(field, f"no JSON ({error})", "a JSON object") from error
    if type(document) is not dict:
        raise _invalid(field, type(document).__name__, "a JSON object")
    return document


def _require_bounded(document: Mapping[str, Any]) -> None:
    for name, most in _MOST.items():
        value = document.get(name)
        if type(value) is int and value > most:
            raise _invalid(name, value, f"at most {most}")


def _day(document: Mapping[str, Any], name: str) -> int:
    try:
        return DeliveryDay(date.fromisoformat(document[name])).number
    except (KeyError, TypeError, ValueError):
        raise _invalid(name, document.get(name, "nothing"), "YYYY-MM-DD") from None


@contextmanager
def _named(place: str) -> Iterator[None]:
    try:
        yield
    except InputInvalid as error:
        raise InputInvalid(
            rule=error.rule, field=f"{place}: {error.field}", found=error.found, allowed=error.allowed
        ) from None


def _invalid(field: str, found: object, allowed: str) -> InputInvalid:
    return InputInvalid(rule=_RULE, field=field, found=found, allowed=allowed)
