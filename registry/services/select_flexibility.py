"""An operator records the outcome of a market session (SES-2..5, DTL-4, PRIV-3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.domain.calendar import DeliveryDay
from registry.domain.commands import SelectGlobal, SelectLocal
from registry.domain.errors import InputInvalid
from registry.domain.identifiers import owner_of_aggregate
from registry.domain.market import Selection
from registry.domain.procurement import Taken
from registry.domain.quantities import pack_selection
from registry.domain.sessions import Market
from registry.ports import Receipt, Signer
from registry.services.merit import require_merit, terms_of
from registry.services.recorder import Recorder
from registry.services.sealing import auditors, seal


@dataclass(frozen=True, slots=True)
class Order:
    """What an operator takes of one aggregate in one perimeter.

    Attributes:
        kw: signed power per hour of the day, up positive.
        chain: products from the tested one to the one procured (TOE-2).
        tested_aggregate: the aggregate that passed the test: this one, or its twin of the other scope.
        rests_on: commitment of the agreement or bid that it rests on, which says what is paid (SES-5).
    """

    aggregate: int
    perimeter: int
    kw: tuple[int, ...]
    chain: tuple[int, ...]
    tested_aggregate: int
    rests_on: bytes


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

    Each order is paid what the agreement or bid says that it rests on; of local bids the cheapest are taken
    first (SES-5). The deal stays between its parties and the auditor (PRIV-3).

    Raises:
        RuleViolation: the rule of SES, DTL, PRQ or TOE that the ledger found broken, SES-3 for a power out of
            range, SES-4 for an order that has not one value per hour, SES-5 for one that is not what it rests
            on or that passes a cheaper bid over, or PRIV-3 for what this node cannot open.
    """
    for order in orders:
        if len(order.kw) != day.hours:
            raise InputInvalid(
                rule="SES-4",
                field=f"kw of aggregate {order.aggregate}",
                found=f"{len(order.kw)} hours",
                allowed=f"{day.hours}, the hours of {day.date}",
            )
    cells = [pack_selection(order.kw) for order in orders]
    deals = [(_taken(order, day, market, session), order.rests_on) for order in orders]
    terms = [terms_of(recorder, taken, rests_on) for taken, rests_on in deals]
    if market is Market.LFP:
        require_merit(recorder, deals)
    readers = auditors(recorder.mirror)
    selections = tuple(
        Selection(
            aggregate=order.aggregate,
            perimeter=order.perimeter,
            tested_aggregate=order.tested_aggregate,
            chain=order.chain,
            cells=powers,
            commitment=seal(
                recorder.vault, paid.as_payload(), (operator, owner_of_aggregate(order.aggregate), *readers)
            ),
        )
        for order, powers, paid in zip(orders, cells, terms, strict=True)
    )
    if market is Market.LFP:
        return recorder.record(SelectLocal(operator, day.number, session, selections), signer)
    return recorder.record(SelectGlobal(operator, day.number, session, selections), signer)


def _taken(order: Order, day: DeliveryDay, market: Market, session: int) -> Taken:
    if not order.chain:
        raise InputInvalid(rule="TOE-2", field="chain", found="none", allowed="one that ends at a product")
    return Taken(order.chain[-1], order.aggregate, order.perimeter, day.number, market, session, order.kw)
