"""`flexledger`: the command line. Wrong input and failures end with one clear line, never with a
traceback; :mod:`registry.cli.outcome` says with which exit status.
"""

from __future__ import annotations

import typer

from registry.cli.deferred import Deferred, group_of
from registry.cli.fleet import add_pgui
from registry.cli.outcome import EPILOG

COMMANDS = (
    Deferred(
        "demo",
        "registry.cli.demo.command:demo_app",
        "Play one delivery day of a real grid, from registration to verified settlement.",
    ),
    Deferred(
        "serve",
        "registry.cli.serving:serve_app",
        "Serve the API over a node's folder until interrupted; the OpenAPI page is at /docs.",
    ),
    Deferred(
        "verify",
        "registry.cli.checking:verify_app",
        "Re-derive a settlement from its evidence bundle, offline, and list every check.",
    ),
    Deferred(
        "token",
        "registry.cli.holding:node_app",
        "Print a bearer token of a party, from the sandbox's own issuer; also while the node serves.",
    ),
    Deferred(
        "rebuild",
        "registry.cli.holding:node_app",
        "Drop the register's mirror and rebuild it from the chain; says whether every row is as before.",
    ),
    Deferred("status", "registry.cli.holding:node_app", "What the node holds."),
    Deferred("log", "registry.cli.logs:log_app", "The measurement log.", within=False),
    Deferred("pods", "registry.cli.pods:pods_app", "PODs of a BSP.", within=False),
    Deferred("offers", "registry.cli.offers:offers_app", "Bids of a BSP.", within=False),
    Deferred(
        "agreements",
        "registry.cli.agreements:agreements_app",
        "Availability agreements of a DSO and a BSP.",
        within=False,
    ),
    Deferred("devices", "registry.cli.devices:devices_app", "Devices of a DSO's PODs.", within=False),
    Deferred(
        "bench",
        "registry.cli.bench.app:bench_app",
        "Benchmarks, each against its reference, measured in the same run.",
        within=False,
    ),
    Deferred("dso", "registry.cli.dso.app:dso_app", "The DSO's technical platform.", within=False),
)
app = typer.Typer(
    name="flexledger",
    cls=group_of(COMMANDS),
    help="Flexibility register and data-exchange ledger.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
add_pgui(app)


@app.callback()
def flexledger() -> None:
    """Flexibility register and data-exchange ledger."""
