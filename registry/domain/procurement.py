"""Agreements and bids, and what the deals of selections owe to them (SES-5; D4.1 §3.5.2, chapter 6; TDX).

Local services are procured in two ways: by an *agreement* for a season, with a price for being available and
a price for use (EDGE), or by *bids* for the sessions of a day, the cheapest first. Global services are bid
for and paid as bid. Bids and agreements are secrets of their parties and the auditor (PRIV-3): the ledger
holds their commitments, and this module says, once they are opened, whether what was selected is what was
offered.

What is broken is returned as data, every violation with both compared values; who acts on it raises.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from registry.domain.calendar import DeliveryDay
from registry.domain.deals import Basis, DealTerms, Form, whole_number
from registry.domain.enums import Market
from registry.domain.errors import InputInvalid, RuleViolation
from registry.domain.quantities import MAX_KW, Direction


@dataclass(frozen=True, slots=True)
class Bid:
    """What a BSP offers for a session of a delivery day and, until it offers anew, for the later ones of
    that day.

    Attributes:
        kw: signed power per hour of the day, up positive; an hour without an offer is 0.
        use_price_milli_eur_per_mwh: one price for all of it.
    """

    product: int
    aggregate: int
    perimeter: int
    day: int
    market: Market
    session: int
    kw: tuple[int, ...]
    use_price_milli_eur_per_mwh: int

    def as_payload(self) -> dict[str, Any]:
        """The payload that the offer's commitment hides."""
        return {
            "kind": Form.BID.value,
            **{name: getattr(self, name) for name in _BID_NUMBERS},
            "market": self.market.name.lower(),
            "kw": list(self.kw),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Bid:
        """Read an opened commitment.

        Raises:
            InputInvalid: SES-5, another kind of payload, a missing or extra field, or one that is not what
            it must be.
        """
        _require_fields(payload, Form.BID, {*_BID_NUMBERS, "market", "kw"})
        numbers = {name: whole_number(payload, name, "SES-5") for name in _BID_NUMBERS}
        market = _one_of(payload, "market", {one.name.lower(): one for one in Market})
        kw, hours = payload["kw"], DeliveryDay.from_number(numbers["day"]).hours
        if (
            type(kw) is not list
            or len(kw) != hours
            or any(type(one) is not int or abs(one) > MAX_KW for one in kw)
        ):
            raise InputInvalid(
                rule="SES-5",
                field="kw",
                found=kw,
                allowed=f"{hours} whole numbers of at most {MAX_KW} either way",
            )
        return cls(**numbers, market=market, kw=tuple(kw))

    def terms(self, commitment: bytes) -> DealTerms:
        """What is paid for it: its price, and nothing for being available."""
        return DealTerms(0, self.use_price_milli_eur_per_mwh, 0, Basis(Form.BID, commitment))


@dataclass(frozen=True, slots=True)
class Agreement:
    """An availability agreement of a DSO and a BSP: one aggregate, one perimeter, one direction.

    It holds for the delivery days [from_day, until_day), in the availability window of the product (D4.1
    Table 7).
    """

    product: int
    aggregate: int
    perimeter: int
    direction: Direction
    from_day: int
    until_day: int
    available_kw: int
    availability_price_milli_eur_per_mwh: int
    use_price_milli_eur_per_mwh: int

    def as_payload(self) -> dict[str, Any]:
        """The payload that the agreement's commitment hides."""
        return {
            "kind": Form.AGREEMENT.value,
            **{name: getattr(self, name) for name in _AGREEMENT_NUMBERS},
            "direction": self.direction.name.lower(),
        }

    @classmethod
    def from_payload(cls, payload: Mapping[str, Any]) -> Agreement:
        """Read an opened commitment.

        Raises:
            InputInvalid: SES-5, another kind of payload, a missing or extra field, or one that is not what
            it must be.
        """
        _require_fields(payload, Form.AGREEMENT, {*_AGREEMENT_NUMBERS, "direction"})
        numbers = {name: whole_number(payload, name, "SES-5") for name in _AGREEMENT_NUMBERS}
        return cls(
            **numbers, direction=_one_of(payload, "direction", {one.name.lower(): one for one in Direction})
        )

    def terms(self, commitment: bytes) -> DealTerms:
        """What is paid under it."""
        return DealTerms(
            self.availability_price_milli_eur_per_mwh,
            self.use_price_milli_eur_per_mwh,
            self.available_kw,
            Basis(Form.AGREEMENT, commitment),
        )


_BID_NUMBERS = ("product", "aggregate", "perimeter", "day", "session", "use_price_milli_eur_per_mwh")
_AGREEMENT_NUMBERS = (
    "product",
    "aggregate",
    "perimeter",
    "from_day",
    "until_day",
    "available_kw",
    "availability_price_milli_eur_per_mwh",
    "use_price_milli_eur_per_mwh",
)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a session selected of an aggregate in a perimeter; ``kw`` signed per hour of the day, up
    positive.
    """

    product: int
    aggregate: int
    perimeter: int
    day: int
    market: Market
    session: int
    kw: tuple[int, ...]

    @property
    def planned(self) -> range:
        """The hours that the session plans: the earlier ones are what was selected before."""
        day = DeliveryDay.from_number(self.day)
        return range(day.first_hour(self.session), day.hours)


def bid_violations(taken: Taken, terms: DealTerms, bid: Bid, commitment: bytes) -> list[RuleViolation]:
    """What a deal breaks of the bid that it names: another place or price, availability paid for a bid, or
    more than was offered (SES-5; for global services TDX: pay as bid).
    """
    found = _differences(taken, bid, ("product", "aggregate", "perimeter", "day", "market"))
    if bid.session > taken.session:
        found.append(_violation("session", taken.session, f"{bid.session} or later, as the bid says"))
    found += _price_differences(terms, bid.terms(commitment))
    if not found:
        found += _beyond(taken, lambda hour: bid.kw[hour])
    return found


def agreement_violations(
    taken: Taken, terms: DealTerms, agreement: Agreement, commitment: bytes
) -> list[RuleViolation]:
    """What a deal breaks of the agreement that it names: another place, price or availability, a day that
    it does not hold for, or more than is contracted (SES-5, EDGE).
    """
    found = _differences(taken, agreement, ("product", "aggregate", "perimeter"))
    if taken.market is not Market.LFP:
        found.append(
            _violation("market", taken.market.name.lower(), "lfp: agreements are for local services")
        )
    if not agreement.from_day <= taken.day < agreement.until_day:
        found.append(
            _violation("day", taken.day, f"from {agreement.from_day} until before {agreement.until_day}")
        )
    found += _price_differences(terms, agreement.terms(commitment))
    sign = 1 if agreement.direction is Direction.UP else -1
    return found + _beyond(taken, lambda _: sign * agreement.available_kw)


def _differences(taken: Taken, basis: Bid | Agreement, names: Iterable[str]) -> list[RuleViolation]:
    return [
        _violation(name, getattr(taken, name), getattr(basis, name))
        for name in names
        if getattr(taken, name) != getattr(basis, name)
    ]


def _price_differences(terms: DealTerms, due: DealTerms) -> list[RuleViolation]:
    names = ("availability_price_milli_eur_per_mwh", "use_price_milli_eur_per_mwh", "available_kw", "basis")
    return [
        _violation(name, getattr(terms, name), getattr(due, name))
        for name in names
        if getattr(terms, name) != getattr(due, name)
    ]


def _beyond(taken: Taken, limit: Callable[[int], int]) -> list[RuleViolation]:
    """The hours in which more was taken than offered or contracted, or in the other direction."""
    return [
        _violation(f"kw of hour {hour}", f"{taken.kw[hour]:+d}", f"0 to {limit(hour):+d}")
        for hour in taken.planned
        if not min(limit(hour), 0) <= taken.kw[hour] <= max(limit(hour), 0)
    ]


def _require_fields(payload: Mapping[str, Any], form: Form, names: set[str]) -> None:
    if payload.get("kind") != form.value or payload.keys() != {"kind", *names}:
        raise InputInvalid(
            rule="SES-5",
            field=form.value,
            found=sorted(payload),
            allowed=f"kind '{form.value}' with {sorted(names)}",
        )


def _one_of(payload: Mapping[str, Any], name: str, values: Mapping[str, Any]) -> Any:
    text = payload[name]
    if type(text) is not str or text not in values:
        raise InputInvalid(rule="SES-5", field=name, found=text, allowed=" or ".join(values))
    return values[text]


def _violation(field: str, found: object, allowed: object) -> RuleViolation:
    return RuleViolation(rule="SES-5", field=field, found=found, allowed=allowed)
