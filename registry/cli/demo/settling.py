"""Act 8: three aggregates are settled, by agreement or bid and by the meter or by request; the statements and
their evidence.
"""

from __future__ import annotations

import json
from datetime import timedelta
from fractions import Fraction
from hashlib import sha256

from rich.table import Table

from registry.cli.demo.book import MarketBook
from registry.cli.demo.scenario import (
    ACCESS_NODE,
    AGREEING,
    AUDITOR,
    BALANCING,
    CONGESTION,
    DAY,
    DSO,
    LOCAL,
    TSO,
)
from registry.cli.demo.stage import Stage
from registry.domain.commands import AttestStatement
from registry.services.bundle_settlement import bundle_settlement
from registry.services.openings_of_day import openings_of_day
from registry.services.settle_day import Settled, settle_day

AFTER_THE_DAY = timedelta(hours=6)
CENT_PER_EUR = 100
NANO = 10**9
OPENINGS = "openings.json"
"""File of the day's opened bids and deals, beside the bundles."""


def settle(stage: Stage) -> None:
    """Settle the aggregate with agreements, the largest that bid for local services and the largest global
    one.
    """
    stage.at(DAY.ends_at + AFTER_THE_DAY)
    if stage.node.anchorer(ACCESS_NODE).anchor() is not None:
        stage.node.mirror.catch_up()
    settled = []
    for operator, product, aggregate in (
        (DSO, CONGESTION, LOCAL[AGREEING]),
        (DSO, CONGESTION, _busiest(stage.facts["local"], but=LOCAL[AGREEING])),
        (TSO, BALANCING, _busiest(stage.facts["global"])),
    ):
        signer = stage.signer(operator)
        done = settle_day(stage.node.recorder, stage.node.log, operator, signer, aggregate, product, DAY)
        settled.append(done)
        _show(stage, done)
    stage.facts["settled"] = settled
    stage.report["settlements"] = [
        {
            "statement_id": done.statement_id.hex(),
            "operator": done.document["operator"],
            "bsp": done.document["bsp"],
            "aggregate": done.document["aggregate"],
            "method": done.document["method"],
            "total_cent": done.document["total_cent"],
            "unsettled_periods": done.document["unsettled_periods"],
        }
        for done in settled
    ]
    stage.refused(
        "STT-4",
        "the DSO settles the TSO's product",
        lambda: settle_day(
            stage.node.recorder,
            stage.node.log,
            DSO,
            stage.signer(DSO),
            _busiest(stage.facts["global"]),
            BALANCING,
            DAY,
        ),
    )


def write_bundles(stage: Stage) -> None:
    """One file per statement, with all an outsider needs."""
    folder = stage.folder / "evidence"
    folder.mkdir(exist_ok=True)
    others = [
        {"commitment": one.commitment.hex(), "salt": one.salt.hex(), "payload": dict(one.payload)}
        for one in openings_of_day(stage.node.recorder, DAY)
    ]
    opened = folder / OPENINGS
    opened.write_text(json.dumps({"openings": others}), encoding="utf-8")
    stage.say(f"{opened}: {len(others)} bids and deals of the day, for the auditor alone")
    bundles = []
    for done in stage.facts["settled"]:
        node = stage.node
        data = bundle_settlement(node.recorder, node.log, done.statement_id, node.cosigner.kept)
        path = folder / f"{done.document['method']}-{done.document['aggregate']}.flexbundle"
        path.write_bytes(data)
        bundles.append(path)
        stage.say(f"{path}: {len(data) / 1e6:.1f} MB, SHA-256 {sha256(data).hexdigest()[:16]}…")
    stage.facts["bundles"] = bundles
    stage.report["bundles"] = [str(path) for path in bundles]


def attest(stage: Stage) -> None:
    """The auditor says on the ledger what it found."""
    for done, path in zip(stage.facts["settled"], stage.facts["bundles"], strict=True):
        digest = sha256(path.read_bytes()).digest()
        stage.node.recorder.record(
            AttestStatement(AUDITOR, done.statement_id, True, digest), stage.signer(AUDITOR)
        )
    stage.say("the auditor attested all statements on the ledger")


def _busiest(book: MarketBook, but: int = 0) -> int:
    energy: dict[int, int] = {}
    for (aggregate, _), kw in book.kw.items():
        if aggregate != but:
            energy[aggregate] = energy.get(aggregate, 0) + sum(map(abs, kw))
    return max(sorted(energy), key=lambda aggregate: energy[aggregate])


def _show(stage: Stage, done: Settled) -> None:
    document = done.document
    table = Table(
        box=None,
        padding=(0, 2),
        title=f"aggregate {document['aggregate']}, {document['method']}",
        title_justify="left",
    )
    for column in (
        "perimeter",
        "periods",
        "requested kWh",
        "delivered kWh",
        "availability EUR",
        "use EUR",
        "penalty EUR",
        "unsettled",
    ):
        table.add_column(column, justify="right")
    for perimeter in sorted({deal["perimeter"] for deal in document["deals"]}):
        deals = [deal for deal in document["deals"] if deal["perimeter"] == perimeter]
        lines = [line for deal in deals for line in deal["lines"]]
        penalty = sum(Fraction(deal["penalty_neur"]) for deal in deals)
        table.add_row(
            str(perimeter),
            str(len(lines)),
            f"{sum(abs(line['requested_wh']) for line in lines) / 1000:,.1f}",
            f"{sum(line['delivered_wh'] or 0 for line in lines) / 1000:,.1f}",
            f"{sum(deal['availability_neur'] for deal in deals) / NANO:,.2f}",
            f"{sum(deal['use_neur'] for deal in deals) / NANO:,.2f}",
            f"{float(penalty) / NANO:,.2f}",
            str(sum(deal["unsettled_periods"] for deal in deals)),
        )
    stage.console.print(table)
    reasons = sorted(
        {line["unsettled"] for deal in document["deals"] for line in deal["lines"] if line["unsettled"]}
    )
    for reason in reasons:
        stage.say(f"unsettled: {reason}")
    stage.say(
        f"party {document['operator']} owes BSP {document['bsp']} "
        f"[bold]{document['total_cent'] / CENT_PER_EUR:,.2f} EUR[/]; "
        f"statement {done.statement_id.hex()[:16]}… on the ledger"
    )
