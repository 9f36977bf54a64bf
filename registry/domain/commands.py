"""What a party can ask of the ledger: one class per write of the contracts.

Fields are the parameters of the Solidity function in the same order, in snake case; a trailing underscore
stands where Python reserves the word. `contract` and `function` name the Solidity side. Every write is a
batch or takes one thing only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from registry.domain.aggregates import AggregateDraft
from registry.domain.devices import Binding
from registry.domain.enums import QualificationState
from registry.domain.lights import PerimeterDraft, PerimeterLights
from registry.domain.market import BaselineFiling, PodQuarters, Selection
from registry.domain.participants import Admission
from registry.domain.pods import Registration, StaticLightDecision
from registry.domain.products import Product
from registry.domain.sessions import DaySchedule
from registry.domain.statements import Statement


class Command:
    """A write to the ledger."""

    __slots__ = ()
    contract: ClassVar[str]
    function: ClassVar[str]


@dataclass(frozen=True, slots=True)
class AdmitParties(Command):
    """The consortium admin admits parties (ACT-1, ACT-2)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "admit"
    admissions: tuple[Admission, ...]


@dataclass(frozen=True, slots=True)
class RotateSigner(Command):
    """The consortium admin replaces the key of a party (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "rotateSigner"
    party: int
    old_signer: str
    new_signer: str


@dataclass(frozen=True, slots=True)
class SuspendParty(Command):
    """The consortium admin suspends a party (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "suspend"
    party: int
    reason: bytes


@dataclass(frozen=True, slots=True)
class ReinstateParty(Command):
    """The consortium admin reinstates a party (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "reinstate"
    party: int


@dataclass(frozen=True, slots=True)
class Pause(Command):
    """The consortium admin stops every write (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "pause"


@dataclass(frozen=True, slots=True)
class Unpause(Command):
    """The consortium admin lets writes go on (ACT-1)."""

    contract: ClassVar[str] = "Participants"
    function: ClassVar[str] = "unpause"


@dataclass(frozen=True, slots=True)
class ScheduleDays(Command):
    """The TSO sets the gates of delivery days (SES-1)."""

    contract: ClassVar[str] = "MarketSessions"
    function: ClassVar[str] = "scheduleDays"
    tso: int
    schedules: tuple[DaySchedule, ...]


@dataclass(frozen=True, slots=True)
class DeclarePerimeters(Command):
    """A DSO declares, splits or merges perimeters of its grid (DTL-1)."""

    contract: ClassVar[str] = "TrafficLights"
    function: ClassVar[str] = "declarePerimeters"
    dso: int
    drafts: tuple[PerimeterDraft, ...]


@dataclass(frozen=True, slots=True)
class PublishLights(Command):
    """A DSO publishes the lights of its perimeters for a day, in an LFP session (DTL-2)."""

    contract: ClassVar[str] = "TrafficLights"
    function: ClassVar[str] = "publishLights"
    dso: int
    day: int
    session: int
    lights: tuple[PerimeterLights, ...]


@dataclass(frozen=True, slots=True)
class RegisterPods(Command):
    """A BSP registers PODs (POD-1)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "register"
    bsp: int
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class ChangePods(Command):
    """A BSP reports relevant changes of its PODs (POD-3)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "change"
    bsp: int
    registrations: tuple[Registration, ...]


@dataclass(frozen=True, slots=True)
class WithdrawPods(Command):
    """A BSP ends the registration of PODs (POD-5)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "withdraw"
    bsp: int
    pod_ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class GiveStaticLights(Command):
    """A DSO gives the static lights of PODs (POD-2)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "giveStaticLights"
    dso: int
    decisions: tuple[StaticLightDecision, ...]


@dataclass(frozen=True, slots=True)
class CreateAggregates(Command):
    """A BSP creates aggregates (AGG-1)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "createAggregates"
    bsp: int
    drafts: tuple[AggregateDraft, ...]


@dataclass(frozen=True, slots=True)
class JoinAggregate(Command):
    """A BSP puts PODs into an aggregate (AGG-1, AGG-2)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "join"
    bsp: int
    aggregate: int
    pod_ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class LeaveAggregate(Command):
    """A BSP takes PODs out of an aggregate (AGG-1)."""

    contract: ClassVar[str] = "Pods"
    function: ClassVar[str] = "leave"
    bsp: int
    aggregate: int
    pod_ids: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PublishProducts(Command):
    """An operator publishes products or new versions (PRD-1)."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "publishProducts"
    operator: int
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class ApplyForQualification(Command):
    """A BSP applies for the qualification of aggregates (PRQ-1)."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "apply_"
    bsp: int
    aggregates: tuple[int, ...]
    products: tuple[int, ...]
    evidence_hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class MoveQualification(Command):
    """An operator moves qualifications a step on (PRQ-1). Performance in thousandths of what was tested."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "move"
    operator: int
    aggregates: tuple[int, ...]
    products: tuple[int, ...]
    states: tuple[QualificationState, ...]
    performance_permille: tuple[int, ...]
    evidence_hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class ProposeEquivalences(Command):
    """An operator proposes equivalences between products (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "proposeEquivalences"
    operator: int
    from_: tuple[int, ...]
    to: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AcceptEquivalences(Command):
    """An operator accepts equivalences (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "acceptEquivalences"
    operator: int
    from_: tuple[int, ...]
    to: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RevokeEquivalences(Command):
    """An operator revokes equivalences (TOE-1)."""

    contract: ClassVar[str] = "Prequalification"
    function: ClassVar[str] = "revokeEquivalences"
    operator: int
    from_: tuple[int, ...]
    to: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SelectLocal(Command):
    """A DSO records the outcome of an LFP session (SES-2..4)."""

    contract: ClassVar[str] = "Market"
    function: ClassVar[str] = "selectLocal"
    dso: int
    day: int
    session: int
    selections: tuple[Selection, ...]


@dataclass(frozen=True, slots=True)
class SelectGlobal(Command):
    """The TSO records the outcome of an MSD session (SES-2..4, DTL-4)."""

    contract: ClassVar[str] = "Market"
    function: ClassVar[str] = "selectGlobal"
    tso: int
    day: int
    session: int
    selections: tuple[Selection, ...]


@dataclass(frozen=True, slots=True)
class DeclarePods(Command):
    """A BSP declares which PODs fulfil a selection; `complete` closes the declaration (SES-3)."""

    contract: ClassVar[str] = "Market"
    function: ClassVar[str] = "declare"
    bsp: int
    aggregate: int
    perimeter: int
    day: int
    pods: tuple[PodQuarters, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class ReleasePods(Command):
    """A BSP takes back PODs that a lowered selection no longer needs (SES-6)."""

    contract: ClassVar[str] = "Market"
    function: ClassVar[str] = "release"
    bsp: int
    aggregate: int
    perimeter: int
    day: int
    pods: tuple[PodQuarters, ...]


@dataclass(frozen=True, slots=True)
class FileBaselines(Command):
    """A BSP files the baselines of its PODs for a day (BAS-1)."""

    contract: ClassVar[str] = "Market"
    function: ClassVar[str] = "fileBaselines"
    bsp: int
    day: int
    filings: tuple[BaselineFiling, ...]


@dataclass(frozen=True, slots=True)
class BindDevices(Command):
    """A DSO binds device keys to PODs (DEV-1)."""

    contract: ClassVar[str] = "Measurements"
    function: ClassVar[str] = "bindDevices"
    dso: int
    bindings: tuple[Binding, ...]


@dataclass(frozen=True, slots=True)
class EndDevices(Command):
    """A DSO ends the validity of device keys (DEV-1)."""

    contract: ClassVar[str] = "Measurements"
    function: ClassVar[str] = "endDevices"
    dso: int
    pod_ids: tuple[bytes, ...]
    valid_until: tuple[int, ...]
    reason: bytes


@dataclass(frozen=True, slots=True)
class AnchorCheckpoint(Command):
    """An access node anchors a checkpoint of its log (LOG-2)."""

    contract: ClassVar[str] = "Measurements"
    function: ClassVar[str] = "anchor"
    node: int
    log_id: bytes
    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class RecordStatements(Command):
    """An operator records settlement statements (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    function: ClassVar[str] = "record"
    operator: int
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class DisputeStatement(Command):
    """A BSP disputes a statement about its aggregate (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    function: ClassVar[str] = "dispute"
    bsp: int
    statement_id: bytes
    reason_hash: bytes


@dataclass(frozen=True, slots=True)
class AttestStatement(Command):
    """An auditor attests what it found about a statement (STT-4)."""

    contract: ClassVar[str] = "Settlement"
    function: ClassVar[str] = "attest"
    auditor: int
    statement_id: bytes
    confirmed: bool
    bundle_hash: bytes


COMMANDS: dict[str, type[Command]] = {
    command.__name__: command
    for command in (
        AdmitParties,
        RotateSigner,
        SuspendParty,
        ReinstateParty,
        Pause,
        Unpause,
        ScheduleDays,
        DeclarePerimeters,
        PublishLights,
        RegisterPods,
        ChangePods,
        WithdrawPods,
        GiveStaticLights,
        CreateAggregates,
        JoinAggregate,
        LeaveAggregate,
        PublishProducts,
        ApplyForQualification,
        MoveQualification,
        ProposeEquivalences,
        AcceptEquivalences,
        RevokeEquivalences,
        SelectLocal,
        SelectGlobal,
        DeclarePods,
        ReleasePods,
        FileBaselines,
        BindDevices,
        EndDevices,
        AnchorCheckpoint,
        RecordStatements,
        DisputeStatement,
        AttestStatement,
    )
}
