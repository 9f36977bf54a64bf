"""What a selection is paid, and what the price rests on: an agreement that both parties accepted, or a bid
(SES-5).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from registry.domain.errors import InputInvalid
from registry.domain.identifiers import COMMITMENT_LENGTH

PRICES = ("availability_price_milli_eur_per_mwh", "use_price_milli_eur_per_mwh", "available_kw")


class Form(StrEnum):
    """How the service of a deal was procured (SES-5, D4.1 chapter 6)."""

    AGREEMENT = "agreement"
    """Long term: an availability price and a use price (EDGE)."""
    BID = "bid"
    """Short term: an offer for one session, paid as bid."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a deal rests on: the commitment under which the agreement or bid stands on the ledger."""

    form: Form
    commitment: bytes


@dataclass(frozen=True, slots=True)
class DealTerms:
    """The opened commitment of a selection: prices in milli-euro per MWh, contracted availability in kW
    (SES-5).

    Attributes:
        basis: what it rests on; None in the deals of ledgers that were founded without `Procurement`.
    """

    availability_price_milli_eur_per_mwh: int
    use_price_milli_eur_per_mwh: int
    available_kw: int
    basis: Basis | None = None

    def as_payload(self) -> dict[str, Any]:
        """The payload that the selection's commitment hides."""
        payload: dict[str, Any] = {"kind": "deal", **{name: getattr(self, name) for name in PRICES}}
        if self.basis is not None:
            payload |= {"form": self.basis.form.value, "rests_on": self.basis.commitment.hex()}
        return payload

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> DealTerms:
        """Read an opened commitment.

        Raises:
            InputInvalid: STT-2 for another kind of payload or a missing, extra or non-integer field, SES-5
            for a form that there is not, or an id that is none.
        """
        names = payload.keys() - {"form", "rests_on"}
        whole = len(payload) in (len(names), len(names) + 2)
        if payload.get("kind") != "deal" or names != {"kind", *PRICES} or not whole:
            raise InputInvalid(
                rule="STT-2",
                field="terms",
                found=sorted(payload),
                allowed=f"kind 'deal' with {', '.join(PRICES)}, and form with rests_on",
            )
        available, use, kw = (whole_number(payload, name, "STT-2") for name in PRICES)
        return cls(available, use, kw, _basis(payload) if "form" in payload else None)


def whole_number(payload: Mapping[str, Any], name: str, rule: str) -> int:
    """A field that is a whole number, 0 or more.

    Raises:
        InputInvalid: ``rule``, anything else.
    """
    value = payload.get(name)
    if type(value) is not int or value < 0:
        raise InputInvalid(rule=rule, field=name, found=value, allowed="a whole number, 0 or more")
    return value


def _basis(payload: Mapping[str, Any]) -> Basis:
    form, text = payload["form"], payload["rests_on"]
    if form not in list(Form):
        raise InputInvalid(rule="SES-5", field="form", found=form, allowed="agreement or bid")
    digits = set("0123456789abcdef")
    if type(text) is not str or len(text) != 2 * COMMITMENT_LENGTH or not digits.issuperset(text):
        raise InputInvalid(
            rule="SES-5", field="rests_on", found=text, allowed="32 bytes, lower-case hexadecimal"
        )
    return Basis(Form(form), bytes.fromhex(text))
