"""Selections and declarations in the rulebook.

Mutual unavailability, lights, gates (SES-2..4, SES-6, DTL-2..4, BAS-1).
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from registry.domain import commands as c
from registry.domain.events import BaselineFiled, DeclarationCompleted, Event, PodDeclared, SelectionRecorded
from registry.domain.market import BaselineFiling, PodQuarters, quarters_of
from registry.domain.prequalification import QualificationState
from registry.domain.quantities import GREEN, Direction, HourCells, pack_cells, unpack_cells
from registry.domain.rulebook.market import Place
from registry.domain.sessions import Market
from tests.unit.domain.consortium import (
    BSP,
    DAY,
    DSO,
    FEEDER_1,
    FEEDER_2,
    FOREIGN_FEEDER,
    GLOBAL,
    GLOBAL_PRODUCT,
    LOCAL,
    LOCAL_PRODUCT,
    NEXT,
    NOTHING,
    OTHER_BSP,
    OTHER_DSO,
    OTHER_GLOBAL,
    PODS,
    SCHEDULE,
    TSO,
    TWIN,
    UNTESTED_PRODUCT,
    Consortium,
    confirmed,
    declaration,
    global_outcome,
    kw,
    lights,
    local_outcome,
    move,
    release,
    selection,
    serving,
)


@pytest.fixture
def world() -> Consortium:
    return Consortium()


def shortfall(events: list[Event]) -> tuple[int, ...]:
    completed = events[-1]
    assert isinstance(completed, DeclarationCompleted)
    return unpack_cells(completed.shortfall, 24)


@pytest.mark.rule("SES-2")
def test_section_6_3_what_the_dso_selected_is_gone_for_the_tso(world: Consortium) -> None:
    """AGG_1 is selected as a whole in LFP day-ahead for the first hour.

    AGG_2 has the units outside AGG_1 only.
    """
    world.publish(1)
    world.select_local(1, selection(LOCAL, {0: 20}))
    wanted = global_outcome(1, selection(GLOBAL, {0: 11}))
    world.at(Market.MSD, 1).refuses(
        wanted, TSO, "PodsUnavailable", hour=0, down=False, wanted_kw=11, available_kw=10
    )
    assert isinstance(world.select_global(1, selection(GLOBAL, {0: 10}))[0], SelectionRecorded)


@pytest.mark.rule("SES-2")
def test_section_6_3_what_the_tso_selected_is_gone_for_the_dso(world: Consortium) -> None:
    """AGG_2 is selected as a whole in MSD ex-ante for hour 6.

    AGG_1, all of it inside, has nothing left in LFP 2.
    """
    world.publish(1)
    world.select_global(1, selection(GLOBAL, {6: 30}))
    wanted = local_outcome(2, selection(LOCAL, {6: 1}))
    world.at(Market.LFP, 2).refuses(wanted, DSO, "PodsUnavailable", hour=6, wanted_kw=1, available_kw=0)


@pytest.mark.rule("SES-3")
def test_section_6_3_the_rest_of_a_partly_selected_aggregate_stays_available(world: Consortium) -> None:
    world.publish(1)
    world.select_global(1, selection(GLOBAL, {6: 10}))
    events = world.declare(GLOBAL, [serving(2, 6)])
    assert isinstance(events[0], PodDeclared)
    assert shortfall(events) == tuple(kw({}))
    world.select_local(2, selection(LOCAL, {6: 20}))
    world.refuses(declaration(LOCAL, [serving(2, 6)]), BSP, "PodNotInPool", pod_id=PODS[2])


@pytest.mark.rule("SES-3")
def test_no_declaration_commits_all_pods(world: Consortium) -> None:
    world.publish(1)
    world.select_local(1, selection(LOCAL, {6: 1}))
    world.select_global(1, selection(GLOBAL, {6: 10, 7: 10}))
    shared = declaration(GLOBAL, [serving(0, 6)])
    world.refuses(shared, BSP, "OtherMarketUncovered", other_aggregate=LOCAL, hour=6, selected_kw=1)
    world.declare(GLOBAL, [serving(2, 6), serving(0, 7)], complete=False)
    world.now = SCHEDULE.msd_gates[0]
    world.refuses(shared, BSP, "PodServesOtherMarket", pod_id=PODS[0], hour=6, other=Market.LFP)


@pytest.mark.rule("SES-3")
def test_the_other_market_stays_covered(world: Consortium) -> None:
    """Ten of twenty are left over in LFP 1 and sold in MSD 1; a late second declaration must leave them."""
    world.publish(1)
    world.select_local(1, selection(LOCAL, {6: 10}))
    world.declare(LOCAL, [serving(0, 6)])
    world.select_global(1, selection(GLOBAL, {6: 20}))
    world.declare(GLOBAL, [serving(1, 6), serving(2, 6)])
    world.select_local(2, selection(LOCAL, {6: 10}))
    world.refuses(declaration(LOCAL, [serving(1, 6)]), BSP, "PodServesOtherMarket", pod_id=PODS[1])


@pytest.mark.rule("SES-3")
def test_a_later_declaration_cannot_take_what_the_other_market_bought(world: Consortium) -> None:
    """MSD 1 bought ten, POD 2 serves; LFP 2 bought the twenty that were left. Now MSD 2 repeats its ten."""
    world.publish(1)
    world.select_global(1, selection(GLOBAL, {6: 10}))
    world.declare(GLOBAL, [serving(2, 6)])
    world.select_local(2, selection(LOCAL, {6: 20}))
    world.declare(LOCAL, [serving(0, 6)], complete=False)
    world.select_global(2, selection(GLOBAL, {6: 10}))
    declared, open_one = declaration(GLOBAL, [serving(0, 6)]), declaration(GLOBAL, [serving(1, 6)])
    world.refuses(declared, BSP, "PodServesOtherMarket", pod_id=PODS[0])
    world.refuses(open_one, BSP, "OtherMarketUncovered", other_aggregate=LOCAL, selected_kw=20, left_kw=10)
    world.now = SCHEDULE.msd_gates[1]
    world.refuses(open_one, BSP, "PodServesOtherMarket", pod_id=PODS[1])


@pytest.mark.rule("SES-3")
def test_what_cannot_be_declared_is_a_recorded_shortfall(world: Consortium) -> None:
    world.publish(1)
    world.select_local(1, selection(LOCAL, {3: 15, 4: -8}))
    events = world.declare(LOCAL, [serving(0, 3, 4)])
    assert shortfall(events) == tuple(kw({3: 5, 4: 3}))


@pytest.mark.rule("SES-3", "SES-6")
def test_one_quarter_takes_the_hour(world: Consortium) -> None:
    world.publish(1)
    world.select_local(1, selection(LOCAL, {6: 10}))
    world.declare(LOCAL, [PodQuarters(PODS[0], 1 << 24)])
    world.select_global(1, selection(GLOBAL, {6: 20}))
    world.refuses(declaration(GLOBAL, [PodQuarters(PODS[0], 1 << 27)]), BSP, "PodServesOtherMarket", hour=6)


@pytest.mark.rule("SES-6")
def test_only_what_the_operator_lowered_can_be_released(world: Consortium) -> None:
    world.publish(1)
    world.select_local(1, selection(LOCAL, {2: 10, 9: 20}))
    world.declare(LOCAL, [serving(0, 2, 9), serving(1, 9)])
    world.refuses(release(LOCAL, serving(1, 9)), BSP, "ReleaseUncovered", hour=9, selected_kw=20, left_kw=10)
    world.select_local(2, selection(LOCAL, {2: 10, 9: 10}))
    world.refuses(release(LOCAL, serving(0, 2)), BSP, "QuartersInvalid", allowed=quarters_of([9]))
    world.refuses(release(LOCAL, PodQuarters(PODS[0], 0)), BSP, "QuartersInvalid")
    world.do(release(LOCAL, serving(1, 9)), BSP)
    world.refuses(release(LOCAL, serving(1, 9)), BSP, "QuartersInvalid", found=quarters_of([9]), allowed=0)
    world.publish(2)
    world.select_global(2, selection(GLOBAL, {9: 20}))


@pytest.mark.rule("SES-3", "SES-6")
@pytest.mark.parametrize("revised", [15, -5])
def test_an_hour_that_rises_or_turns_has_to_be_declared_again(world: Consortium, revised: int) -> None:
    world.publish(1)
    world.select_local(1, selection(LOCAL, {9: 10, 10: 10}))
    world.declare(LOCAL, [serving(0, 9, 10)])
    world.select_local(2, selection(LOCAL, {9: revised, 10: 8}))
    market, place = world.rulebook.market, Place(GLOBAL, FEEDER_1, DAY.number)
    left = [market.available(place, hour, Direction.UP) for hour in (8, 9, 10)]
    assert left == [30, 10, 20]


@pytest.mark.rule("SES-6")
def test_hours_become_definitive_with_the_gate_even_without_an_outcome(world: Consortium) -> None:
    world.publish(1)
    world.select_local(1, selection(LOCAL, {5: 10, 20: 10}))
    world.declare(LOCAL, [serving(0, 5, 20), serving(1, 5, 20)])
    world.now = SCHEDULE.lfp_gates[1]
    world.refuses(release(LOCAL, serving(1, 5)), BSP, "QuartersInvalid")
    world.do(release(LOCAL, serving(1, 20)), BSP)
    world.now = SCHEDULE.lfp_gates[5]
    world.refuses(release(LOCAL, serving(0, 20)), BSP, "QuartersInvalid", allowed=0)


@pytest.mark.rule("SES-4")
def test_late_early_and_repeated_outcomes_are_refused(world: Consortium) -> None:
    world.publish(1)
    outcome = local_outcome(1, selection(LOCAL, {1: 5}))
    world.now = SCHEDULE.opens_at - 1
    world.refuses(outcome, DSO, "SessionNotOpen", opens_at=SCHEDULE.opens_at)
    world.now = SCHEDULE.lfp_gates[0] - 1
    world.do(outcome, DSO)
    world.refuses(outcome, DSO, "OutcomeDuplicate", session=1)
    world.now += 1
    world.refuses(outcome, DSO, "GateClosed", gate=SCHEDULE.lfp_gates[0])
    world.refuses(local_outcome(3, selection(LOCAL, {9: 5})), DSO, "SessionNotOpen", session=3)
    world.refuses(local_outcome(7), DSO, "SessionUnknown")
    world.refuses(replace(outcome, day=DAY.number + 9), DSO, "DayNotScheduled")


@pytest.mark.rule("SES-2")
def test_preliminary_hours_may_change_and_definitive_ones_may_not(world: Consortium) -> None:
    world.publish(1)
    world.select_local(1, selection(LOCAL, {3: 5, 4: 5}))
    world.at(Market.LFP, 2).refuses(
        local_outcome(2, selection(LOCAL, {3: 6, 4: 5})), DSO, "HourDefinitive", hour=3
    )
    world.refuses(local_outcome(2, selection(LOCAL, {4: 5})), DSO, "HourDefinitive", hour=3, found=0)
    world.do(local_outcome(2, selection(LOCAL, {3: 5, 4: -5, 23: 1})), DSO)
    world.at(Market.LFP, 3).refuses(local_outcome(3, selection(LOCAL, {3: 5})), DSO, "HourDefinitive", hour=4)


@pytest.mark.rule("SES-4")
def test_declarations_are_due_before_the_next_gate(world: Consortium) -> None:
    world.publish(1)
    world.refuses(declaration(LOCAL, []), BSP, "NothingSelected")
    world.select_local(1, selection(LOCAL, {1: 5}))
    world.refuses(declaration(LOCAL, [serving(0, 2)]), BSP, "NothingSelected", hour=2)
    world.refuses(declaration(LOCAL, [PodQuarters(PODS[0], 1 << 96)]), BSP, "QuartersInvalid")
    world.refuses(declaration(LOCAL, [serving(3, 1)]), BSP, "PodNotInPool")
    world.now = SCHEDULE.msd_gates[0]
    world.refuses(declaration(LOCAL, [serving(0, 1)]), BSP, "DeclarationLate", due=SCHEDULE.msd_gates[0])


@pytest.mark.rule("SES-3", "SES-4")
def test_who_may_select_what(world: Consortium) -> None:
    world.publish(1)
    refused = world.refuses
    refused(local_outcome(1, selection(GLOBAL, {1: 5})), DSO, "WrongScope", market=Market.LFP)
    refused(local_outcome(1, selection(LOCAL, {1: 5}, perimeter=FOREIGN_FEEDER)), DSO, "NotOwnProduct")
    refused(local_outcome(1, selection(LOCAL, {1: 5}, chain=(GLOBAL_PRODUCT,))), DSO, "NotOwnProduct")
    refused(local_outcome(1, selection(1, {1: 5})), DSO, "AggregateUnknown")
    refused(local_outcome(1, replace(selection(LOCAL, {}), chain=())), DSO, "ChainMalformed", length=0)
    refused(
        local_outcome(1, replace(selection(LOCAL, {}), cells=HourCells(1 << 17))), DSO, "SelectionMalformed"
    )
    refused(local_outcome(1, selection(LOCAL, {1: 5}, perimeter=FEEDER_2 + 7)), DSO, "PerimeterNotInForce")
    refused(local_outcome(1, dso=OTHER_DSO), DSO, "NotAuthorised", sender=world.signers[DSO])


@pytest.mark.rule("PRQ-1", "TOE-2")
def test_only_the_qualified_are_selected(world: Consortium) -> None:
    world.publish(1)
    untested = selection(GLOBAL, {1: 5}, chain=(UNTESTED_PRODUCT,))
    world.at(Market.MSD, 1).refuses(global_outcome(1, untested), TSO, "NotQualified")
    by_chain = selection(GLOBAL, {1: 5}, chain=(GLOBAL_PRODUCT, UNTESTED_PRODUCT))
    world.refuses(global_outcome(1, by_chain), TSO, "EquivalenceNotInForce")
    world.do(c.ProposeEquivalences(TSO, (GLOBAL_PRODUCT,), (UNTESTED_PRODUCT,)), TSO)
    world.do(global_outcome(1, by_chain), TSO)


@pytest.mark.rule("TOE-2")
def test_a_test_of_other_pods_is_no_proof(world: Consortium) -> None:
    lent = selection(LOCAL, {1: 5}, tested=GLOBAL)
    world.at(Market.LFP, 1).refuses(
        local_outcome(1, lent), DSO, "AggregatesNotIdentical", shared=2, tested_pods=3, asking_pods=2
    )
    world.refuses(
        local_outcome(1, selection(LOCAL, {1: 5}, tested=TWIN)), DSO, "AggregatesNotIdentical", shared=0
    )


@pytest.mark.rule("PRQ-1")
def test_suspension_counts_at_once(world: Consortium) -> None:
    world.publish(1)
    world.do(move(DSO, LOCAL, LOCAL_PRODUCT, QualificationState.SUSPENDED), DSO)
    world.refuses(
        local_outcome(1, selection(LOCAL, {1: 5})), DSO, "NotQualified", state=QualificationState.SUSPENDED
    )


@pytest.mark.rule("DTL-2")
def test_without_lights_and_against_red_nothing_global_is_selected(world: Consortium) -> None:
    wanted = global_outcome(1, selection(GLOBAL, {1: 5}))
    world.at(Market.MSD, 1).refuses(wanted, TSO, "LightsMissing")
    world.publish(1, lights(FEEDER_1, up_kw=0, down_kw=GREEN))
    world.at(Market.MSD, 1).refuses(wanted, TSO, "RedLight", hour=1, down=False, wanted_kw=5)
    world.do(global_outcome(1, selection(GLOBAL, {1: -5})), TSO)


@pytest.mark.rule("DTL-3")
def test_the_opposite_of_a_local_activation_is_red(world: Consortium) -> None:
    world.publish(1)
    world.select_local(1, selection(LOCAL, {1: 10}))
    against = global_outcome(1, selection(GLOBAL, {1: -5}))
    world.at(Market.MSD, 1).refuses(against, TSO, "OppositeToLocal", down=True, wanted_kw=5, local_kw=10)
    world.do(global_outcome(1, selection(GLOBAL, {1: 5, 2: -5})), TSO)


@pytest.mark.rule("DTL-3")
def test_local_activations_have_one_direction(world: Consortium) -> None:
    world.at(Market.LFP, 1)
    world.do(c.LeaveAggregate(BSP, LOCAL, (PODS[1],)), BSP)
    outcome = local_outcome(1, selection(LOCAL, {1: 5}), selection(TWIN, {1: -5}))
    world.refuses(outcome, DSO, "NotQualified")
    twin = two_local_aggregates()
    twin.at(Market.LFP, 1).refuses(outcome, DSO, "LocalBothDirections", hour=1)
    twin.do(local_outcome(1, selection(LOCAL, {1: 5}), selection(TWIN, {1: 5, 2: -5})), DSO)
    swap = local_outcome(2, selection(LOCAL, {1: 5, 8: -1}), selection(TWIN, {1: 5, 2: -5, 8: -1}))
    twin.at(Market.LFP, 2).do(swap, DSO)


def two_local_aggregates() -> Consortium:
    """TWIN has POD 3 and is qualified like LOCAL."""
    world = Consortium()
    world.do(c.JoinAggregate(BSP, TWIN, (PODS[3],)), BSP)
    world.do(c.ApplyForQualification(BSP, (TWIN,), (LOCAL_PRODUCT,), (NOTHING,)), BSP)
    for state in (QualificationState.TESTING, QualificationState.QUALIFIED):
        world.do(move(DSO, TWIN, LOCAL_PRODUCT, state), DSO)
    return world


@pytest.mark.rule("DTL-4")
def test_capability_is_summed_over_all_aggregates(world: Consortium) -> None:
    world.publish(1, lights(FEEDER_1, up_kw=25))
    outcome = global_outcome(1, selection(GLOBAL, {1: 15}), selection(OTHER_GLOBAL, {1: 11}))
    world.at(Market.MSD, 1).refuses(outcome, TSO, "CapabilityExceeded", hour=1, total_kw=26, capability_kw=25)
    world.do(global_outcome(1, selection(GLOBAL, {1: 15}), selection(OTHER_GLOBAL, {1: 10})), TSO)


@pytest.mark.rule("DTL-4")
def test_later_lights_do_not_undo_what_was_selected(world: Consortium) -> None:
    world.publish(1)
    world.select_global(1, selection(GLOBAL, {5: 20, 6: 5}))
    world.publish(2, lights(FEEDER_1, up_kw=10))
    world.select_global(2, selection(GLOBAL, {5: 18, 6: 10}))
    world.publish(3, lights(FEEDER_1, up_kw=0))
    worse = global_outcome(3, selection(GLOBAL, {5: 18, 6: 10, 9: 1}))
    world.at(Market.MSD, 3).refuses(worse, TSO, "RedLight", hour=9)
    world.do(global_outcome(3, selection(GLOBAL, {5: 18, 6: 10})), TSO)


@pytest.mark.rule("DTL-1", "AGG-2")
def test_the_partition_of_an_open_day_is_frozen(world: Consortium) -> None:
    """A withdrawal after LFP 1 opened takes effect on the next day; POD 2 still serves."""
    world.publish(1)
    world.do(c.WithdrawPods(BSP, (PODS[2],)), BSP)
    world.do(c.GiveStaticLights(DSO, (confirmed(PODS[0], FEEDER_2),)), DSO)
    world.select_global(1, selection(GLOBAL, {1: 30}))
    assert world.rulebook.aggregates.pool(GLOBAL, FEEDER_1, DAY.number).pods == 3
    assert world.rulebook.aggregates.pool(GLOBAL, FEEDER_1, DAY.number + 1).pods == 1


@pytest.mark.rule("BAS-1")
def test_baselines_are_filed_until_the_gate_by_the_pods_bsp(world: Consortium) -> None:
    filings = (BaselineFiling(PODS[0], NOTHING),)
    assert world.do(c.FileBaselines(BSP, DAY.number, filings), BSP) == [
        BaselineFiled(PODS[0], BSP, DAY.number, NOTHING)
    ]
    world.refuses(
        c.FileBaselines(OTHER_BSP, DAY.number, filings),
        OTHER_BSP,
        "BaselineOfOther",
        bsp=BSP,
        caller=OTHER_BSP,
    )
    world.now = SCHEDULE.baseline_gate
    world.refuses(c.FileBaselines(BSP, DAY.number, filings), BSP, "BaselineLate", gate=SCHEDULE.baseline_gate)
    world.do(c.FileBaselines(BSP, NEXT.day, filings), BSP)


@pytest.mark.rule("DTL-2", "SES-4")
def test_lights_are_published_in_the_lfp_window_and_may_be_published_again(world: Consortium) -> None:
    command = c.PublishLights(DSO, DAY.number, 1, (lights(FEEDER_1),))
    world.refuses(command, DSO, "SessionNotOpen")
    world.publish(1)
    world.do(command, DSO)
    world.refuses(replace(command, lights=(lights(FOREIGN_FEEDER),)), DSO, "PerimeterOfOther")
    world.refuses(replace(command, lights=(lights(FEEDER_2 + 1),)), DSO, "PerimeterNotInForce")
    long_day = replace(lights(FEEDER_1), up=pack_cells([1] * 25))
    world.refuses(replace(command, lights=(long_day,)), DSO, "LightMalformed")
    world.now = SCHEDULE.lfp_gates[0]
    world.refuses(command, DSO, "GateClosed")
