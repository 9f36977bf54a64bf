"""An operator settles an aggregate's delivery day (STT-1..5, AUD-1)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from registry.domain.aggregates import Scope
from registry.domain.calendar import DeliveryDay
from registry.domain.commands import RecordStatements
from registry.domain.deals import DealTerms
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import owner_of_aggregate
from registry.domain.sessions import Market
from registry.domain.settlement_case import (
    SettlementCase,
    build_statement,
)
from registry.domain.statements import NO_STATEMENT, Statement
from registry.ports import MeasurementLog, Mirror, Receipt, Signer, Vault
from registry.services.certified_readings import certified_readings
from registry.services.perimeter_cases import perimeter_case, selections_of
from registry.services.recorder import Recorder
from registry.services.sealing import auditors, opened, seal
from registry.views import BaselineView

MARKET_OF_SCOPE = {Scope.LOCAL: Market.LFP, Scope.GLOBAL: Market.MSD}


@dataclass(frozen=True, slots=True)
class Settled:
    """A recorded statement: its id, its document, and the transaction."""

    statement_id: bytes
    document: dict[str, Any]
    receipt: Receipt


def settle_day(
    recorder: Recorder,
    log: MeasurementLog,
    operator: int,
    signer: Signer,
    aggregate: int,
    product: int,
    day: DeliveryDay,
) -> Settled:
    """Build the statement from recorded facts and certified readings, and put its salted hash on the ledger.

    A statement in force for the same aggregate, product and day is superseded, never changed (STT-4).

    Raises:
        RuleViolation: STT-4 if nothing was selected or the day is not over, PRIV-3 if a deal or baseline
        cannot be opened,
            STT-5 if a POD serves both markets in one period.
    """
    in_force = recorder.mirror.statements(aggregate=aggregate, product=product, day=day.number, in_force=True)
    supersedes = in_force[0].statement_id if in_force else NO_STATEMENT
    case = settlement_case(recorder.mirror, secrets.token_bytes(32), aggregate, product, day, supersedes)
    pods = serving_candidates(case)
    document = build_statement(
        case,
        deal_terms(recorder.vault, case),
        filed_baselines(recorder.mirror, recorder.vault, day, case.bsp, pods),
        certified_readings(recorder.mirror, log, day, pods),
    )
    owners = (operator, case.bsp, *auditors(recorder.mirror))
    commitment = seal(recorder.vault, {"kind": "settlement", **document}, owners)
    statement = Statement(case.statement_id, aggregate, product, day.number, commitment, supersedes)
    receipt = recorder.record(RecordStatements(operator, (statement,)), signer)
    return Settled(case.statement_id, document, receipt)


def settlement_case(
    mirror: Mirror, statement_id: bytes, aggregate: int, product: int, day: DeliveryDay, supersedes: bytes
) -> SettlementCase:
    """The recorded facts of an aggregate's day under a product, from the mirror.

    Raises:
        RuleViolation: PRD-1 or AGG-1 for an unknown product or aggregate, STT-4 if nothing was selected.
    """
    terms = mirror.product(product)
    if terms is None:
        raise RuleViolation(rule="PRD-1", field="product", found=product, allowed="a published product")
    pool = mirror.aggregate(aggregate)
    if pool is None:
        raise RuleViolation(rule="AGG-1", field="aggregate", found=aggregate, allowed="a recorded aggregate")
    market = MARKET_OF_SCOPE[pool.scope]
    selections = selections_of(mirror, aggregate, market, day)
    perimeters = sorted({selection.perimeter for selection in selections if selection.product == product})
    if not perimeters:
        raise RuleViolation(
            rule="STT-4",
            field="aggregate",
            found=f"no selection of {aggregate} on {day.date}",
            allowed="a day with selections",
        )
    return SettlementCase(
        statement_id=statement_id,
        operator=terms.operator,
        bsp=owner_of_aggregate(aggregate),
        aggregate=aggregate,
        product=terms.terms,
        day=day,
        perimeters=tuple(
            perimeter_case(
                mirror, aggregate, perimeter, market, day, [s for s in selections if s.perimeter == perimeter]
            )
            for perimeter in perimeters
        ),
        supersedes=supersedes,
    )


def deal_terms(vault: Vault, case: SettlementCase) -> dict[bytes, DealTerms]:
    """The opened deals of a case."""
    return {
        c: DealTerms.from_payload(opened(vault, c, "terms").payload) for c in sorted(case.deal_commitments())
    }


def filed_baselines(
    mirror: Mirror, vault: Vault, day: DeliveryDay, bsp: int, pods: Iterable[bytes]
) -> dict[bytes, tuple[int, ...]]:
    """Per POD the values it filed last before the gate; PODs that filed nothing are left out (BAS-1)."""
    return {
        pod_id: tuple(opened(vault, filing.commitment, "baseline").payload["energy_wh"])
        for pod_id, filing in last_filings(mirror, day, bsp, pods).items()
    }


def last_filings(
    mirror: Mirror, day: DeliveryDay, bsp: int, pods: Iterable[bytes]
) -> dict[bytes, BaselineView]:
    """Per POD the baseline that its BSP filed last; PODs without one are left out (BAS-1).

    What another BSP filed before it handed the POD over for that day does not count (POD-5).
    """
    found = {pod_id: mirror.baselines(day.number, pod_id=pod_id, bsp=bsp) for pod_id in pods}
    return {
        pod_id: max(filings, key=lambda filing: (filing.recorded.block_number, filing.recorded.log_index))
        for pod_id, filings in found.items()
        if filings
    }


def serving_candidates(case: SettlementCase) -> list[bytes]:
    """PODs that may serve in a case: the aggregate's members in its perimeters."""
    return sorted({pod for perimeter in case.perimeters for pod in (*perimeter.members, *perimeter.declared)})
