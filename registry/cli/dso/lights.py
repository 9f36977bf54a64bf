"""`flexledger dso lights`: a day's traffic lights, shown and published (DTL-2, DTL-3, GRD-1)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from registry.bootstrap import Node
from registry.cli.days import DayText, delivery_day
from registry.cli.dso.inputs import (
    FEEDERS,
    ActivationsFile,
    AsJson,
    BeforeText,
    Files,
    ForecastFile,
    GridFile,
    Loading,
    PerimetersText,
    PodsFile,
    Reserve,
    SupportFile,
    groups_before,
    load_day,
    load_files,
    load_plan,
    support_terms,
)
from registry.cli.dso.showing import console, lights_document, lights_tables, line, working
from registry.cli.nodes import open_existing, signer_of
from registry.cli.outcome import one_clear_line
from registry.config import DEFAULT_STATE
from registry.domain.calendar import DeliveryDay
from registry.domain.errors import InputInvalid
from registry.domain.quantities import Direction
from registry.grid.forecast import Forecast
from registry.grid.lights import day_lights
from registry.grid.reactive_providers import SupportTerms
from registry.grid.results import DIRECTIONS, LocalActivation, PerimeterDayLights
from registry.services.changed_lights import Publication, open_light_session, publish_changed_lights
from registry.services.grid_register import known_pods, local_plan_kw, perimeter_numbers
from registry.services.publish_lights import DayLights
from registry.services.recorder import every

DsoNumber = Annotated[
    int | None, typer.Option(min=1, max=65_535, help="Number of the DSO, whose key is here.")
]
State = Annotated[Path, typer.Option(envvar="FLEXLEDGER_STATE", help="Folder of the node.")]


def lights(
    grid: GridFile,
    pods: PodsFile,
    forecast: ForecastFile,
    day: DayText,
    perimeters: PerimetersText = FEEDERS,
    before: BeforeText = None,
    activations: ActivationsFile = None,
    loading: Loading = 1.0,
    reserve: Reserve = 0.0,
    support: SupportFile = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="Put what changed on the ledger, in the open LFP session.")
    ] = False,
    dso: DsoNumber = None,
    state: State = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Compute the traffic lights of a day by power flow, show them, and publish what changed."""
    with one_clear_line():
        when = delivery_day(day)
        files = load_files(grid, pods, perimeters, loading=loading, reserve=reserve)
        expected = load_day(forecast, files, when)
        old, terms = groups_before(files, before), support_terms(support, when)
        if not publish:
            found = compute(files, expected, load_plan(activations), terms, old)
            _show(files, when, found, as_json)
            return
        if dso is None:
            raise InputInvalid(rule="DTL-2", field="dso", found="none", allowed="--dso with --publish")
        if activations is not None:
            raise InputInvalid(
                rule="DTL-3",
                field="activations",
                found=str(activations),
                allowed="none with --publish: the plan is the local selections in the register",
            )
        with open_existing(state) as node:
            found, numbers, publication = publish_day(node, dso, files, expected, when, terms, old)
            bare = _without_light(node, dso, when, numbers)
        _show(files, when, found, as_json, numbers, publication, bare)


def compute(
    files: Files,
    forecast: Forecast,
    activations: Sequence[LocalActivation] = (),
    terms: SupportTerms | None = None,
    before: Mapping[str, Sequence[str]] | None = None,
) -> tuple[PerimeterDayLights, ...]:
    """The lights of a day; a spinner shows that it goes on."""
    state = files.state(forecast, activations)
    with working(f"lights of {len(files.perimeters)} perimeters"):
        return day_lights(state, files.flow, files.limits, terms=terms, before=before)


def publish_day(
    node: Node,
    dso: int,
    files: Files,
    forecast: Forecast,
    day: DeliveryDay,
    terms: SupportTerms | None = None,
    before: Mapping[str, Sequence[str]] | None = None,
) -> tuple[tuple[PerimeterDayLights, ...], dict[str, int], Publication]:
    """Compute with what the register grants and plans, and publish what changed.

    Raises:
        RuleViolation: SES-1 or SES-4 outside an LFP session, POD-1, POD-2 or DTL-1 where files and register
        disagree.
    """
    signer = signer_of(node, dso, "DTL-2", "dso")
    session = open_light_session(node.mirror, day, node.clock.now())
    known = known_pods(node.mirror, node.vault, dso, day, [pod.key for pod in files.pods])
    granted = tuple(
        replace(pod, up_kw=known[pod.key].granted_up_kw, down_kw=known[pod.key].granted_down_kw)
        for pod in files.pods
    )
    files = replace(files, pods=granted)
    numbers = perimeter_numbers(files.perimeters, known)
    found = compute(files, forecast, _planned(node, dso, day, numbers), terms, before)
    fresh = [
        DayLights(numbers[each.perimeter], each.up, each.down, _reasons(each))
        for each in found
        if each.perimeter in numbers
    ]
    return found, numbers, publish_changed_lights(node.recorder, dso, signer, day, session, fresh)


def _planned(node: Node, dso: int, day: DeliveryDay, numbers: Mapping[str, int]) -> list[LocalActivation]:
    names = {number: name for name, number in numbers.items()}
    planned = []
    for (number, hour), kw in local_plan_kw(node.mirror, dso, day).items():
        if number not in names:
            raise InputInvalid(
                rule="DTL-3",
                field="perimeters",
                found=f"no PODs of perimeter {number}, where local activations are planned",
                allowed="perimeters that cover the DSO's local plan",
            )
        way = Direction.UP if kw > 0 else Direction.DOWN
        planned.append(LocalActivation(names[number], hour, way, abs(kw)))
    return planned


def _reasons(day: PerimeterDayLights) -> dict[str, str]:
    return {
        f"{way.name.lower()} {hour}": text
        for way in DIRECTIONS
        for hour, text in enumerate(day.binding(way))
        if text
    }


def _without_light(node: Node, dso: int, day: DeliveryDay, numbers: Mapping[str, int]) -> list[int]:
    """Perimeters of the register's partition that no light was computed for."""
    rows = every(
        lambda after, limit: node.mirror.perimeters(dso=dso, day=day.number, after=after, limit=limit)
    )
    return [row.perimeter for row in rows if row.perimeter not in set(numbers.values())]


def _show(
    files: Files,
    day: DeliveryDay,
    found: Sequence[PerimeterDayLights],
    as_json: bool,
    numbers: Mapping[str, int] | None = None,
    publication: Publication | None = None,
    bare: Sequence[int] = (),
) -> None:
    if as_json:
        document: dict[str, Any] = {
            "grid": files.network.name,
            "day": day.date.isoformat(),
            "perimeters": lights_document(found, numbers),
        }
        if publication is not None:
            document["publication"] = _publication_document(publication)
        typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
        return
    line(f"{files.network.name}, {day.date}")
    line("▲ up, ▼ down; G no limit of the grid, Y up to the capability, Q with reactive support, R nothing")
    for table in lights_tables(found):
        console.print(table)
    if publication is not None:
        for number in bare:
            line(f"perimeter {number}: no PODs in the files, no light")
        line(_publication_line(publication))


def _publication_document(publication: Publication) -> dict[str, Any]:
    receipt = publication.receipt
    return {
        "session": publication.session,
        "changed": {str(number): cells for number, cells in publication.changed.items()},
        "unchanged": list(publication.unchanged),
        "transaction": None if receipt is None else f"0x{receipt.tx_hash.hex()}",
        "block": None if receipt is None else receipt.block_number,
    }


def _publication_line(publication: Publication) -> str:
    same = f"{len(publication.unchanged)} perimeters unchanged"
    if publication.receipt is None:
        return f"nothing changed, nothing published: {same}"
    cells = sum(publication.changed.values())
    return (
        f"published in LFP {publication.session}: {cells} cells of {len(publication.changed)} perimeters, "
        f"{same}; transaction 0x{publication.receipt.tx_hash.hex()}, "
        f"block {publication.receipt.block_number}"
    )
