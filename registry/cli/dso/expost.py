"""`flexledger dso expost`: what activated flexibility did to the grid's limits (CIRED 2019)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table

from registry.cli.days import DayText, delivery_day
from registry.cli.dso.inputs import (
    FEEDERS,
    AsJson,
    ForecastFile,
    GridFile,
    Loading,
    PerimetersText,
    PodsFile,
    Reserve,
    load_day,
    load_files,
)
from registry.cli.dso.showing import console, line, working
from registry.cli.nodes import open_existing
from registry.cli.outcome import one_clear_line
from registry.config import DEFAULT_STATE
from registry.grid.expost import ExPost, Observed, Verdict
from registry.grid.expost import expost as check_day
from registry.services.grid_register import known_pods
from registry.services.observed_day import ObservedPod, observed_day


def expost(
    grid: GridFile,
    pods: PodsFile,
    forecast: ForecastFile,
    day: DayText,
    dso: Annotated[int, typer.Option(min=1, max=65_535, help="Number of the DSO.")],
    perimeters: PerimetersText = FEEDERS,
    loading: Loading = 1.0,
    reserve: Reserve = 0.0,
    state: Annotated[
        Path, typer.Option(envvar="FLEXLEDGER_STATE", help="Folder of the node.")
    ] = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Run a past day again with certified readings: did activations cause or cure violations?"""
    with one_clear_line():
        when = delivery_day(day)
        files = load_files(grid, pods, perimeters, loading=loading, reserve=reserve)
        expected = files.state(load_day(forecast, files, when))
        with open_existing(state) as node:
            keys = [pod.key for pod in files.pods]
            known = known_pods(node.mirror, node.vault, dso, when, keys)
            days = observed_day(node.recorder, node.log, when, [known[key].pod_id for key in keys])
        with working("the day with and without activations"):
            found = check_day(
                expected, files.flow, files.limits, observed([days[known[key].pod_id] for key in keys])
            )
        if as_json:
            document = {"grid": files.network.name, "day": when.date.isoformat(), **found.as_document()}
            typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
            return
        line(f"{files.network.name}, {when.date}")
        _show(found)


def observed(days: Sequence[ObservedPod]) -> Observed:
    """What is known of the PODs, as the grid room takes it."""
    quarters = len(days[0].metered_w) if days else 0
    metered = [[np.nan if value is None else float(value) for value in day.metered_w] for day in days]
    baseline = [
        [np.nan] * quarters if day.baseline_w is None else [float(value) for value in day.baseline_w]
        for day in days
    ]
    served = [[bool(day.served >> quarter & 1) for quarter in range(quarters)] for day in days]
    return Observed(np.array(metered), np.array(baseline), np.array(served))


def _show(found: ExPost) -> None:
    if found.findings:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("hour", "activations", "limit", "quarters", "with", "without", ""):
            table.add_column(column)
        for finding in found.findings:
            table.add_row(
                str(finding.hour),
                finding.verdict.value,
                finding.limit,
                str(len(finding.quarters)),
                "-" if finding.with_value is None else f"{finding.with_value:.4f}",
                "-" if finding.without_value is None else f"{finding.without_value:.4f}",
                "uncertain" if finding.uncertain else "",
            )
        console.print(table)
    else:
        line("no limit was violated, with or without activations")
    counts = ", ".join(f"{found.count(verdict)} {verdict.value}" for verdict in Verdict)
    line(f"{found.served_quarters} quarter-hours with activations; limits and quarter-hours: {counts}")
    for text, missing in (
        ("without a certified reading, at the forecast instead", found.missing_readings),
        ("served without a baseline, their part is unknown", found.missing_baselines),
    ):
        if missing:
            line(f"{sum(missing.values())} quarter-hours of {len(missing)} PODs {text}")
