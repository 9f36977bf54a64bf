"""What the register answers: frozen views of recorded facts, built by the mirror, read by services, API and
reports.

Every view names the transaction, block and time that made it so (``recorded``), and has a ``key``: its place
in a list, handed back as ``after`` to get the next page. Times are aware UTC datetimes; ``day`` is the
delivery day's number (TIM-1); powers are kW; hours are counted from the local midnight of the delivery day
(23, 24 or 25 of them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.domain.contract_changes import ChangeState
from registry.domain.enums import (
    Market,
    PartyKind,
    PodCategory,
    QualificationState,
    Right,
    Scope,
    StaticLight,
    VoltageLevel,
)
from registry.domain.lights import CellLight
from registry.domain.pods import Roster
from registry.domain.products import Product
from registry.domain.quantities import HourCells


@dataclass(frozen=True, slots=True)
class Provenance:
    """The transaction that made a fact so. ``actor`` is the party whose key sent it, 0 for the consortium
    admin.
    """

    block_number: int
    block_time: datetime
    log_index: int
    tx_hash: bytes
    sender: str
    actor: int
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Base of all views: its page key and its provenance."""

    key: str
    recorded: Provenance


@dataclass(frozen=True, slots=True)
class ProposedCode:
    """Code for one contract: where it stands, and the call that it runs once."""

    name: str
    implementation: str
    initial: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractChangeView(View):
    """A proposed change of the contracts (CON-1): carried out, the set of contracts has this ``version``.
    ``consents``: parties in the order in which they consented.
    """

    change: int
    version: int
    proposer: int
    codes: tuple[ProposedCode, ...]
    document_hash: bytes
    not_before: datetime
    consents: tuple[int, ...]
    state: ChangeState


@dataclass(frozen=True, slots=True, kw_only=True)
class PartyView(View):
    """A participant (ACT-1, ACT-2). ``signers`` are the addresses that sign for it now."""

    party: int
    kind: PartyKind
    eic: str
    name: str
    suspended: bool
    signers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationView(View):
    """A right of ``party`` that ``agent`` may use until ``valid_until``, unless ``ended`` before (ACT-1)."""

    party: int
    agent: int
    right: Right
    valid_until: datetime
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView(View):
    """A delivery day and its gates (SES-1): six LFP and six MSD gates, in the order of the sessions."""

    day: int
    tso: int
    starts_at: datetime
    quarters: int
    baseline_gate: datetime
    opens_at: datetime
    lfp_gates: tuple[datetime, ...]
    msd_gates: tuple[datetime, ...]
    last_declaration: datetime

    @property
    def hours(self) -> int:
        """23, 24 or 25."""
        return self.quarters // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class PerimeterView(View):
    """A perimeter of a DSO's partition in force in [from_day, until_day) (DTL-1)."""

    perimeter: int
    dso: int
    from_day: int
    until_day: int | None
    predecessors: tuple[int, ...]
    payload_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PodView(View):
    """A POD as it holds for delivery days in [from_day, until_day) (POD-1 to POD-3). ``perimeter`` and the
    aggregates are None where there is none. ``withdrawn``: no BSP is responsible from ``from_day`` on; the
    fields then say what was last so. ``light_reason`` is the DSO's 32-byte reason, zero if it gave none.
    """

    pod_id: bytes
    from_day: int
    until_day: int | None
    withdrawn: bool
    bsp: int
    dso: int
    category: PodCategory
    voltage: VoltageLevel
    declared_up_kw: int
    declared_down_kw: int
    activation_time_s: int
    payload_hash: bytes
    light: StaticLight
    granted_up_kw: int
    granted_down_kw: int
    light_reason: bytes
    perimeter: int | None
    local_aggregate: int | None
    global_aggregate: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimView(View):
    """A BSP's claim of a POD that ``holder`` was responsible for when it was made (POD-5). ``granted`` is
    None until the DSO hands the POD over (true) or the BSP drops the claim (false); ``mandate_hash`` commits
    to the customer's mandate.
    """

    pod_id: bytes
    bsp: int
    holder: int
    dso: int
    mandate_hash: bytes
    granted: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateView(View):
    """A BSP's pool of PODs for one market scope (AGG-1)."""

    aggregate: int
    bsp: int
    scope: Scope
    payload_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class MembershipView(View):
    """A POD's membership of an aggregate for delivery days in [from_day, until_day) (AGG-1)."""

    aggregate: int
    pod_id: bytes
    from_day: int
    until_day: int | None


@dataclass(frozen=True, slots=True)
class PoolView:
    """What an aggregate's PODs may give as of a day, in one perimeter or (None) in all (AGG-1)."""

    aggregate: int
    perimeter: int | None
    day: int
    pods: int
    granted_up_kw: int
    granted_down_kw: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductView(View):
    """A published product version (PRD-1). ``superseded_by`` is the next version, if one was published."""

    product: int
    operator: int
    terms: Product
    superseded_by: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QualificationView(View):
    """Where an aggregate's application for a product stands (PRQ-1). ``actor`` moved it there, at
    ``recorded.block_time``. ``tested`` is what the aggregate was when it was qualified last: a relevant
    change since then suspends the qualification without a step (PRQ-2).
    """

    aggregate: int
    product: int
    state: QualificationState
    actor: int
    valid_until: datetime | None
    performance_permille: int
    evidence_hash: bytes
    tested: Roster

    def state_at(self, at: datetime) -> QualificationState:
        """The state at an instant: a qualification past its validity has expired (PRQ-2)."""
        lapsed = self.valid_until is not None and at >= self.valid_until
        return (
            QualificationState.EXPIRED
            if lapsed and self.state is QualificationState.QUALIFIED
            else self.state
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EquivalenceView(View):
    """Who passed ``from_product``'s test is qualified for ``to_product``, while ``holds`` (TOE-1)."""

    from_product: int
    to_product: int
    proposed_by: int
    accepted_by: tuple[int, ...]
    revoked_by: int | None
    holds: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionView(View):
    """The outcome of one session for an aggregate and perimeter (SES-2, SES-4). ``kw`` has one signed value
    per hour of the day, up positive, down negative, as published by this session.
    """

    aggregate: int
    perimeter: int
    day: int
    market: Market
    session: int
    operator: int
    product: int
    tested_aggregate: int
    chain: tuple[int, ...]
    cells: HourCells
    kw: tuple[int, ...]
    commitment: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclarationView(View):
    """The quarter-hours in which a POD serves a market for an aggregate (SES-3, SES-6). Bit q of ``quarters``
    is the period that starts q * 15 minutes into the day; 0 once all were released.
    """

    pod_id: bytes
    aggregate: int
    perimeter: int
    day: int
    market: Market
    quarters: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompletionView(View):
    """A BSP's declaration for one outcome was closed (SES-3). ``shortfall_kw``: per hour what was sold and
    could not be declared, signed like the selection.
    """

    aggregate: int
    perimeter: int
    day: int
    market: Market
    session: int
    shortfall: HourCells
    shortfall_kw: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LightView(View):
    """The dynamic lights of a perimeter and day as published in one session (DTL-2): one cell per hour and
    direction.
    """

    perimeter: int
    day: int
    session: int
    up: HourCells
    down: HourCells
    up_lights: tuple[CellLight, ...]
    down_lights: tuple[CellLight, ...]
    payload_hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineView(View):
    """A POD's baseline of a day, as a commitment (BAS-1). The last one filed before the gate counts."""

    pod_id: bytes
    bsp: int
    day: int
    commitment: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementView(View):
    """An availability agreement, as a commitment; ``recorded`` is its acceptance once both agreed (SES-5)."""

    commitment: bytes
    dso: int
    bsp: int
    aggregate: int
    proposer: int
    accepted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferView(View):
    """A bid for a session, as a commitment (SES-5)."""

    commitment: bytes
    bsp: int
    aggregate: int
    perimeter: int
    day: int
    market: Market
    session: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView(View):
    """A PGUI key bound to a POD for [valid_from, valid_until) (DEV-1). ``public_key``: 65 bytes, uncompressed
    P-256 point.
    """

    key_id: bytes
    pod_id: bytes
    dso: int
    public_key: bytes
    valid_from: datetime
    valid_until: datetime
    end_reason: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointView(View):
    """A checkpoint of a measurement log, anchored on the ledger (LOG-2). ``root``: 32-byte Merkle root of
    ``size`` entries; ``witnesses``: how many had cosigned it, as the node says.
    """

    log_id: bytes
    node: int
    size: int
    root: bytes
    witnesses: int


@dataclass(frozen=True, slots=True)
class Dispute:
    """A BSP disputes a statement (STT-4)."""

    bsp: int
    reason_hash: bytes
    recorded: Provenance


@dataclass(frozen=True, slots=True)
class Attestation:
    """An auditor re-derived a statement and confirms it or not (AUD-1)."""

    auditor: int
    confirmed: bool
    bundle_hash: bytes
    recorded: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementView(View):
    """A settlement statement: recorded, disputed, superseded, attested; never changed (STT-4)."""

    statement_id: bytes
    operator: int
    aggregate: int
    product: int
    day: int
    commitment: bytes
    supersedes: bytes | None
    superseded_by: bytes | None
    disputable_until: datetime
    dispute: Dispute | None
    attestations: tuple[Attestation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry(View):
    """One step in the life of an object.

    ``state`` holds all its columns after the step (JSON types; bytes as 0x-hex).
    """

    object_type: str
    object_id: str
    state: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts that anyone may see. ``as_of_block`` is the last block counted."""

    as_of_block: int
    parties: Mapping[PartyKind, int]
    pods: int
    pods_by_light: Mapping[StaticLight, int]
    perimeters: int
    aggregates: Mapping[Scope, int]
    products: int
    qualifications: Mapping[QualificationState, int]
    equivalences: int
    scheduled_days: int
    selections: Mapping[Market, int]
    shortfalls: int
    devices: int
    checkpoints: int
    statements: int
    disputes: int
