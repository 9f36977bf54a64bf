"""The merit order: which bids a need takes, and which were passed over (SES-5; D4.1 §3.4, Platone's market
phase).

Bids are compared within an hour, direction, perimeter and product. What was selected before stays: merit is
asked of what is bought anew.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from registry.domain.enums import Market
from registry.domain.errors import RuleViolation
from registry.domain.procurement import Bid
from registry.domain.quantities import Direction
from registry.domain.settlement_case import PerimeterCase

Place = tuple[int, int, int, Market]
"""Aggregate, perimeter, delivery day and market of a bid."""


@dataclass(frozen=True, slots=True)
class StandingBid:
    """An opened bid with its commitment and its place on the ledger (block and log), which breaks ties of
    price.
    """

    bid: Bid
    commitment: bytes
    position: tuple[int, int]

    @property
    def place(self) -> Place:
        return self.bid.aggregate, self.bid.perimeter, self.bid.day, self.bid.market


@dataclass(frozen=True, slots=True)
class Slice:
    """What a bid offers in one hour and direction, kW from 0."""

    commitment: bytes
    position: tuple[int, int]
    price_milli_eur_per_mwh: int
    kw: int


def in_force(bids: Iterable[StandingBid], session: int) -> dict[Place, StandingBid]:
    """Per place the bid that stands in a session: of those for it or an earlier one the one for the latest
    session, and of these the one that was recorded last (SES-5).
    """
    found: dict[Place, StandingBid] = {}
    for one in sorted(bids, key=lambda one: (one.bid.session, one.position)):
        if one.bid.session <= session:
            found[one.place] = one
    return found


def slice_of(standing: StandingBid, hour: int, direction: Direction, able_kw: int) -> Slice:
    """One hour and direction of a bid, no more than its PODs can still give."""
    signed = standing.bid.kw[hour] if direction is Direction.UP else -standing.bid.kw[hour]
    price = standing.bid.use_price_milli_eur_per_mwh
    return Slice(standing.commitment, standing.position, price, max(min(signed, able_kw), 0))


def merit_order(slices: Iterable[Slice]) -> list[Slice]:
    """The lowest price first; of equal prices what was recorded first, and in the end the lower commitment
    (SES-5).
    """
    return sorted(slices, key=lambda one: (one.price_milli_eur_per_mwh, one.position, one.commitment))


def take(slices: Iterable[Slice], need_kw: int) -> dict[bytes, int]:
    """How much of each a need takes, kW by commitment: the cheapest way to cover as much of it as is
    offered (SES-5).
    """
    taken: dict[bytes, int] = {}
    for one in merit_order(slices):
        part = min(one.kw, max(need_kw, 0))
        need_kw -= part
        if part:
            taken[one.commitment] = part
    return taken


def passed_over(
    slices: Sequence[Slice], taken: Mapping[bytes, int], risen: Container[bytes], where: str
) -> list[RuleViolation]:
    """The cheaper bids of which something was left while more was taken of a dearer one (SES-5), one
    violation each.

    Args:
        slices: all bids of an hour and direction.
        taken: what is selected of each in the end, kW by commitment.
        risen: of which of them a session took more than was selected before: only what is bought anew is held
            against the others, as on the ledger.
        where: names hour and direction.
    """
    in_order = merit_order(slices)
    dearest = next((one for one in reversed(in_order) if one.commitment in risen), None)
    if dearest is None:
        return []
    return [
        RuleViolation(
            rule="SES-5",
            field=f"merit {where}",
            found=f"{taken.get(one.commitment, 0)} kW of {one.kw} {_named(one)}",
            allowed=f"all of it before any {_named(dearest)}",
        )
        for one in in_order
        if one.price_milli_eur_per_mwh < dearest.price_milli_eur_per_mwh
        and taken.get(one.commitment, 0) < one.kw
    ]


def risen_kw(now: Sequence[int], before: Sequence[int], hour: int, direction: Direction) -> int:
    """By how much a selection rose in an hour and direction, kW from 0; powers signed per hour, up
    positive.
    """
    sign = 1 if direction is Direction.UP else -1
    return max(max(sign * now[hour], 0) - max(sign * before[hour], 0), 0)


def _named(one: Slice) -> str:
    return f"at {one.price_milli_eur_per_mwh} (bid {one.commitment.hex()[:8]})"


def able_kw(case: PerimeterCase, hour: int, direction: Direction) -> int:
    """What the PODs of an aggregate in a perimeter can give to its own market in an hour, kW: the granted
    power of those that the other market has neither by declaration nor by default (SES-2, SES-3).
    """
    of_hour = 0b1111 << 4 * hour
    return sum(
        granted[direction]
        for pod, granted in case.members.items()
        if not (case.other_market.get(pod, 0) | case.held.get(pod, 0)) & of_hour
    )
