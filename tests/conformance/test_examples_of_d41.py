"""The worked examples of D4.1 §6.3, on the rulebook and on the contracts at once."""

from __future__ import annotations

import pytest

from registry.domain import commands as c
from registry.domain.events import DeclarationCompleted, SelectionRecorded
from registry.domain.lights import PerimeterDraft, PerimeterLights, bottleneck_capability_kw
from registry.domain.quantities import GREEN, pack_cells, unpack_cells
from registry.domain.sessions import Market
from tests.conformance.side_by_side import Both, TickingConsortium
from tests.unit.domain.consortium import (
    BSP,
    DAY,
    DSO,
    FEEDER_1,
    FEEDER_2,
    GLOBAL,
    LOCAL,
    NEXT,
    NOTHING,
    OTHER_GLOBAL,
    PODS,
    TSO,
    Consortium,
    declaration,
    global_outcome,
    lights,
    local_outcome,
    selection,
    serving,
)

HOUR_1, HOUR_6 = 0, 5
"""The first and the sixth hour of the day."""


@pytest.fixture
def world(both: Both) -> Consortium:
    """AGG_1 is LOCAL (PODs 0 and 1), AGG_2 is GLOBAL (PODs 0, 1 and 2): 10 kW up and 5 kW down each."""
    return TickingConsortium(both, both.chain.addresses)


@pytest.mark.rule("SES-2", "SES-3")
def test_section_6_3_mutual_unavailability(world: Consortium) -> None:
    """Hour 1: LFP day-ahead takes all of AGG_1, so AGG_2 has the units outside AGG_1 only. Hour 6: MSD
    ex-ante takes all of AGG_2, so LFP 2 has no unit of AGG_1, which lies inside; the first hour is no matter
    of LFP 2 any more.
    """
    world.publish(1)
    world.select_local(1, selection(LOCAL, {HOUR_1: 20}))
    too_much = global_outcome(1, selection(GLOBAL, {HOUR_1: 11, HOUR_6: 30}))
    world.at(Market.MSD, 1).refuses(
        too_much, TSO, "PodsUnavailable", hour=HOUR_1, wanted_kw=11, available_kw=10
    )
    world.select_global(1, selection(GLOBAL, {HOUR_1: 10, HOUR_6: 30}))
    world.at(Market.LFP, 2).refuses(
        local_outcome(2, selection(LOCAL, {HOUR_1: 20, HOUR_6: 1})),
        DSO,
        "PodsUnavailable",
        hour=HOUR_6,
        wanted_kw=1,
        available_kw=0,
    )
    world.refuses(local_outcome(2, selection(LOCAL, {HOUR_6: 1})), DSO, "HourDefinitive", hour=HOUR_1)


@pytest.mark.rule("SES-2", "SES-3")
def test_section_6_3_what_is_left_of_a_partial_selection(world: Consortium) -> None:
    """MSD ex-ante takes a third of AGG_2 for hour 6. The BSP alone knows that POD 2 serves; having said so,
    it can sell all of AGG_1 in LFP 2, but not the same POD.
    """
    world.publish(1)
    world.select_global(1, selection(GLOBAL, {HOUR_6: 10}))
    completed = world.declare(GLOBAL, [serving(2, HOUR_6)])[-1]
    assert isinstance(completed, DeclarationCompleted)
    assert not any(unpack_cells(completed.shortfall, 24))
    world.select_local(2, selection(LOCAL, {HOUR_6: 20}))
    world.refuses(declaration(LOCAL, [serving(2, HOUR_6)]), BSP, "PodNotInPool", pod_id=PODS[2])
    world.declare(LOCAL, [serving(0, HOUR_6), serving(1, HOUR_6)])


@pytest.mark.rule("DTL-1", "DTL-4", "DTL-5")
def test_figure_12_updating_the_perimeters_adds_capability(both: Both, world: Consortium) -> None:
    """Downward services only, one unit of the figure being 5 kW. SS_1 takes 3 of which 2 are used, SS_2 takes
    6 of which 2 are used. As one perimeter the bottleneck SS_1 stands for both and leaves 1; as P1* and P2*
    they leave 1 and 4; the PODs move along with their lights. The same wish of the TSO, 2 units, is refused
    today and accepted tomorrow, because today's partition was frozen when its first session opened.
    """
    ss_1, ss_2 = (15, 10), (30, 10)
    whole_kw = bottleneck_capability_kw([ss_1, ss_2])
    parts_kw = {
        FEEDER_2 + 1: bottleneck_capability_kw([ss_1]),
        FEEDER_2 + 2: bottleneck_capability_kw([ss_2]),
    }
    assert (whole_kw, *parts_kw.values()) == (5, 5, 20)
    below = {FEEDER_2 + 1: PODS[:1], FEEDER_2 + 2: PODS[1:3]}
    # a) one perimeter; the split of tomorrow is declared, today's partition stands
    world.publish(1, lights(FEEDER_1, down_kw=whole_kw))
    drafts = tuple(PerimeterDraft(part, (FEEDER_1,), NOTHING) for part in parts_kw)
    world.do(c.DeclarePerimeters(DSO, drafts), DSO)
    for part, pods in below.items():
        world.do(c.MovePods(DSO, part, tuple(pods)), DSO)
    astray = c.MovePods(DSO, FEEDER_2, (PODS[3],))
    world.refuses(astray, DSO, "NotASuccessor", perimeter=FEEDER_2, predecessor=FEEDER_1)
    world.at(Market.MSD, 1).refuses(
        global_outcome(1, selection(GLOBAL, {HOUR_1: -10})),
        TSO,
        "CapabilityExceeded",
        hour=HOUR_1,
        down=True,
        total_kw=10,
        capability_kw=5,
    )
    assert world.select_global(1, selection(GLOBAL, {HOUR_1: -5}))
    # b) P1* and P2*
    world.now = NEXT.window(Market.LFP, 1)[0]
    published = tuple(lights(part, down_kw=part_kw) for part, part_kw in parts_kw.items())
    world.do(c.PublishLights(DSO, NEXT.day, 1, published), DSO)
    world.refuses(c.PublishLights(DSO, NEXT.day, 1, (lights(FEEDER_1),)), DSO, "PerimeterNotInForce")
    world.now = NEXT.window(Market.MSD, 1)[0]
    wish = {FEEDER_2 + 1: {HOUR_1: -5}, FEEDER_2 + 2: {HOUR_1: -10}}
    events = world.do(
        c.SelectGlobal(
            TSO, NEXT.day, 1, tuple(selection(GLOBAL, hours, part) for part, hours in wish.items())
        ),
        TSO,
    )
    assert [type(event) for event in events] == [SelectionRecorded] * 2
    for part, part_kw in parts_kw.items():
        _, down, _, used = both.chain.read("Market", "capabilityInForce", perimeter=part, day=NEXT.day)
        assert (cells(down)[HOUR_1], cells(used)[HOUR_1]) == (part_kw, -wish[part][HOUR_1])


@pytest.mark.rule("DTL-3", "DTL-4")
def test_figure_14_a_light_beside_the_local_plan(both: Both, world: Consortium) -> None:
    """The DSO plans 20 kW less consumption (up) in hour 6 against a contingency. More consumption (down) is
    red there although it was published green; in the plan's own direction the TSO has the published yellow,
    and in the other hours nothing changes.
    """
    up_kw = [GREEN if hour != HOUR_6 else 12 for hour in range(24)]
    world.publish(1, PerimeterLights(FEEDER_1, pack_cells(up_kw), pack_cells([GREEN] * 24), NOTHING))
    world.select_local(1, selection(LOCAL, {HOUR_6: 20}))
    against = global_outcome(1, selection(OTHER_GLOBAL, {HOUR_1: -10, HOUR_6: -1}))
    world.at(Market.MSD, 1).refuses(
        against, TSO, "OppositeToLocal", hour=HOUR_6, down=True, wanted_kw=1, local_kw=20
    )
    beyond = global_outcome(1, selection(OTHER_GLOBAL, {HOUR_6: 13}))
    world.refuses(beyond, TSO, "CapabilityExceeded", hour=HOUR_6, down=False, capability_kw=12)
    world.select_global(1, selection(OTHER_GLOBAL, {HOUR_1: -10, HOUR_6: 12}))
    up, down, used_up, _ = both.chain.read("Market", "capabilityInForce", perimeter=FEEDER_1, day=DAY.number)
    assert [hour for hour, light in enumerate(cells(down)) if light != GREEN] == [HOUR_6]
    assert (cells(up)[HOUR_6], cells(down)[HOUR_6], cells(used_up)[HOUR_6]) == (12, 0, 12)


@pytest.mark.rule("DTL-3")
def test_figure_14_the_plan_may_come_after_the_light(world: Consortium) -> None:
    """The red is derived: a plan of a later session turns the light without being published again, and what
    the TSO had selected before stays.
    """
    world.publish(1)
    world.select_global(1, selection(OTHER_GLOBAL, {HOUR_6: -10}))
    world.select_local(2, selection(LOCAL, {HOUR_6: 20}))
    world.at(Market.MSD, 2).refuses(
        global_outcome(2, selection(GLOBAL, {HOUR_6: -5})), TSO, "OppositeToLocal", hour=HOUR_6, local_kw=20
    )
    world.select_global(2, selection(OTHER_GLOBAL, {HOUR_6: -10}))


def cells(words: tuple[int, int]) -> list[int]:
    """The power of every hour in two words of the ledger, in kW."""
    low, high = words
    return [((low if hour < 13 else high) >> 18 * (hour % 13)) & GREEN for hour in range(24)]
