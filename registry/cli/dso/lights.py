"""`flexledger dso lights`: a day's traffic lights, shown and published (DTL-2, DTL-3, GRD-1)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from registry.bootstrap import Node
from registry.cli.days import DayText, delivery_day
from registry.cli.dso.inputs import (
    Files,
    groups_before,
    load_day,
    load_files,
    load_plan,
    support_terms,
)
from registry.cli.dso.options import (
    FEEDERS,
    ActivationsFile,
    BeforeText,
    ForecastFile,
    GridFile,
    Loading,
    PerimetersText,
    PodsFile,
    Reserve,
    SupportFile,
)
from registry.cli.dso.registered import planned, registered
from registry.cli.dso.showing import console, lights_document, lights_tables, line, working
from registry.cli.nodes import open_existing, signer_of
from registry.cli.options import AsJson, State, party_number
from registry.cli.outcome import one_clear_line
from registry.config import DEFAULT_STATE
from registry.domain.calendar import DeliveryDay
from registry.domain.errors import InputInvalid
from registry.grid.forecast import Forecast
from registry.grid.lights import day_lights
from registry.grid.reactive_providers import SupportTerms
from registry.grid.results import DIRECTIONS, LocalActivation, PerimeterDayLights
from registry.services.changed_lights import Publication, open_light_session, publish_changed_lights
from registry.services.new_splits import Splits, before_splits, new_splits
from registry.services.publish_lights import DayLights
from registry.services.recorder import every


@dataclass(frozen=True)
class Published:
    """A day's lights as they were published.

    Attributes:
        lights: of all perimeters of the files.
        numbers: the register's number of each perimeter with PODs.
        splits: the register's perimeters whose parts are new on the day, with the names of these.
        publication: what changed.
        bare: numbers of the register's partition that no light was computed for.
    """

    lights: tuple[PerimeterDayLights, ...]
    numbers: Mapping[str, int]
    splits: Splits
    publication: Publication
    bare: tuple[int, ...]


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
    dso: Annotated[int | None, party_number("Number of the DSO, whose key is here.")] = None,
    state: State = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Compute the traffic lights of a day by power flow, show them, and publish what changed."""
    with one_clear_line():
        when = delivery_day(day)
        files = load_files(grid, pods, perimeters, loading=loading, reserve=reserve)
        expected, terms = load_day(forecast, files, when), support_terms(support, when)
        if not publish:
            found = compute(files, expected, load_plan(activations), terms, groups_before(files, before))
            _show(files, when, found, as_json)
            return
        if dso is None:
            raise InputInvalid(rule="DTL-2", field="dso", found="none", allowed="--dso with --publish")
        for rule, field, given, known in (
            ("DTL-3", "activations", activations, "the plan is the local selections in the register"),
            ("DTL-5", "before", before, "the register knows which splits are new"),
        ):
            if given is not None:
                allowed = f"none with --publish: {known}"
                raise InputInvalid(rule=rule, field=field, found=str(given), allowed=allowed)
        with open_existing(state) as node:
            published = publish_day(node, dso, files, expected, when, terms)
        _show(files, when, published.lights, as_json, published)


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
) -> Published:
    """Compute with what the register grants, plans and has split, and publish what changed.

    Raises:
        RuleViolation: SES-1 or SES-4 outside an LFP session, POD-1, POD-2 or DTL-1 where files and register
        disagree.
    """
    signer = signer_of(node, dso, "DTL-2", "dso")
    session = open_light_session(node.mirror, day, node.clock.now())
    there = registered(node, dso, files, day)
    numbers = there.numbers
    splits = new_splits(node.mirror, dso, day, files.perimeters, there.known)
    before = before_splits(files.perimeters, splits) if splits else None
    found = compute(there.files, forecast, planned(node, dso, day, numbers), terms, before)
    fresh = [
        DayLights(numbers[each.perimeter], each.up, each.down, _reasons(each))
        for each in found
        if each.perimeter in numbers
    ]
    publication = publish_changed_lights(node.recorder, dso, signer, day, session, fresh)
    return Published(found, numbers, splits, publication, _without_light(node, dso, day, numbers))


def _reasons(day: PerimeterDayLights) -> dict[str, str]:
    return {
        f"{way.name.lower()} {hour}": text
        for way in DIRECTIONS
        for hour, text in enumerate(day.binding(way))
        if text
    }


def _without_light(node: Node, dso: int, day: DeliveryDay, numbers: Mapping[str, int]) -> tuple[int, ...]:
    """Perimeters of the register's partition that no light was computed for."""
    rows = every(
        lambda after, limit: node.mirror.perimeters(dso=dso, day=day.number, after=after, limit=limit)
    )
    return tuple(row.perimeter for row in rows if row.perimeter not in set(numbers.values()))


def _show(
    files: Files,
    day: DeliveryDay,
    found: Sequence[PerimeterDayLights],
    as_json: bool,
    published: Published | None = None,
) -> None:
    if as_json:
        document: dict[str, Any] = {
            "grid": files.network.name,
            "day": day.date.isoformat(),
            "perimeters": lights_document(found, None if published is None else published.numbers),
        }
        if published is not None:
            document["publication"] = _publication_document(published)
        typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
        return
    line(f"{files.network.name}, {day.date}")
    line("▲ up, ▼ down; G no limit of the grid, Y up to the capability, Q with reactive support, R nothing")
    for table in lights_tables(found):
        console.print(table)
    if published is not None:
        for number, names in published.splits.items():
            line(
                f"perimeter {number} was split into {', '.join(names)}: no hour gives less than before in sum"
            )
        for number in published.bare:
            line(f"perimeter {number}: no PODs in the files, no light")
        line(_publication_line(published.publication))


def _publication_document(published: Published) -> dict[str, Any]:
    publication = published.publication
    return {
        "session": publication.session,
        "new_splits": {str(number): list(names) for number, names in published.splits.items()},
        "changed": {str(number): cells for number, cells in publication.changed.items()},
        "unchanged": list(publication.unchanged),
        "transactions": [
            {"transaction": f"0x{receipt.tx_hash.hex()}", "block": receipt.block_number}
            for receipt in publication.receipts
        ],
    }


def _publication_line(publication: Publication) -> str:
    same = f"{len(publication.unchanged)} perimeters unchanged"
    if not publication.receipts:
        return f"nothing changed, nothing published: {same}"
    cells = sum(publication.changed.values())
    transactions = ", ".join(
        f"transaction 0x{receipt.tx_hash.hex()} in block {receipt.block_number}"
        for receipt in publication.receipts
    )
    return (
        f"published in LFP {publication.session}: {cells} cells of {len(publication.changed)} perimeters, "
        f"{same}; {transactions}"
    )
