"""What the demo leaves for `flexledger dso`: the grid's PODs under their register names, and the forecast."""

from __future__ import annotations

import csv
import json
from dataclasses import asdict
from pathlib import Path

from registry.cli.demo.grid_day import GridDay
from registry.cli.demo.registering import DemoPod, working_pods
from registry.cli.demo.scenario import DAY
from registry.cli.demo.stage import Stage
from registry.grid.forecast import Forecast

FOLDER = "grid"


def write_grid_files(stage: Stage) -> None:
    """Write ``pods.json`` and ``forecast.csv``, what the DSO knew before LFP 1."""
    folder = stage.folder / FOLDER
    folder.mkdir(exist_ok=True)
    day: GridDay = stage.facts["grid"]
    pods = [_pod(pod) for pod in working_pods(stage)]
    (folder / "pods.json").write_text(json.dumps({"pods": pods}, indent=1) + "\n", encoding="utf-8")
    _write_forecast(folder / "forecast.csv", day, day.forecast(1))
    stage.say(f"{folder}: PODs by POD code and forecast, for `flexledger dso` (docs/grid.md)")


def _pod(pod: DemoPod) -> dict[str, object]:
    return {**asdict(pod.grid), "key": pod.code}


def _write_forecast(path: Path, day: GridDay, forecast: Forecast) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["day", "element", "quantity", *(f"q{i}" for i in range(forecast.quarters))])
        for quantity, values in (("p_w", forecast.p_w), ("q_var", forecast.q_var)):
            for name, row in zip(day.network.element_names, values, strict=True):
                watts = (round(float(value)) for value in row)
                rows.writerow([DAY.date.isoformat(), name, quantity, *watts])
