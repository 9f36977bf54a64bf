"""An operator records the outcome of a market session (SES-2..5, DTL-4, PRIV-3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.domain.calendar import DeliveryDay
from registry.domain.commands import SelectGlobal, SelectLocal
from registry.domain.deals import DealTerms
from registry.domain.errors import InputInvalid
from registry.domain.identifiers import owner_of_aggregate
from registry.domain.market import Selection
from registry.domain.quantities import pack_selection
from registry.domain.sessions import Market
from registry.ports import Receipt, Signer
from registry.services.recorder import Recorder
from registry.services.sealing import auditors, seal


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator takes of one aggregate in one perimeter.

    Attributes:
        kw: signed power per hour of the day, up positive.
        chain: products from the tested one to the one procured (TOE-2).
        tested_aggregate: the aggregate that passed the test: this one, or its twin of the other scope.
        terms: the deal, kept between its parties and the auditor.
    """

    aggregate: int
    perimeter: int
    kw: tuple[int, ...]
    chain: tuple[int, ...]
    tested_aggregate: int
    terms: DealTerms


def select_flexibility(
    recorder: Recorder,
    operator: int,
    signer: Signer,
    market: Market,
    day: DeliveryDay,
    session: int,
    orders: Sequence[Order],
) -> Receipt:
    """Record the outcome of LFP or MSD session ``session``: all orders or none.

    Raises:
        RuleViolation: the rule of SES, DTL, PRQ or TOE that the ledger found broken, SES-3 for a power out of
            range, or SES-4 for an order that has not one value per hour.
    """
    for order in orders:
        if len(order.kw) != day.hours:
            raise InputInvalid(
                rule="SES-4",
                field=f"kw of aggregate {order.aggregate}",
                found=f"{len(order.kw)} hours",
                allowed=f"{day.hours}, the hours of {day.date}",
            )
    readers = auditors(recorder.mirror)
    selections = tuple(
        Selection(
            aggregate=order.aggregate,
            perimeter=order.perimeter,
            tested_aggregate=order.tested_aggregate,
            chain=order.chain,
            cells=pack_selection(order.kw),
            commitment=seal(
                recorder.vault,
                order.terms.as_payload(),
                (operator, owner_of_aggregate(order.aggregate), *readers),
            ),
        )
        for order in orders
    )
    if market is Market.LFP:
        return recorder.record(SelectLocal(operator, day.number, session, selections), signer)
    return recorder.record(SelectGlobal(operator, day.number, session, selections), signer)
