"""Two-winding transformers of a pandapower net as rows of a power-grid-model document (GRD-1)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

from registry.grid.faults import Fault
from registry.grid.pandapower_tables import Row

_CLOCK_DEGREES: Final = 30.0
_SAME_WINDINGS: Final = (1, 1)
_OTHER_WINDINGS: Final = (1, 2)
_RATIO_TYPES: Final = ("Ratio", "Symmetrical")


def rating_faults(row: Row) -> Iterator[Fault]:
    """What of a transformer the engine cannot represent."""
    shift = row.number_or("shift_degree", 0.0)
    if shift % _CLOCK_DEGREES:
        yield Fault(
            "unsupported_component", f"{row.where}, shift_degree", f"{shift:g}", "a multiple of 30 degrees"
        )
    if row.flag("tap_dependency_table", default=False):
        yield Fault("unsupported_component", f"{row.where}, tap_dependency_table", "true", "false")
    for tap in ("tap", "tap2"):
        if _steps(row, tap) and _turns_phase(row, tap):
            found = (
                f"{row.cells.get(f'{tap}_changer_type')}, {row.number(f'{tap}_step_degree')} degrees a step"
            )
            yield Fault("unsupported_component", f"{row.where}, {tap}_pos", found, "a change of ratio only")
    if _steps(row, "tap2") and not _turns_phase(row, "tap2"):
        yield Fault(
            "unsupported_component", f"{row.where}, tap2_pos", "a second tap changer", "one tap changer"
        )
    for column, least in (("parallel", 1.0), ("df", 0.0)):
        if not row.number_or(column, 1.0) >= least or row.number(column) == 0.0:
            yield Fault("bad_value", f"{row.where}, {column}", str(row.number(column)), "above 0")


def transformer_row(row: Row, model: str) -> dict[str, Any]:
    """Ratings, windings and taps of a transformer without a fault of :func:`rating_faults`.

    ``parallel`` multiplies rating and losses; ``df`` lowers the rating and leaves the impedances in ohms as
    they are. ``model`` is pandapower's ``trafo_model``, ``t`` or ``pi``.
    """
    parallel, factor = row.number_or("parallel", 1.0), row.number_or("df", 1.0)
    own_va = row.number_or("sn_mva", 0.0) * 1e6 * parallel
    clock = round(row.number_or("shift_degree", 0.0) / _CLOCK_DEGREES) % 12
    # only whether the clock is odd decides which windings are possible; positive sequence knows no more
    winding_from, winding_to = _OTHER_WINDINGS if clock % 2 else _SAME_WINDINGS
    row_of = {
        "sn": own_va * factor,
        "uk": row.number_or("vk_percent", 0.0) / 100,
        "pk": row.number_or("vkr_percent", 0.0) / 100 * own_va,
        "i0": row.number_or("i0_percent", 0.0) / 100,
        "p0": row.number_or("pfe_kw", 0.0) * 1e3 * parallel,
        "winding_from": winding_from,
        "winding_to": winding_to,
        "clock": clock,
    }
    if own_va > 0.0 and row_of["sn"] > 0.0:
        row_of["i0"] = max(row_of["i0"], row_of["p0"] / own_va)  # as pandapower: no less than the iron losses
        if model == "t" and row_of["i0"] > 0.0 and row_of["uk"] > 0.0:
            row_of |= _star_as_triangle(row_of, own_va)
        row_of["uk"] *= factor
        row_of["pk"] *= factor * factor
        row_of["i0"] = max(row_of["i0"] / factor, row_of["p0"] / row_of["sn"])
    return _voltages_and_taps(row) | row_of


def _star_as_triangle(ratings: dict[str, Any], own_va: float) -> dict[str, float]:
    """The pi model's parameters that act like a T of two half impedances z/2 around the admittance y.

    Star into triangle gives z (1 + zy/4) in series and y / (1 + zy/4) in all at the ends. Values beyond all
    measure become infinite, which the check of the document names.
    """
    resistance, no_load = ratings["pk"] / own_va, ratings["i0"]
    z = complex(resistance, _other_leg(ratings["uk"], resistance))
    conductance = ratings["p0"] / own_va
    y = complex(conductance, -_other_leg(no_load, conductance))
    both = 1 + z * y / 4
    z, y = z * both, y / both
    uk, i0 = (math.hypot(value.real, value.imag) for value in (z, y))
    return {"uk": uk, "pk": z.real * own_va, "i0": i0, "p0": y.real * own_va}


def _other_leg(hypotenuse: float, leg: float) -> float:
    """Of a right triangle, 0 where the leg is the longer one."""
    return math.sqrt(max(hypotenuse * hypotenuse - leg * leg, 0.0))


def _steps(row: Row, tap: str) -> float:
    """How many steps off neutral a tap changer stands, 0 for one that does not act."""
    position, neutral = row.number(f"{tap}_pos"), row.number_or(f"{tap}_neutral", 0.0)
    typed = f"{tap}_changer_type" in row.cells
    if position is None or row.cells.get(f"{tap}_side") not in ("hv", "lv"):
        return 0.0
    if typed and not row.cells[f"{tap}_changer_type"]:
        return 0.0
    return position - neutral


def _turns_phase(row: Row, tap: str) -> bool:
    kind = row.cells.get(f"{tap}_changer_type")
    by_kind = bool(kind) and kind not in _RATIO_TYPES
    return (
        by_kind
        or row.flag(f"{tap}_phase_shifter", default=False)
        or bool(row.number_or(f"{tap}_step_degree", 0.0))
    )


def _voltages_and_taps(row: Row) -> dict[str, Any]:
    """Rated voltages in V and the tap changer.

    The engine keeps the impedance in ohms of the lower side where its taps change the ratio, pandapower lets
    it follow: such taps, and positions between two steps, go into the rated voltage.
    """
    u1, u2 = row.number_or("vn_hv_kv", 0.0) * 1e3, row.number_or("vn_lv_kv", 0.0) * 1e3
    steps, percent = _steps(row, "tap"), row.number_or("tap_step_percent", 0.0)
    neutral = round(row.number_or("tap_neutral", 0.0))
    low = round(row.number_or("tap_min", min(neutral, neutral + steps)))
    high = round(row.number_or("tap_max", max(neutral, neutral + steps)))
    side = 1 if row.cells.get("tap_side") == "lv" else 0
    size = percent / 100 * (u2 if side else u1)
    if steps and (side or steps != round(steps)):
        u1, u2 = (u1, u2 + steps * size) if side else (u1 + steps * size, u2)
        steps, size, low, high = 0.0, 0.0, neutral, neutral
    return {
        "u1": u1,
        "u2": u2,
        "tap_side": side,
        "tap_pos": neutral + round(steps),
        "tap_nom": neutral,
        "tap_min": low,
        "tap_max": high,
        "tap_size": size,
    }
