"""Facts that the ledger records: one class per event of the contracts.

Names are those of the Solidity events; fields are their parameters in the same order, in snake case; a
trailing underscore stands where Python reserves the word. `bytes32` and `bytes16` are bytes, addresses are
text, sequences are tuples, so events compare by value. All that the mirror shows comes from these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from registry.domain.enums import (
    Market,
    PartyKind,
    PodCategory,
    QualificationState,
    Scope,
    StaticLight,
    VoltageLevel,
)
from registry.domain.products import Product
from registry.domain.quantities import HourCells


class Event:
    """A recorded fact."""

    __slots__ = ()
    contract: ClassVar[str]


@dataclass(frozen=True, slots=True)
class PartyAdmitted(Event):
    """A party was admitted (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    party: int
    kind: PartyKind
    eic: bytes
    name: str
    signer: str


@dataclass(frozen=True, slots=True)
class SignerRotated(Event):
    """A party's key was replaced (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    party: int
    old_signer: str
    new_signer: str


@dataclass(frozen=True, slots=True)
class PartySuspended(Event):
    """A party was suspended (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    party: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class PartyReinstated(Event):
    """A suspended party takes part again (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    party: int


@dataclass(frozen=True, slots=True)
class Paused(Event):
    """The ledger takes no writes until it is unpaused (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    account: str


@dataclass(frozen=True, slots=True)
class Unpaused(Event):
    """The ledger takes writes again (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    account: str


@dataclass(frozen=True, slots=True)
class DayScheduled(Event):
    """The gates of a delivery day were set; Unix seconds (SES-1)."""

    contract: ClassVar[str] = "MarketSessions"
    day: int
    tso: int
    starts_at: int
    quarters: int
    baseline_gate: int
    opens_at: int
    lfp_gates: tuple[int, ...]
    msd_gates: tuple[int, ...]
    last_declaration: int


@dataclass(frozen=True, slots=True)
class PerimeterDeclared(Event):
    """A perimeter is in its DSO's partition from `from_day` on; its predecessors end there (DTL-1)."""

    contract: ClassVar[str] = "TrafficLights"
    perimeter: int
    dso: int
    from_day: int
    predecessors: tuple[int, ...]
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class PerimeterEnded(Event):
    """A perimeter is no longer in the partition from `until_day` on (DTL-1)."""

    contract: ClassVar[str] = "TrafficLights"
    perimeter: int
    dso: int
    until_day: int


@dataclass(frozen=True, slots=True)
class LightsPublished(Event):
    """Lights of a perimeter day; capability in kW per hour and direction (DTL-2)."""

    contract: ClassVar[str] = "TrafficLights"
    perimeter: int
    day: int
    session: int
    up: HourCells
    down: HourCells
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class PodRegistered(Event):
    """A POD was registered; powers in kW (POD-1)."""

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    bsp: int
    dso: int
    category: PodCategory
    voltage: VoltageLevel
    up_kw: int
    down_kw: int
    activation_time_s: int
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class PodChanged(Event):
    """A relevant change.

    From `from_day` on the static light is requested and grants nothing; powers in kW (POD-3).
    """

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    bsp: int
    from_day: int
    category: PodCategory
    voltage: VoltageLevel
    up_kw: int
    down_kw: int
    activation_time_s: int
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class PodWithdrawn(Event):
    """A registration and its memberships end on `from_day` (POD-5)."""

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    bsp: int
    from_day: int


@dataclass(frozen=True, slots=True)
class StaticLightGiven(Event):
    """A static light holds from `from_day` on; granted powers in kW (POD-2)."""

    contract: ClassVar[str] = "Pods"
    pod_id: bytes
    dso: int
    from_day: int
    light: StaticLight
    up_kw: int
    down_kw: int
    perimeter: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class AggregateCreated(Event):
    """An aggregate was created (AGG-1)."""

    contract: ClassVar[str] = "Pods"
    aggregate: int
    bsp: int
    scope: Scope
    payload_hash: bytes


@dataclass(frozen=True, slots=True)
class PodJoined(Event):
    """A POD is a member from `from_day` on (AGG-1)."""

    contract: ClassVar[str] = "Pods"
    aggregate: int
    pod_id: bytes
    from_day: int


@dataclass(frozen=True, slots=True)
class PodLeft(Event):
    """A POD is no member from `from_day` on (AGG-1)."""

    contract: ClassVar[str] = "Pods"
    aggregate: int
    pod_id: bytes
    from_day: int


@dataclass(frozen=True, slots=True)
class ProductPublished(Event):
    """A product, or a version of one, was published (PRD-1)."""

    contract: ClassVar[str] = "Prequalification"
    product: int
    operator: int
    terms: Product


@dataclass(frozen=True, slots=True)
class QualificationMoved(Event):
    """A qualification took a step; `valid_until` in Unix seconds, 0 while it is not qualified (PRQ-1)."""

    contract: ClassVar[str] = "Prequalification"
    aggregate: int
    product: int
    state: QualificationState
    actor: int
    valid_until: int
    performance_permille: int
    evidence_hash: bytes


@dataclass(frozen=True, slots=True)
class EquivalenceProposed(Event):
    """Who passed the test of `from_` shall be qualified for `to` (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    from_: int
    to: int
    operator: int


@dataclass(frozen=True, slots=True)
class EquivalenceAccepted(Event):
    """An operator accepted; it `holds` once both did (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    from_: int
    to: int
    operator: int
    holds: bool


@dataclass(frozen=True, slots=True)
class EquivalenceRevoked(Event):
    """An operator revoked an equivalence (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    from_: int
    to: int
    operator: int


@dataclass(frozen=True, slots=True)
class SelectionRecorded(Event):
    """The outcome of a session for one aggregate and perimeter (SES-4)."""

    contract: ClassVar[str] = "Market"
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
    commitment: bytes


@dataclass(frozen=True, slots=True)
class PodDeclared(Event):
    """A POD serves a market in these quarter-hours (bits) (SES-3)."""

    contract: ClassVar[str] = "Market"
    pod_id: bytes
    aggregate: int
    day: int
    perimeter: int
    market: Market
    quarters: int


@dataclass(frozen=True, slots=True)
class PodReleased(Event):
    """A POD no longer serves a market in these quarter-hours (bits) (SES-6)."""

    contract: ClassVar[str] = "Market"
    pod_id: bytes
    aggregate: int
    day: int
    perimeter: int
    market: Market
    quarters: int


@dataclass(frozen=True, slots=True)
class DeclarationCompleted(Event):
    """The BSP has said all; `shortfall` is what it could not cover, kW per hour (SES-3)."""

    contract: ClassVar[str] = "Market"
    aggregate: int
    perimeter: int
    day: int
    market: Market
    session: int
    shortfall: HourCells


@dataclass(frozen=True, slots=True)
class BaselineFiled(Event):
    """A baseline was filed (BAS-1)."""

    contract: ClassVar[str] = "Market"
    pod_id: bytes
    bsp: int
    day: int
    commitment: bytes


@dataclass(frozen=True, slots=True)
class DeviceBound(Event):
    """A device key is bound to a POD for [valid_from, valid_until) (DEV-1)."""

    contract: ClassVar[str] = "Measurements"
    pod_id: bytes
    key_id: bytes
    dso: int
    key_x: bytes
    key_y: bytes
    valid_from: int
    valid_until: int


@dataclass(frozen=True, slots=True)
class DeviceEnded(Event):
    """From `valid_until` on the key signs for nobody (DEV-1)."""

    contract: ClassVar[str] = "Measurements"
    pod_id: bytes
    key_id: bytes
    dso: int
    valid_until: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class CheckpointAnchored(Event):
    """A checkpoint of a measurement log was anchored (LOG-2)."""

    contract: ClassVar[str] = "Measurements"
    log_id: bytes
    node: int
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class StatementRecorded(Event):
    """A settlement statement was recorded (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    statement_id: bytes
    operator: int
    aggregate: int
    product: int
    day: int
    commitment: bytes
    supersedes: bytes
    disputable_until: int


@dataclass(frozen=True, slots=True)
class StatementDisputed(Event):
    """A BSP disputed a statement (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    statement_id: bytes
    bsp: int
    reason_hash: bytes


@dataclass(frozen=True, slots=True)
class StatementAttested(Event):
    """An auditor said what it found about a statement (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    statement_id: bytes
    auditor: int
    confirmed: bool
    bundle_hash: bytes


EVENTS: dict[str, type[Event]] = {
    event.__name__: event
    for event in (
        PartyAdmitted,
        SignerRotated,
        PartySuspended,
        PartyReinstated,
        Paused,
        Unpaused,
        DayScheduled,
        PerimeterDeclared,
        PerimeterEnded,
        LightsPublished,
        PodRegistered,
        PodChanged,
        PodWithdrawn,
        StaticLightGiven,
        AggregateCreated,
        PodJoined,
        PodLeft,
        ProductPublished,
        QualificationMoved,
        EquivalenceProposed,
        EquivalenceAccepted,
        EquivalenceRevoked,
        SelectionRecorded,
        PodDeclared,
        PodReleased,
        DeclarationCompleted,
        BaselineFiled,
        DeviceBound,
        DeviceEnded,
        CheckpointAnchored,
        StatementRecorded,
        StatementDisputed,
        StatementAttested,
    )
}

E_co = TypeVar("E_co", bound=Event, covariant=True)


@dataclass(frozen=True, slots=True)
class Recorded(Generic[E_co]):
    """An event with the place, time and author of its record.

    `block_time` in Unix seconds; `sender` signed the transaction.
    """

    event: E_co
    contract: str
    block_number: int
    block_hash: bytes
    block_time: int
    tx_hash: bytes
    log_index: int
    sender: str

    @property
    def position(self) -> tuple[int, int]:
        """Place in the total order of all events."""
        return self.block_number, self.log_index

    def __lt__(self, other: Recorded[Event]) -> bool:
        return self.position < other.position
