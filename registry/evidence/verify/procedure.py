"""The procedure by which an outsider re-derives a settlement from its evidence bundle (AUD-1). It runs
offline.

1. Container: the file is exactly what its members determine; the manifest holds the hash of each; nothing
   else is in it.
2. Trust: the contracts are those the verifier trusts (or are named as the bundle's own).
3. Ledger: the headers form one gapless chain; receipts match their headers; none that matters is left out;
   the run reaches back to the deployment; every log of the contracts decodes.
4. Statement: the ledger committed to exactly these bytes and replaced them by none.
5. Openings: prices and baselines are those the ledger committed to.
6. Market: the day is the calendar's; selections, declarations and baselines were in time; the aggregate was
   qualified; the selections were within the lights; each deal is on the terms of the agreement or bid that
   it rests on, and no cheaper bid was passed over, if the verifier brings the bids of others along.
7. Measurements: the checkpoint is signed and anchored; as many witnesses cosigned it as the anchor says, if
   the verifier knows their keys; each anchor grew out of the one before it; every statement stands in the
   log; each is signed by a device that the DSO bound to its POD.
8. Figures: the settlement is derived again from these facts alone and must be the statement, byte for byte.

Checks that others rest on end the procedure when they fail; the others are noted and it goes on. A fact
counts if it was recorded before the statement; only the anchored checkpoint may be a later one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import RuleViolation
from registry.domain.events import StatementRecorded
from registry.domain.identifiers import canonical_json
from registry.domain.settlement_case import Readings, build_statement
from registry.evidence.abi import AbiItem
from registry.evidence.bundle import STATEMENT, Bundle, read_bundle, read_canonical_json
from registry.evidence.case import Openings, deal_terms, filed_baselines, selections, settlement_case
from registry.evidence.facts import Facts
from registry.evidence.verify import ledger, market, measurements, procurement
from registry.evidence.verify.report import CheckFailed, Checklist, Report, Trust

Abis = Mapping[str, Sequence[AbiItem]]

STATEMENT_KIND = "settlement"
"""The ``kind`` that the register puts into a statement before it commits to it."""


def verify_bundle(path: Path, trust: Trust, abis: Abis) -> Report:
    """Verify the bundle in the file ``path``; see the module for the procedure.

    ``abis`` are those of the contracts, by name, from the program and not from the bundle. Raises
    :class:`OSError` if the file cannot be read; whatever is wrong with its content is a failed check of the
    report.
    """
    return verify_bundle_bytes(path.read_bytes(), trust, abis)


def verify_bundle_bytes(data: bytes, trust: Trust, abis: Abis) -> Report:
    """As :func:`verify_bundle`, for bytes at hand."""
    checklist = Checklist()
    try:
        return checklist.report(_verify(data, trust, abis, checklist))
    except CheckFailed:
        return checklist.report(None)


def _verify(data: bytes, trust: Trust, abis: Abis, checklist: Checklist) -> Mapping[str, Any]:
    # 1. container
    bundle = checklist.require("container", "AUD-1", lambda: _read(data))
    contracts = bundle.contracts
    # 2. trust
    checklist.note("trust", "AUD-1", lambda: ledger.check_trust(bundle.chain_id, contracts, trust))
    # 3. ledger
    headers = checklist.require("chain of blocks", "AUD-1", lambda: ledger.check_run(bundle.blocks, trust))
    proved = checklist.require(
        "receipts of blocks", "AUD-1", lambda: ledger.check_receipts(headers, bundle.blocks, contracts)
    )
    checklist.note("start of the run", "AUD-1", lambda: ledger.check_start(proved, contracts))
    facts = checklist.require("ledger events", "AUD-1", lambda: ledger.check_events(proved, abis, contracts))
    # 4. statement
    record = checklist.require(
        "statement on the ledger",
        "STT-4",
        lambda: market.check_statement(facts, bundle.statement_id, bundle.statement_salt, bundle.statement),
    )
    statement: StatementRecorded = record.event
    before = facts.until(record.position)
    # 5. openings
    openings = checklist.require("openings", "PRIV-3", lambda: market.check_openings(facts, bundle.openings))
    # 6. market
    _check_market(before, statement, openings, bundle, trust, checklist)
    # 7. measurements
    readings = _check_measurements(facts, before, bundle, statement, trust, checklist)
    # 8. figures
    return checklist.require(
        "figures", "STT-2", lambda: _check_figures(before, statement, openings, readings, bundle.statement)
    )


def _read(data: bytes) -> tuple[Bundle, str]:
    bundle = read_bundle(data)
    return bundle, f"{len(data)} bytes, each determined by the members"


def _check_market(
    facts: Facts,
    statement: StatementRecorded,
    openings: Openings,
    bundle: Bundle,
    trust: Trust,
    checklist: Checklist,
) -> None:
    bought = selections(facts, statement.aggregate, statement.product, statement.day)
    day = DeliveryDay.from_number(statement.day)
    schedule = checklist.require("delivery day", "TIM-1", lambda: market.check_schedule(facts, day))
    checklist.note("gates", "SES-4", lambda: market.check_gates(facts, schedule, bought))
    checklist.note("qualification", "TOE-2", lambda: market.check_qualified(facts, bought))
    checklist.note("lights", "DTL-4", lambda: market.check_lights(facts, bought))
    checklist.note(
        "offers and agreements",
        "SES-5",
        lambda: procurement.check_bases(facts, bought, openings, bundle.contracts),
    )
    if trust.openings:
        checklist.note(
            "merit order", "SES-5", lambda: procurement.check_merit(facts, bought, openings, trust.openings)
        )


def _check_measurements(
    facts: Facts,
    before: Facts,
    bundle: Bundle,
    statement: StatementRecorded,
    trust: Trust,
    checklist: Checklist,
) -> Readings:
    """An anchor may be later than the statement; a key that was ended later still vouches for it (DEV-1)."""
    checkpoint = checklist.require(
        "anchored checkpoint",
        "LOG-2",
        lambda: measurements.check_checkpoint(facts, bundle.checkpoint, bundle.note_key, bundle.origin),
    )
    if trust.witnesses:
        checklist.note(
            "witnesses",
            "LOG-2",
            lambda: measurements.check_witnesses(facts, checkpoint, bundle.checkpoint, trust.witnesses),
        )
    checklist.note(
        "growth of the log",
        "LOG-2",
        lambda: measurements.check_consistency(facts, bundle.origin, bundle.consistency),
    )
    checklist.note(
        "inclusion in the log", "LOG-1", lambda: measurements.check_inclusion(bundle.entries, checkpoint)
    )
    day = DeliveryDay.from_number(statement.day)
    return checklist.require(
        "certified readings",
        "MEA-1",
        lambda: measurements.check_readings(before, day, bundle.entries, bundle.conflicts),
    )


def _check_figures(
    facts: Facts, statement: StatementRecorded, openings: Openings, readings: Readings, stated: bytes
) -> tuple[Mapping[str, Any], str]:
    case = settlement_case(facts, statement)
    baselines = filed_baselines(facts, openings, case)
    derived = build_statement(case, deal_terms(openings, case), baselines, readings)
    document = {"kind": STATEMENT_KIND, **derived}
    if canonical_json(document) != stated:
        raise _difference(read_canonical_json(stated, STATEMENT), document)
    total = f"total {derived['total_cent']} cent"
    return document, f"{case.day.date}: {total}, {derived['unsettled_periods']} periods unsettled"


def _difference(stated: Any, derived: Mapping[str, Any]) -> RuleViolation:
    """The first field, by name, in which the stated figures are not the derived ones."""
    if not isinstance(stated, dict):
        return RuleViolation(rule="STT-2", field=STATEMENT, found=type(stated).__name__, allowed="an object")
    name = min(n for n in {*stated, *derived} if n not in stated or stated[n] != derived.get(n))
    return RuleViolation(
        rule="STT-2", field=name, found=stated.get(name, "nothing"), allowed=derived.get(name, "nothing")
    )
