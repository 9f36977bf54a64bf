"""A sample of the campaign on all six grids: placements, tightness and reds by AC power flow (GRD-1)."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from registry.domain.quantities import CellLight, Colour, Direction, light_of_limit
from registry.grid.lights import day_lights
from registry.grid.powerflow import PowerFlow
from registry.grid.results import PerimeterDayLights
from registry.grid.state import only_hours
from tools.grid_campaign import INFEASIBLE
from tools.grid_proofs import Proof, Reds
from tools.grid_strains import CALM, STRAINS, StrainedDay, strained_day

HOURS = (9, 19)


def sample(grid: str) -> StrainedDay:
    """Two hours of the last strained day of a grid."""
    day = strained_day(grid, STRAINS[grid][-1])
    return replace(day, state=only_hours(day.state, HOURS))


@cache
def computed(grid: str) -> tuple[StrainedDay, PowerFlow, tuple[PerimeterDayLights, ...]]:
    day = sample(grid)
    flow = PowerFlow(day.state.network, threads=1)
    return day, flow, day_lights(day.state, flow, day.limits)


def proof(grid: str) -> Proof:
    day, flow, lights = computed(grid)
    return Proof(day.state, flow, day.limits, lights)


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("grid", STRAINS)
def test_placements_at_the_capability_hold(grid: str) -> None:
    _, _, lights = computed(grid)
    cells = [light for day in lights for way in Direction for light in day.side(way)]
    assert any(light.colour is not Colour.GREEN for light in cells), "a day that limits nobody proves nothing"
    held = proof(grid).violations(each=60, seed=7)
    assert (held.solved, held.broken) == (60 * 4 * len(HOURS), 0)


@pytest.mark.rule("GRD-1")
def test_a_twentieth_more_breaks_a_limit(capsys: pytest.CaptureFixture[str]) -> None:
    """In nearly all limited cells of hours whose expected state keeps all limits."""
    found = [proof(grid).tightness() for grid in STRAINS]
    cells, broken = sum(each.cells for each in found), sum(each.broken for each in found)
    with capsys.disabled():
        print(f"\nlimited cells of six grids that break a limit with a twentieth more: {broken} of {cells}")
    assert cells >= 20
    assert broken >= 0.9 * cells


@pytest.mark.rule("GRD-1")
def test_reds_of_all_grids_are_infeasible_for_another_solver(capsys: pytest.CaptureFixture[str]) -> None:
    found: dict[str, Reds] = {grid: proof(grid).reds(steps=2, sample=1, seed=3) for grid in STRAINS}
    asked = sum(each.asked for each in found.values())
    infeasible = sum(each.infeasible for each in found.values())
    with capsys.disabled():
        print(f"\nreds of six grids that AC finds infeasible too: {infeasible} of {asked}")
    assert asked >= 4
    assert infeasible >= INFEASIBLE * asked


def hours_of(grid: str, hours: tuple[int, ...]) -> StrainedDay:
    """Hours of the day of a grid with several times its generation."""
    day = strained_day(grid, STRAINS[grid][1])
    return replace(day, state=only_hours(day.state, hours))


@pytest.mark.rule("GRD-1")
def test_a_busbar_that_is_highest_between_the_ends_is_held() -> None:
    """Hours in which a placement at the capability broke a limit while the others moved in part."""
    day = hours_of("simbench_comm", (8, 16))
    flow = PowerFlow(day.state.network, threads=1)
    found = Proof(day.state, flow, day.limits, day_lights(day.state, flow, day.limits)).mixtures()
    assert found.solved >= 1000
    assert found.broken == 0


@pytest.mark.rule("GRD-1")
def test_traces_of_other_feeders_do_not_keep_a_cell_down() -> None:
    """Hours of reversed flow in which no cell broke a limit with a twentieth more."""
    day = hours_of("simbench_semiurb", (11, 12))
    flow = PowerFlow(day.state.network, threads=1)
    found = Proof(day.state, flow, day.limits, day_lights(day.state, flow, day.limits)).tightness()
    assert found.cells >= 4
    assert (found.broken, found.slack) == (found.cells, ())


@pytest.mark.rule("GRD-1")
@pytest.mark.parametrize("grid", ["simbench_rural", "simbench_urban"])
def test_what_is_limited_beside_a_violation_is_tight_too(grid: str) -> None:
    """By limits that the expected state keeps: what it breaks already cannot tell."""
    day = hours_of(grid, (13,))
    flow = PowerFlow(day.state.network, threads=1)
    found = Proof(day.state, flow, day.limits, day_lights(day.state, flow, day.limits)).tightness()
    assert found.strained_cells >= 4
    assert found.strained_broken == found.strained_cells


@pytest.mark.rule("GRD-1")
def test_reds_by_a_hair_of_a_rating_are_infeasible_for_another_solver() -> None:
    """Hours whose nearest red another solver cured."""
    day = hours_of("simbench_comm", (11, 12))
    flow = PowerFlow(day.state.network, threads=1)
    found = Proof(day.state, flow, day.limits, ()).reds(steps=4, sample=2, seed=3)
    assert (found.asked, found.infeasible) == (2, 2)


@pytest.mark.rule("GRD-1")
def test_a_capability_that_is_too_large_is_seen() -> None:
    day, flow, lights = computed("cigre_mv")
    more = tuple(
        replace(each, up=tuple(map(_larger, each.up)), down=tuple(map(_larger, each.down))) for each in lights
    )
    assert Proof(day.state, flow, day.limits, more).violations(each=60, seed=7).broken > 0


def _larger(light: CellLight) -> CellLight:
    return light if light.colour is Colour.GREEN else light_of_limit(2 * light.limit_kw + 500, False)


def test_every_grid_has_a_calm_day_and_a_strained_one() -> None:
    assert all(strains[0] == CALM and len(strains) > 1 for strains in STRAINS.values())
    assert str(CALM) == "as it is"
    assert str(STRAINS["cigre_mv"][1]) == "ranges x 3, loading 70%"
