"""Where the grid named by a caller stands: a file, or a SimBench code for which a fixture is committed
(GRD-1).

The SimBench package and its data (ODbL) are no run-time dependency; ``tools/make_grid_fixture.py`` makes a
grid file of any of its codes where the package is installed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from registry.grid.faults import Fault, GridInvalid

DATA: Final = Path(__file__).resolve().parents[2] / "data"
FIXTURES: Final = {
    "1-MV-rural--1-sw": "simbench_rural/grid.json",
    "1-MV-semiurb--1-sw": "simbench_semiurb/net.json.gz",
    "1-MV-urban--1-sw": "simbench_urban/net.json.gz",
    "1-MV-comm--1-sw": "simbench_comm/net.json.gz",
}
_CODE: Final = re.compile(r"1-[A-Z]+[A-Za-z0-9.]*-[A-Za-z0-9.]+-[A-Za-z0-9.]*-[012]-(no_)?sw")


def grid_file(name: str | Path) -> Path:
    """The file of a grid: ``name`` itself if it is one, or the committed fixture of a SimBench code.

    Raises :class:`~registry.grid.faults.GridInvalid`: for a code without a fixture it says how to make one.
    """
    path = Path(name)
    if path.is_file():
        return path
    code = str(name)
    if code in FIXTURES:
        return DATA / FIXTURES[code]
    if _CODE.fullmatch(code):
        allowed = (
            f"{', '.join(FIXTURES)}; make another with the packages of requirements-fixtures.lock: "
            f"python -m tools.make_grid_fixture {code} --out FOLDER, then name FOLDER/net.json.gz"
        )
        raise GridInvalid("grid", [Fault("no_fixture", "SimBench code", code, allowed)])
    raise GridInvalid("grid", [Fault("no_such_file", "path", code, "a grid file, or a SimBench code")])
