"""What the ledger holds of agreements and bids: who committed to which, for what; the rest is secret
(SES-5, PRIV-3).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AgreementDraft:
    """A proposed agreement of a DSO and the aggregate's BSP; `commitment` hides days, power and prices."""

    commitment: bytes
    dso: int
    aggregate: int


@dataclass(frozen=True, slots=True)
class Offer:
    """A bid of an aggregate in a perimeter; `commitment` hides power and price."""

    commitment: bytes
    aggregate: int
    perimeter: int
