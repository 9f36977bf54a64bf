"""The commands of `flexledger bench`."""

from __future__ import annotations

import typer

from bench.interrupts import ended_in_order
from registry.cli.deferred import Deferred, group_of
from registry.cli.outcome import EPILOG

COMMANDS = (
    Deferred(
        "intake",
        "registry.cli.bench.intake:log_benches",
        "Statements certified end to end, in batches over a socket and by HTTP and one per request, "
        "against raw signature verifications.",
    ),
    Deferred(
        "city",
        "registry.cli.bench.intake:log_benches",
        "Two quarter-hours of a whole city, from the first byte to the anchored checkpoint.",
    ),
    Deferred(
        "fleet",
        "registry.cli.bench.intake:log_benches",
        "The simulated fleet of a city certifies and sends its readings by HTTP, on the same cores.",
    ),
    Deferred(
        "growth",
        "registry.cli.bench.intake:log_benches",
        "What placing an entry costs in a log of a million entries, of ten, of fifty (30 GB of disk).",
    ),
    Deferred(
        "gas",
        "registry.cli.bench.ledger:ledger_benches",
        "What each kind of fact costs on the ledger, against its slots, log and calldata (half a "
        "minute for each hundred facts of a kind).",
    ),
    Deferred(
        "grid",
        "registry.cli.bench.grid:grid_benches",
        "Power flows against pandapower's, the lights of a grid's day, those of a city's session.",
    ),
    Deferred(
        "ledger",
        "registry.cli.bench.ledger:ledger_benches",
        "A city's PODs registered on a chain with blocks of 30 million gas, then a day of six "
        "session pairs, with a mirror that follows (needs anvil).",
    ),
)
bench_app = typer.Typer(cls=group_of(COMMANDS), no_args_is_help=True, epilog=EPILOG)


@bench_app.callback()
def bench(context: typer.Context) -> None:
    """What a bench has begun is ended in order, however it ends."""
    context.with_resource(ended_in_order())
