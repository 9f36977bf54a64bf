"""The proofs of the lights on all six grids: a campaign of placements, tightness and reds (GRD-1).

    make grid-campaign
    python -m tools.grid_campaign [--placements 60] [--reds 20] [--grid cigre_mv] [--seed 1]

Prints a line per grid and strained day as it is done, and ends with status 1 if a placement at the published
capability breaks a limit, if less than 95 % of the limited cells break one with a twentieth more, or if less
than 95 % of the reds that were asked are infeasible, those with a hair to spare among them. What the columns
mean stands in ``grid_proofs.py``, the days in ``grid_strains.py``.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Final

from registry.domain.quantities import Colour, Direction
from registry.grid.lights import day_lights
from registry.grid.powerflow import PowerFlow
from tools.grid_proofs import Placements, Proof, Reds, Tight
from tools.grid_strains import STRAINS, Strain, strained_day

INFEASIBLE: Final = 0.95
TIGHT: Final = 0.95
_STEPS: Final = 4
"""Operating points per direction, quarter-hour and perimeter."""
_HEAD: Final = (
    "grid | day | cells | limited | placements | broken | mixtures | broken | tight of | strained: tight of "
    "| points | red | reds asked | infeasible | by a hair | s"
)


def proved(grid: str, strain: Strain, *, placements: int, reds: int, seed: int) -> tuple[list[str], bool]:
    """The cells of a line of the table, and whether the proof holds."""
    began = time.process_time()
    day = strained_day(grid, strain)
    flow = PowerFlow(day.state.network)
    lights = day_lights(day.state, flow, day.limits)
    cells = [light for each in lights for way in Direction for light in each.side(way)]
    proof = Proof(day.state, flow, day.limits, lights)
    held, mixed, tight = proof.violations(placements, seed), proof.mixtures(), proof.tightness()
    found = proof.reds(_STEPS, reds, seed)
    for name in tight.slack:
        print(f"  not tight: {name}", file=sys.stderr)
    line = [
        grid,
        str(strain),
        len(cells),
        sum(light.colour is not Colour.GREEN for light in cells),
        held.solved,
        held.broken,
        mixed.solved,
        mixed.broken,
        f"{tight.broken} of {tight.cells}",
        f"{tight.strained_broken} of {tight.strained_cells}",
        found.points,
        found.red,
        found.asked,
        found.infeasible,
        found.by_a_hair,
        round(time.process_time() - began, 1),
    ]
    return [str(cell) for cell in line], not mixed.broken and _holds(held, tight, found)


def _holds(held: Placements, tight: Tight, found: Reds) -> bool:
    sure = found.infeasible + found.by_a_hair >= INFEASIBLE * found.asked
    cells, broken = tight.cells + tight.strained_cells, tight.broken + tight.strained_broken
    return not held.broken and broken >= TIGHT * cells and sure


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--placements", type=int, default=60, help="random placements per quarter-hour")
    parser.add_argument("--reds", type=int, default=20, help="red points per day for the other solver")
    parser.add_argument("--grid", choices=STRAINS, help="one grid only")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    days = [(grid, strain) for grid in ([asked.grid] if asked.grid else STRAINS) for strain in STRAINS[grid]]
    good = True
    print(f"| {_HEAD} |\n|{'---|' * (_HEAD.count('|') + 1)}")
    for number, (grid, strain) in enumerate(days, start=1):
        print(f"{number} of {len(days)}: {grid}, {strain}", file=sys.stderr)
        line, holds = proved(grid, strain, placements=asked.placements, reds=asked.reds, seed=asked.seed)
        print(f"| {' | '.join(line)} |", flush=True)
        good = good and holds
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
