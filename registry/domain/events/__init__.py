"""Facts that the ledger records: one class per event of the contracts.

Names are those of the Solidity events; fields are their parameters in the same order, in snake case; a
trailing underscore stands where Python reserves the word. `bytes32` and `bytes16` are bytes, addresses are
text, sequences are tuples, so events compare by value. All that the mirror shows comes from these.
"""

from __future__ import annotations

from registry.domain.events.base import Event, Recorded
from registry.domain.events.lights import LightsPublished, PerimeterDeclared, PerimeterEnded
from registry.domain.events.market import (
    BaselineFiled,
    DeclarationCompleted,
    PodDeclared,
    PodReleased,
    SelectionRecorded,
)
from registry.domain.events.measurements import CheckpointAnchored, DeviceBound, DeviceEnded
from registry.domain.events.participants import (
    AdminAccepted,
    AdminHandedOver,
    AdminOffered,
    ConsentGiven,
    DelegationEnded,
    PartyAdmitted,
    PartyReinstated,
    PartySuspended,
    Paused,
    RightDelegated,
    SignerRotated,
    Unpaused,
)
from registry.domain.events.pods import (
    AggregateCreated,
    PodChanged,
    PodClaimDropped,
    PodClaimed,
    PodHandedOver,
    PodJoined,
    PodLeft,
    PodMoved,
    PodRegistered,
    PodWithdrawn,
    StaticLightGiven,
)
from registry.domain.events.prequalification import (
    EquivalenceAccepted,
    EquivalenceProposed,
    EquivalenceRevoked,
    ProductPublished,
    QualificationMoved,
)
from registry.domain.events.sessions import DayScheduled
from registry.domain.events.settlement import StatementAttested, StatementDisputed, StatementRecorded

EVENTS: dict[str, type[Event]] = {
    event.__name__: event
    for event in (
        PartyAdmitted,
        SignerRotated,
        PartySuspended,
        PartyReinstated,
        ConsentGiven,
        AdminOffered,
        AdminAccepted,
        AdminHandedOver,
        RightDelegated,
        DelegationEnded,
        Paused,
        Unpaused,
        DayScheduled,
        PerimeterDeclared,
        PerimeterEnded,
        LightsPublished,
        PodRegistered,
        PodChanged,
        PodWithdrawn,
        PodClaimed,
        PodClaimDropped,
        PodHandedOver,
        StaticLightGiven,
        PodMoved,
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

__all__ = [
    "EVENTS",
    "Event",
    "Recorded",
    "AdminAccepted",
    "AdminHandedOver",
    "AdminOffered",
    "AggregateCreated",
    "BaselineFiled",
    "CheckpointAnchored",
    "ConsentGiven",
    "DayScheduled",
    "DeclarationCompleted",
    "DelegationEnded",
    "DeviceBound",
    "DeviceEnded",
    "EquivalenceAccepted",
    "EquivalenceProposed",
    "EquivalenceRevoked",
    "LightsPublished",
    "PartyAdmitted",
    "PartyReinstated",
    "PartySuspended",
    "Paused",
    "PerimeterDeclared",
    "PerimeterEnded",
    "PodChanged",
    "PodClaimDropped",
    "PodClaimed",
    "PodDeclared",
    "PodHandedOver",
    "PodJoined",
    "PodLeft",
    "PodMoved",
    "PodRegistered",
    "PodReleased",
    "PodWithdrawn",
    "ProductPublished",
    "QualificationMoved",
    "RightDelegated",
    "SelectionRecorded",
    "SignerRotated",
    "StatementAttested",
    "StatementDisputed",
    "StatementRecorded",
    "StaticLightGiven",
    "Unpaused",
]
