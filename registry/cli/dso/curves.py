"""`flexledger dso curves` and `year`: what perimeters offer at which price, and how much of it is feasible
(GRD-2).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from registry.cli.days import DayText, delivery_day
from registry.cli.dso.inputs import (
    Files,
    load_day,
    load_files,
    load_plan,
    prices_of,
    readable,
    support_terms,
)
from registry.cli.dso.options import (
    FEEDERS,
    ActivationsFile,
    BidsFile,
    Case,
    CaseOption,
    ForecastFile,
    GridFile,
    Loading,
    PerimetersText,
    PodsFile,
    PricesFile,
    Reserve,
    SupportFile,
)
from registry.cli.dso.registered import planned, registered, registered_bids
from registry.cli.dso.showing import console, counted, line, working
from registry.cli.nodes import open_existing
from registry.cli.options import AsJson, State
from registry.cli.outcome import one_clear_line
from registry.config import DEFAULT_STATE
from registry.domain.calendar import DeliveryDay
from registry.domain.errors import InputInvalid
from registry.domain.identifiers import owner_of_product
from registry.domain.quantities import Direction
from registry.grid.bids import BidsByCell, bids_by_cell, load_bids, rational_bids, without_end_users
from registry.grid.curves import Curve, SideTotals, curves_of, totals
from registry.grid.lights import day_lights
from registry.grid.reactive_providers import SupportTerms
from registry.grid.results import DIRECTIONS
from registry.grid.state import ExpectedState
from registry.grid.typical_days import TypicalDay, load_typical_days

NEUR_PER_EUR = 10**9


def curves(
    grid: GridFile,
    pods: PodsFile,
    forecast: ForecastFile,
    day: DayText,
    prices: PricesFile = None,
    bids: BidsFile = None,
    perimeters: PerimetersText = FEEDERS,
    activations: ActivationsFile = None,
    case: CaseOption = Case.B,
    loading: Loading = 1.0,
    reserve: Reserve = 0.0,
    support: SupportFile = None,
    product: Annotated[
        int | None,
        typer.Option(min=1, help="Number of a DSO's product: the bids for it that the register has."),
    ] = None,
    session: Annotated[int, typer.Option(min=1, max=6, help="LFP session of these bids.")] = 1,
    state: State = DEFAULT_STATE,
    as_json: AsJson = False,
) -> None:
    """Price-quantity curves of a day per perimeter, hour and direction, with what of them is feasible."""
    with one_clear_line():
        when = delivery_day(day)
        files = load_files(grid, pods, perimeters, loading=loading, reserve=reserve)
        require_one_source(prices=prices, bids=bids, product=product)
        if product is None:
            expected = chosen_state(files, forecast, when, activations, case)
            offered = offered_by_pods(expected, when, prices, bids)
        else:
            _require_registers_own(activations, case)
            with open_existing(state) as node:
                there = registered(node, owner_of_product(product), files, when)
                plan = planned(node, owner_of_product(product), when, there.numbers)
                offered = registered_bids(node, product, when, session, there.numbers)
            expected = there.files.state(load_day(forecast, files, when), plan)
        found = day_curves(files, expected, when, offered, support)
        sums = totals([(1, found)])
        if as_json:
            document = {
                "grid": files.network.name,
                "day": when.date.isoformat(),
                "case": case.value,
                "totals": totals_document(sums),
                "curves": [curve.as_document() for curve in found],
            }
            typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
            return
        line(f"{files.network.name}, {when.date}, case {case.value.upper()}")
        console.print(_perimeters_table(found))
        console.print(totals_table(sums, "day"))


def year(
    grid: GridFile,
    pods: PodsFile,
    days: Annotated[
        Path, typer.Option(help="Table of the days that stand for a year.", exists=True, dir_okay=False)
    ],
    perimeters: PerimetersText = FEEDERS,
    case: CaseOption = Case.B,
    loading: Loading = 1.0,
    reserve: Reserve = 0.0,
    with_support: Annotated[
        bool,
        typer.Option("--with-support", help="Local plants give reactive support at the days' prices."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Potential, feasible quantity and cost of flexibility in a year, as Natale's Table 4 has them."""
    with one_clear_line():
        files = load_files(grid, pods, perimeters, loading=loading, reserve=reserve)
        table = readable("days", days, load_typical_days)
        sums = totals(_year(files, table, case, with_support))
        if as_json:
            document = {
                "grid": files.network.name,
                "days_computed": len(table),
                "days": sum(row.days for row in table),
                "case": case.value,
                "totals": totals_document(sums),
            }
            typer.echo(json.dumps(document, indent=1, ensure_ascii=False))
            return
        line(
            f"{files.network.name}, case {case.value.upper()}: {len(table)} days computed, "
            f"for {sum(row.days for row in table)}"
        )
        console.print(totals_table(sums, "year"))


def chosen_state(
    files: Files, forecast: Path, day: DeliveryDay, activations: Path | None, case: Case
) -> ExpectedState:
    """The expected state of a day with the PODs that offer in a case."""
    offering = without_end_users(files.pods) if case is Case.A else files.pods
    return files.state(load_day(forecast, files, day), load_plan(activations), offering)


def offered_by_pods(
    state: ExpectedState, day: DeliveryDay, prices: Path | None, bids: Path | None
) -> BidsByCell:
    """What PODs offer: of a file of bids, else rationally at the prices of a file."""
    if bids is not None:
        return bids_by_cell(state, readable("bids", bids, load_bids))
    assert prices is not None  # one source was required
    return bids_by_cell(state, rational_bids(state, prices_of(prices, day)))


def day_curves(
    files: Files, state: ExpectedState, day: DeliveryDay, offered: BidsByCell, support: Path | None = None
) -> tuple[Curve, ...]:
    """The curves of a day from what is offered in it."""
    with working(f"lights of {len(files.perimeters)} perimeters"):
        lights = day_lights(state, files.flow, files.limits, terms=support_terms(support, day))
        return curves_of(lights, offered)


def require_one_source(**sources: object) -> None:
    """Refuse no source of bids, and more than one.

    Raises:
        InputInvalid: GRD-2.
    """
    given = [f"--{name}" for name, value in sources.items() if value is not None]
    if len(given) != 1:
        raise InputInvalid(
            rule="GRD-2",
            field="prices",
            found=" and ".join(given) or "neither",
            allowed="one of " + ", ".join(f"--{name}" for name in sources),
        )


def _require_registers_own(activations: Path | None, case: Case) -> None:
    """Refuse beside the register's bids what the register knows itself."""
    if activations is not None:
        allowed = "none with --product: the plan is the local selections in the register"
        raise InputInvalid(rule="DTL-3", field="activations", found=str(activations), allowed=allowed)
    if case is not Case.B:
        raise InputInvalid(
            rule="GRD-2", field="case", found=case.value, allowed="b with --product: who bids, offers"
        )


def _year(
    files: Files, table: Sequence[TypicalDay], case: Case, with_support: bool
) -> Iterator[tuple[int, Sequence[Curve]]]:
    with counted("days computed") as progress:
        for number, row in enumerate(table):
            day = DeliveryDay(row.day)
            state = chosen_state(files, row.forecast, day, None, case)
            prices = prices_of(row.prices, day)
            terms = SupportTerms(prices.purchase) if with_support else None
            lights = day_lights(state, files.flow, files.limits, terms=terms)
            yield row.days, curves_of(lights, bids_by_cell(state, rational_bids(state, prices)))
            progress(number + 1, len(table))


def totals_document(sums: Mapping[Direction, SideTotals]) -> dict[str, Any]:
    """Both directions by name."""
    return {way.name.lower(): sums[way].as_document() for way in DIRECTIONS}


def totals_table(sums: Mapping[Direction, SideTotals], span: str) -> Table:
    """The rows of Natale's Table 4."""
    table = Table(box=None, padding=(0, 2, 0, 0), title=f"per {span}", title_justify="left")
    table.add_column("")
    for way in DIRECTIONS:
        table.add_column(f"{way.name.lower()}ward", justify="right")
    up, down = (sums[way] for way in DIRECTIONS)
    rows = (
        ("market potential, MWh", [f"{s.potential_wh / 1e6:,.3f}" for s in (up, down)]),
        ("feasible flexibility, MWh", [_feasible(s) for s in (up, down)]),
        ("cost of feasible flexibility, EUR", [f"{s.cost_neur / NEUR_PER_EUR:,.2f}" for s in (up, down)]),
        ("needed reactive support, Mvarh", [f"{s.reactive_varh / 1e6:,.3f}" for s in (up, down)]),
        ("extra cost of reactive support, EUR", [_eur(s.reactive_cost_neur) for s in (up, down)]),
        ("unitary cost without it, EUR/MWh", [_unit(s.unit_milli_eur_per_mwh) for s in (up, down)]),
        ("unitary cost with it, EUR/MWh", [_unit(s.unit_with_support_milli_eur_per_mwh) for s in (up, down)]),
    )
    for name, cells in rows:
        table.add_row(name, *cells)
    return table


def _feasible(side: SideTotals) -> str:
    lost = "" if side.lost_part is None else f" (-{side.lost_part:.1%})"
    return f"{side.feasible_wh / 1e6:,.3f}{lost}"


def _eur(neur: int) -> str:
    return f"{neur / NEUR_PER_EUR:,.2f}"


def _unit(milli: int | None) -> str:
    return "-" if milli is None else f"{milli / 1000:,.2f}"


def _perimeters_table(found: Sequence[Curve]) -> Table:
    title = "▲ up, ▼ down; offered and feasible in MWh, mean price of what is feasible"
    table = Table(box=None, padding=(0, 2, 0, 0), title=title, title_justify="left")
    table.add_column("perimeter")
    for arrow in "▲▼":
        for text in ("offered", "feasible", "EUR/MWh"):
            table.add_column(f"{arrow} {text}", justify="right", no_wrap=True)
    for name in dict.fromkeys(curve.perimeter for curve in found):
        sums = totals([(1, [curve for curve in found if curve.perimeter == name])])
        cells = [
            cell
            for way in DIRECTIONS
            for cell in (
                f"{sums[way].potential_wh / 1e6:,.3f}",
                f"{sums[way].feasible_wh / 1e6:,.3f}",
                _unit(sums[way].unit_milli_eur_per_mwh),
            )
        ]
        table.add_row(name, *cells)
    return table
