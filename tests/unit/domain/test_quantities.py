"""Cells of hours: what is packed comes out again, what does not fit is refused (DTL-2, SES-3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.domain import quantities as q
from registry.domain.errors import InputInvalid

powers = st.lists(st.integers(0, q.MAX_KW), max_size=25)
signed = st.lists(st.integers(-q.MAX_KW, q.MAX_KW), max_size=25)
lights = st.lists(
    st.one_of(
        st.just(q.RED_LIGHT),
        st.just(q.GREEN_LIGHT),
        st.builds(q.CellLight, st.just(q.Colour.YELLOW), st.integers(1, q.MAX_KW - 1), st.booleans()),
    ),
    max_size=25,
)


@pytest.mark.rule("DTL-2")
@given(powers)
def test_powers_round_trip(values: list[int]) -> None:
    cells = q.pack_cells(values)
    assert q.unpack_cells(cells, len(values)) == tuple(values)
    assert not cells.beyond(len(values))


@pytest.mark.rule("SES-3")
@given(signed)
def test_selections_round_trip(values: list[int]) -> None:
    cells = q.pack_selection(values)
    assert q.unpack_selection(cells, len(values)) == tuple(values)
    assert [cells.raw(hour) >> 17 for hour in range(len(values))] == [int(value < 0) for value in values]


@pytest.mark.rule("DTL-2")
@given(lights)
def test_lights_round_trip(values: list[q.CellLight]) -> None:
    cells = q.pack_lights(values)
    assert q.unpack_lights(cells, len(values)) == tuple(values)
    assert cells.flags == {hour for hour, light in enumerate(values) if light.reactive}


def test_cells_lie_where_the_contracts_look_for_them() -> None:
    values = [0] * 25
    values[1], values[12], values[13] = 5, 7, 9
    assert q.pack_cells(values) == q.HourCells(5 << 18 | 7 << 216, 9)
    yellow = q.CellLight(q.Colour.YELLOW, 3, reactive=True)
    assert q.pack_lights([yellow]) == q.HourCells(3 | 1 << 234, 0)
    assert q.pack_selection([-1]) == q.HourCells(1 | 1 << 17, 0)


@pytest.mark.rule("TIM-1")
def test_what_lies_outside_the_day_is_seen() -> None:
    assert q.pack_cells([0] * 24 + [1]).beyond(24)
    assert not q.pack_cells([0] * 23 + [1]).beyond(24)
    assert q.HourCells(1 << 247, 0).beyond(25)
    assert q.HourCells(0, 1 << (234 + 12)).beyond(25)
    for pack in (q.pack_cells, q.pack_selection):
        with pytest.raises(InputInvalid, match="TIM-1: hour"):
            pack([0] * 26)


@pytest.mark.parametrize("value", [-1, q.MAX_KW + 1])
def test_powers_out_of_range_are_refused(value: int) -> None:
    with pytest.raises(InputInvalid, match="power of hour 0"):
        q.pack_cells([value])
    with pytest.raises(InputInvalid, match="cell of hour 0"):
        q.pack_raw([-1 if value < 0 else 1 << 18])
    with pytest.raises(InputInvalid, match="SES-3: power of hour 0"):
        q.pack_selection([-(q.MAX_KW + 1)])


@pytest.mark.rule("DTL-2")
@pytest.mark.parametrize(
    ("colour", "capability_kw", "reactive"),
    [
        (q.Colour.RED, 1, False),
        (q.Colour.RED, None, False),
        (q.Colour.RED, 0, True),
        (q.Colour.YELLOW, 0, False),
        (q.Colour.YELLOW, None, False),
        (q.Colour.YELLOW, q.GREEN, False),
        (q.Colour.GREEN, 5, False),
        (q.Colour.GREEN, None, True),
    ],
)
def test_a_light_that_contradicts_itself_is_refused(
    colour: q.Colour, capability_kw: int | None, reactive: bool
) -> None:
    with pytest.raises(InputInvalid, match="DTL-2"):
        q.CellLight(colour, capability_kw, reactive)


def test_energy_of_a_quarter_hour() -> None:
    assert q.energy_wh(-4) == -1000
    assert q.Direction.UP.opposite is q.Direction.DOWN
    assert q.Direction.DOWN.opposite is q.Direction.UP
