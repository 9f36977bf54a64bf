"""The rulebook and the contracts are one ledger: the same commands give the same events or the same refusal.

Random streams of commands (`tests/unit/domain/change_stream.py`) go through both; whatever one accepts, the
other accepts with equal events, whatever one refuses, the other refuses with the same error and values.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from eth_utils import keccak

from registry.domain import commands as c
from registry.domain.aggregates import Scope
from registry.domain.contract_changes import CONTRACTS, Code
from registry.domain.market import BaselineFiling
from registry.domain.participants import Right
from registry.domain.pods import StaticLight, StaticLightDecision
from registry.domain.prequalification import QualificationState
from registry.domain.recorded_offers import AgreementDraft, Offer
from registry.domain.refusals import Refusal
from registry.domain.rulebook import Rulebook
from registry.domain.sessions import Market
from registry.domain.statements import Statement
from registry.ledger import ChainLedger, OwnCode
from registry.ledger.artifacts import load_artifacts
from registry.ledger.signers import LocalSigner
from registry.mirror import SqlMirror
from tests.conformance.side_by_side import Both
from tests.unit.domain.change_stream import NOTICE_S, ChangingStream, made_up_codes
from tests.unit.domain.consortium import (
    ADMIN,
    BSP,
    DAY,
    DISPUTE_WINDOW_S,
    DSO,
    FEEDER_1,
    GLOBAL,
    GLOBAL_PRODUCT,
    LOCAL,
    LOCAL_PRODUCT,
    NODE,
    NOTHING,
    OTHER_BSP,
    PODS,
    SCHEDULE,
    TSO,
    TWIN,
    UNTESTED_PRODUCT,
    Consortium,
    addresses,
    declaration,
    draft,
    global_outcome,
    lights,
    local_outcome,
    move,
    registration,
    release,
    selection,
    serving,
)

LENGTH = 300
"""Steps of a stream: by then its delivery days are over, and hardly anything is accepted any more."""
PAUSE = 100
"""Steps between two looks of the mirror that follows a stream."""
CHANGED = 3
"""Contracts that a stream may change, each time to the same code at another address."""
SEEDS = max(1, int(os.environ.get("STREAM_STEPS", "3000")) // LENGTH)


@pytest.mark.rule(
    "ACT-1",
    "ACT-2",
    "POD-1",
    "POD-2",
    "POD-3",
    "POD-5",
    "AGG-1",
    "AGG-2",
    "PRD-1",
    "PRQ-1",
    "TOE-1",
    "TOE-2",
    "DEV-1",
)
@pytest.mark.rule(
    "SES-1",
    "SES-2",
    "SES-3",
    "SES-4",
    "SES-5",
    "SES-6",
    "DTL-1",
    "DTL-2",
    "DTL-3",
    "DTL-4",
    "BAS-1",
    "LOG-2",
    "STT-4",
)
@pytest.mark.rule("CON-1", "MIR-1")
@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_same_commands_have_the_same_outcome(both: Both, seed: int, tmp_path: Path) -> None:
    """Through changes of the contracts, too. A mirror that is asked now and then has the rows of one that is
    built afterwards.
    """
    world, chain = Consortium(both, both.chain.addresses), both.chain
    own = OwnCode(chain.connection, chain.deployment, load_artifacts())
    names = random.Random(seed).sample(CONTRACTS, CHANGED)
    codes = [own.implement(name, chain.key(ADMIN)) for name in names]
    live, place = None, f"sqlite:///{tmp_path / 'mirror.sqlite'}"
    for _ in play(seed, world, both.rulebook, codes):
        live = follow(both, place)
    assert live == follow(both, f"sqlite:///{tmp_path / 'rebuilt.sqlite'}")


def follow(both: Both, place: str) -> list[object]:
    """All rows of a mirror after the newest block, read by the release that the contracts belong to."""
    release = replace(load_artifacts(), version=both.rulebook.consortium.version)
    mirror = SqlMirror(place, ChainLedger(both.chain.connection, both.chain.deployment, release))
    mirror.catch_up()
    rows = list(mirror.dump())
    mirror.close()
    return rows


def test_streams_are_worth_their_steps() -> None:
    """Enough is accepted and enough refused, and contracts change; of a single stream whose clock runs ahead
    early that cannot be said.
    """
    accepted = versions = 0
    for seed in range(SEEDS):
        rulebook = Rulebook(addresses()[ADMIN], DISPUTE_WINDOW_S, NOTICE_S)
        accepted += sum(play(seed, Consortium(rulebook), rulebook, made_up_codes()[:CHANGED]))
        versions += rulebook.consortium.version - 1
    assert SEEDS * LENGTH // 8 < accepted < SEEDS * LENGTH * 7 // 8
    assert versions >= SEEDS // 2


def play(seed: int, world: Consortium, rulebook: Rulebook, codes: Sequence[Code]) -> Iterator[int]:
    """A stream of LENGTH steps; now and then how many were accepted since it was said last."""
    stream = ChangingStream(seed, rulebook, world.now, world.signers, codes)
    accepted = 0
    for step in range(1, LENGTH + 1):
        command, party = stream.next()
        try:
            stream.hear(world.ledger.execute(command, world.signers[party], stream.now))
            accepted += 1
        except Refusal:
            pass
        if step % PAUSE == 0:
            yield accepted
            accepted = 0


@pytest.mark.rule("ACT-1", "AGG-2", "TOE-1", "TOE-2", "SES-3", "SES-6", "STT-4")
def test_what_random_streams_seldom_meet(both: Both) -> None:
    """Rotation, the limit of counterparts, sums beyond 17 bits, chains, releases, disputes: by script."""
    world = Consortium(both, both.chain.addresses)
    met: set[str] = set()

    def step(command: c.Command, party: int) -> None:
        world.now += 1
        try:
            world.do(command, party)
        except Refusal as refusal:
            met.add(refusal.name)

    # keys
    old, new = both.chain.addresses[NODE], LocalSigner(keccak(text="new key"))
    both.chain.adopt(new)
    step(c.RotateSigner(NODE, new.address, old), ADMIN)
    step(c.RotateSigner(NODE, old, both.chain.addresses[TSO]), ADMIN)
    step(c.RotateSigner(NODE, old, new.address), ADMIN)
    step(c.AnchorCheckpoint(NODE, b"\1" * 32, 1, NOTHING, 0), NODE)
    step(c.RotateSigner(TSO, both.chain.addresses[TSO], old), ADMIN)
    step(c.RotateSigner(NODE, new.address, old), ADMIN)
    # seats of the admin, a delegation
    step(c.OfferAdmin((both.chain.addresses[ADMIN], both.chain.addresses[DSO]), 2), ADMIN)
    step(c.AcceptAdmin(), ADMIN)
    step(c.AcceptAdmin(), ADMIN)
    step(c.AcceptAdmin(), BSP)
    step(c.AcceptAdmin(), DSO)
    step(c.SuspendParty(NODE, NOTHING), ADMIN)
    step(c.SuspendParty(NODE, NOTHING), ADMIN)
    step(c.SuspendParty(NODE, NOTHING), DSO)
    step(c.OfferAdmin((), 0), ADMIN)
    step(c.OfferAdmin((), 0), DSO)
    step(c.DelegateRight(BSP, OTHER_BSP, Right.FILE_BASELINES, world.now + 100), BSP)
    step(c.FileBaselines(BSP, DAY.number, (BaselineFiling(PODS[0], NOTHING),)), OTHER_BSP)
    step(c.DelegateRight(BSP, BSP, Right.FILE_BASELINES, world.now + 100), BSP)
    step(c.EndDelegation(BSP, OTHER_BSP, Right.FILE_BASELINES), BSP)
    step(c.EndDelegation(BSP, OTHER_BSP, Right.FILE_BASELINES), BSP)
    # counterparts
    for serial in range(10, 26):
        aggregate = BSP << 24 | serial
        step(c.CreateAggregates(BSP, (draft(aggregate, Scope.GLOBAL),)), BSP)
        step(c.LeaveAggregate(BSP, GLOBAL, (PODS[0],)), BSP)
        step(c.JoinAggregate(BSP, aggregate, (PODS[0],)), BSP)
        step(c.LeaveAggregate(BSP, aggregate, (PODS[0],)), BSP)
    step(c.JoinAggregate(BSP, GLOBAL, (PODS[0],)), BSP)
    step(move(TSO, GLOBAL, GLOBAL_PRODUCT, QualificationState.QUALIFIED), TSO)
    # a pool beyond 17 bits
    giants = tuple(registration(pod, up_kw=131_071) for pod in PODS[6:8])
    step(c.RegisterPods(BSP, giants), BSP)
    granted = tuple(
        StaticLightDecision(pod, StaticLight.CONFIRMED, 131_071, 5, FEEDER_1, NOTHING) for pod in PODS[6:8]
    )
    step(c.GiveStaticLights(DSO, granted), DSO)
    step(c.JoinAggregate(BSP, TWIN, tuple(PODS[6:8])), BSP)
    step(c.ApplyForQualification(BSP, (TWIN,), (LOCAL_PRODUCT,), (NOTHING,)), BSP)
    step(move(DSO, TWIN, LOCAL_PRODUCT, QualificationState.TESTING), DSO)
    step(move(DSO, TWIN, LOCAL_PRODUCT, QualificationState.QUALIFIED), DSO)
    # a chain of equivalences
    step(c.ProposeEquivalences(TSO, (GLOBAL_PRODUCT,), (UNTESTED_PRODUCT,)), TSO)
    step(c.ProposeEquivalences(DSO, (LOCAL_PRODUCT,), (GLOBAL_PRODUCT,)), DSO)
    step(c.AcceptEquivalences(TSO, (LOCAL_PRODUCT,), (GLOBAL_PRODUCT,)), TSO)
    # the day: LFP 1, MSD 1, a lowered selection, releases
    world.now = SCHEDULE.opens_at
    step(c.PublishLights(DSO, DAY.number, 1, (lights(FEEDER_1),)), DSO)
    step(local_outcome(1, selection(TWIN, {1: 5})), DSO)
    step(c.LeaveAggregate(BSP, TWIN, (PODS[6],)), BSP)
    step(local_outcome(1, selection(LOCAL, {9: 20, 10: -5})), DSO)
    step(declaration(LOCAL, [serving(0, 9, 10), serving(1, 9)]), BSP)
    world.now = SCHEDULE.lfp_gates[0]
    chained = selection(GLOBAL, {9: 10, 10: 5}, chain=(LOCAL_PRODUCT, GLOBAL_PRODUCT), tested=LOCAL)
    step(global_outcome(1, chained), TSO)
    step(global_outcome(1, selection(GLOBAL, {9: 10, 10: 5}, chain=(GLOBAL_PRODUCT, UNTESTED_PRODUCT))), TSO)
    step(global_outcome(1, selection(GLOBAL, {9: 10, 11: 5}, chain=(GLOBAL_PRODUCT, UNTESTED_PRODUCT))), TSO)
    step(declaration(GLOBAL, [serving(0, 9)]), BSP)
    step(declaration(GLOBAL, [serving(2, 9, 11)]), BSP)
    step(release(LOCAL, serving(1, 9)), BSP)
    world.now = SCHEDULE.msd_gates[0]
    step(local_outcome(2, selection(LOCAL, {9: 10, 10: -5})), DSO)
    step(release(LOCAL, serving(1, 9)), BSP)
    step(release(LOCAL, serving(0, 9)), BSP)
    # an agreement, and an offer at its gate
    draft_ = AgreementDraft(b"\3" * 32, DSO, LOCAL)
    step(c.ProposeAgreements(BSP, (replace(draft_, dso=TSO),)), BSP)
    step(c.ProposeAgreements(BSP, (draft_,)), BSP)
    step(c.ProposeAgreements(DSO, (draft_,)), DSO)
    step(c.AcceptAgreements(BSP, (draft_.commitment,)), BSP)
    step(c.AcceptAgreements(DSO, (draft_.commitment,)), DSO)
    world.now = SCHEDULE.lfp_gates[1] - 2
    for _ in range(2):
        step(c.RecordOffers(BSP, DAY.number, Market.LFP, 2, (Offer(NOTHING, LOCAL, FEEDER_1),)), BSP)
    # settlement
    world.now = SCHEDULE.ends_at
    first, second = b"\1" * 32, b"\2" * 32
    row = Statement(first, LOCAL, LOCAL_PRODUCT, DAY.number, NOTHING, NOTHING)
    step(c.RecordStatements(DSO, (row,)), DSO)
    step(c.RecordStatements(DSO, (replace(row, statement_id=second),)), DSO)
    step(c.RecordStatements(DSO, (replace(row, statement_id=second, supersedes=first),)), DSO)
    step(c.DisputeStatement(BSP, second, NOTHING), BSP)
    step(c.DisputeStatement(BSP, second, NOTHING), BSP)
    world.now += DISPUTE_WINDOW_S
    step(c.DisputeStatement(BSP, first, NOTHING), BSP)

    assert met == {
        "AgreementOfOthers",
        "AgreementExists",
        "AgreementNotAcceptable",
        "GateClosed",
        "NotAuthorised",
        "SignerTaken",
        "ConsentRepeated",
        "AdminNotOffered",
        "AdminOfferInvalid",
        "DelegationInvalid",
        "DelegationMissing",
        "PodNotMember",
        "TooManyCounterparts",
        "PowerTooLarge",
        "AggregatesNotIdentical",
        "OppositeToLocal",
        "PodServesOtherMarket",
        "ReleaseUncovered",
        "SupersedesWrong",
        "NotDisputable",
    }
