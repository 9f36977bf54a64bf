"""Answers that are no views.

Of the measurement log, of registrations, of health; and the problem document.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

HexText = Annotated[str, Field(pattern="^([0-9a-f]{2})*$")]
Base64Text = Annotated[str, Field(description="base64")]


class Problem(BaseModel):
    """Why a request was refused (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    rule: str = Field(description="key of the rule, such as SES-2")
    field: str
    found: str
    allowed: str


class Contracts(BaseModel):
    """The ledger's contracts."""

    chain_id: int
    version: int = Field(description="of the code that this node speaks to")
    first_block: int
    addresses: dict[str, str]


class AcceptedStatement(BaseModel):
    """A statement is durable in the log (MEA-3)."""

    index: int
    statement_id: HexText = Field(description="SHA-256 of the statement's bytes")
    receipt: str = Field(description="path of its COSE receipt (RFC 9942)")
    duplicate: bool = Field(description="the same bytes were there before")


class StatementAnswer(BaseModel):
    """What became of one statement of a batch."""

    status: Literal["accepted", "duplicate", "refused"]
    statement_id: HexText
    index: int | None = None
    receipt: str | None = Field(default=None, description="path of its COSE receipt (RFC 9942)")
    rule: str | None = None
    field: str | None = None
    found: str | None = None
    allowed: str | None = None
    hint: str | None = None
    detail: str | None = None


class BatchAnswers(BaseModel):
    """One answer per statement, in their order."""

    answers: list[StatementAnswer]


class Setpoints(BaseModel):
    """Signed setpoints (COSE_Sign1) in the order of their sequence."""

    setpoints: list[Base64Text]


class ConflictAnswer(BaseModel):
    """A refused statement that contradicts the log, with both sides' bytes (MEA-2)."""

    id: int
    pod_id: HexText
    key_id: HexText
    field: str
    index: int
    logged: Base64Text
    refused: Base64Text
    received_at: int = Field(description="Unix seconds")


class Conflicts(BaseModel):
    """A page of conflicts; ask again with `after=next` until `next` is null."""

    items: list[ConflictAnswer]
    next: int | None


class GapAnswer(BaseModel):
    """Counters `first` to `last`, both included, that a device's key passed over (MEA-2)."""

    key_id: HexText
    pod_id: HexText
    first: int
    last: int


class Gaps(BaseModel):
    """A page of counter gaps; ask again with `after=next` until `next` is null."""

    items: list[GapAnswer]
    next: str | None


class OpenedCommitment(BaseModel):
    """What a commitment hides, and the salt that opens it (docs/formats/commitment.md)."""

    commitment: HexText
    salt: HexText
    payload: dict[str, Any]


class Openings(BaseModel):
    """Opened commitments, ascending."""

    openings: list[OpenedCommitment]


class OpeningsKept(BaseModel):
    """How many openings this node keeps of what it was given."""

    kept: int


class MeritRow(BaseModel):
    """A bid in its place, and how much of it the need takes."""

    commitment: HexText
    aggregate: int
    use_price_milli_eur_per_mwh: int
    kw: int = Field(description="offered in this hour and direction, and still there")
    taken_kw: int


class MeritOrder(BaseModel):
    """The bids of an hour and direction, cheapest first; of equal prices the one recorded first."""

    bids: list[MeritRow]
    uncovered_kw: int = Field(description="what the need leaves after all of them")


class AnchorAnswer(BaseModel):
    """The first anchored checkpoint that covers an entry (LOG-2)."""

    size: int = Field(description="entries of the log that it covers")
    witnesses: int = Field(description="how many witnesses had cosigned it, as the access node says")
    transaction: HexText
    block: int
    time: datetime


class ReadingAnswer(BaseModel):
    """A certified reading and how far it is: accepted and logged, anchored, final (MEA-3, LOG-1, LOG-2)."""

    quarter: int = Field(description="number of the quarter-hour in the delivery day, from 0")
    period_start: datetime
    index: int = Field(description="its place in the log")
    statement_id: HexText = Field(description="SHA-256 of the statement's bytes")
    key_id: HexText
    counter: int
    import_wh: int
    export_wh: int
    unsettled: str | None = Field(description="why it cannot be settled on, null if it can (STT-3)")
    accepted_at: datetime
    anchor: AnchorAnswer | None
    final: bool


class Readings(BaseModel):
    """A POD's readings of a delivery day; `missing` are quarter-hours that are over and have none."""

    pod_id: HexText
    day: date
    readings: list[ReadingAnswer]
    missing: list[int]


class RegisteredPods(BaseModel):
    """The ledger ids of registered PODs, in the order of the request."""

    pod_ids: list[HexText]
    transactions: list[HexText]


class PodCode(BaseModel):
    """What stands behind a POD's ledger id; all null once it was erased (PRIV-2)."""

    pod_id: HexText
    erased: bool
    pod_code: str | None = None
    position: str | None = None
    technologies: list[str] | None = None


class Responsible(BaseModel):
    """The BSP responsible for a POD in the delivery period that holds an instant (POD-5); null for none."""

    pod_id: HexText
    day: date
    at: datetime
    bsp: int | None


class DutyToTest(BaseModel):
    """The operator that has tested an aggregate, or has to, and for which of its products (TOE-3)."""

    operator: int
    product: int


class QualificationAnswer(BaseModel):
    """Whether an aggregate is qualified for a product, through which chain, or by which rule not (TOE-2);
    ``test`` says who tests for it.
    """

    aggregate: int
    product: int
    at: str
    qualified: bool
    chain: list[int]
    test: DutyToTest
    tested_aggregate: int | None
    valid_until: str | None
    refusal: dict[str, str] | None = None


class SettlementDocument(BaseModel):
    """A settlement statement as its operator made it (STT-1..5)."""

    model_config = ConfigDict(extra="allow")

    statement_id: HexText
    operator: int
    bsp: int
    aggregate: int
    total_cent: int
    deals: list[dict[str, Any]]


class DetachmentProgress(BaseModel):
    """How far a detachment is, in entry bundles; in delivery days while they leave the database."""

    stage: Literal["copying", "dropping", "removing"]
    done: int
    total: int


class DetachmentAnswer(BaseModel):
    """What of the measurement log is held, and what of it is on its way into the archive (LOG-1)."""

    held_since: date | None = Field(description="first delivery day that is held; null if all are")
    minimum_index: int = Field(description="entries below it may be missing in the log's folder")
    detaching_until: date | None = Field(
        description="first delivery day that stays; null if nothing is being detached"
    )
    progress: DetachmentProgress | None = Field(description="null before the first step")
    failure: str | None = Field(description="the kind of error that ended the last try, if one did")


class NodeTime(BaseModel):
    """The node's clock, Unix seconds."""

    now: int


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["alive"]


class Readiness(BaseModel):
    """Whether the node can do its work."""

    status: Literal["ready", "behind"]
    blocks_behind: int
    log_size: int
    caretaker: str | None = Field(description="what the background work failed on last, if it does")
