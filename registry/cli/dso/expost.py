"""`flexledger dso expost`: what activated flexibility did to the grid's limits (CIRED 2019)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import numpy as np
import typer
from rich.table import Table
from rich.text import Text

from registry.cli.days import DayText, delivery_day
from registry.cli.dso.inputs import load_day, load_files
from registry.cli.dso.options import (
    FEEDERS,
    ForecastFile,
    GridFile,
    Loading,
    PerimetersText,
    PodsFile,
    Reserve,
)
from registry.cli.dso.showing import console, line, working
from registry.cli.nodes import open_existing
from registry.cli.options import AsJson, State, party_number
from registry.cli.outcome import one_clear_line
from registry.config import DEFAULT_STATE
from registry.grid.expost import Observed
from registry.grid.expost import expost as check_day
from registry.grid.expost_findings import ExPost, Finding, Verdict
from registry.services.grid_register import known_pods
from registry.services.observed_day import ObservedPod, observed_day

_SHOWN = 3
"""Perimeters named beside a finding; all of them are in the document."""


def expost(
    grid: GridFile,
    pods: PodsFile,
    forecast: ForecastFile,
    day: DayText,
    dso: Annotated[int, party_number("Number of the DSO.")],
    perimeters: PerimetersText = FEEDERS,
    loading: Loading = 1.0,
    reserve: Reserve = 0.0,
    state: State = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Run a past day again with certified readings: whose activations caused or cured violations?"""
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
    nothing = (None,) * quarters
    active, reactive, baseline = (
        np.array([[np.nan if value is None else float(value) for value in row] for row in rows])
        for rows in (
            [day.metered_w for day in days],
            [day.metered_var for day in days],
            [day.baseline_w or nothing for day in days],
        )
    )
    served = [[bool(day.served >> quarter & 1) for quarter in range(quarters)] for day in days]
    return Observed(active, reactive, baseline, np.array(served))


def _show(found: ExPost) -> None:
    if found.findings:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("hour", "activations", "limit", "quarters", "with", "without", "responsible", ""):
            table.add_column(column)
        for finding in found.findings:
            table.add_row(
                str(finding.hour),
                finding.verdict.value,
                finding.limit,
                str(len(finding.quarters)),
                "-" if finding.with_value is None else f"{finding.with_value:.4f}",
                "-" if finding.without_value is None else f"{finding.without_value:.4f}",
                _responsible(finding),
                "uncertain" if finding.uncertain else "",
            )
        console.print(table)
    else:
        line("no limit was violated, with or without activations")
    counts = ", ".join(f"{found.count(verdict)} {verdict.value}" for verdict in Verdict)
    line(f"{found.served_quarters} quarter-hours with activations; limits and quarter-hours: {counts}")
    for perimeter, verdicts in found.responsible().items():
        counted = ", ".join(f"{count} {verdict.value}" for verdict, count in verdicts.items())
        line(f"{perimeter}: responsible for {counted}")
    for text, missing in (
        ("without a certified reading, at the forecast instead", found.missing_readings),
        ("served without a baseline, their part is unknown", found.missing_baselines),
    ):
        if missing:
            line(f"{sum(missing.values())} quarter-hours of {len(missing)} PODs {text}")


def _responsible(finding: Finding) -> Text:
    """Who made the verdict and by how much, who most of it first; a question mark where that is unknown."""
    ranked = sorted(finding.responsible, key=lambda share: -abs(share.most or 0.0))
    words = [
        f"{share.perimeter} {'?' if share.most is None else f'{share.most:+.4f}'}"
        + (" decisive" if share.decisive else "")
        for share in ranked
    ]
    unknown = [share for share in finding.shares if share.most is None and not share.responsible]
    words += [f"{share.perimeter} ?" for share in unknown]
    more = [f"{len(words) - _SHOWN} more"] if len(words) > _SHOWN else []
    return Text(", ".join([*words[:_SHOWN], *more]))
