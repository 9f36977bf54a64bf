"""Parties, PODs, aggregates and perimeters in the rulebook (ACT-1, ACT-2, POD-1..5, AGG-1, DTL-1)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.domain import commands as c
from registry.domain.aggregates import Scope
from registry.domain.errors import RuleViolation
from registry.domain.events import (
    AdminAccepted,
    AdminHandedOver,
    BaselineFiled,
    ConsentGiven,
    DelegationEnded,
    PartySuspended,
    PerimeterDeclared,
    PerimeterEnded,
    PodClaimDropped,
    PodClaimed,
    PodHandedOver,
    PodLeft,
    PodWithdrawn,
    RightDelegated,
    SignerRotated,
)
from registry.domain.identifiers import aggregate_id
from registry.domain.lights import PerimeterDraft
from registry.domain.market import BaselineFiling
from registry.domain.participants import PartyKind, Right
from registry.domain.pods import Handover, PodClaim, Pool, StaticLight, StaticLightDecision
from registry.domain.prequalification import QualificationState
from registry.domain.rulebook.state import Journal, Table
from registry.domain.sessions import ScheduleTemplate
from tests.unit.domain.consortium import (
    ADMIN,
    BSP,
    DAY,
    DSO,
    FEEDER_1,
    FEEDER_2,
    FOREIGN_FEEDER,
    GLOBAL,
    LOCAL,
    LOCAL_PRODUCT,
    NODE,
    NOTHING,
    OTHER_BSP,
    OTHER_DSO,
    OTHER_GLOBAL,
    PODS,
    SCHEDULE,
    TSO,
    TWIN,
    Consortium,
    admission,
    confirmed,
    draft,
    move,
    registration,
)

REASON = b"\7" * 32
TODAY = DAY.number


@pytest.fixture
def world() -> Consortium:
    return Consortium()


@pytest.mark.rule("ACT-1")
def test_only_the_admin_admits_and_only_parties_write(world: Consortium) -> None:
    world.refuses(c.Pause(), TSO, "AccessControlUnauthorizedAccount", account=world.signers[TSO])
    world.refuses(c.RegisterPods(BSP, ()), OTHER_BSP, "NotAuthorised", party=BSP, kind=PartyKind.BSP)
    world.refuses(c.ScheduleDays(DSO, ()), DSO, "NotAuthorised", kind=PartyKind.TSO)
    world.refuses(c.WithdrawPods(BSP, (PODS[0],)), ADMIN, "NotAuthorised")


@pytest.mark.rule("ACT-1", "ACT-2")
def test_a_party_is_admitted_once_with_its_own_eic_and_key(world: Consortium) -> None:
    signers = {50: f"0x{50:040x}"}
    new = admission(50, signers, PartyKind.DSO)
    for change, name in (
        ({"party": TSO}, "PartyNotAdmissible"),
        ({"party": 0}, "PartyNotAdmissible"),
        ({"kind": PartyKind.NONE}, "PartyNotAdmissible"),
        ({"eic": new.eic[:-1] + b"-"}, "EicInvalid"),
        ({"eic": b"\xff" * 16}, "EicInvalid"),
        ({"eic": world.rulebook.participants.parties[TSO].eic}, "EicTaken"),
        ({"signer": world.signers[TSO]}, "SignerTaken"),
        ({"signer": f"0x{0:040x}"}, "SignerTaken"),
    ):
        world.refuses(c.AdmitParties((replace(new, **change),)), ADMIN, name)  # type: ignore[arg-type]
    world.do(c.AdmitParties((new,)), ADMIN)


@pytest.mark.rule("ACT-1")
def test_a_rotated_key_signs_no_more_and_belongs_to_its_party_for_ever(world: Consortium) -> None:
    old, new = world.signers[NODE], f"0x{99:040x}"
    world.refuses(c.RotateSigner(NODE, new, old), ADMIN, "NotAuthorised", sender=new)
    world.refuses(c.RotateSigner(77, old, new), ADMIN, "UnknownParty")
    world.refuses(c.RotateSigner(NODE, old, world.signers[TSO]), ADMIN, "SignerTaken", party=TSO)
    assert world.do(c.RotateSigner(NODE, old, new), ADMIN) == [SignerRotated(NODE, old, new)]
    world.refuses(c.AnchorCheckpoint(NODE, REASON, 1, REASON, 0), NODE, "NotAuthorised")
    world.refuses(c.RotateSigner(TSO, world.signers[TSO], old), ADMIN, "SignerTaken", party=NODE)
    world.do(c.RotateSigner(NODE, new, old), ADMIN)


@pytest.mark.rule("ACT-1")
def test_suspension_and_pause_stop_writes(world: Consortium) -> None:
    anchor = c.AnchorCheckpoint(NODE, REASON, 1, REASON, 0)
    world.do(c.SuspendParty(NODE, REASON), ADMIN)
    world.refuses(anchor, NODE, "PartyIsSuspended")
    world.do(c.ReinstateParty(NODE), ADMIN)
    world.do(c.Pause(), ADMIN)
    world.refuses(anchor, NODE, "EnforcedPause")
    world.refuses(c.Pause(), ADMIN, "EnforcedPause")
    world.do(c.Unpause(), ADMIN)
    world.refuses(c.Unpause(), ADMIN, "ExpectedPause")
    world.do(anchor, NODE)


@pytest.mark.rule("ACT-1")
def test_the_admin_is_handed_over_to_seats_that_have_to_agree(world: Consortium) -> None:
    seats = tuple(world.signers[party] for party in (TSO, DSO, NODE))
    world.refuses(c.OfferAdmin((*seats, seats[0]), 2), ADMIN, "AdminOfferInvalid", seats=4, threshold=2)
    world.refuses(c.OfferAdmin(seats, 4), ADMIN, "AdminOfferInvalid", threshold=4)
    world.refuses(c.OfferAdmin(seats, 2), TSO, "AccessControlUnauthorizedAccount")
    world.do(c.OfferAdmin(seats, 2), ADMIN)
    world.refuses(c.AcceptAdmin(), ADMIN, "AdminNotOffered")
    for party in (TSO, DSO):
        assert world.do(c.AcceptAdmin(), party) == [AdminAccepted(world.signers[party])]
    world.refuses(c.AcceptAdmin(), TSO, "ConsentRepeated")
    assert world.do(c.AcceptAdmin(), NODE)[-1] == AdminHandedOver(seats, 2)
    world.refuses(c.Pause(), ADMIN, "AccessControlUnauthorizedAccount")

    suspension = c.SuspendParty(BSP, REASON)
    assert world.do(suspension, TSO) == [ConsentGiven(world.signers[TSO], 1, 2)]
    world.refuses(suspension, TSO, "ConsentRepeated", seat=world.signers[TSO])
    assert not world.rulebook.participants.parties[BSP].suspended
    assert world.do(c.SuspendParty(BSP, NOTHING), DSO) == [ConsentGiven(world.signers[DSO], 1, 2)]
    world.now += 7 * 86_400
    assert world.do(suspension, DSO) == [ConsentGiven(world.signers[DSO], 1, 2)], "the first is too old"
    assert world.do(suspension, NODE) == [
        ConsentGiven(world.signers[NODE], 2, 2),
        PartySuspended(BSP, REASON),
    ]
    world.do(c.Pause(), DSO)
    assert world.do(c.Unpause(), DSO) == [ConsentGiven(world.signers[DSO], 1, 2)]
    world.refuses(c.AnchorCheckpoint(NODE, REASON, 1, REASON, 0), NODE, "EnforcedPause")
    world.do(c.Unpause(), TSO)
    world.do(c.AnchorCheckpoint(NODE, REASON, 1, REASON, 0), NODE)


@pytest.mark.rule("ACT-1", "BAS-1")
def test_an_agent_files_baselines_and_does_nothing_else(world: Consortium) -> None:
    filing = c.FileBaselines(BSP, TODAY, (BaselineFiling(PODS[0], REASON),))
    world.refuses(filing, OTHER_BSP, "NotAuthorised", party=BSP)
    until = world.now + 86_400
    grant = c.DelegateRight(BSP, OTHER_BSP, Right.FILE_BASELINES, until)
    world.refuses(grant, OTHER_BSP, "NotAuthorised", party=BSP)
    world.refuses(replace(grant, agent=BSP), BSP, "DelegationInvalid", agent=BSP)
    world.refuses(replace(grant, agent=99), BSP, "DelegationInvalid", agent=99)
    world.refuses(replace(grant, valid_until=world.now), BSP, "DelegationInvalid")
    world.refuses(replace(grant, valid_until=world.now + 366 * 86_400 + 1), BSP, "DelegationInvalid")
    assert world.do(grant, BSP) == [RightDelegated(BSP, OTHER_BSP, Right.FILE_BASELINES, until)]
    assert world.do(filing, OTHER_BSP) == [BaselineFiled(PODS[0], BSP, TODAY, REASON)]
    world.do(filing, BSP)
    world.refuses(filing, NODE, "NotAuthorised", party=BSP)
    world.refuses(c.WithdrawPods(BSP, (PODS[0],)), OTHER_BSP, "NotAuthorised", party=BSP)
    world.refuses(replace(grant, agent=NODE), OTHER_BSP, "NotAuthorised", party=BSP)
    foreign = c.FileBaselines(BSP, TODAY, (BaselineFiling(PODS[4], REASON),))
    world.refuses(foreign, OTHER_BSP, "BaselineOfOther", bsp=OTHER_BSP, caller=BSP)
    world.do(c.SuspendParty(OTHER_BSP, REASON), ADMIN)
    world.refuses(filing, OTHER_BSP, "PartyIsSuspended", party=OTHER_BSP)
    world.do(c.ReinstateParty(OTHER_BSP), ADMIN)
    end = c.EndDelegation(BSP, OTHER_BSP, Right.FILE_BASELINES)
    world.refuses(end, OTHER_BSP, "NotAuthorised", party=BSP)
    assert world.do(end, BSP) == [DelegationEnded(BSP, OTHER_BSP, Right.FILE_BASELINES)]
    world.refuses(end, BSP, "DelegationMissing", agent=OTHER_BSP)
    world.refuses(filing, OTHER_BSP, "NotAuthorised", party=BSP)
    world.do(replace(grant, valid_until=world.now + 10), BSP)
    world.now += 10
    world.refuses(filing, OTHER_BSP, "NotAuthorised", party=BSP)


@pytest.mark.rule("POD-1", "POD-5")
def test_a_pod_has_one_registration_and_may_change_its_bsp(world: Consortium) -> None:
    again = c.RegisterPods(OTHER_BSP, (registration(PODS[0]),))
    world.refuses(again, OTHER_BSP, "PodAlreadyRegistered", bsp=BSP)
    world.refuses(c.WithdrawPods(OTHER_BSP, (PODS[0],)), OTHER_BSP, "PodOfOtherBsp", bsp=BSP)
    world.refuses(c.WithdrawPods(BSP, (PODS[7],)), BSP, "PodUnknown")
    events = world.do(c.WithdrawPods(BSP, (PODS[0],)), BSP)
    assert events == [
        PodLeft(LOCAL, PODS[0], TODAY),
        PodLeft(GLOBAL, PODS[0], TODAY),
        PodWithdrawn(PODS[0], BSP, TODAY),
    ]
    world.now = SCHEDULE.opens_at
    world.do(again, OTHER_BSP)
    held = [world.rulebook.pods.pod_at(PODS[0], day) for day in (TODAY, TODAY + 1)]
    assert held[0] is None
    assert held[1] is not None
    assert (held[1].bsp, held[1].light, held[1].local_aggregate) == (OTHER_BSP, StaticLight.REQUESTED, 0)


@pytest.mark.rule("POD-5", "AGG-2")
def test_a_switch_of_bsp_needs_the_next_bsp_and_the_dso(world: Consortium) -> None:
    """The BSP before may be against it; who was responsible for each day stays known."""
    claim = c.ClaimPods(OTHER_BSP, (PodClaim(PODS[0], REASON),))
    over = c.HandOverPods(DSO, (Handover(PODS[0], OTHER_BSP),))
    world.refuses(over, DSO, "ClaimStep", pod_id=PODS[0], bsp=OTHER_BSP, holder=BSP)
    world.refuses(c.ClaimPods(BSP, claim.claims), BSP, "ClaimStep", holder=BSP)
    assert world.do(claim, OTHER_BSP) == [PodClaimed(PODS[0], OTHER_BSP, BSP, REASON)]
    world.refuses(claim, OTHER_BSP, "ClaimStep", holder=BSP)
    drop = c.DropClaims(OTHER_BSP, (PODS[0],))
    assert world.do(drop, OTHER_BSP) == [PodClaimDropped(PODS[0], OTHER_BSP)]
    world.refuses(drop, OTHER_BSP, "ClaimStep", holder=0)
    world.do(claim, OTHER_BSP)
    foreign = c.HandOverPods(OTHER_DSO, over.handovers)
    world.refuses(foreign, OTHER_DSO, "PodOfOtherDso", dso=DSO, caller=OTHER_DSO)
    world.refuses(over, OTHER_DSO, "NotAuthorised", party=DSO)
    world.now = SCHEDULE.opens_at
    assert world.do(over, DSO) == [
        PodLeft(LOCAL, PODS[0], TODAY + 1),
        PodLeft(GLOBAL, PODS[0], TODAY + 1),
        PodHandedOver(PODS[0], OTHER_BSP, BSP, DSO, TODAY + 1),
    ]
    today, tomorrow = (world.rulebook.pods.pod_at(PODS[0], day) for day in (TODAY, TODAY + 1))
    assert today is not None and tomorrow is not None
    assert (today.bsp, today.aggregates) == (BSP, (LOCAL, GLOBAL))
    assert (tomorrow.bsp, tomorrow.aggregates) == (OTHER_BSP, ())
    assert (tomorrow.light, tomorrow.granted_up_kw, tomorrow.perimeter) == (
        today.light,
        today.granted_up_kw,
        today.perimeter,
    )
    world.refuses(over, DSO, "ClaimStep", holder=OTHER_BSP)
    world.refuses(c.WithdrawPods(BSP, (PODS[0],)), BSP, "PodOfOtherBsp", bsp=OTHER_BSP)
    world.do(c.JoinAggregate(OTHER_BSP, OTHER_GLOBAL, (PODS[0],)), OTHER_BSP)


@pytest.mark.rule("POD-1")
def test_registrations_with_faults_are_refused_whole(world: Consortium) -> None:
    good, no_dso = registration(PODS[6]), registration(PODS[7], dso=TSO)
    world.refuses(c.RegisterPods(BSP, (good, no_dso)), BSP, "RegistrationInvalid", found=TSO)
    world.refuses(c.RegisterPods(BSP, (good, good)), BSP, "PodAlreadyRegistered")
    assert world.rulebook.pods.latest(PODS[6]) is None
    world.do(c.RegisterPods(BSP, (good,)), BSP)


@pytest.mark.rule("POD-2", "DTL-1")
def test_the_connecting_dso_gives_the_static_light(world: Consortium) -> None:
    world.do(c.RegisterPods(BSP, (registration(PODS[6]),)), BSP)
    foreign = c.GiveStaticLights(OTHER_DSO, (confirmed(PODS[6], FOREIGN_FEEDER),))
    world.refuses(foreign, OTHER_DSO, "PodOfOtherDso", dso=DSO, caller=OTHER_DSO)
    world.refuses(c.GiveStaticLights(DSO, (confirmed(PODS[6], FOREIGN_FEEDER),)), DSO, "PerimeterOfOther")
    world.refuses(c.GiveStaticLights(DSO, (confirmed(PODS[6], FEEDER_2 + 1),)), DSO, "PerimeterNotInForce")
    world.refuses(c.GiveStaticLights(DSO, (confirmed(PODS[7]),)), DSO, "PodUnknown")
    world.refuses(
        c.JoinAggregate(BSP, LOCAL, (PODS[6],)), BSP, "StaticLightMissing", light=StaticLight.REQUESTED
    )
    lowered = StaticLightDecision(PODS[6], StaticLight.MODULATED, 7, 0, FEEDER_1, REASON)
    world.do(c.GiveStaticLights(DSO, (lowered,)), DSO)
    world.do(c.JoinAggregate(BSP, LOCAL, (PODS[6],)), BSP)
    assert world.rulebook.aggregates.pool(LOCAL, FEEDER_1, TODAY) == Pool(3, 27, 10)


@pytest.mark.rule("POD-3")
def test_a_relevant_change_takes_the_power_and_keeps_the_membership(world: Consortium) -> None:
    changed = c.ChangePods(BSP, (registration(PODS[0], up_kw=12),))
    world.refuses(
        c.ChangePods(BSP, (registration(PODS[0], dso=OTHER_DSO),)), BSP, "RegistrationInvalid", limit=DSO
    )
    world.refuses(c.ChangePods(OTHER_BSP, changed.registrations), OTHER_BSP, "PodOfOtherBsp")
    world.do(changed, BSP)
    assert world.rulebook.aggregates.pool(LOCAL, FEEDER_1, TODAY) == Pool(2, 10, 5)
    assert world.rulebook.aggregates.shared(LOCAL, GLOBAL, 0, TODAY) == Pool(2, 10, 5)
    low = c.GiveStaticLights(DSO, (confirmed(PODS[0], FEEDER_2),))
    world.refuses(low, DSO, "StaticLightInconsistent", declared_up_kw=12)
    world.do(c.GiveStaticLights(DSO, (replace(low.decisions[0], up_kw=12),)), DSO)
    assert world.rulebook.aggregates.pool(LOCAL, FEEDER_2, TODAY) == Pool(1, 12, 5)
    assert world.rulebook.aggregates.pool(LOCAL, 0, TODAY) == Pool(2, 22, 10)


@pytest.mark.rule("AGG-1", "AGG-2")
def test_one_aggregate_of_each_scope_of_the_same_bsp(world: Consortium) -> None:
    world.refuses(c.JoinAggregate(BSP, TWIN, (PODS[0],)), BSP, "PodInOtherAggregate", aggregate=LOCAL)
    world.refuses(c.JoinAggregate(OTHER_BSP, OTHER_GLOBAL, (PODS[3],)), OTHER_BSP, "PodOfOtherBsp")
    world.refuses(c.JoinAggregate(BSP, OTHER_GLOBAL, (PODS[3],)), BSP, "AggregateOfOther")
    world.refuses(c.JoinAggregate(BSP, aggregate_id(BSP, 9), (PODS[3],)), BSP, "AggregateUnknown")
    world.refuses(c.LeaveAggregate(BSP, TWIN, (PODS[0],)), BSP, "PodNotMember")
    world.refuses(c.CreateAggregates(BSP, (draft(LOCAL),)), BSP, "AggregateExists")
    world.refuses(c.CreateAggregates(BSP, (draft(OTHER_GLOBAL),)), BSP, "AggregateOfOther")
    world.refuses(c.CreateAggregates(BSP, (draft(BSP << 24),)), BSP, "AggregateUnknown")
    world.do(c.LeaveAggregate(BSP, LOCAL, (PODS[0],)), BSP)
    world.do(c.JoinAggregate(BSP, TWIN, (PODS[0],)), BSP)


@pytest.mark.rule("AGG-2")
def test_an_aggregate_has_at_most_sixteen_counterparts(world: Consortium) -> None:
    pod = PODS[0]
    world.do(c.LeaveAggregate(BSP, GLOBAL, (pod,)), BSP)
    for serial in range(10, 26):
        aggregate = aggregate_id(BSP, serial)
        world.do(c.CreateAggregates(BSP, (draft(aggregate, Scope.GLOBAL),)), BSP)
        join = c.JoinAggregate(BSP, aggregate, (pod,))
        if serial == 25:
            world.refuses(join, BSP, "TooManyCounterparts", aggregate=aggregate_id(BSP, 1), limit=16)
        else:
            world.do(join, BSP)
            world.do(c.LeaveAggregate(BSP, aggregate, (pod,)), BSP)
    world.do(c.JoinAggregate(BSP, GLOBAL, (pod,)), BSP)


@pytest.mark.rule("AGG-2", "DTL-1")
def test_changes_hold_from_the_first_day_that_has_not_opened(world: Consortium) -> None:
    sessions = world.rulebook.sessions
    assert sessions.first_unfrozen_day(SCHEDULE.opens_at - 1) == TODAY
    assert sessions.first_unfrozen_day(SCHEDULE.opens_at) == TODAY + 1
    assert sessions.first_unfrozen_day(SCHEDULE.opens_at + 86_400) == TODAY + 2
    world.now = SCHEDULE.opens_at
    world.do(c.LeaveAggregate(BSP, LOCAL, (PODS[0],)), BSP)
    pods = [
        world.rulebook.aggregates.pool(LOCAL, FEEDER_1, day).pods for day in (TODAY - 1, TODAY, TODAY + 1)
    ]
    assert pods == [0, 2, 1]


@pytest.mark.rule("DTL-1")
def test_perimeters_are_split_and_merged_and_never_reused(world: Consortium) -> None:
    first, second = FEEDER_2 + 1, FEEDER_2 + 2
    split = tuple(PerimeterDraft(part, (FEEDER_1,), NOTHING) for part in (first, second))
    assert world.do(c.DeclarePerimeters(DSO, split), DSO) == [
        PerimeterEnded(FEEDER_1, DSO, TODAY),
        PerimeterDeclared(first, DSO, TODAY, (FEEDER_1,), NOTHING),
        PerimeterDeclared(second, DSO, TODAY, (FEEDER_1,), NOTHING),
    ]
    world.refuses(c.DeclarePerimeters(DSO, split[:1]), DSO, "PerimeterExists", perimeter=first)
    foreign = (PerimeterDraft(second + 1, (FOREIGN_FEEDER,), NOTHING),)
    world.refuses(c.DeclarePerimeters(DSO, foreign), DSO, "PerimeterOfOther")
    world.now = SCHEDULE.opens_at
    gone = (PerimeterDraft(second + 1, (FEEDER_1,), NOTHING),)
    world.refuses(c.DeclarePerimeters(DSO, gone), DSO, "PerimeterNotInForce", day=TODAY + 1)
    world.do(c.DeclarePerimeters(DSO, (PerimeterDraft(second + 1, (first, second), NOTHING),)), DSO)
    world.rulebook.lights.require_in_force(first, TODAY)
    with pytest.raises(RuleViolation, match="DTL-1"):
        world.rulebook.lights.require_in_force(first, TODAY + 1)


@pytest.mark.rule("SES-1")
def test_days_are_scheduled_once_in_their_order(world: Consortium) -> None:
    template = ScheduleTemplate()
    world.refuses(c.ScheduleDays(TSO, (SCHEDULE,)), TSO, "ScheduleInvalid", day=TODAY)
    world.refuses(c.ScheduleDays(TSO, (template.schedule(DAY.plus(1)),)), TSO, "ScheduleInvalid")
    assert world.do(c.ScheduleDays(TSO, (template.schedule(DAY.plus(3)),)), TSO)


@pytest.mark.rule("PRQ-1")
def test_the_way_to_a_qualification(world: Consortium) -> None:
    state = QualificationState
    apply = c.ApplyForQualification(BSP, (TWIN,), (LOCAL_PRODUCT,), (NOTHING,))
    world.refuses(replace(apply, aggregates=(OTHER_GLOBAL,)), BSP, "StepOfOther", caller=BSP)
    world.refuses(replace(apply, products=(LOCAL_PRODUCT + 9,)), BSP, "ProductUnknown")
    world.refuses(replace(apply, evidence_hashes=()), BSP, "ListsDiffer", expected=1, found=0)
    world.do(apply, BSP)
    world.refuses(apply, BSP, "StepNotAllowed", state=state.REQUESTED, wanted=state.REQUESTED)
    world.refuses(move(TSO, TWIN, LOCAL_PRODUCT, state.TESTING), TSO, "StepOfOther", caller=TSO)
    world.do(move(DSO, TWIN, LOCAL_PRODUCT, state.TESTING), DSO)
    qualified = move(DSO, TWIN, LOCAL_PRODUCT, state.QUALIFIED, 899)
    world.refuses(qualified, DSO, "StepNotAllowed", wanted=state.QUALIFIED)
    passed = move(DSO, TWIN, LOCAL_PRODUCT, state.QUALIFIED, 900)
    world.refuses(passed, DSO, "PowerBelowProduct", found_kw=0, minimum_kw=10)
    world.do(c.JoinAggregate(BSP, TWIN, (PODS[3],)), BSP)
    world.do(passed, DSO)
    year_later = world.now + 365 * 86_400
    asked = [
        world.rulebook.prequalification.answer(TWIN, LOCAL_PRODUCT, TODAY, t)
        for t in (year_later - 1, year_later)
    ]
    assert [answer.qualified for answer in asked] == [True, False]
    world.now = year_later
    world.do(apply, BSP)


@pytest.mark.rule("ACT-1")
def test_a_journal_takes_back_what_a_refused_command_changed() -> None:
    journal = Journal()
    table: Table[str, int] = Table(journal, 0)
    table["kept"] = 1
    journal.commit()
    table["kept"], table["new"] = 2, 3
    table["new"] = 4
    journal.roll_back()
    assert (table["kept"], table["new"], "new" in table, len(table)) == (1, 0, False, 1)
