"""What a party can ask of the ledger: one class per write of the contracts.

Fields are the parameters of the Solidity function in the same order, in snake case; a trailing underscore
stands where Python reserves the word. `contract` and `function` name the Solidity side. Every write is a
batch or takes one thing only.
"""

from __future__ import annotations

from registry.domain.commands.base import Command
from registry.domain.commands.consortium import (
    CarryOutChange,
    ConsentToChange,
    ProposeChange,
    WithdrawChange,
)
from registry.domain.commands.lights import DeclarePerimeters, PublishLights
from registry.domain.commands.market import DeclarePods, FileBaselines, ReleasePods, SelectGlobal, SelectLocal
from registry.domain.commands.measurements import AnchorCheckpoint, BindDevices, EndDevices
from registry.domain.commands.participants import (
    AcceptAdmin,
    AdmitParties,
    DelegateRight,
    EndDelegation,
    OfferAdmin,
    Pause,
    ReinstateParty,
    RotateSigner,
    SuspendParty,
    Unpause,
)
from registry.domain.commands.pods import (
    ChangePods,
    ClaimPods,
    CreateAggregates,
    DropClaims,
    GiveStaticLights,
    HandOverPods,
    JoinAggregate,
    LeaveAggregate,
    MovePods,
    RegisterPods,
    WithdrawPods,
)
from registry.domain.commands.prequalification import (
    AcceptEquivalences,
    ApplyForQualification,
    MoveQualification,
    ProposeEquivalences,
    PublishProducts,
    RevokeEquivalences,
)
from registry.domain.commands.procurement import AcceptAgreements, ProposeAgreements, RecordOffers
from registry.domain.commands.sessions import ScheduleDays
from registry.domain.commands.settlement import AttestStatement, DisputeStatement, RecordStatements

COMMANDS: dict[str, type[Command]] = {
    command.__name__: command
    for command in (
        ProposeChange,
        ConsentToChange,
        WithdrawChange,
        CarryOutChange,
        AdmitParties,
        RotateSigner,
        SuspendParty,
        ReinstateParty,
        Pause,
        Unpause,
        OfferAdmin,
        AcceptAdmin,
        DelegateRight,
        EndDelegation,
        ScheduleDays,
        DeclarePerimeters,
        PublishLights,
        RegisterPods,
        ChangePods,
        WithdrawPods,
        ClaimPods,
        DropClaims,
        HandOverPods,
        GiveStaticLights,
        MovePods,
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
        ProposeAgreements,
        AcceptAgreements,
        RecordOffers,
        BindDevices,
        EndDevices,
        AnchorCheckpoint,
        RecordStatements,
        DisputeStatement,
        AttestStatement,
    )
}

__all__ = [
    "COMMANDS",
    "Command",
    "AcceptAdmin",
    "AcceptAgreements",
    "AcceptEquivalences",
    "AdmitParties",
    "AnchorCheckpoint",
    "ApplyForQualification",
    "AttestStatement",
    "BindDevices",
    "CarryOutChange",
    "ChangePods",
    "ClaimPods",
    "ConsentToChange",
    "CreateAggregates",
    "DeclarePerimeters",
    "DeclarePods",
    "DelegateRight",
    "DisputeStatement",
    "DropClaims",
    "EndDelegation",
    "EndDevices",
    "FileBaselines",
    "GiveStaticLights",
    "HandOverPods",
    "JoinAggregate",
    "LeaveAggregate",
    "MovePods",
    "MoveQualification",
    "OfferAdmin",
    "Pause",
    "ProposeAgreements",
    "ProposeChange",
    "ProposeEquivalences",
    "PublishLights",
    "PublishProducts",
    "RecordOffers",
    "RecordStatements",
    "RegisterPods",
    "ReinstateParty",
    "ReleasePods",
    "RevokeEquivalences",
    "RotateSigner",
    "ScheduleDays",
    "SelectGlobal",
    "SelectLocal",
    "SuspendParty",
    "Unpause",
    "WithdrawChange",
    "WithdrawPods",
]
