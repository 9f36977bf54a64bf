"""Small grids as the files that `flexledger dso` reads."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tests.unit.grid.grid_house import Line, document

DAY = date(2026, 6, 18)


@dataclass
class DsoFiles:
    """A folder of files; ``power_kw`` is flat over the day, elements not named are idle."""

    folder: Path
    lines: Sequence[Line]
    loads: Mapping[str, str]
    storages: Mapping[str, str]
    keys: Mapping[str, str] = field(default_factory=dict)
    rated_kw: int = 500

    def write(self, power_kw: Mapping[str, float] | None = None, day: date = DAY) -> list[str]:
        """Write all files and return the options that name them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        grid = document(self.lines, self.loads, self.storages)
        self.path("grid.json").write_text(json.dumps(grid), encoding="utf-8")
        pods = [
            {
                "key": self.keys.get(name, name),
                "node": node,
                "elements": [{"name": name, "technology": "storage", "rated_w": 1000 * self.rated_kw}],
                "up_kw": self.rated_kw,
                "down_kw": self.rated_kw,
            }
            for name, node in self.storages.items()
        ]
        self.path("pods.json").write_text(json.dumps({"pods": pods}), encoding="utf-8")
        self.forecast("forecast.csv", power_kw or {}, day)
        return self.options("forecast.csv", day)

    def forecast(self, name: str, power_kw: Mapping[str, float], day: date = DAY, quarters: int = 96) -> Path:
        """Write a forecast."""
        with self.path(name).open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["day", "element", "quantity", *(f"q{i}" for i in range(quarters))])
            for element in (*self.loads, *self.storages):
                watts = round(1000 * power_kw.get(element, 0.0))
                rows.writerow([day.isoformat(), element, "p_w", *[watts] * quarters])
        return self.path(name)

    def prices(self) -> Path:
        """Write flat prices: purchase 60, selling 50, fuel 80 EUR/MWh."""
        rows = [f"{hour},60,50,80" for hour in range(24)]
        self.path("prices.csv").write_text("\n".join(["hour,purchase,selling,fuel", *rows]), encoding="utf-8")
        return self.path("prices.csv")

    def options(self, forecast: str, day: date = DAY) -> list[str]:
        """The options for a forecast of the folder."""
        named = {"--grid": "grid.json", "--pods": "pods.json", "--forecast": forecast}
        words = [word for option, name in named.items() for word in (option, str(self.path(name)))]
        return [*words, "--day", day.isoformat()]

    def path(self, name: str) -> Path:
        """A file of the folder."""
        return self.folder / name


def figure_12_files(folder: Path) -> DsoFiles:
    """D4.1 Figure 12 in units of 100 kW."""
    return DsoFiles(
        folder,
        [Line("PS", "MV", 5000.0), Line("MV", "SS_1", 300.0), Line("MV", "SS_2", 650.0)],
        {"used_1": "SS_1", "used_2": "SS_2"},
        {"a_1": "SS_1", "b_1": "SS_1", "a_2": "SS_2", "b_2": "SS_2"},
        rated_kw=400,
    )
