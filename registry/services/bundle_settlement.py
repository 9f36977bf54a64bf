"""Pack all that an outsider needs to re-derive one settlement statement (AUD-1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from registry.domain.calendar import DeliveryDay
from registry.domain.errors import RuleViolation
from registry.domain.identifiers import canonical_json
from registry.domain.settlement_case import NO_BASELINE, SettlementCase
from registry.evidence.blocks import BlockEvidence, parse_header
from registry.evidence.bundle import Bundle, LoggedEntry, OpenedCommitment, write_bundle
from registry.evidence.case import CONFLICT, reading_fact
from registry.evidence.payloads import Reading
from registry.ports import Ledger, MeasurementLog
from registry.services.anchor_checks import growth_proofs
from registry.services.certified_readings import conflicts_of, quarter_of, readings_of
from registry.services.recorder import Recorder
from registry.services.sealing import opened
from registry.services.settle_day import deal_terms, last_filings, serving_candidates, settlement_case

Cosigned = Callable[[int], bytes | None]
"""The note of an anchored size with the cosignatures that its anchor counted, ``None`` if it counted none."""


def bundle_settlement(
    recorder: Recorder, log: MeasurementLog, statement_id: bytes, cosigned: Cosigned = lambda _: None
) -> bytes:
    """The bytes of the bundle of a recorded statement.

    1. The statement's document and salt, and the recorded facts it rests on.
    2. The openings of its deals, of the agreements and bids that these rest on (SES-5), and of baselines.
    3. The readings that the statement rests on, with the conflicts it knew, in the smallest anchored log
    that has them all, with what its witnesses said of it. What the log took in later is for a statement that
    supersedes this one.
    4. The growth of the log from anchor to anchor, and the chain from the deployment to its head: headers,
    and receipts where a contract logged.

    Raises:
        RuleViolation: STT-4 for an unknown statement, PRIV-3 for what this node cannot open, LOG-2 while no
            anchor covers the readings.
    """
    # 1. statement
    view = recorder.mirror.statement(statement_id)
    if view is None:
        raise RuleViolation(
            rule="STT-4", field="statement_id", found=statement_id, allowed="a recorded statement"
        )
    statement = opened(recorder.vault, view.commitment, "statement")
    day = DeliveryDay.from_number(view.day)
    case = settlement_case(
        recorder.mirror, statement_id, view.aggregate, view.product, day, view.supersedes or bytes(32)
    )
    # 2. openings
    pods = serving_candidates(case)
    # 3. readings
    stated = _Stated(statement.payload)
    conflicts = [
        conflict
        for pod_id in pods
        for conflict, reading in conflicts_of(log, pod_id, day)
        if stated.knew_conflict(reading, quarter_of(day, reading))
    ]
    logged = {
        entry.index: entry.data
        for pod_id in pods
        for entry, reading in readings_of(log, pod_id, day)
        if stated.rests_on(reading, quarter_of(day, reading))
    }
    logged |= {conflict.index: conflict.logged for conflict in conflicts}
    size = _anchored_size(recorder, log, max(logged, default=0) + 1)
    entries = tuple(
        LoggedEntry(index, data, tuple(log.inclusion_proof(index, size)))
        for index, data in sorted(logged.items())
    )
    # 4. log and chain
    recorder.mirror.catch_up()
    addresses = {name: bytes.fromhex(address[2:]) for name, address in recorder.ledger.addresses.items()}
    return write_bundle(
        Bundle(
            chain_id=recorder.ledger.chain_id,
            contracts=addresses,
            statement_id=statement_id,
            statement_salt=statement.salt,
            statement=canonical_json(dict(statement.payload)),
            openings=_openings(recorder, case, pods),
            blocks=_blocks(recorder.ledger, tuple(addresses.values())),
            origin=log.origin,
            note_key=str(log.note_key),
            checkpoint=_checkpoint(log, size, cosigned),
            entries=entries,
            conflicts=tuple(conflict.refused for conflict in conflicts),
            consistency=growth_proofs(recorder.mirror, log),
        )
    )


def _openings(recorder: Recorder, case: SettlementCase, pods: list[bytes]) -> tuple[OpenedCommitment, ...]:
    filings = last_filings(recorder.mirror, case.day, case.bsp, pods)
    bases = {terms.basis.commitment for terms in deal_terms(recorder.vault, case).values() if terms.basis}
    commitments = case.deal_commitments() | bases | {filing.commitment for filing in filings.values()}
    found = [opened(recorder.vault, commitment, "opening") for commitment in sorted(commitments)]
    return tuple(OpenedCommitment(o.commitment, o.salt, dict(o.payload)) for o in found)


class _Stated:
    """What a statement says of each POD and quarter-hour; of the others it says nothing."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._pods = {
            (pod["pod_id"], line["quarter"]): (pod["metered_wh"], pod["reason"])
            for deal in document["deals"]
            for line in deal["lines"]
            for pod in line["pods"]
        }

    def rests_on(self, reading: Reading, quarter: int) -> bool:
        """Whether the statement knew a logged reading, if only to find it unfit (STT-3)."""
        metered_wh, reason = self._pods.get((reading.pod_id.hex(), quarter), (None, ""))
        fact = reading_fact(reading)
        return fact.metered_wh == metered_wh and reason in (fact.reason, NO_BASELINE)

    def knew_conflict(self, reading: Reading, quarter: int) -> bool:
        """Whether the statement knew that a reading was contradicted."""
        metered_wh, reason = self._pods.get((reading.pod_id.hex(), quarter), (None, ""))
        return metered_wh is None and reason in (CONFLICT, NO_BASELINE)


def _anchored_size(recorder: Recorder, log: MeasurementLog, needed: int) -> int:
    anchor = recorder.mirror.checkpoint_covering(log.log_id, needed)
    if anchor is None:
        raise RuleViolation(
            rule="LOG-2",
            field="log size",
            found=f"readings up to entry {needed}, not anchored yet",
            allowed="an anchored checkpoint that covers them",
            hint="wait for the next anchor",
        )
    return anchor.size


def _checkpoint(log: MeasurementLog, size: int, cosigned: Cosigned) -> bytes:
    """The log's own note of this size, with cosignatures under it where they belong to it."""
    own, kept = log.checkpoint_at(size).note, cosigned(size)
    return kept if kept is not None and kept.startswith(own) else own


def _blocks(ledger: Ledger, addresses: tuple[bytes, ...]) -> tuple[BlockEvidence, ...]:
    blocks = []
    for number in range(ledger.first_block, ledger.head().number + 1):
        evidence = ledger.evidence(number)
        header = parse_header(evidence.header_rlp)
        needed = any(header.may_log(address) for address in addresses)
        blocks.append(evidence if needed else BlockEvidence(evidence.header_rlp, ()))
    return tuple(blocks)
